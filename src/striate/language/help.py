"""Korean for the texts of `--help`, each paragraph on one line."""

HELP: dict[str, str] = {
    # frame
    "Usage:": "사용법:",
    "Options": "옵션",
    "Commands": "명령",
    "default:": "기본값:",
    "required": "필수",
    "Show this message and exit.": "이 도움말을 출력하고 끝냅니다.",
    "Show the version and exit.": "버전을 출력하고 끝냅니다.",
    "Train, inspect and use convolutional networks for image classification.": (
        "합성곱 신경망을 학습하고, 들여다보고, 이미지 분류에 사용합니다."
    ),
    'Shell completion for bash: eval "$(_STRIATE_COMPLETE=bash_source striate)". Also zsh_source, fish_source.': (
        'bash의 자동 완성: eval "$(_STRIATE_COMPLETE=bash_source striate)". zsh는 zsh_source, fish는 fish_source.'
    ),
    # the list of commands
    "Train a network on a data set or a folder of photographs.": "데이터셋이나 사진 폴더로 신경망을 학습합니다.",
    "Evaluate a trained network on test images.": "학습한 신경망을 테스트 이미지로 평가합니다.",
    "Compare trained networks on the same images.": "학습한 신경망들을 같은 이미지로 비교합니다.",
    "Predict the class of images.": "이미지의 클래스를 예측합니다.",
    "Predict images over HTTP, with a web page.": "HTTP로 이미지를 예측하고, 웹 페이지도 엽니다.",
    "Look inside a network in the browser.": "브라우저에서 신경망 속을 들여다봅니다.",
    "Write a trained network as an ONNX file or a web page.": "학습한 신경망을 ONNX 파일이나 웹 페이지로 내보냅니다.",
    "Show the layers, shapes and cost of any ONNX file.": "ONNX 파일의 층, 형상, 계산량을 보여 줍니다.",
    "Suggest a learning rate for a network on its data.": "데이터와 신경망에 알맞은 학습률을 찾습니다.",
    "Print the layers of a network as a table.": "신경망의 층을 표로 출력합니다.",
    "Train known systems and compare measured with reported figures.": (
        "알려진 시스템을 학습하여 측정값을 알려진 값과 비교합니다."
    ),
    "Draw a sheet of augmented images.": "증강한 이미지를 한 장에 모아 그립니다.",
    "Check backpropagation against numerical gradients.": "역전파를 수치 미분과 비교하여 검산합니다.",
    "List data sets, download one, or check a folder of images.": (
        "데이터셋 목록을 보거나 내려받고, 이미지 폴더를 확인합니다."
    ),
    # train
    "Train a network on DATA: a data set's name, or a folder photos/CLASS/*.jpg or "
    "photos/{train,val,test}/CLASS/….\n\nWith --labels, the folder may have any structure, and a CSV file has a row "
    "for each image: file,label. With --task multilabel it holds file,label1;label2 or a column of 0 and 1 for each "
    "label, with --task regression file,number.\n\nWithout DATA, LeNet-5 is trained on the 5,000 digits that come "
    'with Striate.\n\nMethods: "features" fits a linear classifier to the features of a pretrained network, '
    '"fine-tune" then trains that network too, "scratch" trains all weights. "auto" chooses one for a folder and '
    "prints why. No other option changes the method; an option that does not apply to it is an error.": (
        "DATA로 신경망을 학습합니다. DATA는 데이터셋의 이름이나 폴더입니다. 폴더의 구조는 photos/CLASS/*.jpg 또는 "
        "photos/{train,val,test}/CLASS/…입니다.\n\n--labels를 쓰면 폴더의 구조는 상관없으며, CSV 파일에 이미지마다 한 "
        "행(file,label)을 적습니다. --task multilabel이면 file,label1;label2를 적거나 라벨마다 0과 1의 열을 두고, "
        "--task regression이면 file,number를 적습니다.\n\nDATA가 없으면 Striate에 들어 있는 숫자 이미지 5,000장으로 "
        "LeNet-5를 학습합니다.\n\n방법: features는 사전 학습한 신경망의 특성에 선형 분류기를 맞추고, fine-tune은 "
        "이어서 그 신경망까지 학습하며, scratch는 모든 가중치를 처음부터 학습합니다. auto는 폴더에 알맞은 방법을 "
        "고르고 그 이유를 출력합니다. 다른 옵션이 방법을 바꾸는 일은 없으며, 고른 방법에 맞지 않는 옵션을 주면 "
        "오류입니다."
    ),
    "CSV file with the labels of a folder's images: file,label.": "폴더 속 이미지의 라벨을 적은 CSV 파일: file,label.",
    "What --labels holds: one class, several labels, numbers.": "--labels에 적은 것: 클래스 하나, 여러 라벨, 숫자.",
    "Column of --labels with the labels, if there are others.": "다른 열도 있을 때, --labels에서 라벨이 적힌 열.",
    "CSV file of striate data audit: leave out or relabel the images that have an action in it.": (
        "striate data audit의 CSV 파일. action을 적은 이미지를 빼거나 라벨을 고칩니다."
    ),
    "CSV file with file,group: images of one group, such as a person or a video, stay in one part.": (
        "file,group을 적은 CSV 파일. 같은 사람이나 같은 영상처럼 한 그룹인 이미지는 한쪽에만 둡니다."
    ),
    "How the classifier is trained [auto].": "분류기를 학습하는 방법 [auto].",
    "Train this network from scratch; implies --method scratch [lenet5; chosen for folders].": (
        "이 신경망을 처음부터 학습합니다. --method scratch와 같습니다 [lenet5, 폴더이면 자동]."
    ),
    "A pretrained network, ONNX file, timm/NAME, or auto; implies --method features unless fine-tune is set.": (
        "백본: 사전 학습한 신경망, ONNX 파일, timm/NAME, auto(비교). fine-tune이 없으면 --method features입니다 [자동]."
    ),
    "Use the base up to this layer only [all layers before its classifier].": (
        "백본을 이 층까지만 씁니다 [분류기 앞의 모든 층]."
    ),
    "Time limit for training on a folder, in minutes [none].": "폴더로 학습하는 시간의 제한(분) [없음].",
    "Cross-validate on all images, then train on all; 0: test on 10 % of them [5 if fewer than 1,000 images].": (
        "모든 이미지로 교차 검증한 뒤 모두로 학습합니다. 0이면 10 %로 테스트합니다 [1,000장보다 적으면 5]."
    ),
    "The run folder [runs/DATA-MODEL].": "실행 폴더 [runs/DATA-MODEL].",
    "Passes over all training images.": "학습 이미지 전체를 보는 횟수.",
    "Images in each step.": "한 스텝에 쓰는 이미지 수.",
    "Highest learning rate of the schedule.": "스케줄에서 가장 높은 학습률.",
    "How weights are updated.": "가중치를 갱신하는 방법.",
    "How the learning rate changes.": "학습률을 바꾸는 방법.",
    "Strength of augmentation, or none.": "데이터 증강의 세기. none이면 하지 않습니다.",
    "How images are fitted to the network's input size [crop].": "이미지를 신경망의 입력 크기에 맞추는 방법 [crop].",
    "Seed of initial weights, order, augmentation and dropout [0].": "초기 가중치, 순서, 증강, 드롭아웃의 시드 [0].",
    "Train K networks and average their probabilities.": "신경망 K개를 학습하여 확률의 평균을 냅니다.",
    "Initial weights: imagenet, or a file (safetensors, PyTorch state dict).": (
        "초기 가중치: imagenet 또는 파일(safetensors, PyTorch state dict)."
    ),
    "Continue a run; with --epochs, extend it.": "실행을 이어서 학습합니다. --epochs를 함께 쓰면 더 오래 학습합니다.",
    "Compute with NumPy or PyTorch [auto].": "NumPy와 PyTorch 가운데 계산에 쓸 것 [auto].",
    "Device for PyTorch: cpu, cuda, cuda:1, mps [auto].": "PyTorch의 장치: cpu, cuda, cuda:1, mps [auto].",
    "Number format of PyTorch [auto].": "PyTorch의 숫자 형식 [auto].",
    "Number format of PyTorch [auto]; int8: compute the features in 8-bit integers, in half the time.": (
        "PyTorch의 숫자 형식 [auto]. int8: 특성을 8비트 정수로 계산합니다. 시간이 절반으로 줄어듭니다."
    ),
    "Bit-identical results on GPUs too, which is slower.": "GPU에서도 결과가 비트까지 같습니다. 그만큼 느립니다.",
    "Compile the network with torch.compile.": "신경망을 torch.compile로 컴파일합니다.",
    "Setting of the network or the recipe, such as patience=10 or label_smoothing=0.1; an unknown name lists all.": (
        "신경망이나 학습 방법의 설정. 예: patience=10, label_smoothing=0.1. 없는 이름을 쓰면 모두 알려 줍니다."
    ),
    "Also write files for TensorBoard.": "TensorBoard의 파일도 만듭니다.",
    "Print only the result.": "결과만 출력합니다.",
    # evaluate
    "Evaluate a trained model on the test images of DATA (default: the data it was trained on).": (
        "학습한 모델을 DATA의 테스트 이미지로 평가합니다(기본값: 학습한 데이터)."
    ),
    "A table of what errors cost: true classes in rows, predicted in columns.": (
        "오류의 비용을 적은 표. 행은 실제 클래스, 열은 예측한 클래스입니다."
    ),
    "Print all metrics as JSON.": "모든 지표를 JSON으로 출력합니다.",
    # compare
    "Compare two or more RUNs on the images that all of them were tested on: McNemar's test, intervals, a page.": (
        "둘 이상의 RUN을 모두가 테스트한 공통 이미지로 비교합니다. 맥니마 검정과 신뢰구간을 구하고 페이지를 만듭니다."
    ),
    "Compare on these new images instead of the shared test images.": (
        "공통 테스트 이미지 대신 이 폴더의 새 이미지로 비교합니다."
    ),
    "The page [comparison.html in the last RUN].": "만들 페이지 [마지막 RUN의 comparison.html].",
    # predict
    'Predict the classes of image FILES and of all images in folders.\n\n"-" reads the names of files from standard '
    "input, one on each line, or separated by zero bytes (find -print0).\n\nImages are marked unknown if they are "
    "too unlike the training images or, for a model that cannot tell, if the probability is too low. A model of "
    "several labels prints those whose probability reaches their threshold, one of numbers each number with its "
    "prediction interval. The exit status is 1 if a file cannot be read.": (
        '이미지 파일과 폴더 안에 있는 모든 이미지의 클래스를 예측합니다.\n\n"-"를 주면 파일 이름을 표준 입력에서 한 '
        "줄에 하나씩, 또는 0 바이트로 구분하여(find -print0) 읽습니다.\n\n학습 이미지와 너무 다른 이미지에는 "
        "‘모름’이라고 표시합니다. 이를 판단할 수 없는 모델이면 확률이 너무 낮을 때 표시합니다. 여러 라벨을 예측하는 "
        "모델은 확률이 임계값 이상인 라벨을, 숫자를 예측하는 모델은 숫자와 예측 구간을 출력합니다. 읽을 수 없는 파일이 "
        "있으면 종료 코드는 1입니다."
    ),
    "Print a JSON list.": "JSON 목록으로 출력합니다.",
    "Write a table with a row for each image.": "이미지마다 한 행인 표를 파일로 씁니다.",
    "Write JSON Lines, a line for each image.": "이미지마다 한 줄인 JSON Lines 파일을 씁니다.",
    "Continue the file of --csv or --jsonl.": "--csv나 --jsonl 파일을 이어서 씁니다.",
    "Give the K most probable classes.": "확률이 높은 클래스 K개를 함께 보여 줍니다.",
    "Give the probabilities of all classes.": "모든 클래스의 확률을 함께 보여 줍니다.",
    "Mark images as unknown whose probability is below P; of several labels, assign those with at least P.": (
        "확률이 P보다 낮은 이미지를 ‘모름’으로 표시합니다. 여러 라벨이면 확률이 P 이상인 라벨을 붙입니다."
    ),
    "Copy the images into FOLDER/CLASS/ and FOLDER/unknown/.": (
        "이미지를 FOLDER/클래스/와 FOLDER/unknown/에 복사합니다."
    ),
    "With --sort-into: move the images instead of copying them.": "--sort-into에서 이미지를 복사하지 않고 옮깁니다.",
    # serve
    "Serve predictions over HTTP, with a web page to upload, drop or photograph images.\n\nSeveral models are "
    "available under the names of their folders. Other machines can be served with --host 0.0.0.0; clients must "
    "then send the token in the environment variable STRIATE_TOKEN. Stop with Ctrl-C.": (
        "HTTP로 예측을 제공하고, 이미지를 올리거나 끌어다 놓거나 촬영할 수 있는 페이지를 엽니다.\n\n모델이 "
        "여럿이면 폴더 이름으로 고릅니다. --host 0.0.0.0을 주면 다른 컴퓨터에서도 쓸 수 있으며, 이때는 환경 변수 "
        "STRIATE_TOKEN의 토큰을 함께 보내야 합니다. Ctrl-C로 끝냅니다."
    ),
    "Address to listen on [127.0.0.1: this machine].": "요청을 받을 주소 [127.0.0.1: 이 컴퓨터만].",
    "TCP port [8000]; 0: any.": "TCP 포트 [8000]. 0이면 빈 포트.",
    "Maximum number of waiting images [64].": "기다리는 이미지의 최대 수 [64].",
    "Maximum size of a request in megabytes [20].": "요청의 최대 크기(MB) [20].",
    # explore
    "Look inside a network in the browser: its mistakes, feature maps, filters, and the arithmetic of every unit.\n\n"
    "MODEL is a run folder, a model file or an ONNX file. Without it, LeNet-5 is trained within seconds on digits "
    "that "
    "come with Striate. IMAGES are files and folders; without them, the test images of the run are shown. The page "
    "is "
    "for this computer only. Stop with Ctrl-C.": (
        "브라우저에서 신경망 속을 들여다봅니다. 틀린 예측, 특성 맵, 필터, 그리고 모든 유닛의 계산을 볼 수 "
        "있습니다.\n\n"
        "MODEL은 실행 폴더, 모델 파일 또는 ONNX 파일입니다. 없으면 Striate에 들어 있는 숫자 이미지로 LeNet-5를 몇 초 "
        "동안 학습합니다. IMAGES는 파일과 폴더이며, 없으면 실행의 테스트 이미지를 보여 줍니다. 페이지는 이 "
        "컴퓨터에서만 "
        "열 수 있습니다. Ctrl-C로 끝냅니다."
    ),
    "TCP port [any free one].": "TCP 포트 [빈 포트].",
    "Print the address, but do not open a browser.": "주소만 출력하고 브라우저는 열지 않습니다.",
    # export
    "Write a trained network as an ONNX file, or as a web page that predicts on the visitor's device.\n\nFILE.onnx "
    "takes uint8 pixels and returns probabilities, with the class names inside. A folder can be put on any web host; "
    "its page accepts files and camera images, uploads nothing, and works offline after the first visit. "
    "FILE.html is the same page as one file, which also opens from the disk. The model of a page accepts images of "
    "any size, and its weights are stored in 8 bits.\n\nBefore writing, its predictions are "
    "compared with those of the original on real images; a file that differs is not written. An ensemble becomes one "
    "network that averages its members.": (
        "학습한 신경망을 ONNX 파일로, 또는 방문자의 기기에서 예측하는 웹 페이지로 내보냅니다.\n\nFILE.onnx의 입력은 "
        "uint8 픽셀, 출력은 확률이고, 클래스 이름도 들어 있습니다. 폴더는 어느 웹 호스트에나 올릴 수 있습니다. "
        "페이지는 파일과 카메라의 이미지를 예측하고 아무것도 보내지 않으며, 한 번 열면 인터넷 연결 없이도 동작합니다. "
        "FILE.html은 같은 페이지를 파일 하나로 만든 것으로, 디스크에서 바로 열 수 있습니다. 페이지의 모델은 어떤 "
        "크기의 이미지든 받고, 가중치는 8비트로 저장합니다.\n\n쓰기 전에 예측을 실제 이미지로 "
        "원본과 비교하며, 예측이 다른 파일은 만들지 않습니다. 앙상블은 구성원의 평균을 내는 신경망 하나가 됩니다."
    ),
    "What to write: FILE.onnx, a folder for a web page, or FILE.html.": (
        "무엇을 만들지: FILE.onnx, 웹 페이지 폴더 또는 FILE.html."
    ),
    "Quantize to 8-bit integers: a quarter of the size, faster, less exact.": (
        "8비트 정수로 양자화합니다. 크기는 4분의 1이 되고 빨라지며, 조금 덜 정확해집니다."
    ),
    "Accept images of any size; the model itself resizes them.": (
        "어떤 크기의 이미지든 받습니다. 모델이 스스로 크기를 맞춥니다."
    ),
    "Version of ONNX's operators, 13 to 20 [the lowest that the network needs].": (
        "ONNX 연산자의 버전, 13~20 [신경망에 필요한 가장 낮은 버전]."
    ),
    "Images or folders to compare on [the test images of its data set].": (
        "비교에 쓸 이미지나 폴더 [학습한 데이터셋의 테스트 이미지]."
    ),
    # inspect
    "Print the contents of an ONNX file of any program: inputs, outputs, layers, shapes, parameters, cost.\n\nA "
    "file that Striate cannot convert to a network is shown operator by operator, with the reason. The file is not "
    "run, and no other file is opened.": (
        "어떤 프로그램이 만든 ONNX 파일이든 입력, 출력, 층, 형상, 매개변수, 계산량을 출력합니다.\n\nStriate가 "
        "신경망으로 바꿀 수 없는 파일은 그 이유와 함께 연산자를 하나씩 보여 줍니다. 파일을 실행하지 않으며, 다른 "
        "파일을 열지도 않습니다."
    ),
    "Height and width of the images, such as 224 or 48x192, for a file that takes images of any size.": (
        "어떤 크기의 이미지든 받는 파일에서 가정할 이미지의 높이와 너비. 예: 224, 48x192."
    ),
    "Print everything as JSON.": "모두 JSON으로 출력합니다.",
    # find-lr
    "Suggest a learning rate for a network on DATA.\n\nA short training raises the learning rate from step to step "
    "until the loss diverges. The suggestion is the rate at which the loss fell fastest. The trained weights are "
    "not kept.": (
        "DATA와 신경망에 알맞은 학습률을 찾습니다.\n\n짧게 학습하면서 손실이 발산할 때까지 스텝마다 학습률을 키웁니다. "
        "손실이 가장 빨리 줄어든 학습률을 권합니다. 이때 학습한 가중치는 남기지 않습니다."
    ),
    "The network [default: as in striate train].": "신경망 [striate train과 같음].",
    "The plot.": "그래프를 담을 파일.",
    "Initial weights: imagenet, or a file.": "초기 가중치: imagenet 또는 파일.",
    # summary
    "Print the layers of a built-in network (ID), of a run, or of a model file.\n\n--set changes a built-in "
    "network, for example --set filters=[8,16,32], hidden=50 or input_shape=[64,64,3].": (
        "내장 신경망(ID), 실행 폴더, 모델 파일의 층을 출력합니다.\n\n--set으로 내장 신경망을 바꿀 수 있습니다. 예: "
        "--set filters=[8,16,32], hidden=50, input_shape=[64,64,3]."
    ),
    "Print the table as JSON.": "표를 JSON으로 출력합니다.",
    # reproduce
    "Run the systems ID… (default: all) and compare measured with reported figures.": (
        "시스템 ID…를 실행하여(기본값: 모두) 측정값을 알려진 값과 비교합니다."
    ),
    "Number of training runs of each system.": "시스템마다 학습하는 횟수.",
    "The first seed.": "첫 번째 시드.",
    "Train with the recipes of the reported figures.": "알려진 값을 얻은 학습 방법 그대로 학습합니다.",
    "Folder for the runs; finished runs in it are reused.": "실행을 둘 폴더. 그 안에 끝난 실행이 있으면 다시 씁니다.",
    "Photographs FOLDER/CLASS/*.jpg for the systems that need some.": (
        "사진이 필요한 시스템에 쓸 사진: FOLDER/CLASS/*.jpg."
    ),
    "List the systems and exit.": "시스템의 목록을 출력하고 끝냅니다.",
    "Print the results only.": "결과만 출력합니다.",
    # augment
    "Draw images of DATA, a data set's name or a folder, next to augmented copies.\n\nThe first column shows the "
    "originals, the others what training would use in successive epochs.": (
        "DATA(데이터셋의 이름이나 폴더)의 이미지와 증강한 이미지를 나란히 그립니다.\n\n첫 번째 열은 원본이고, 나머지는 "
        "학습에서 에포크마다 쓰일 이미지입니다."
    ),
    "PNG file to write.": "만들 PNG 파일.",
    "The augmentation.": "데이터 증강의 종류.",
    "A setting of the augmentation, such as rotation=30, crop=[0.2,1] or mixup=0.2.": (
        "데이터 증강의 설정. 예: rotation=30, crop=[0.2,1], mixup=0.2."
    ),
    "Number of images.": "이미지 수.",
    "Number of copies of each.": "이미지마다 증강한 이미지의 수.",
    "Seed of the augmentation.": "데이터 증강의 시드.",
    # gradcheck
    "Compare the gradients of MODEL with numerical gradients in float64.\n\nValues at which the loss has no "
    "derivative, as where a ReLU switches, are skipped. The exit status is 1 if the relative error of a parameter "
    "is above 1e-7.": (
        "MODEL의 기울기를 float64로 수치 미분과 비교합니다.\n\nReLU가 꺾이는 곳처럼 손실을 미분할 수 없는 값은 "
        "건너뜁니다. 상대 오차가 1e-7보다 큰 매개변수가 있으면 종료 코드는 1입니다."
    ),
    "Seed of weights, inputs and targets.": "가중치, 입력, 정답의 시드.",
    # data
    "List the built-in data sets, download one, or check or audit a folder of images.": (
        "내장 데이터셋의 목록을 보거나 내려받고, 이미지 폴더를 확인하거나 점검합니다."
    ),
    "List the built-in data sets: size, description, and where the files are.": (
        "내장 데이터셋의 크기, 설명, 파일의 위치를 출력합니다."
    ),
    "List the built-in data sets.": "내장 데이터셋의 목록을 출력합니다.",
    "Download a built-in data set, unless it is there already, and print where it is.\n\nNAME is one of those that "
    '"striate data list" prints. Training downloads a data set by itself.': (
        "내장 데이터셋이 아직 없으면 내려받고, 그 위치를 출력합니다.\n\nNAME은 striate data list가 출력하는 "
        "이름입니다. 학습할 때는 저절로 내려받습니다."
    ),
    "Download a built-in data set.": "내장 데이터셋을 내려받습니다.",
    "Check a FOLDER of images before training: formats, sizes, unreadable files, copies, images of each class.": (
        "학습하기 전에 이미지 폴더를 확인합니다: 형식, 크기, 읽을 수 없는 파일, 중복, 클래스별 이미지 수."
    ),
    "Check a folder of images before training.": "학습하기 전에 이미지 폴더를 확인합니다.",
    "Find labels that are probably wrong, duplicate images, and unusual images in a FOLDER.\n\nThe results "
    'are a page to look at, audit.html, and a table, audit.csv. Write "exclude" or "relabel" in its column "action" '
    "and pass it to striate train FOLDER --exclude audit.csv. The folder itself is never changed.": (
        "폴더에서 잘못되었을 가능성이 높은 라벨, 중복 이미지, 특이한 이미지를 찾습니다.\n\n결과는 눈으로 확인할 페이지 "
        "audit.html과 표 audit.csv입니다. 표의 action 열에 exclude나 relabel을 적고 striate train FOLDER --exclude "
        "audit.csv로 학습하십시오. 폴더 자체는 절대 변경하지 않습니다."
    ),
    "Find wrong labels, duplicates and unusual images.": "잘못된 라벨, 중복, 특이한 이미지를 찾습니다.",
    "Folder for the results [audits/FOLDER].": "결과를 둘 폴더 [audits/FOLDER].",
    "Pretrained network that computes the features [chosen].": "특성을 계산할 사전 학습한 신경망 [자동].",
    "Threshold of a kind of unusual images, such as blurred=0.7 or tiny=64.": (
        "특이한 이미지로 볼 임계값. 예: blurred=0.7, tiny=64."
    ),
    "Write a lesson instead: one page about a few images, which needs no server.": (
        "대신 수업 자료를 씁니다. 이미지 몇 장을 살펴보는 페이지 하나로, 서버가 필요 없습니다."
    ),
    "An image of the lesson: a file, or its number on the page. Repeat for several [a wrong prediction].": (
        "수업 자료의 이미지: 파일, 또는 페이지에서의 번호. 여러 장이면 반복 [틀린 예측 하나]."
    ),
}
