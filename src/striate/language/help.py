"""Korean for the texts of `--help`, each paragraph on one line."""

HELP: dict[str, str] = {
    # frame
    "Usage:": "사용법:",
    "Options": "옵션",
    "Commands": "명령",
    "Examples": "예",
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
    "Predict the classes of images.": "이미지의 클래스를 예측합니다.",
    "Serve predictions over HTTP, with a web page.": "HTTP로 이미지를 예측하고, 웹 페이지도 엽니다.",
    "Look inside a network in the browser.": "브라우저에서 신경망 속을 들여다봅니다.",
    "Export a trained network as an ONNX file or a web page.": "학습한 신경망을 ONNX 파일이나 웹 페이지로 내보냅니다.",
    "Show the layers, shapes and computational cost of any ONNX file.": "ONNX 파일의 층, 형상, 계산량을 보여 줍니다.",
    "Suggest a learning rate for a network on its data.": "데이터와 신경망에 알맞은 학습률을 찾습니다.",
    "Print the layers of a network as a table.": "신경망의 층을 표로 출력합니다.",
    "Train known systems and compare measured with reported results.": (
        "알려진 시스템을 학습하여 측정값을 알려진 값과 비교합니다."
    ),
    "Write a preview of augmented images.": "증강한 이미지를 한 장에 모아 그립니다.",
    "Check backpropagation against numerical gradients.": "역전파를 수치 미분과 비교하여 검산합니다.",
    "List data sets, download one, or check a folder of images.": (
        "데이터셋 목록을 보거나 내려받고, 이미지 폴더를 확인합니다."
    ),
    # train
    "Train a network on DATA and write a report.\n\nDATA is the name of a built-in data set, or a folder with the "
    "images of each class in a subfolder: photos/CLASS/*.jpg, or photos/{train,val,test}/CLASS/*.jpg if the images are "
    "already split. Without DATA, LeNet-5 is trained on mnist5k, 5,000 digits that are included in Striate.\n\nWith "
    "--labels, the folder can have any structure. The labels are read from a CSV file with a row for each image: "
    "file,label. For --task multilabel, a row is file,label1;label2, or has a column of 0 and 1 for each label. For "
    '--task regression, a row is file,value.\n\nMethods: "features" fits a linear classifier to the features of a '
    'pretrained network. "fine-tune" then trains the pretrained network too. "scratch" trains all weights of a '
    'built-in network, from random values or from --weights. "auto" chooses a method for a folder and prints the '
    "reason. No other option changes the "
    "method; an option that does not apply to the method is an error.": (
        "DATA로 신경망을 학습하고 보고서를 만듭니다.\n\nDATA는 내장 데이터셋의 이름이나, 클래스마다 하위 폴더에 "
        "이미지를 넣은 폴더입니다: photos/CLASS/*.jpg, 또는 이미 나누어 두었다면 photos/{train,val,test}/CLASS/*.jpg. "
        "DATA가 없으면 Striate에 들어 있는 숫자 이미지 5,000장(mnist5k)으로 LeNet-5를 학습합니다.\n\n--labels를 쓰면 "
        "폴더의 구조는 상관없으며, 이미지마다 한 행(file,label)인 CSV 파일에서 라벨을 읽습니다. --task multilabel이면 "
        "행은 file,label1;label2이거나 라벨마다 0과 1의 열이 있고, --task regression이면 file,value입니다.\n\n방법: "
        "features는 사전 학습한 신경망의 특성에 선형 분류기를 맞춥니다. fine-tune은 이어서 그 신경망까지 학습합니다. "
        "scratch는 내장 신경망의 모든 가중치를 무작위 값이나 --weights의 값에서 시작하여 학습합니다. auto는 "
        "폴더에 알맞은 방법을 고르고 그 이유를 "
        "출력합니다. 다른 옵션이 방법을 바꾸는 일은 없으며, 방법에 맞지 않는 옵션을 주면 오류입니다."
    ),
    "CSV file with the labels of a folder's images: file,label.": "폴더 속 이미지의 라벨을 적은 CSV 파일: file,label.",
    "What --labels contains: one class per image, several labels, or values.": (
        "--labels에 적힌 것: 이미지마다 클래스 하나, 여러 라벨, 또는 수치."
    ),
    "Column of --labels that contains the labels, if there are several columns. Can be repeated.": (
        "--labels의 열이 여럿일 때 라벨이 적힌 열. 여러 번 쓸 수 있습니다."
    ),
    "CSV file of striate data audit. Images that have an action in it are excluded or relabeled.": (
        "striate data audit의 CSV 파일. action을 적은 이미지를 빼거나 라벨을 고칩니다."
    ),
    "CSV file with columns file,group. Images of one group, such as a person or a video, stay in the same split.": (
        "file,group 열이 있는 CSV 파일. 같은 사람이나 같은 영상처럼 한 그룹인 이미지는 학습, 검증, 테스트 가운데 한 "
        "곳에만 둡니다."
    ),
    "How the classifier is trained [auto].": "분류기를 학습하는 방법 [auto].",
    "Built-in network; all its weights are trained, from random values or from --weights. Implies --method scratch "
    "[lenet5; chosen automatically for folders].": (
        "내장 신경망. 무작위 값이나 --weights의 값에서 시작하여 모든 가중치를 학습합니다. --method scratch와 "
        "같습니다 [lenet5, 폴더이면 자동]."
    ),
    "Pretrained base: an ID, an ONNX file or timm/NAME; auto compares several. Implies --method features by default.": (
        "백본: 사전 학습한 신경망, ONNX 파일, timm/NAME, auto(비교). fine-tune이 없으면 --method features입니다 [자동]."
    ),
    "Last layer of the base that is used [the one before its classifier].": (
        "백본에서 사용할 마지막 층 [분류기 바로 앞의 층]."
    ),
    "Time limit for training on a folder, in minutes; not for --method scratch [none].": (
        "폴더로 학습하는 시간의 제한(분). --method scratch에는 쓸 수 없음 [없음]."
    ),
    "Number of cross-validation folds; 0: test on 10 % of the images instead [5 for fewer than 1,000 images].": (
        "교차 검증의 폴드 수. 0이면 교차 검증하지 않고 이미지의 10 %로 테스트합니다 [1,000장보다 적으면 5]."
    ),
    "Run folder to create [runs/DATA-MODEL].": "만들 실행 폴더 [runs/DATA-MODEL].",
    "Number of passes over the training images.": "학습 이미지 전체를 보는 횟수.",
    "Number of images per training step.": "한 스텝에 쓰는 이미지 수.",
    "Peak learning rate of the schedule, above 0.": "스케줄에서 가장 높은 학습률. 0보다 커야 합니다.",
    "Optimizer.": "옵티마이저.",
    "Learning-rate schedule.": "학습률 스케줄.",
    "Data augmentation preset.": "데이터 증강의 프리셋.",
    "How images are resized to the network's input size [crop].": "이미지를 신경망의 입력 크기에 맞추는 방법 [crop].",
    "Random seed of initial weights, sample order, augmentation and dropout [0].": (
        "초기 가중치, 이미지 순서, 증강, 드롭아웃의 난수 시드 [0]."
    ),
    "Train K networks and average their probabilities.": "신경망 K개를 학습하여 확률의 평균을 냅니다.",
    "Initial weights: imagenet, or a file (safetensors, PyTorch state dict).": (
        "초기 가중치: imagenet 또는 파일(safetensors, PyTorch state dict)."
    ),
    "Resume a run; with --epochs, train it for more epochs.": (
        "실행을 이어서 학습합니다. --epochs를 함께 쓰면 더 오래 학습합니다."
    ),
    "Engine that runs the network: NumPy or PyTorch [auto].": "신경망을 계산할 엔진: NumPy 또는 PyTorch [auto].",
    "Device for PyTorch: cpu, cuda, cuda:1, mps [auto].": "PyTorch의 장치: cpu, cuda, cuda:1, mps [auto].",
    "Precision of PyTorch: auto, float32, bfloat16 or float16 "
    "[auto].": "PyTorch의 정밀도: auto, float32, bfloat16, float16 [auto].",
    "Precision: auto, float32, bfloat16 or float16 (PyTorch); float32 or int8 (feature extraction) [auto; int8 "
    "where it is fast].": (
        "정밀도: auto, float32, bfloat16, float16(PyTorch). 특성 추출에서는 float32나 int8 [auto, 빠른 곳에서는 int8]."
    ),
    "Use deterministic GPU algorithms: bit-identical results, but slower.": (
        "GPU에서도 결과가 비트까지 같습니다. 그만큼 느립니다."
    ),
    "Compile the network with torch.compile.": "신경망을 torch.compile로 컴파일합니다.",
    "Setting of the network or the recipe, such as patience=10. An unknown name prints all settings. Can be "
    "repeated.": (
        "신경망이나 학습 방법의 설정. 예: patience=10. 없는 이름을 쓰면 설정을 모두 보여 줍니다. 여러 번 쓸 수 "
        "있습니다."
    ),
    "Also write TensorBoard logs.": "TensorBoard 로그도 기록합니다.",
    "Print only the result.": "결과만 출력합니다.",
    # evaluate
    "Evaluate a trained model on the test images of DATA (default: the data it was trained on).": (
        "학습한 모델을 DATA의 테스트 이미지로 평가합니다(기본값: 학습한 데이터)."
    ),
    "CSV file with the cost matrix: a row for each true class, a column for each predicted class.": (
        "비용 행렬(cost matrix)을 적은 CSV 파일. 행은 실제 클래스, 열은 예측한 클래스입니다."
    ),
    "Print all metrics as JSON.": "모든 지표를 JSON으로 출력합니다.",
    # compare
    "Compare two or more RUNs on their shared test images, and write a page.\n\nFor each pair of runs, the difference "
    "in accuracy is printed with its confidence interval and McNemar's test.": (
        "둘 이상의 RUN을 공통 테스트 이미지로 비교하고 페이지를 만듭니다.\n\n두 실행의 쌍마다 정확도의 차이와 "
        "신뢰구간, 맥니마 검정의 결과를 출력합니다."
    ),
    "Folder of new images to compare on, instead of the shared test images.": (
        "공통 테스트 이미지 대신 이 폴더의 새 이미지로 비교합니다."
    ),
    "HTML page to write [comparison.html in the last RUN].": "만들 HTML 페이지 [마지막 RUN의 comparison.html].",
    # predict
    'Predict the classes of image FILES and of all images in folders.\n\n"-" reads file names from standard input, '
    "one per line, or separated by null bytes (find -print0).\n\nImages that differ too much from the training images "
    "are marked unknown. A model that cannot detect this marks images whose highest probability is too low. A "
    "multi-label model prints the labels whose probability reaches their threshold, and a regression model prints each "
    "value with its prediction interval. The exit status is 1 if a file cannot be read.": (
        '이미지 파일과 폴더 안에 있는 모든 이미지의 클래스를 예측합니다.\n\n"-"를 주면 파일 이름을 표준 입력에서 한 '
        "줄에 하나씩, 또는 0 바이트로 구분하여(find -print0) 읽습니다.\n\n학습 이미지와 너무 다른 이미지에는 "
        "‘모름’이라고 표시합니다. 이를 판단할 수 없는 모델이면 가장 높은 확률이 너무 낮을 때 표시합니다. 다중 라벨 "
        "모델은 확률이 임계값 이상인 라벨을, 회귀 모델은 값과 예측 구간을 출력합니다. 읽을 수 없는 파일이 있으면 종료 "
        "코드는 1입니다."
    ),
    "Print the predictions as a JSON list.": "JSON 목록으로 출력합니다.",
    "Write a CSV file with a row for each image.": "이미지마다 한 행인 CSV 파일을 씁니다.",
    "Write a JSON Lines file with a line for each image.": "이미지마다 한 줄인 JSON Lines 파일을 씁니다.",
    "Continue an incomplete file of --csv or --jsonl.": "덜 쓰인 --csv나 --jsonl 파일을 이어서 씁니다.",
    "Show the K most probable classes.": "확률이 높은 클래스 K개를 함께 보여 줍니다.",
    "Show the probabilities of all classes.": "모든 클래스의 확률을 함께 보여 줍니다.",
    "Mark images with a probability below P as unknown; multi-label models: predict the labels that reach P.": (
        "확률이 P보다 낮은 이미지를 ‘모름’으로 표시합니다. 다중 라벨 모델이면 확률이 P 이상인 라벨을 예측합니다."
    ),
    "Copy the images into FOLDER/CLASS/ and FOLDER/unknown/.": (
        "이미지를 FOLDER/클래스/와 FOLDER/unknown/에 복사합니다."
    ),
    "With --sort-into: move the images instead of copying them.": "--sort-into에서 이미지를 복사하지 않고 옮깁니다.",
    # serve
    "Serve predictions over HTTP, with a web page that accepts image files and camera images.\n\nSeveral models are "
    "served under the names of their folders. With --host 0.0.0.0, other machines can send requests; they must then "
    "send the token that the environment variable STRIATE_TOKEN contains. Stop with Ctrl-C.": (
        "HTTP로 예측을 제공하고, 이미지 파일이나 카메라로 찍은 이미지를 넣을 수 있는 웹 페이지도 엽니다.\n\n모델이 "
        "여럿이면 폴더 이름으로 고릅니다. --host 0.0.0.0을 주면 다른 컴퓨터에서도 쓸 수 있으며, 이때는 환경 변수 "
        "STRIATE_TOKEN의 토큰을 함께 보내야 합니다. Ctrl-C로 끝냅니다."
    ),
    "Address to listen on [127.0.0.1: this machine].": "요청을 받을 주소 [127.0.0.1: 이 컴퓨터만].",
    "TCP port [8000]; 0 chooses a free one.": "TCP 포트 [8000]. 0이면 빈 포트.",
    "Maximum number of waiting images [64].": "기다리는 이미지의 최대 수 [64].",
    "Maximum size of a request in megabytes [20].": "요청의 최대 크기(MB) [20].",
    # explore
    "Explore a network in the browser: wrong predictions, feature maps, filters, and the computation of every "
    "unit.\n\nMODEL is a run folder, a model file or an ONNX file. Without it, LeNet-5 is trained within seconds on "
    "digits that are included in Striate. IMAGES are files and folders; without them, the test images of the run are "
    "shown. The page can be opened on this computer only. Stop with Ctrl-C.": (
        "브라우저에서 신경망 속을 들여다봅니다. 틀린 예측, 특성 맵, 필터, 그리고 모든 유닛의 계산을 볼 수 "
        "있습니다.\n\n"
        "MODEL은 실행 폴더, 모델 파일 또는 ONNX 파일입니다. 없으면 Striate에 들어 있는 숫자 이미지로 LeNet-5를 몇 초 "
        "동안 학습합니다. IMAGES는 파일과 폴더이며, 없으면 실행의 테스트 이미지를 보여 줍니다. 페이지는 이 "
        "컴퓨터에서만 "
        "열 수 있습니다. Ctrl-C로 끝냅니다."
    ),
    "TCP port [a free one].": "TCP 포트 [빈 포트].",
    "Print the address, but do not open a browser.": "주소만 출력하고 브라우저는 열지 않습니다.",
    # export
    "Export a trained network as an ONNX file, or as a web page that predicts in the browser.\n\nFILE.onnx takes uint8 "
    "pixels, returns probabilities, and contains the class names. A folder contains a web page for any web host. The "
    "page accepts files and camera images, uploads nothing, and works offline after the first visit. FILE.html is the "
    "same page in a single file, which can also be opened from the disk. The model of a page accepts images of any "
    "size, and its weights are stored in 8 bits.\n\nBefore anything is written, the predictions of the exported model "
    "are compared with those of the original on real images. If they differ, nothing is written. An ensemble is "
    "exported as one network that averages its members.": (
        "학습한 신경망을 ONNX 파일로, 또는 브라우저에서 예측하는 웹 페이지로 내보냅니다.\n\nFILE.onnx의 입력은 uint8 "
        "픽셀, 출력은 확률이고, 클래스 이름도 들어 있습니다. 폴더는 어느 웹 호스트에나 올릴 수 있습니다. 페이지는 "
        "파일과 카메라의 이미지를 예측하고 아무것도 보내지 않으며, 한 번 열면 인터넷 연결 없이도 동작합니다. "
        "FILE.html은 같은 페이지를 파일 하나로 만든 것으로, 디스크에서 바로 열 수 있습니다. 페이지의 모델은 어떤 "
        "크기의 이미지든 받고, 가중치는 8비트로 저장합니다.\n\n쓰기 전에 예측을 실제 이미지로 원본과 비교하며, 예측이 "
        "다른 파일은 만들지 않습니다. 앙상블은 구성원의 평균을 내는 신경망 하나가 됩니다."
    ),
    "Output: FILE.onnx, a folder for a web page, or FILE.html.": ("만들 것: FILE.onnx, 웹 페이지 폴더 또는 FILE.html."),
    "Quantize to 8-bit integers: a quarter of the size, faster, slightly less accurate.": (
        "8비트 정수로 양자화합니다. 크기는 4분의 1이 되고 빨라지며, 조금 덜 정확해집니다."
    ),
    "Accept images of any size: the model resizes them.": (
        "어떤 크기의 이미지든 받습니다. 모델이 스스로 크기를 맞춥니다."
    ),
    "ONNX opset version, 13 to 20 [the lowest that the network needs].": (
        "ONNX opset 버전, 13~20 [신경망에 필요한 가장 낮은 버전]."
    ),
    "Images or folders for the comparison with the original [test images of the data set].": (
        "비교에 쓸 이미지나 폴더 [학습한 데이터셋의 테스트 이미지]."
    ),
    # inspect
    "Print the contents of any ONNX file: inputs, outputs, layers, shapes, parameters, multiply-adds.\n\nA file that "
    "Striate cannot convert to a network is shown operator by operator, with the reason. The file is not run, and no "
    "other file is opened.": (
        "어떤 프로그램이 만든 ONNX 파일이든 입력, 출력, 층, 형상, 매개변수, 계산량을 출력합니다.\n\nStriate가 "
        "신경망으로 바꿀 수 없는 파일은 그 이유와 함께 연산자를 하나씩 보여 줍니다. 파일을 실행하지 않으며, 다른 "
        "파일을 열지도 않습니다."
    ),
    "Height and width of the images, such as 224 or 48x192, for a model that accepts images of any size.": (
        "어떤 크기의 이미지든 받는 모델에서 가정할 이미지의 높이와 너비. 예: 224, 48x192."
    ),
    "Print everything as JSON.": "모두 JSON으로 출력합니다.",
    # find-lr
    "Suggest a learning rate for a network on DATA.\n\nDuring a short training run, the learning rate is increased at "
    "each step until the loss diverges. The suggested learning rate is the one at which the loss falls fastest. The "
    "trained weights are not kept.": (
        "DATA와 신경망에 알맞은 학습률을 찾습니다.\n\n짧게 학습하면서 손실이 발산할 때까지 스텝마다 학습률을 키웁니다. "
        "손실이 가장 빨리 줄어든 학습률을 권합니다. 이때 학습한 가중치는 남기지 않습니다."
    ),
    "Network to train [as in striate train].": "학습할 신경망 [striate train과 같음].",
    "HTML file for the plot.": "그래프를 담을 HTML 파일.",
    # summary
    "Print the layers of a built-in network (ID), of a run, or of a model file.\n\n--set changes a built-in "
    "network, for example --set filters=[8,16,32], hidden=50 or input_shape=[64,64,3].": (
        "내장 신경망(ID), 실행 폴더, 모델 파일의 층을 출력합니다.\n\n--set으로 내장 신경망을 바꿀 수 있습니다. 예: "
        "--set filters=[8,16,32], hidden=50, input_shape=[64,64,3]."
    ),
    "Print the table as JSON.": "표를 JSON으로 출력합니다.",
    # reproduce
    "Train known systems (default: all) and compare measured with reported results.": (
        "시스템 ID…를 실행하여(기본값: 모두) 측정값을 알려진 값과 비교합니다."
    ),
    "Number of training runs of each system.": "시스템마다 학습하는 횟수.",
    "Random seed of the first run.": "첫 번째 실행의 난수 시드.",
    "Use the training recipes of the reported results.": "알려진 값을 얻은 학습 방법 그대로 학습합니다.",
    "Folder for the runs; finished runs in it are reused.": "실행을 둘 폴더. 그 안에 끝난 실행이 있으면 다시 씁니다.",
    "Folder of photographs, FOLDER/CLASS/*.jpg, for the systems that need them.": (
        "사진이 필요한 시스템에 쓸 사진: FOLDER/CLASS/*.jpg."
    ),
    "List the systems and exit.": "시스템의 목록을 출력하고 끝냅니다.",
    "Print only the results.": "결과만 출력합니다.",
    # augment
    "Write a preview of images of DATA, a data set's name or a folder, next to augmented copies.\n\nThe first column "
    "shows the original images, the other columns their augmented copies in successive epochs.": (
        "DATA(데이터셋의 이름이나 폴더)의 이미지와 증강한 이미지를 나란히 그립니다.\n\n첫 번째 열은 원본이고, 나머지는 "
        "학습에서 에포크마다 쓰일 이미지입니다."
    ),
    "PNG file to write.": "만들 PNG 파일.",
    "Augmentation setting, such as rotation=30, crop=[0.2,1] or mixup=0.2. Can be repeated.": (
        "데이터 증강의 설정. 예: rotation=30, crop=[0.2,1], mixup=0.2. 여러 번 쓸 수 있습니다."
    ),
    "Number of images.": "이미지 수.",
    "Number of augmented copies per image.": "이미지마다 증강한 이미지의 수.",
    "Random seed of the augmentation.": "데이터 증강의 시드.",
    # gradcheck
    "Compare the gradients of MODEL from backpropagation with numerical gradients in float64.\n\nUp to 40 elements "
    "of each parameter are compared, chosen at random. Points at which the loss is not differentiable, such as "
    "the kink of a ReLU, are skipped. The exit status is 1 if the relative error of a parameter is above 1e-7.": (
        "역전파로 구한 MODEL의 기울기를 float64로 수치 미분과 비교합니다.\n\n매개변수마다 원소를 40개까지 무작위로 "
        "골라 비교합니다. ReLU가 꺾이는 곳처럼 손실을 미분할 수 없는 값은 건너뜁니다. 상대 오차가 1e-7보다 큰 "
        "매개변수가 있으면 종료 코드는 1입니다."
    ),
    "Random seed of weights, inputs and targets.": "가중치, 입력, 정답의 시드.",
    # data
    "List the built-in data sets, download one, or check or audit a folder of images.": (
        "내장 데이터셋의 목록을 보거나 내려받고, 이미지 폴더를 확인하거나 점검합니다."
    ),
    "List the built-in data sets with their sizes, descriptions and paths.": (
        "내장 데이터셋의 크기, 설명, 파일의 위치를 출력합니다."
    ),
    "List the built-in data sets.": "내장 데이터셋의 목록을 출력합니다.",
    "Download a built-in data set unless it is already present, and print its path.\n\nNAME is one of the names that "
    '"striate data list" prints. Training downloads its data set automatically.': (
        "내장 데이터셋이 아직 없으면 내려받고, 그 위치를 출력합니다.\n\nNAME은 striate data list가 출력하는 "
        "이름입니다. 학습할 때는 저절로 내려받습니다."
    ),
    "Download a built-in data set.": "내장 데이터셋을 내려받습니다.",
    "Check a FOLDER of images before training: formats, sizes, unreadable files, duplicates, images per class."
    "\n\nTo find label errors and unusual images, run striate data audit.": (
        "학습하기 전에 이미지 폴더를 확인합니다: 형식, 크기, 읽을 수 없는 파일, 중복, 클래스별 이미지 수.\n\n잘못된 "
        "라벨과 특이한 이미지를 찾으려면 striate data audit를 실행하십시오."
    ),
    "Check a folder of images before training.": "학습하기 전에 이미지 폴더를 확인합니다.",
    "Find probable label errors, duplicate images and unusual images in a FOLDER.\n\nThe results are the page "
    'audit.html and the table audit.csv. To correct the data, write "exclude" or "relabel" in the column '
    '"action" of the table, and train with striate train FOLDER --exclude audit.csv. The folder itself is never '
    "changed.\n\nFor a fast check of files, sizes and images per class, run striate data scan.": (
        "폴더에서 잘못되었을 가능성이 높은 라벨, 중복 이미지, 특이한 이미지를 찾습니다.\n\n결과는 눈으로 확인할 페이지 "
        "audit.html과 표 audit.csv입니다. 표의 action 열에 exclude나 relabel을 적고 striate train FOLDER --exclude "
        "audit.csv로 학습하십시오. 폴더 자체는 절대 변경하지 않습니다.\n\n파일, 크기, 클래스별 이미지 수만 빠르게 "
        "확인하려면 striate data scan을 실행하십시오."
    ),
    "Find label errors, duplicates and unusual images.": "잘못된 라벨, 중복, 특이한 이미지를 찾습니다.",
    "Folder for the results [audits/FOLDER].": "결과를 둘 폴더 [audits/FOLDER].",
    "Pretrained network that computes the features [chosen automatically].": "특성을 계산할 사전 학습한 신경망 [자동].",
    "Threshold for a kind of unusual image, such as blurred=0.7 or tiny=64. Can be repeated.": (
        "특이한 이미지로 볼 임계값. 예: blurred=0.7, tiny=64. 여러 번 쓸 수 있습니다."
    ),
    "Write a standalone HTML page about a few images instead; it needs no server.": (
        "대신 이미지 몇 장을 살펴보는 HTML 페이지 하나를 만듭니다. 서버가 필요 없습니다."
    ),
    "Image for the exported page: a file, or an image's number in the explorer. Can be repeated [a wrong "
    "prediction].": (
        "내보낼 페이지에 넣을 이미지: 파일, 또는 탐색기에서의 번호. 여러 번 쓸 수 있습니다 [틀린 예측 하나]."
    ),
}
