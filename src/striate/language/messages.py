"""Korean for notes, reasons and errors, which code further below writes in English.

Placeholders stand for the values of the f-strings there. Their names say what they match: `n` and `m` numbers, those
that end in `_word` one word, those that end in `_text` a text that is translated too, all others anything.
"""

MESSAGES: dict[str, str] = {
    # hints at the end of errors
    "Did you mean '{name}'?": "혹시 '{name}'입니까?",
    "Available: {names}.": "사용할 수 있는 것: {names}.",
    # the command line
    "'{value}' is not one of {names}.": "'{value}'은(는) {names} 가운데 하나가 아닙니다.",
    "'{value}' is not one of {names}. Did you mean '{name}'?": (
        "'{value}'은(는) {names} 가운데 하나가 아닙니다. 혹시 '{name}'입니까?"
    ),
    "There is no command '{name}'.{hint_text}": "'{name}' 명령이 없습니다.{hint_text}",
    "Argument {n} is empty: '{argument}'. Is a variable of the shell not set? Leave the argument out or give a "
    "value.": (
        "{n}번째 인자가 비어 있습니다: '{argument}'. 셸 변수에 값이 없는 것은 아닙니까? 인자를 빼거나 값을 주십시오."
    ),
    "There is not enough memory. Try a smaller --batch-size or smaller images.": (
        "메모리가 모자랍니다. --batch-size를 줄이거나 이미지를 작게 하십시오."
    ),
    "This is a bug in Striate ({fault}). Set STRIATE_DEBUG=1 to see where, and please report it.": (
        "Striate의 버그입니다({fault}). STRIATE_DEBUG=1을 설정하면 위치를 볼 수 있습니다. 알려 주시면 고치겠습니다."
    ),
    "Expected KEY=VALUE, such as {example}; received '{text}'.": (
        "{example}과 같은 KEY=VALUE 형식이어야 하는데 '{text}'을(를) 받았습니다."
    ),
    "expected a size such as 224, or HEIGHTxWIDTH such as 48x192; received '{value}'.": (
        "224와 같은 크기나 48x192와 같은 높이x너비여야 하는데 '{value}'을(를) 받았습니다."
    ),
    "--resume continues a run with its own settings: {option} cannot be changed, only --epochs.": (
        "--resume은 실행의 설정 그대로 이어서 학습합니다. --epochs만 바꿀 수 있고 {option}은(는) 바꿀 수 없습니다."
    ),
    "--size is ignored: the size of the inputs is fixed ({fixed}).": (
        "입력 크기가 정해져 있으므로({fixed}) --size를 무시합니다."
    ),
    "Stopped. Continue with: striate train --resume {run}": "중단했습니다. 이어서 학습: striate train --resume {run}",
    "Stopped. All progress is saved; the same command continues from here.": (
        "중단했습니다. 지금까지의 결과는 저장되어 있으며, 같은 명령으로 이어서 할 수 있습니다."
    ),
    "Stopped in epoch {epoch} after {done} of {steps} steps. Everything is saved; continue with: striate train "
    "--resume {run}": (
        "{epoch}에포크의 {steps}스텝 중 {done}스텝에서 중단했습니다. 모두 저장되어 있습니다. 이어서 학습: striate "
        "train --resume {run}"
    ),
    # names that do not exist
    "There is no model '{name}'.{hint_text}": "모델 '{name}'은(는) 없습니다.{hint_text}",
    "There is no system '{name}'.{hint_text}": "시스템 '{name}'은(는) 없습니다.{hint_text}",
    "There is no method '{name}'.{hint_text}": "방법 '{name}'은(는) 없습니다.{hint_text}",
    "There is no task '{name}'.{hint_text}": "과제 '{name}'은(는) 없습니다.{hint_text}",
    "There is no engine '{name}'.{hint_text}": "엔진 '{name}'은(는) 없습니다.{hint_text}",
    "There is no schedule '{name}'.{hint_text}": "스케줄 '{name}'은(는) 없습니다.{hint_text}",
    "There is no augmentation '{name}'.{hint_text}": "데이터 증강 '{name}'은(는) 없습니다.{hint_text}",
    "There is no data set or folder '{name}'.{hint_text} You can also give a folder with one subfolder of images "
    "for each class.": (
        "데이터셋이나 폴더 '{name}'은(는) 없습니다.{hint_text} 클래스마다 하위 폴더가 하나씩 있는 이미지 폴더를 줄 "
        "수도 있습니다."
    ),
    "There is no file or folder '{name}'.": "파일이나 폴더 '{name}'은(는) 없습니다.",
    "There is no folder '{name}'.": "폴더 '{name}'은(는) 없습니다.",
    "There is no model file or run folder '{path}'.": "모델 파일이나 실행 폴더 '{path}'은(는) 없습니다.",
    "'{path}' is not a run folder: it has no config.json.": (
        "'{path}'은(는) 실행 폴더가 아닙니다. config.json이 없습니다."
    ),
    "'{path}' is a folder without a {name}. Pass a model file, or the run folder of a finished training run.": (
        "'{path}' 폴더에는 {name}이(가) 없습니다. 모델 파일이나 학습이 끝난 실행 폴더를 지정하십시오."
    ),
    "'{path}' is not a Striate model file: expected a safetensors file.": (
        "'{path}'은(는) Striate의 모델 파일이 아닙니다. safetensors 파일이어야 합니다."
    ),
    "'{path}' has no trained model yet. Finish the training with: striate train --resume {run}": (
        "'{path}'에는 아직 학습한 모델이 없습니다. 끝까지 학습하십시오: striate train --resume {run}"
    ),
    "There is no weight file '{path}'. Published weights are called '{name}'.": (
        "가중치 파일 '{path}'은(는) 없습니다. 공개된 가중치의 이름은 '{name}'입니다."
    ),
    "There are no published weights for '{name}'.{note_text} Weights are available for: {names}. You can also pass the "
    "path of a weight file.": (
        "'{name}'에는 공개된 가중치가 없습니다.{note_text} 가중치가 있는 신경망: {names}. 가중치 파일의 경로를 줄 수도 "
        "있습니다."
    ),
    "Model '{name}' has no setting '{setting}'. Its settings: {names}.": (
        "모델 '{name}'에는 '{setting}' 설정이 없습니다. 사용할 수 있는 설정: {names}."
    ),
    "Neither the model '{name}' nor the recipe has a setting '{key}'.{hint_text} Settings of the model: {own}. "
    "Settings of the recipe: {plain}.": (
        "모델 '{name}'에도 학습법에도 '{key}' 설정이 없습니다.{hint_text} 모델의 설정: {own}. 학습법의 설정: {plain}."
    ),
    "Model '{name}' takes no images. Run it with: striate reproduce {id}": (
        "모델 '{name}'은(는) 이미지를 받지 않습니다. 이렇게 실행하십시오: striate reproduce {id}"
    ),
    "'{id}' is not one network. Run it with: striate reproduce {name}": (
        "'{id}'은(는) 신경망 하나가 아닙니다. 이렇게 실행하십시오: striate reproduce {name}"
    ),
    "System '{id}' needs a folder of photographs with a subfolder for each class: --data FOLDER.": (
        "시스템 '{id}'에는 클래스마다 하위 폴더가 있는 사진 폴더가 필요합니다: --data FOLDER."
    ),
    "{id} is skipped. {problem_text}": "{id} 제외. {problem_text}",
    "Model '{name}': {setting} must be {n} positive integers; received {value}.": (
        "모델 '{name}': {setting}에는 양의 정수 {n}개가 필요한데 {value}을(를) 받았습니다."
    ),
    "Model '{name}': {setting} must be positive integers, one for each layer; received {value}.": (
        "모델 '{name}': {setting}에는 층마다 양의 정수가 하나씩 필요한데 {value}을(를) 받았습니다."
    ),
    "--set applies to built-in networks only; the network of the run or file '{what}' cannot be changed.": (
        "--set은 내장 신경망에만 쓸 수 있습니다. 실행이나 파일인 '{what}'의 신경망은 바꿀 수 없습니다."
    ),
    "Its layers: striate summary {name}.": "층 목록: striate summary {name}.",
    "'{name}' has no layer '{layer}' to cut at.{hint_text}": (
        "'{name}'에는 자를 층 '{layer}'이(가) 없습니다.{hint_text}"
    ),
    "'{name}' cannot be cut at '{layer}': choose a layer between the first one with weights and the classifier "
    "'{classifier}'.": (
        "'{name}'은(는) '{layer}'에서 자를 수 없습니다. 가중치가 있는 첫 층과 분류기 '{classifier}' 사이의 층을 "
        "고르십시오."
    ),
    # options that do not fit
    "--model trains a network from scratch, --base uses a pretrained one: give only one of them.": (
        "--model은 신경망을 처음부터 학습하고 --base는 사전 학습한 신경망을 씁니다. 하나만 지정하십시오."
    ),
    "{option} is for a folder of color images, and '{data}' {what_text}.": (
        "{option}은(는) 컬러 이미지 폴더에 씁니다. 그런데 '{data}'은(는) {what_text}."
    ),
    "is not a folder": "폴더가 아닙니다",
    "does not exist": "없습니다",
    "{option} is for a folder of images, and '{data}' is not a folder.": (
        "{option}은(는) 이미지 폴더에 씁니다. 그런데 '{data}'은(는) 폴더가 아닙니다."
    ),
    "{option_word} needs --method {methods}": "{option_word}에는 --method {methods}이(가) 필요합니다",
    "{needs_text}: it does not apply to the method '{method}', {chosen_text}.": (
        "{needs_text}. 방법 '{method}'에는 맞지 않습니다({chosen_text})."
    ),
    "{needs_text}: they do not apply to the method '{method}', {chosen_text}.": (
        "{needs_text}. 방법 '{method}'에는 맞지 않습니다({chosen_text})."
    ),
    "which was requested": "요청한 방법",
    "which --model implies": "--model에 따른 방법",
    "which --base implies": "--base에 따른 방법",
    "which is used for all data sets with a name": "이름이 있는 데이터셋은 모두 이 방법",
    "An ensemble has 1 to {most} members; received {n}.": "앙상블의 구성원은 1~{most}개여야 하는데 {n}개를 받았습니다.",
    "{name} must be an integer, {least} or more; received {value}.": (
        "{name}은(는) {least} 이상인 정수여야 하는데 {value}을(를) 받았습니다."
    ),
    "{name} must be a number; received {value}.": "{name}은(는) 숫자여야 하는데 {value}을(를) 받았습니다.",
    "The learning rate must be above 0; received {value}.": "학습률은 0보다 커야 하는데 {value}을(를) 받았습니다.",
    "fit can be set for folders only; that of '{name}' is fixed.": (
        "fit은 폴더에만 지정할 수 있습니다. '{name}'의 fit은 정해져 있습니다."
    ),
    "The number of classes is that of the data: '{name}' has {n}. Leave this setting out.": (
        "클래스 수는 데이터에 따라 정해집니다. '{name}'의 클래스는 {n}개입니다. 이 설정을 빼십시오."
    ),
    "The preview is a PNG image, so --out must end in .png; received '{path}'.": (
        "미리보기는 PNG 이미지이므로 --out이 .png로 끝나야 하는데 '{path}'을(를) 받았습니다."
    ),
    "The plot is an HTML page: --out must end in .html; received '{path}'.": (
        "그래프는 HTML 페이지이므로 --out이 .html로 끝나야 하는데 '{path}'을(를) 받았습니다."
    ),
    "The name of an ONNX file must end in {suffix}; received '{path}'.": (
        "ONNX 파일의 이름은 {suffix}(으)로 끝나야 하는데 '{path}'을(를) 받았습니다."
    ),
    "'{path}' is inside your image folder '{folder}', where Striate never writes. Choose another {what_text} with "
    "--out.": (
        "'{path}'은(는) 이미지 폴더 '{folder}' 안에 있으며, Striate는 그 안에 쓰지 않습니다. --out으로 다른 "
        "{what_text}을(를) 지정하십시오."
    ),
    "'{path}' already contains a run. Continue it with --resume, or choose another folder with --out.": (
        "'{path}'에 이미 실행이 있습니다. --resume으로 이어서 학습하거나, --out으로 다른 폴더를 지정하십시오."
    ),
    "'{path}' could not be created: {reason}.": "'{path}'을(를) 만들 수 없습니다: {reason}.",
    "A comparison needs at least two runs; received {n}.": "비교하려면 실행이 둘 이상 필요한데 {n}개를 받았습니다.",
    "The same run is given twice. Give different runs.": "같은 실행을 두 번 주었습니다. 서로 다른 실행을 주십시오.",
    # folders and files
    "The folder '{folder}' contains no images: no files that end in {suffixes}.": (
        "'{folder}' 폴더에 이미지가 없습니다. {suffixes}(으)로 끝나는 파일이 없습니다."
    ),
    "The folder '{folder}' contains no images that can be read. {problem_text}": (
        "'{folder}' 폴더에 읽을 수 있는 이미지가 없습니다. {problem_text}"
    ),
    "The folder '{folder}' cannot be read: {reason}.": "'{folder}' 폴더를 읽을 수 없습니다: {reason}.",
    "'{folder}' should contain at least two subfolders of images, one for each class; found 0.": (
        "'{folder}' 폴더에는 클래스마다 하나씩 이미지 하위 폴더가 둘 이상 있어야 하는데 하나도 없습니다."
    ),
    "'{folder}' should contain at least two subfolders of images, one for each class; found {n}: {name}.": (
        "'{folder}' 폴더에는 클래스마다 하나씩 이미지 하위 폴더가 둘 이상 있어야 하는데 {n}개({name})뿐입니다."
    ),
    "'{folder}' should contain at least two subfolders of images, one for each class; found 0. There are images in "
    "the folder itself: move those of each class into their own subfolder, or give the labels in a CSV file with "
    "--labels FILE.": (
        "'{folder}' 폴더에는 클래스마다 하나씩 이미지 하위 폴더가 둘 이상 있어야 하는데 하나도 없습니다. 이미지가 "
        "폴더에 바로 들어 있으니, 클래스마다 하위 폴더로 옮기거나 --labels FILE로 라벨을 적은 CSV 파일을 지정하십시오."
    ),
    "'{folder}' should contain at least two subfolders of images, one for each class; found {n}. Did you mean "
    "'{name}'?": (
        "'{folder}' 폴더에는 클래스마다 하나씩 이미지 하위 폴더가 둘 이상 있어야 하는데 {n}개입니다. 혹시 "
        "'{name}'입니까?"
    ),
    "'{name}' {what_text}. Pass a folder with one subfolder of images for each class, or a data set: {names}.": (
        "'{name}'은(는) {what_text}. 클래스마다 하위 폴더가 하나씩 있는 이미지 폴더나 데이터셋({names})을 지정하십시오."
    ),
    "is a web address. Download it first, and give the file or folder": (
        "인터넷 주소입니다. 먼저 내려받은 뒤 그 파일이나 폴더를 지정하십시오"
    ),
    "is a single {kind} image": "{kind} 이미지 한 장입니다",
    "is {what_text}, not a folder. Unpack it, and give the folder": (
        "{what_text}입니다. 압축을 풀고 그 폴더를 지정하십시오"
    ),
    "is {what_text}, not a folder": "폴더가 아니라 {what_text}입니다",
    "a text file": "텍스트 파일",
    "a file": "파일",
    "a ZIP archive": "ZIP 압축 파일",
    "a gzip archive": "gzip 압축 파일",
    "a 7z archive": "7z 압축 파일",
    "a RAR archive": "RAR 압축 파일",
    "a bzip2 archive": "bzip2 압축 파일",
    "an xz archive": "xz 압축 파일",
    "a PDF document": "PDF 문서",
    "None of the {n} images in '{folder}' can be read. {problem_text}": (
        "'{folder}'의 이미지 {n}장을 하나도 읽을 수 없습니다. {problem_text}"
    ),
    "'{path}' cannot be read: the file is empty.": "'{path}'을(를) 읽을 수 없습니다: 파일이 비어 있습니다.",
    "'{path}' cannot be read: it is not a JPEG, PNG, WebP, BMP, GIF, TIFF or PPM image, or its beginning is damaged.": (
        "'{path}'을(를) 읽을 수 없습니다: JPEG, PNG, WebP, BMP, GIF, TIFF, PPM 이미지가 아니거나 앞부분이 "
        "손상되었습니다."
    ),
    "'{path}' cannot be read: it is {what_text}, not a JPEG, PNG, WebP, BMP, GIF, TIFF or PPM image.": (
        "'{path}'을(를) 읽을 수 없습니다: JPEG, PNG, WebP, BMP, GIF, TIFF, PPM 이미지가 아니라 {what_text}입니다."
    ),
    "'{path}' cannot be read: it is a {kind} image. {advice_text}": (
        "'{path}'을(를) 읽을 수 없습니다: {kind} 이미지입니다. {advice_text}"
    ),
    "'{path}' cannot be read: the image is damaged ({reason}).": (
        "'{path}'을(를) 읽을 수 없습니다: 이미지가 손상되었습니다({reason})."
    ),
    "'{path}' cannot be read: {reason}.": "'{path}'을(를) 읽을 수 없습니다: {reason}.",
    "Save them as JPEG first.": "먼저 JPEG로 저장하십시오.",
    "To read {name} files: pip install {package}. Or save them as JPEG first.": (
        "{name} 파일을 읽으려면: pip install {package}. 아니면 먼저 JPEG로 저장하십시오."
    ),
    "1 image in formats that Striate does not read, such as '{name}'. {advice_text}": (
        "Striate가 읽지 않는 형식의 이미지 1장('{name}'). {advice_text}"
    ),
    "{n} images in formats that Striate does not read, such as '{name}'. {advice_text}": (
        "Striate가 읽지 않는 형식의 이미지 {n}장('{name}' 등). {advice_text}"
    ),
    "Skipped: {reason_text}": "건너뜀: {reason_text}",
    "'{path}' was started with different data (fingerprint {old}, now {new}). Resumed, it could train on test images "
    "and report an accuracy that is too high. Restore the data, or start a new run.": (
        "'{path}'은(는) 다른 데이터로 시작한 실행입니다(지문 {old}, 지금은 {new}). 이어서 학습하면 테스트 이미지를 "
        "학습하게 되어 정확도가 실제보다 높게 나올 수 있습니다. 데이터를 되돌리거나 새로 시작하십시오."
    ),
    # notes on data
    "Left out: {reason_text}": "제외: {reason_text}",
    "Left out: 1 image without a row in '{table}': {names}.": "제외: '{table}'에 행이 없는 이미지 1장({names}).",
    "Left out: {n} images without a row in '{table}': {names}.": "제외: '{table}'에 행이 없는 이미지 {n}장({names}).",
    "Left out: 1 row of '{table}' whose file is not among the images in '{folder}': {names}.": (
        "제외: '{table}'의 행 가운데 '{folder}'에 파일이 없는 것 1개({names})."
    ),
    "Left out: {n} rows of '{table}' whose file is not among the images in '{folder}': {names}.": (
        "제외: '{table}'의 행 가운데 '{folder}'에 파일이 없는 것 {n}개({names})."
    ),
    "Left out: 1 image with an empty cell in '{table}': {names}.": (
        "제외: '{table}'에서 칸이 비어 있는 이미지 1장({names})."
    ),
    "Left out: {n} images with an empty cell in '{table}': {names}.": (
        "제외: '{table}'에서 칸이 비어 있는 이미지 {n}장({names})."
    ),
    "The labels are those of the column '{column}' in '{table}'.": "라벨은 '{table}'의 '{column}' 열에서 읽었습니다.",
    "The labels in '{table}' are numbers, and each number is treated as a class. To predict numeric values, use --task "
    "regression.": (
        "'{table}'의 라벨은 숫자이며, 각각을 클래스로 봅니다. 숫자를 예측하려면 --task regression을 쓰십시오."
    ),
    "1 image occurs several times with different labels: for example, '{first}' and '{second}' are identical.": (
        "라벨이 서로 다른 똑같은 이미지가 1장 있습니다. '{first}'와(과) '{second}'은(는) 똑같습니다."
    ),
    "{n} images occur several times with different labels: for example, '{first}' and '{second}' are identical.": (
        "라벨이 서로 다른 똑같은 이미지가 {n}장 있습니다. 예를 들어 '{first}'와(과) '{second}'은(는) 똑같습니다."
    ),
    "Left out: the folder '{name}', which contains no images.": "제외: '{name}' 폴더에는 이미지가 없습니다.",
    "Left out: the folder '{name}', which is not one of train, val and test.": (
        "제외: '{name}' 폴더는 train, val, test 가운데 하나가 아닙니다."
    ),
    "Left out: {n} outside the class folders; the first is '{name}'.": (
        "제외: 클래스 폴더 밖에 있는 {n}. 첫 번째는 '{name}'입니다."
    ),
    "1 image is in more than one class: for example, '{first}' and '{second}' are identical.": (
        "여러 클래스에 들어 있는 이미지가 1장 있습니다. '{first}'와(과) '{second}'은(는) 똑같습니다."
    ),
    "{n} images are in more than one class: for example, '{first}' and '{second}' are identical.": (
        "여러 클래스에 들어 있는 이미지가 {n}장 있습니다. 예를 들어 '{first}'와(과) '{second}'은(는) 똑같습니다."
    ),
    "{n} images are near-duplicates, too many to keep them in one split, so only identical images are kept together. "
    "If the images show a few subjects, such as persons or places, pass them as groups with --groups.": (
        "거의 같은 이미지가 {n}장이나 되어 한 분할에 모두 둘 수 없으므로, 똑같은 것만 함께 둡니다. 같은 사람이나 "
        "장소를 찍은 이미지가 여럿이면 --groups로 묶음을 지정하십시오."
    ),
    "With more than {n} images, near-duplicates are not searched: only identical images are kept in the same split.": (
        "이미지가 {n}장보다 많으면 거의 같은 이미지는 찾지 않고, 똑같은 것만 같은 분할에 둡니다."
    ),
    "1 {part} image is also in the {other} split and was removed from the {part} split.": (
        "{part} 이미지 1장이 {other}에도 있어 {part}에서 뺐습니다."
    ),
    "{n} {part} images are also in the {other} split and were removed from the {part} split.": (
        "{part} 이미지 {n}장이 {other}에도 있어 {part}에서 뺐습니다."
    ),
    "Class '{name}' has no images.": "클래스 '{name}'에 이미지가 없습니다.",
    "Label '{name}' has no images.": "라벨 '{name}'이(가) 붙은 이미지가 없습니다.",
    "Class '{name}' has only 1 image: none for {parts}.": (
        "클래스 '{name}'에는 이미지가 1장뿐이어서 {parts}에 쓸 것이 없습니다."
    ),
    "Class '{name}' has only {n} images: none for {parts}.": (
        "클래스 '{name}'에는 이미지가 {n}장뿐이어서 {parts}에 쓸 것이 없습니다."
    ),
    "The data set '{name}' {problem_text}": "데이터셋 '{name}': {problem_text}",
    "has images of one class only; a classifier needs at least two.": (
        "이미지의 클래스가 하나뿐입니다. 분류기에는 둘 이상 필요합니다."
    ),
    "The data set '{name}' is empty.": "데이터셋 '{name}'이(가) 비어 있습니다.",
    "The data set '{name}' is too small: the training split is empty.": (
        "데이터셋 '{name}'이(가) 너무 작아 학습할 이미지가 없습니다."
    ),
    "'{name}' is too small: its test split is empty. Add images, about ten or more per class. To list its contents, "
    "run: striate data scan {folder}": (
        "'{name}'이(가) 너무 작아 테스트할 이미지가 없습니다. 클래스마다 적어도 열 장쯤 되게 이미지를 더하십시오. "
        "내용을 보려면: striate data scan {folder}"
    ),
    "'{name}' is too small: {n} images of {m} classes are left to train on, besides the test images. Add images: at "
    "least ten per class.": (
        "'{name}'이(가) 너무 작습니다. 테스트 이미지를 빼면 클래스 {m}개의 이미지 {n}장만 남습니다. 클래스마다 적어도 "
        "열 장이 되게 이미지를 더하십시오."
    ),
    "Class '{many}' has {n} training images, '{few}' only {m}. With --set class_weights=true, all classes have the "
    "same total weight.": (
        "학습 이미지가 클래스 '{many}'에는 {n}장, '{few}'에는 {m}장뿐입니다. --set class_weights=true를 쓰면 모든 "
        "클래스의 비중이 같아집니다."
    ),
    "The data have changed since the model was trained.": "모델을 학습한 뒤에 데이터가 바뀌었습니다.",
    "The model was trained on '{name}', so it is evaluated on the test split only: {n} of {m} images.": (
        "'{name}'(으)로 학습한 모델이므로 테스트 이미지만으로 평가합니다: {m}장 중 {n}장."
    ),
    "The model was trained on {n} of these images, so it is evaluated on the other {m} only.": (
        "이 이미지 가운데 {n}장은 학습에 쓰였으므로 나머지 {m}장만으로 평가합니다."
    ),
    "The images are {original}; they were resized to the model's {required}.": (
        "이미지 크기가 {original}이므로 모델의 입력 크기 {required}에 맞추었습니다."
    ),
    # explore
    "This model predicts with features in 8-bit integers. Its feature maps are shown as float32 gives them, and "
    "probabilities on these pages may differ a little from its predictions.": (
        "이 모델은 8비트 정수로 계산한 특성으로 예측합니다. 특성 맵은 float32로 계산해 보여 주므로, "
        "이 페이지의 확률은 모델의 예측과 조금 다를 수 있습니다."
    ),
    "This run is an ensemble: its first network is shown, with its own predictions, '{path}'.": (
        "이 실행은 앙상블입니다. 그 가운데 첫 번째 신경망 '{path}'을(를) 그 신경망의 예측과 함께 보여 줍니다."
    ),
    "{problem_text} The network is shown up to '{layer}'.": "{problem_text} 신경망을 '{layer}'까지만 보여 줍니다.",
    "The images of the run cannot be read, so its mistakes are not shown: {reason_text}": (
        "실행의 이미지를 읽을 수 없어 틀린 이미지를 보여 줄 수 없습니다: {reason_text}"
    ),
    # data scan
    "No problems found. To train: {command}": "문제가 없습니다. 학습하려면: {command}",
    "No other problems found. To train: {command}": "그 밖의 문제는 없습니다. 학습하려면: {command}",
    "There are no training images of {names}, so the network cannot learn them. Add some.": (
        "{names}의 학습 이미지가 없어 신경망이 배울 수 없습니다. 이미지를 더하십시오."
    ),
    "Some images are in more than one class, so their labels contradict each other. Keep each image in one class "
    "only.": ("여러 클래스에 들어 있어 라벨이 서로 어긋나는 이미지가 있습니다. 한 클래스에만 두십시오."),
    "Some near-duplicates are in different classes. Check which class is correct.": (
        "거의 같은데 클래스가 다른 이미지가 있습니다. 어느 클래스가 맞는지 확인하십시오."
    ),
    "{n} of {files} files cannot be read. Replace them with undamaged files.": (
        "파일 {files}개 가운데 {n}개를 읽을 수 없습니다. 손상되지 않은 파일로 바꾸십시오."
    ),
    "Class '{many}' has {ratio} times as many images as '{few}'. If all classes matter equally, train with --set "
    "class_weights=true.": (
        "클래스 '{many}'의 이미지가 '{few}'의 {ratio}배입니다. 모든 클래스가 똑같이 중요하다면 --set "
        "class_weights=true로 학습하십시오."
    ),
    "Class '{name}' has 1 image, too few to train and test on. Add more.": (
        "클래스 '{name}'에는 이미지가 1장뿐이라 학습하고 테스트하기에 모자랍니다. 더 모으십시오."
    ),
    "Class '{name}' has {n} images, too few to train and test on. Add more.": (
        "클래스 '{name}'에는 이미지가 {n}장뿐이라 학습하고 테스트하기에 모자랍니다. 더 모으십시오."
    ),
    "{n} classes have too few images to train and test on: {names}. Add more.": (
        "클래스 {n}개는 이미지가 너무 적어 학습하고 테스트하기에 모자랍니다: {names}. 더 모으십시오."
    ),
    "1 image is in more than one of training, validation and test, so the test accuracy may be too high; an example "
    "is '{name}'.": (
        "학습, 검증, 테스트 가운데 여러 곳에 들어 있는 이미지가 1장 있어 테스트 정확도가 실제보다 높게 나올 수 "
        "있습니다: '{name}'."
    ),
    "{n} images are in more than one of training, validation and test, so the test accuracy may be too high; an "
    "example is '{name}'.": (
        "학습, 검증, 테스트 가운데 여러 곳에 들어 있는 이미지가 {n}장 있어 테스트 정확도가 실제보다 높게 나올 수 "
        "있습니다. 예: '{name}'."
    ),
    "1 group of near-duplicates is in more than one of training, validation and test, so the test accuracy may be "
    "too high; an example is '{name}'.": (
        "거의 같은 이미지 한 묶음이 학습, 검증, 테스트 가운데 여러 곳에 나뉘어 있어 테스트 정확도가 실제보다 높게 나올 "
        "수 있습니다: '{name}'."
    ),
    "{n} groups of near-duplicates are in more than one of training, validation and test, so the test accuracy may "
    "be too high; an example is '{name}'.": (
        "거의 같은 이미지 {n}묶음이 학습, 검증, 테스트 가운데 여러 곳에 나뉘어 있어 테스트 정확도가 실제보다 높게 나올 "
        "수 있습니다. 예: '{name}'."
    ),
    # the choice of a method
    "a linear classifier on the features of a network trained on a million photographs needs fewer images and less "
    "time than a network trained from scratch: {time_text}, without PyTorch": (
        "사진 백만 장으로 학습한 신경망의 특성에 선형 분류기를 맞추면, 처음부터 학습할 때보다 적은 이미지와 짧은 "
        "시간으로 됩니다: {time_text}, PyTorch 불필요"
    ),
    "--method {method} was requested: feature extraction takes {time_text}": (
        "--method {method} 요청: 특성 추출에 걸리는 시간은 {time_text}"
    ),
    "about {duration_text} on {cores_text}": "{cores_text}(으)로 약 {duration_text}",
    "1 core": "코어 1개",
    "{n} cores": "코어 {n}개",
    "{n} seconds": "{n}초",
    "{n} minutes": "{n}분",
    "{n} hours": "{n}시간",
    "fine-tuning the base too (--method fine-tune) would take about {duration_text} more": (
        "백본까지 미세 조정하려면(--method fine-tune) 약 {duration_text} 더 걸립니다"
    ),
    "there are enough images to fine-tune the base too, and there is a GPU ({name})": (
        "이미지가 백본까지 미세 조정하기에 충분하고 GPU({name})가 있습니다"
    ),
    "there are enough images to fine-tune the base too within {n} minutes": (
        "이미지가 백본까지 {n}분 안에 미세 조정하기에 충분합니다"
    ),
    "the number of epochs of fine-tuning is limited to fit into {n} minutes": (
        "미세 조정은 {n}분 안에 가능한 에포크만큼만 합니다"
    ),
    "the network computes in 8-bit integers, which takes this processor half the time (--precision float32 switches "
    "this off)": (
        "신경망을 8비트 정수로 계산합니다. 이 프로세서에서는 시간이 절반으로 줄어듭니다"
        "(--precision float32로 끌 수 있습니다)"
    ),
    "the network computes in 8-bit integers to stay within {n} minutes": (
        "{n}분을 지키기 위해 신경망을 8비트 정수로 계산합니다"
    ),
    "Not tried because of the time limit: features of other layers": (
        "시간 제한을 지키기 위해 다른 층의 특성은 비교하지 않았습니다"
    ),
    "{stage_word}: not trained because of the time limit": "{stage_word}: 시간 제한을 지키기 위해 학습하지 않았습니다",
    "images are resized to {size} pixels to stay within {n} minutes": (
        "{n}분을 지키기 위해 이미지를 {size}픽셀로 줄입니다"
    ),
    "Because of the time limit: features at {size} pixels": "시간 제한을 지키기 위해: {size}픽셀에서 계산하는 특성",
    "Because of the time limit: features at {size} pixels, in 8-bit integers": (
        "시간 제한을 지키기 위해: {size}픽셀에서 8비트 정수로 계산하는 특성"
    ),
    "gray images of {size} pixels are usually drawings, not photographs, and {enough_text} are enough to train a small "
    "network from scratch": (
        "{size}픽셀의 흑백 이미지는 대개 사진이 아니라 그림이며, {enough_text}이면 작은 신경망을 처음부터 학습하기에 "
        "충분합니다"
    ),
    "about {n} for each of {m_text}": "{m_text}마다 약 {n}장",
    "{n} of them": "{n}장",
    "{n} classes": "클래스 {n}개",
    "{n} labels": "라벨 {n}개",
    "{n} targets": "목표 변수 {n}개",
    "1 class": "클래스 1개",
    "1 label": "라벨 1개",
    "1 target": "목표 변수 1개",
    'larger networks need PyTorch, which is not installed (pip install "striate[torch]")': (
        '더 큰 신경망에는 PyTorch가 필요한데 설치되어 있지 않습니다(pip install "striate[torch]")'
    ),
    "there is a GPU ({name})": "GPU({name})가 있음",
    "the base {name} is not installed ({install}), and {reason_text}": (
        "백본 {name}이(가) 설치되어 있지 않습니다({install}). {reason_text}"
    ),
    "{small} trains in minutes on a CPU": "{small}은(는) CPU로 몇 분이면 학습합니다",
    "--model {large} is usually more accurate, but takes hours": (
        "--model {large}이(가) 보통 더 정확하지만 몇 시간이 걸립니다"
    ),
    # the recipe
    "{base_word}, pretrained on ImageNet, not changed": "{base_word}(ImageNet으로 사전 학습, 그대로 사용)",
    "{base_word}, cut at '{layer}', pretrained on ImageNet": "{base_word}('{layer}' 층까지, ImageNet으로 사전 학습)",
    "{base_word}, cut at '{layer}', weights from '{path}'": "{base_word}('{layer}' 층까지, 가중치 '{path}')",
    "{base_word}, cut at '{layer}', pretrained on ImageNet, not changed": (
        "{base_word}('{layer}' 층까지, ImageNet으로 사전 학습, 그대로 사용)"
    ),
    "{base_word}, cut at '{layer}', weights from '{path}', not changed": (
        "{base_word}('{layer}' 층까지, 가중치 '{path}', 그대로 사용)"
    ),
    "{base_word}, weights from '{path}', not changed": "{base_word}(가중치 '{path}', 그대로 사용)",
    "{base_word}, pretrained on ImageNet, fine-tuned: first the upper layers, then all": (
        "{base_word}(ImageNet으로 사전 학습, 위쪽 층부터 전체까지 미세 조정)"
    ),
    "logistic regression": "로지스틱 회귀",
    "logistic regression for each label": "라벨마다 로지스틱 회귀",
    "linear regression": "선형 회귀",
    "ridge regression": "릿지 회귀",
    # during training
    "Engine: {engine} on {device} in {precision}, because {reason_text}": (
        "엔진: {engine}, 장치 {device}, 정밀도 {precision} (이유: {reason_text})"
    ),
    "it was requested": "요청에 따름",
    "NumPy does not support this device or precision": "NumPy는 이 장치나 정밀도를 지원하지 않음",
    "it supports several processes": "여러 프로세스를 지원함",
    "NumPy has no rule for your custom layers": "NumPy에 사용자 정의 층의 규칙이 없음",
    "it has rules for your custom layers": "사용자 정의 층의 규칙이 있음",
    "the network is small ({size_text})": "작은 신경망({size_text})",
    "the network is large ({size_text})": "큰 신경망({size_text})",
    "the network is small ({size_text}) and there is no GPU": "작은 신경망({size_text})이고 GPU가 없음",
    "a short trial estimates {n} seconds with PyTorch and {m} with NumPy": (
        "시험해 보니 학습 시간이 PyTorch로는 약 {n}초, NumPy로는 약 {m}초"
    ),
    "a short trial estimates {n} seconds with NumPy and {m} with PyTorch": (
        "시험해 보니 학습 시간이 NumPy로는 약 {n}초, PyTorch로는 약 {m}초"
    ),
    "{n} million multiply-adds for one image": "이미지 한 장에 곱셈-덧셈 {n}백만 번",
    'PyTorch, which is faster for a network of this size, is not installed (pip install "striate[torch]")': (
        '이 크기의 신경망에 더 빠른 PyTorch가 설치되어 있지 않음(pip install "striate[torch]")'
    ),
    'PyTorch is not installed (pip install "striate[torch]")': (
        'PyTorch가 설치되어 있지 않음(pip install "striate[torch]")'
    ),
    "{reason_text}; {precision} was faster in a trial": "{reason_text}, 시험해 보니 {precision}이(가) 더 빠름",
    "This training takes about {duration_text} on {where_text}. Fewer --epochs or a smaller --model take less time; "
    "after Ctrl-C it can be continued.": (
        "이 학습은 {where_text}(으)로 약 {duration_text} 걸립니다. --epochs를 줄이거나 더 작은 --model을 쓰면 "
        "짧아집니다. Ctrl-C로 멈추어도 이어서 할 수 있습니다."
    ),
    "Fine-tuning takes about {duration_text} on {where_text}, less if it stops early.": (
        "미세 조정은 {where_text}(으)로 약 {duration_text} 걸립니다. 일찍 멈추면 더 짧습니다."
    ),
    "The search takes about {duration_text}. A smaller --batch-size takes less time.": (
        "학습률을 찾는 데 약 {duration_text} 걸립니다. --batch-size를 줄이면 짧아집니다."
    ),
    "Fold {n} of {all}: {train} images to train, {validation} to validate, {test} to test": (
        "{n}/{all}겹: 학습 {train}장, 검증 {validation}장, 테스트 {test}장"
    ),
    "Fold {n} of {all}: {figure_text}; finished before": "{n}/{all}겹: {figure_text}. 이미 끝났습니다",
    "Fold {n} of {all}: {figure_text}; about {duration_text} left": (
        "{n}/{all}겹: {figure_text}. 약 {duration_text} 남음"
    ),
    "accuracy {share} %": "정확도 {share} %",
    "mean absolute error {error}": "평균 절대 오차 {error}",
    "Final training: all images, of which {n} to validate": "마지막 학습: 모든 이미지(그중 검증 {n}장)",
    "member {n} of {all}": "앙상블 구성원 {n}/{all}",
    "There are only {n} training samples, fewer than batch_size={size}: each step uses all of them.": (
        "학습 이미지가 {n}장뿐이어서 batch_size={size}보다 적습니다. 스텝마다 모두 사용합니다."
    ),
    "The loss became {loss} at step {step} (epoch {epoch}, batch {batch}) with a learning rate of {rate}. Try a "
    "learning rate of {lower}, and check that the network scales its pixels (Rescale) and that the targets are "
    "right.": (
        "학습률 {rate}(으)로 학습하던 중 {step}번째 스텝({epoch}에포크, {batch}번째 배치)에서 손실이 {loss}이(가) "
        "되었습니다. 학습률을 {lower}(으)로 낮추어 보고, 신경망이 픽셀의 크기를 조정하는지(Rescale), 정답이 맞는지 "
        "확인하십시오."
    ),
    "Features: {base_text}, unchanged; computed by ONNX Runtime": (
        "특성: {base_text}, 그대로 사용, ONNX Runtime으로 계산"
    ),
    "Features: {base_text}, unchanged; computed by ONNX Runtime in 8-bit integers": (
        "특성: {base_text}, 그대로 사용, ONNX Runtime으로 8비트 정수로 계산"
    ),
    "Features: {base_text}, unchanged for now; computed by ONNX Runtime": (
        "특성: {base_text}, 지금은 그대로 사용, ONNX Runtime으로 계산"
    ),
    "{base_word}, pretrained on ImageNet": "{base_word}(ImageNet으로 사전 학습)",
    "{base_word}, weights from '{path}'": "{base_word}(가중치 '{path}')",
    "Tried: {layer_text}: cross-validation accuracy {accuracy} %, loss {loss}, chosen": (
        "비교: {layer_text}: 교차 검증 정확도 {accuracy} %, 손실 {loss}, 선택"
    ),
    "Tried: {layer_text}: cross-validation accuracy {accuracy} %, loss {loss}": (
        "비교: {layer_text}: 교차 검증 정확도 {accuracy} %, 손실 {loss}"
    ),
    "mean and variance of all feature layers": "모든 특성 층의 평균과 분산",
    "layer '{name}'": "층 '{name}'",
    "Classifier: logistic regression on these features ({layer_text}), L2 penalty {penalty} (best of {n}), "
    "temperature {temperature}; cross-validation accuracy {accuracy} %": (
        "분류기: 이 특성({layer_text})에 로지스틱 회귀, L2 규제 {penalty}({n}개 중 최선), 온도 {temperature}, 교차 "
        "검증 정확도 {accuracy} %"
    ),
    "Head: {head_text} on these features (layer '{layer}'), L2 penalty {penalty} (best of {n}); loss {loss} in "
    "cross-validation": (
        "분류기: 이 특성(층 '{layer}')에 {head_text}, L2 규제 {penalty}({n}개 중 최선), 교차 검증 손실 {loss}"
    ),
    "Head: {head_text} on these features (layer '{layer}'), L2 penalty {penalty} (best of {n}); R² {r2} in "
    "cross-validation": (
        "예측기: 이 특성(층 '{layer}')에 {head_text}, L2 규제 {penalty}({n}개 중 최선), 교차 검증 R² {r2}"
    ),
    "Labels: {n} may be wrong; see the report. To check all images: {command}": (
        "라벨: {n}개가 잘못되었을 수 있습니다. 보고서를 보십시오. 모든 이미지를 점검하려면: {command}"
    ),
    "Fine-tuning: {names_text}, each for at most {epochs} epochs of {n} images; {m} held-out images are used to choose "
    "the best weights": (
        "미세 조정: {names_text}, 각각 이미지 {n}장으로 최대 {epochs}에포크. 따로 떼어 둔 {m}장으로 무엇을 남길지 "
        "정합니다"
    ),
    "upper layers, then all layers": "위쪽 층 다음에 모든 층",
    "{stage_text}: loss {before} → {now}, {old} → {new} % correct on held-out images; kept": (
        "{stage_text}: 떼어 둔 이미지의 손실 {before} → {now}, 정확도 {old} → {new} %, 채택"
    ),
    "{stage_text}: loss {before} → {now}, {old} → {new} % correct on held-out images; no clear improvement, so the "
    "initial network is kept": (
        "{stage_text}: 떼어 둔 이미지의 손실 {before} → {now}, 정확도 {old} → {new} %, 뚜렷한 이득이 없어 처음 상태 "
        "유지"
    ),
    "{stage_text}: loss {before} → {now}, {old} → {new} % correct on held-out images; no clear improvement, so the "
    "{kept_text} are kept": (
        "{stage_text}: 떼어 둔 이미지의 손실 {before} → {now}, 정확도 {old} → {new} %, 뚜렷한 이득이 없어 {kept_text} "
        "유지"
    ),
    "Upper layers": "위쪽 층",
    "All layers": "모든 층",
    # export
    "8-bit weights": "8비트 가중치",
    "{option} needs --to FILE.onnx: the weights of a page are always stored in 8 bits, and its model always accepts "
    "images of any size.": (
        "{option}은 --to FILE.onnx에만 쓸 수 있습니다. 페이지는 언제나 가중치를 8비트로 저장하고 어떤 크기의 이미지든 "
        "받습니다."
    ),
    "The earlier page in '{path}' was replaced.": "'{path}'에 있던 이전 페이지를 새 페이지로 바꾸었습니다.",
    "'{path}' already exists and contains '{name}', which is not part of a page of Striate. Choose another folder, or "
    "remove it.": (
        "'{path}'가 이미 있고, Striate 페이지의 일부가 아닌 '{name}'이 들어 있습니다. 다른 폴더를 고르거나 이 폴더를 "
        "지우세요."
    ),
    "'{path}' ends in '{suffix}', which does not say what to write. Pass FILE.onnx, FILE.html, or '{path}/' for a "
    "folder.": (
        "'{path}'는 '{suffix}'로 끝나 무엇을 만들지 알 수 없습니다. FILE.onnx나 FILE.html, 폴더라면 '{path}/'로 쓰세요."
    ),
    "'{path}' already exists and is not a page of Striate. Choose another name, or remove it.": (
        "'{path}'가 이미 있고 Striate의 페이지가 아닙니다. 다른 이름을 고르거나 이 파일을 지우세요."
    ),
    "This model expects handwritten digits that are centered and scaled as in MNIST, which an exported page cannot do. "
    "Use striate serve instead.": (
        "이 모델은 MNIST처럼 가운데에 놓고 크기를 맞춘 손글씨 숫자를 받는데, 페이지는 그렇게 할 수 없습니다. 대신 "
        "striate serve를 쓰세요."
    ),
    "1 image of {name}": "{name}의 이미지 1장",
    "{n} test images of {name}": "{name}의 테스트 이미지 {n}장",
    "{n} training images of {name}": "{name}의 학습 이미지 {n}장",
    "{n} validation images of {name}": "{name}의 검증 이미지 {n}장",
    "{n} random images": "무작위 이미지 {n}장",
    # data sets
    "handwritten digits, 500 of each, 28×28; comes with Striate": "손글씨 숫자, 각 500장, 28×28; Striate에 포함",
    "handwritten digits, 28×28; 10,000 of them the official test": "손글씨 숫자, 28×28; 10,000장은 공식 테스트 이미지",
    "digits at random positions, sizes, stroke widths and angles, 56×56; made from mnist5k": (
        "위치, 크기, 굵기, 각도가 제각각인 숫자, 56×56; mnist5k로 만듦"
    ),
    "smallest": "최소",
    "largest": "최대",
    # unusual images
    "dark": "어두움",
    "bright": "밝음",
    "uniform": "단색",
    "blurred": "흐림",
    "tiny": "작음",
    "long": "길쭉함",
    "outlier": "동떨어짐",
    # what reproduce measured, and how a recipe differs
    "redrawn test split {jump}, unused images {honest}": "다시 나눈 테스트 이미지 {jump}, 쓰지 않은 이미지 {honest}",
    "cost {first} → {last} in {steps} steps; least squares {best}": (
        "비용 {first} → {last}({steps}스텝), 최소제곱법 {best}"
    ),
    "{n} of {all} examples exact": "예제 {all}개 가운데 {n}개 정확히 일치",
    "{nearest} ends nearest the minimum ({distance} away), {lowest} has the lowest loss ({loss})": (
        "최솟점에 가장 가까운 것은 {nearest}(거리 {distance}), 손실이 가장 낮은 것은 {lowest}({loss})"
    ),
    "five convolutions": "합성곱 다섯 층",
    "new random changes in each epoch instead of four fixed copies": (
        "고정된 사본 넷 대신 에포크마다 새로운 무작위 변형"
    ),
    "initial weights of size 1 / √(inputs)": "크기가 1 / √(입력 수)인 초기 가중치",
    "batch normalization": "배치 정규화",
    "{base_word} as the base": "백본으로 {base_word} 사용",
    "{ours} epochs instead of {reported} epochs": "{reported}에포크 대신 {ours}에포크",
    "batches of {ours} instead of batches of {reported}": "배치 크기 {reported} 대신 {ours}",
    "a {ours_word} schedule instead of a {reported_word} schedule": "{reported_word} 스케줄 대신 {ours_word} 스케줄",
    "{ours_word} augmentation instead of no augmentation": "데이터 증강 {ours_word} 추가",
    "{ours_word} augmentation instead of {reported_word} augmentation": "데이터 증강 {reported_word} 대신 {ours_word}",
    "label smoothing {ours} instead of label smoothing {reported}": "라벨 스무딩 {reported} 대신 {ours}",
    "averaged weights instead of the last weights": "마지막 가중치 대신 평균 가중치",
    "{ours_word} {n} instead of {reported_word} {m}": "{reported_word} {m} 대신 {ours_word} {n}",
    "or 'all'": "또는 'all'",
}
