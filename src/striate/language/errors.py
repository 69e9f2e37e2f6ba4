"""Korean for errors that users of the command line meet: files, tables, settings and shapes of networks.

Placeholders are as in `messages.py`.
"""

from striate.language.file_errors import FILE_ERRORS

ERRORS: dict[str, str] = FILE_ERRORS | {
    # shapes and settings of networks
    "{layer}: expected an input of shape (H, W, C), received {shape}. Put the layer before Flatten, Dense and "
    "global pooling.": (
        "{layer}: 형상이 (H, W, C)인 입력이 필요한데 {shape}을(를) 받았습니다. 이 층을 Flatten, Dense, 전역 풀링보다 "
        "앞에 두십시오."
    ),
    "{layer}: expected an input of shape (F,), received {shape}. Put Flatten or GlobalAveragePool2D before the "
    "layer.": (
        "{layer}: 형상이 (F,)인 입력이 필요한데 {shape}을(를) 받았습니다. 이 층 앞에 Flatten이나 "
        "GlobalAveragePool2D를 두십시오."
    ),
    "{layer}: its window of {window} is larger than its input of {input}. Use a smaller window, padding='same', "
    "fewer layers that reduce the feature maps, or larger images.": (
        "{layer}: {window} 창이 입력 {input}보다 큽니다. 창을 줄이거나, padding='same'을 쓰거나, 특성 맵을 줄이는 "
        "층을 덜 쓰거나, 더 큰 이미지를 쓰십시오."
    ),
    "{layer}: expected inputs of the same shape, received {shapes}. Match filters and strides of the branches, or "
    "put a 1×1 Conv2D on the shortcut.": (
        "{layer}: 입력의 형상이 모두 같아야 하는데 {shapes}을(를) 받았습니다. 분기의 필터 수와 스트라이드를 "
        "맞추거나, 지름길에 1×1 Conv2D를 두십시오."
    ),
    "{layer}: expected inputs that differ only in {axis}, received {shapes}. Use padding='same' and equal strides "
    "in all branches.": (
        "{layer}: 입력은 {axis}만 달라야 하는데 {shapes}을(를) 받았습니다. 모든 분기에 padding='same'과 같은 "
        "스트라이드를 쓰십시오."
    ),
    "{layer}: expected input channels divisible by groups, received {n} channels and {m} groups.": (
        "{layer}: 입력 채널 수가 groups로 나누어떨어져야 하는데 채널 {n}개와 groups {m}을(를) 받았습니다."
    ),
    "input_shape must be [height, width, channels] of images, for example [64,64,3]; received {value}.": (
        "input_shape는 이미지의 [높이, 너비, 채널]이어야 합니다. 예: [64,64,3]. 받은 값: {value}."
    ),
    "A setting of the recipe has the wrong type: {problem} ({settings}).": (
        "학습 설정 가운데 종류가 잘못된 것이 있습니다: {problem}({settings})."
    ),
    "Augmentation has no setting '{name}'.{hint_text}": "데이터 증강에는 '{name}' 설정이 없습니다.{hint_text}",
    "A recipe has no setting '{name}'.{hint_text}": "'{name}'(이)라는 학습 설정은 없습니다.{hint_text}",
    "There is no optimizer '{name}'.{hint_text}": "옵티마이저 '{name}'은(는) 없습니다.{hint_text}",
    "There is no loss '{name}'.{hint_text}": "손실 '{name}'은(는) 없습니다.{hint_text}",
    "There is no metric '{name}'.{hint_text}": "지표 '{name}'은(는) 없습니다.{hint_text}",
    "Optimizer '{name}' has no setting '{setting}'.{hint_text}": (
        "옵티마이저 '{name}'에는 '{setting}' 설정이 없습니다.{hint_text}"
    ),
    "label_smoothing must be at least 0 and below 1; received {value}.": (
        "label_smoothing은 0 이상 1 미만이어야 하는데 {value}을(를) 받았습니다."
    ),
    "{name} must be between 0 and 1; received {value}.": (
        "{name}은(는) 0과 1 사이여야 하는데 {value}을(를) 받았습니다."
    ),
    "{name} must be at most {most}.": "{name}은(는) {most} 이하여야 합니다.",
    "The batch size must be at least 1; received {value}.": (
        "배치 크기는 1 이상이어야 하는데 {value}을(를) 받았습니다."
    ),
    # images and downloads
    "'{path}' is too large: {size}, at most {n} pixels.": "'{path}'이(가) 너무 큽니다: {size}. 최대 {n}픽셀입니다.",
    "'{path}' is too large: a progressive JPEG that takes {size}. Save it as a baseline JPEG.": (
        "'{path}'이(가) 너무 큽니다: 프로그레시브 JPEG라 {size}이(가) 필요합니다. 기본(baseline) JPEG로 저장하십시오."
    ),
    "'{path}' is too large: {n} GB, at most {m} GB.": "'{path}'이(가) 너무 큽니다: {n} GB. 최대 {m} GB입니다.",
    "{n} images of {size} would take {m} GB of memory; at most {most} GB are allowed. Choose a size of {better} or "
    "less.": (
        "{size} 이미지 {n}장은 메모리 {m} GB를 차지합니다. 최대 {most} GB입니다. 크기를 {better} 이하로 고르십시오."
    ),
    "{file} is not the expected file: its SHA-256 does not begin with {digest}. The download was deleted. Try "
    "again, or use another network.": (
        "{file}은(는) 맞는 파일이 아닙니다. SHA-256이 {digest}(으)로 시작하지 않습니다. 받은 파일은 지웠습니다. "
        "다시 시도하거나 다른 네트워크를 쓰십시오."
    ),
    "{file} could not be downloaded: {reason}. Try again; a download continues where it stopped. Without "
    "network access, copy the file to '{path}'.": (
        "{file}을(를) 내려받지 못했습니다: {reason}. 다시 시도하면 멈춘 곳부터 이어서 "
        "받습니다. 네트워크가 없으면 파일을 '{path}'에 복사하십시오."
    ),
    "MNIST could not be downloaded. {source}: {reason}. Without a network, put {files} into '{path}', or use the "
    "data set 'mnist5k', which needs no download.": (
        "MNIST를 내려받지 못했습니다. {source}: {reason}. 네트워크가 없으면 {files}을(를) '{path}'에 넣거나, "
        "내려받을 필요가 없는 데이터셋 'mnist5k'를 쓰십시오."
    ),
    "STRIATE_CACHE_GB must be a number of gigabytes, such as 20; received '{value}'.": (
        "STRIATE_CACHE_GB는 20과 같은 기가바이트 수여야 하는데 '{value}'을(를) 받았습니다."
    ),
    # files of models and runs
    "'{path}' is damaged: its content does not match its checksum. Use a copy, or train again.": (
        "'{path}'이(가) 손상되었습니다. 내용이 체크섬과 맞지 않습니다. 복사본을 쓰거나 다시 학습하십시오."
    ),
    "'{path}' is a safetensors file that was not written by Striate: it contains no network.": (
        "'{path}'은(는) Striate가 쓴 파일이 아닌 safetensors 파일이라 신경망이 들어 있지 않습니다."
    ),
    "'{path}' has format {n}, but this version of Striate reads formats up to {m}. Update Striate.": (
        "'{path}'의 형식은 {n}인데, 이 버전의 Striate는 형식 {m}까지 읽습니다. Striate를 업데이트하십시오."
    ),
    "'{path}' could not be read: it is a folder, pipe or device, not a regular file.": (
        "'{path}'을(를) 읽을 수 없습니다: 보통 파일이 아니라 폴더나 파이프, 장치입니다."
    ),
    "'{path}' contains {n} models. Choose one of them, such as '{name}'.": (
        "'{path}'에 모델이 {n}개 있습니다. '{name}'처럼 하나를 지정하십시오."
    ),
    "'{path}' has no weights '{name}', which this network needs. The file belongs to another network.": (
        "'{path}'에는 이 신경망에 필요한 가중치 '{name}'이(가) 없습니다. 다른 신경망의 파일입니다."
    ),
    "'{path}' contains weights '{name}', which this network lacks. The file belongs to another network.": (
        "'{path}'의 가중치 '{name}'은(는) 이 신경망에 없습니다. 다른 신경망의 파일입니다."
    ),
    "'{path}': '{name}' should have shape {expected} for this network, but has {shape}.": (
        "'{path}': 이 신경망에서 '{name}'의 형상은 {expected}이어야 하는데 {shape}입니다."
    ),
    "'{path}' cannot be used: '{name}' contains NaN or infinity, so the model's predictions would not be numbers. "
    "Its training failed, or the file is damaged: train again.": (
        "'{path}'을(를) 쓸 수 없습니다. '{name}'에 NaN이나 무한대가 있어 예측이 숫자가 되지 않습니다. 학습이 "
        "실패했거나 파일이 손상되었습니다. 다시 학습하십시오."
    ),
    "'{path}' is damaged, so the run cannot be used ({reason}). Start a new run.": (
        "'{path}'이(가) 손상되어 이 실행을 쓸 수 없습니다({reason}). 새로 시작하십시오."
    ),
    "'{path}' is damaged ({reason}). Start a new run.": "'{path}'이(가) 손상되었습니다({reason}). 새로 시작하십시오.",
    "'{path}' could not be read: {reason}.": "'{path}'을(를) 읽을 수 없습니다: {reason}.",
    "'{path}' could not be written: {reason}.": "'{path}'을(를) 쓸 수 없습니다: {reason}.",
    "'{path}' has no report that can be read: {reason}.": "'{path}'에 읽을 수 있는 보고서가 없습니다: {reason}.",
    "The run '{path}' has {n} epochs. It can be extended to more epochs, but not reduced to {m}.": (
        "'{path}' 실행은 {n}에포크입니다. 늘릴 수는 있지만 {m}에포크로 줄일 수는 없습니다."
    ),
    "The checkpoint in '{path}' is damaged: {reason}. Start a new run.": (
        "'{path}'의 체크포인트가 손상되었습니다: {reason}. 새로 시작하십시오."
    ),
    "The disk is full: '{path}' was not written; an older version of the file is unchanged. Free some space.": (
        "디스크가 가득 차 '{path}'을(를) 쓰지 못했습니다. 이전 파일은 그대로입니다. 공간을 비우십시오."
    ),
    "'{path}' is in use by {owner}. Wait until it has finished, or choose another folder.": (
        "'{path}'은(는) {owner}이(가) 사용하고 있습니다. 끝날 때까지 기다리거나 다른 폴더를 고르십시오."
    ),
    "'{path}' is not a file name. Give a path such as {example}.": (
        "'{path}'은(는) 파일 이름이 아닙니다. {example}처럼 경로를 주십시오."
    ),
    "The model in '{path}' has no class names. Add what is missing in Python: {code}": (
        "'{path}'의 모델에 클래스 이름이 없습니다. 파이썬에서 다음과 같이 더하십시오: {code}"
    ),
    "The model in '{path}' does not record how images become its input. Add what is missing in Python: {code}": (
        "'{path}'의 모델에 이미지를 입력으로 바꾸는 방법이 적혀 있지 않습니다. 파이썬에서 다음과 같이 더하십시오: "
        "{code}"
    ),
    "The model in '{path}' has no class names and does not record how images become its input. Add what is "
    "missing in Python: {code}": (
        "'{path}'의 모델에 클래스 이름도, 이미지를 입력으로 바꾸는 방법도 적혀 있지 않습니다. 파이썬에서 다음과 같이 "
        "더하십시오: {code}"
    ),
    "The model in '{path}' was trained on values in {low} … {high}, but image files give pixels from 0 to 255, for "
    "which its predictions would be wrong. Add a layer that scales pixels in Python: {code}": (
        "'{path}'의 모델은 {low} … {high} 범위의 값으로 학습했는데 이미지 파일의 픽셀은 0부터 255까지이므로 예측이 "
        "틀리게 됩니다. 파이썬에서 다음과 같이 픽셀을 나누는 층을 앞에 더하십시오: {code}"
    ),
    "The model in '{path}' has {n} class names, but {m} outputs. Set model.classes before model.save.": (
        "'{path}'의 모델은 클래스 이름이 {n}개인데 출력이 {m}개입니다. model.save 전에 model.classes를 정하십시오."
    ),
    "The model '{path}' does not record how images become its input. Train it with striate train, or set "
    "model.policy before model.save.": (
        "모델 '{path}'에는 이미지를 입력으로 바꾸는 방법이 적혀 있지 않습니다. striate train으로 학습하거나 "
        "model.save 전에 model.policy를 정하십시오."
    ),
    "The members of '{path}' were trained on different data, so they are not one ensemble.": (
        "'{path}'의 구성원은 서로 다른 데이터로 학습하여 하나의 앙상블이 아닙니다."
    ),
    "The outputs of the model contain NaN or infinity, so it cannot be used.": (
        "모델의 출력에 NaN이나 무한대가 있어 쓸 수 없습니다."
    ),
    # training from folders
    "--minutes must be more than 0; received {value}.": "--minutes는 0보다 커야 하는데 {value}을(를) 받았습니다.",
    "--minutes {value} is too short: at the present speed of this machine, {n} images take about {seconds} seconds "
    "even if they are resized to {size} pixels. Use --minutes {shortest} or more, or try again when fewer programs "
    "run.": (
        "--minutes {value}은(는) 너무 짧습니다. 지금 이 컴퓨터의 속도로는 이미지 {n}장을 {size}픽셀로 줄여도 약 "
        "{seconds}초 걸립니다. --minutes {shortest} 이상을 주거나, 다른 프로그램이 적게 돌 때 다시 실행하십시오."
    ),
    "With --minutes, the number of epochs of fine-tuning follows from the time limit. Leave out --epochs or "
    "--minutes.": ("--minutes가 미세 조정의 에포크 수를 정합니다. --epochs와 --minutes 가운데 하나를 빼십시오."),
    "--folds must be at least 2, or 0 to test on a test split instead; received {value}.": (
        "--folds는 2 이상이거나, 테스트 분할로 테스트하려면 0이어야 하는데 {value}을(를) 받았습니다."
    ),
    "--folds {folds} needs at least {n} images, but '{name}' has {m} image files. Choose fewer folds.": (
        "--folds {folds}에는 이미지가 {n}장 이상 필요한데 '{name}'에는 {m}장입니다. 더 적게 나누십시오."
    ),
    "--folds {folds} needs at least {n} images of each class, counting near-duplicates and other images that belong "
    "together once, but class '{label}' of '{name}' has {m}. Choose fewer folds, or add images of it.": (
        "--folds {folds}에는 클래스마다 이미지가 {n}장 이상 필요한데(거의 같은 이미지처럼 함께 묶인 이미지는 한 번만 "
        "셉니다) '{name}'의 클래스 '{label}'에는 {m}장입니다. 더 적게 나누거나 이미지를 추가하십시오."
    ),
    "'{name}' has its own test images, which are not used for training, so there is nothing to cross-validate. Leave "
    "out --folds, or put the images of all splits into one folder for each class.": (
        "'{name}'에는 학습에 쓰지 않는 테스트 이미지가 따로 있어 교차 검증할 것이 없습니다. --folds를 빼거나, 모든 "
        "이미지를 클래스마다 한 폴더에 넣으십시오."
    ),
    '--method fine-tune needs PyTorch, which is not installed: pip install "striate[torch]".': (
        '--method fine-tune에는 PyTorch가 필요한데 설치되어 있지 않습니다: pip install "striate[torch]".'
    ),
    "{option} is for classification; for --task {task}, leave it out.": (
        "{option}은(는) 분류에 씁니다. --task {task}에서는 빼십시오."
    ),
    "With the method '{method}', --weights also needs --base, the network that these weights belong to.": (
        "방법 '{method}'에서 --weights를 쓰려면 그 가중치의 신경망을 --base로 함께 지정하십시오."
    ),
    "All {n} images of '{name}' belong to one group, by --groups or as near-duplicates, so the test split would be "
    "empty. Add images of other groups.": (
        "'{name}'의 이미지 {n}장이 --groups에 따라, 또는 거의 같아서 모두 한 묶음입니다. 테스트용으로 떼어 둘 것이 "
        "없으니 다른 묶음의 이미지를 더하십시오."
    ),
    "All {n} training samples are of class {name}; a classifier needs at least two classes.": (
        "학습 이미지 {n}장이 모두 클래스 {name}입니다. 분류기에는 클래스가 둘 이상 필요합니다."
    ),
    # evaluation, comparison, prediction, export
    "The model file does not record its training data. Pass a data set or a folder of images to evaluate on.": (
        "모델 파일에 학습 데이터가 적혀 있지 않습니다. 평가할 데이터셋이나 이미지 폴더를 지정하십시오."
    ),
    "The model's task is {task}: to evaluate it on a folder, give the labels with --labels FILE.": (
        "이 모델의 과제는 {task}입니다. 폴더로 평가하려면 --labels FILE로 라벨을 주십시오."
    ),
    "'{name}' has no test images: it is too small to be split. Add images.": (
        "'{name}'은(는) 나누기에 너무 작아 테스트 이미지가 없습니다. 이미지를 더하십시오."
    ),
    "--costs is for classification; the model's task is {task}.": (
        "--costs는 분류에 씁니다. 이 모델의 과제는 {task}입니다."
    ),
    "'{table}': line {n} has '{value}' where a cost is expected, a number.": (
        "'{table}': {n}번째 줄에 비용(숫자)이 있어야 하는데 '{value}'이(가) 있습니다."
    ),
    "'{path}' is a model file, which has no test images. Give a run folder, or --data.": (
        "'{path}'은(는) 모델 파일이라 테스트 이미지가 없습니다. 실행 폴더나 --data를 지정하십시오."
    ),
    "'{first}' and '{second}' have different classes, such as '{name}'.": (
        "'{first}'와(과) '{second}'의 클래스가 서로 다릅니다. 예: '{name}'."
    ),
    "All shared test images have different classes in the runs, so they cannot be compared.": (
        "두 실행에 함께 있는 테스트 이미지의 클래스가 모두 달라 비교할 수 없습니다."
    ),
    "--csv and --jsonl cannot be combined; choose one of them.": (
        "--csv와 --jsonl은 함께 쓸 수 없습니다. 하나를 고르십시오."
    ),
    "--resume continues the file of --csv or --jsonl; none is given.": (
        "--resume은 --csv나 --jsonl의 파일을 이어서 씁니다. 지정한 파일이 없습니다."
    ),
    "'{path}' exists already. Choose another name, or continue it with --resume.": (
        "'{path}'이(가) 이미 있습니다. 다른 이름을 고르거나 --resume으로 이어서 쓰십시오."
    ),
    "Another process is writing '{path}'. Wait until it ends, or choose another name.": (
        "다른 프로세스가 '{path}'에 쓰고 있습니다. 끝날 때까지 기다리거나 다른 이름을 고르십시오."
    ),
    "The disk is full: '{path}' is incomplete. Free some space and repeat the command with --resume, which "
    "continues the file.": (
        "디스크가 가득 차 '{path}'이(가) 덜 쓰였습니다. 공간을 비우고 --resume을 붙여 다시 실행하면 이어서 씁니다."
    ),
    "--move needs --sort-into FOLDER.": "--move에는 --sort-into FOLDER가 필요합니다.",
    "--sort-into needs a model that predicts one class; this one is for {task}.": (
        "--sort-into에는 클래스 하나를 예측하는 모델이 필요합니다. 이 모델의 과제는 {task}입니다."
    ),
    "'-' reads all names from standard input and cannot be combined with other files.": (
        "'-'은(는) 표준 입력에서 모든 이름을 읽으므로 다른 파일과 함께 쓸 수 없습니다."
    ),
    "Standard input contains no file names.": "표준 입력에 파일 이름이 없습니다.",
    "'{path}' already exists and was not exported by Striate. Choose another name, or remove the file.": (
        "'{path}'이(가) 이미 있고 Striate가 내보낸 파일이 아닙니다. 다른 이름을 고르거나 파일을 지우십시오."
    ),
    "The members of the ensemble take images of different sizes, so they cannot be exported as one network.": (
        "앙상블 구성원이 받는 이미지 크기가 서로 달라 신경망 하나로 내보낼 수 없습니다."
    ),
    "None of the training images in '{name}' can be read. For the reasons, see: striate data scan {folder}": (
        "'{name}'의 학습 이미지를 하나도 읽을 수 없습니다. 이유 보기: striate data scan {folder}"
    ),
    "'{path}' contains a {what}, which the run would replace. Choose another folder with --out.": (
        "'{path}'에 {what}이(가) 있어 실행이 덮어쓰게 됩니다. --out으로 다른 폴더를 고르십시오."
    ),
    "'{path}' already contains {names}, which you may have edited. Choose another folder.": (
        "'{path}'에 이미 {names}이(가) 있고, 고쳐 쓴 것일 수 있습니다. 다른 폴더를 고르십시오."
    ),
    "'{path}' contains a run with another recipe. Use another folder (--out), or remove this one.": (
        "'{path}'에 다른 설정으로 학습한 실행이 있습니다. --out으로 다른 폴더를 쓰거나 이 폴더를 지우십시오."
    ),
    "Port {port} of {host} cannot be used: {reason}. Choose another one with --port, or --port 0 for any free one.": (
        "{host}의 포트 {port}을(를) 쓸 수 없습니다: {reason}. --port로 다른 포트를 고르거나, --port 0으로 빈 포트를 "
        "쓰십시오."
    ),
    "Listening on {host} lets other machines use the service, which needs a token. Set the environment variable "
    "STRIATE_TOKEN to a long random text.": (
        "{host}에서 받으면 다른 컴퓨터도 서비스를 쓸 수 있으므로 토큰이 필요합니다. 환경 변수 STRIATE_TOKEN을 길고 "
        "임의의 문자열로 정하십시오."
    ),
    "--image needs --export FILE. To choose images for the browser, list them after MODEL.": (
        "--image에는 --export FILE이 필요합니다. 살펴볼 이미지는 모델 뒤에 적으십시오."
    ),
    "'{name}' has the {what_word} '{label}', which the model does not know. The {plural_word} of the model are: "
    "{names}.": (
        "'{name}'에 모델이 모르는 '{label}'({what_word})이(가) 있습니다. 모델이 아는 것({plural_word}): {names}."
    ),
    # the service
    "A request may be at most {n} MB. Send a smaller image.": (
        "요청은 {n} MB까지 보낼 수 있습니다. 더 작은 이미지를 보내십시오."
    ),
    "The request did not arrive within {n} seconds.": "요청이 {n}초 안에 도착하지 않았습니다.",
    "The connection was closed.": "연결이 끊어졌습니다.",
    "The request contains no image. Send an image file as the body, files in a form, or JSON with 'image' as base64 "
    "text.": (
        "요청에 이미지가 없습니다. 이미지 파일을 본문으로, 여러 파일을 폼(form)으로, 또는 base64 텍스트를 JSON의 "
        "'image'로 보내십시오."
    ),
    "A request may contain at most {n} images. Send several requests.": (
        "요청 하나에 이미지를 {n}장까지 보낼 수 있습니다. 요청을 여러 번으로 나누십시오."
    ),
    "The body is not valid JSON: {error}.": "본문이 올바른 JSON이 아닙니다: {error}.",
    "The JSON must be an object with 'image' or 'images'.": "JSON은 'image'나 'images'가 있는 객체여야 합니다.",
    "{name} must be an image as base64 text.": "{name}은(는) 이미지를 나타내는 base64 텍스트여야 합니다.",
    "{name} is not valid base64: {error}.": "{name}은(는) 올바른 base64가 아닙니다: {error}.",
    "'images' must be a list of images as base64 texts.": (
        "'images'는 이미지를 나타내는 base64 텍스트의 목록이어야 합니다."
    ),
    "The form cannot be read: it is damaged, its content type has no boundary, or it has more than {n} fields that are "
    "not files.": (
        "폼(form)을 읽을 수 없습니다. 손상되었거나, Content-Type에 구분자(boundary)가 없거나, 파일이 아닌 항목이 "
        "{n}개를 넘습니다."
    ),
    "{name} is '{value}'; it must be a whole number{or_text}.": (
        "{name}이(가) '{value}'입니다. 정수{or_text}여야 합니다."
    ),
    "Requests to the host '{host}' are rejected; use localhost.": (
        "호스트 '{host}'(으)로 온 요청에는 답하지 않습니다. localhost를 사용하십시오."
    ),
    "Pages of '{origin}' may not use this service.": "'{origin}'의 페이지는 이 서비스를 사용할 수 없습니다.",
    "Send the token of this service: Authorization: Bearer TOKEN.": (
        "이 서비스의 토큰을 보내십시오: Authorization: Bearer TOKEN."
    ),
    "The token is wrong. Send the token of this service: Authorization: Bearer TOKEN.": (
        "토큰이 틀립니다. 이 서비스의 토큰을 보내십시오: Authorization: Bearer TOKEN."
    ),
    "{n} images are already in the queue; it holds at most {m}.": (
        "이미지 {n}장이 이미 기다리고 있습니다. {m}장까지 기다릴 수 있습니다."
    ),
    "too many requests are being received.": "너무 많은 요청을 한꺼번에 받고 있습니다.",
    "the response took too long.": "답하는 데 시간이 너무 오래 걸렸습니다.",
    "The service is overloaded: {reason_text} Try again later.": (
        "서비스가 처리할 수 있는 양을 넘었습니다: {reason_text} 잠시 뒤에 다시 시도하십시오."
    ),
    "Not found: '{path}'. The paths are listed in /openapi.json.": (
        "'{path}'을(를) 찾을 수 없습니다. 경로의 목록은 /openapi.json에 있습니다."
    ),
    "'{path}' does not support {method}; it supports {allowed}.": (
        "'{path}'는 {method}을(를) 지원하지 않습니다. 지원하는 메서드: {allowed}."
    ),
    "There is no model '{name}'. The models are: {known}.": "모델 '{name}'은(는) 없습니다. 모델: {known}.",
    "'inputs' must be a list with one tensor, 'image' or 'pixels'.": (
        "'inputs'는 'image'나 'pixels' 텐서 하나가 든 목록이어야 합니다."
    ),
    "The input must be 'image' of datatype BYTES, or 'pixels' of datatype UINT8.": (
        "입력은 데이터 타입이 BYTES인 'image'나 UINT8인 'pixels'여야 합니다."
    ),
    "'pixels' must hold whole numbers 0 … 255, and its shape must be [N, {shape}].": (
        "'pixels'에는 0 … 255의 정수가 있어야 하고, 형상(shape)은 [N, {shape}]이어야 합니다."
    ),
    # bases from other files, and full disks
    "'{path}' cannot be a base: it takes {inputs}, and a base takes one batch of color images.{hint_text}": (
        "'{path}'은(는) 백본이 될 수 없습니다. 입력이 {inputs}인데, 백본은 컬러 이미지 배치 하나를 받아야 "
        "합니다.{hint_text}"
    ),
    "It may be a language model.": "언어 모델인 듯합니다.",
    "'{path}' cannot be a base: its images have {channels} channels, and a base takes color images with 3.": (
        "'{path}'은(는) 백본이 될 수 없습니다. 이미지의 채널이 {channels}개인데, 백본은 채널이 3개인 컬러 이미지를 "
        "받아야 합니다."
    ),
    "'{path}' cannot be a base: an image classifier ends in one dense layer with an output for each class, but this "
    "network returns {outputs} values per image, computed by {layer}, as a detector or a segmentation network does.": (
        "'{path}'은(는) 백본이 될 수 없습니다. 이미지 분류기라면 마지막 완전 연결층 하나가 클래스를 출력하는데, 이 "
        "신경망은 검출기나 분할 신경망처럼 이미지 하나에 {outputs}개의 수를 {layer}(으)로 출력합니다."
    ),
    "'{path}' takes images of {size} only; received {other}.": (
        "'{path}'은(는) {size} 이미지만 받는데 {other}을(를) 받았습니다."
    ),
    "'{path}' does not say how pixels become its input. Add --set {key}=imagenet, as for most networks from PyTorch, "
    "0..1 or -1..1, as for many from TensorFlow and Keras, or 0..255; docs/bases.md says how to find out.": (
        "'{path}'에는 픽셀을 입력으로 바꾸는 방법이 적혀 있지 않습니다. PyTorch의 신경망 대부분에는 --set "
        "{key}=imagenet을, TensorFlow와 Keras의 신경망 상당수에는 0..1이나 -1..1을, 그 밖에는 0..255를 주십시오. "
        "알아내는 방법은 docs/bases.ko.md에 있습니다."
    ),
    "{address} could not be read: {reason}. {hint_text}": "{address}을(를) 읽을 수 없습니다: {reason}. {hint_text}",
    "Without access to the hub, download {file} of {source} elsewhere, and give the file: --base {base} --weights "
    "{weights}": (
        "허브에 접속할 수 없다면 다른 곳에서 {source}의 {file}을(를) 내려받아 그 파일을 주십시오: --base {base} "
        "--weights {weights}"
    ),
    "The disk is full: '{path}' was not put into '{folder}'. Files that were put there before are complete. Free some "
    "space and repeat the command.": (
        "디스크가 가득 차서 '{path}'을(를) '{folder}'에 넣지 못했습니다. 먼저 넣은 파일은 온전합니다. 공간을 확보한 뒤 "
        "같은 명령을 다시 실행하십시오."
    ),
}
