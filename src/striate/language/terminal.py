"""Korean for what the commands print."""

TERMINAL: dict[str, str] = {
    # labels of lines
    "model": "모델",
    "data": "데이터",
    "recipe": "설정",
    "base": "백본",
    "classifier": "분류기",
    "seed": "시드",
    "note": "참고",
    "Note:": "참고:",
    "time": "시간",
    "report": "보고서",
    "try": "다음",
    "page": "페이지",
    "table": "표",
    "next": "다음",
    "plot": "그래프",
    "rate": "학습률",
    "preview": "미리보기",
    "results": "결과",
    "duplicates": "중복",
    "unusual": "특이",
    "formats": "형식",
    "width (horizontal) and height in pixels; darker cells contain more images": (
        "이미지의 너비(가로축)와 높이(픽셀). 진한 칸일수록 이미지가 많습니다"
    ),
    "sizes": "크기",
    "computing the page: {n} %": "페이지 계산: {n} %",
    # serve
    "page     {address}/": "페이지    {address}/",
    "model    {name}: POST {address}/v1/models/{part}/predict": (
        "모델      {name}: POST {address}/v1/models/{part}/predict"
    ),
    "try      curl {token}--data-binary @IMAGE.jpg {address}/v1/predict": (
        "사용 예   curl {token}--data-binary @IMAGE.jpg {address}/v1/predict"
    ),
    # predict
    "written  {path}": "기록      {path}",
    "sorted   {folder}: {n:,} copied": "분류      {folder}: {n:,}장 복사",
    ", {n:,} already there": ", {n:,}장은 이미 있음",
    "sorted   {folder}: {n:,} moved": "분류      {folder}: {n:,}장 이동",
    ", {n:,} more": " 외 {n:,}개",
    "'{path}' has 1 row already; continuing with the other images.": (
        "'{path}'에 이미 1행이 있습니다. 나머지 이미지를 이어서 예측합니다."
    ),
    "'{path}' has {rows:,} rows already; continuing with the other images.": (
        "'{path}'에 이미 {rows:,}행이 있습니다. 나머지 이미지를 이어서 예측합니다."
    ),
    "Files that could not be read: {count:,}; '{path}' lists all of them.": (
        "읽을 수 없는 파일: {count:,}개. 모두 '{path}'에 적었습니다."
    ),
    "most probable": "확률이 높은 클래스",
    # headings of tables
    "image": "이미지",
    "probability": "확률",
    "value": "값",
    "name": "이름",
    "description": "설명",
    "id": "ID",
    "reported": "알려진 값",
    "measured": "측정값",
    "system": "시스템",
    "training runs": "학습 횟수",
    "differences in the recipe": "학습 방법의 차이",
    "loss": "손실",
    "balanced accuracy": "균형 정확도",
    "AP": "AP",
    "largest errors": "가장 큰 오차",
    "minimum": "최솟값",
    "median": "중앙값",
    "maximum": "최댓값",
    "train": "학습",
    "parameter": "매개변수",
    "checked": "검사",
    "skipped": "제외",
    "largest relative error": "최대 상대 오차",
    "operator": "연산자",
    "pad": "패딩",
    "act.": "활성화",
    "params": "매개변수",
    "mult-\nadds": "곱셈-\n덧셈",
    "field": "수용\n영역",
    "theor.": "이론값",
    "kernel/\nstride": "커널/\n스트\n라이드",
    "(act.: activation, mult-adds: multiply-adds, field: receptive field within the image, theor.: not clipped)": (
        "(활성화: 활성화 함수, 수용 영역: 이미지 안의 수용 영역, 이론값: 이미지 밖까지 포함한 수용 영역)"
    ),
    "output size of {layer} rounded down: {calculation}": "{layer}의 출력 크기는 내림한 값: {calculation}",
    "{parameters:,} parameters ({frozen:,} not trainable), {adds:,} multiply-adds for one image": (
        "매개변수 {parameters:,}개(학습하지 않는 것 {frozen:,}개), 이미지 한 장에 곱셈-덧셈 {adds:,}번"
    ),
    "output": "출력",
    # numbers
    "1 image": "이미지 1장",
    "{n:,} images": "이미지 {n:,}장",
    "; by label": ", 라벨별",
    "… and {n:,} more": "… 외 {n:,}개",
    "{names} and {n:,} more": "{names} 외 {n:,}개",
    "{value} (95 % interval {low:.2f} … {high:.2f})": "{value} (95 % 신뢰구간 {low:.2f} ~ {high:.2f})",
    "{value:.4g} (95 % interval {low:.4g} … {high:.4g})": "{value:.4g} (95 % 신뢰구간 {low:.4g} ~ {high:.4g})",
    "{share:g} % interval": "{share:g} % 구간",
    "none": "없음",
    "all": "모두",
    "ok": "통과",
    "FAILED": "실패",
    "unknown": "모름",
    "remarks": "비고",
    "predicted class": "예측한 클래스",
    "labels": "라벨",
    "classes": "클래스",
    # frame
    "Error: {message}": "오류: {message}",
    "Try '{command} --help' for help.": "도움말: {command} --help",
    "process {n} of {processes}: {message}": "프로세스 {processes}개 중 {n}번: {message}",
    "Stopped.": "중단했습니다.",
    # train
    " × {n}, probabilities averaged": " × {n}, 확률의 평균",
    "{parameters:,} parameters, {adds:,} multiply-adds for one image": (
        "매개변수 {parameters:,}개, 이미지 한 장에 곱셈-덧셈 {adds:,}번"
    ),
    "because {reason}": "이유: {reason}",
    "{train:,} training, {validation:,} validation and {test:,} test images": (
        "이미지 {train:,}장으로 학습, {validation:,}장으로 검증, {test:,}장으로 테스트"
    ),
    "{n:,} images, tested by {folds}-fold cross-validation, then all used for training": (
        "이미지 {n:,}장, 모두 {folds}겹 교차 검증으로 테스트한 뒤 모두로 학습"
    ),
    "; all are in the report": " (모두 보고서에 있습니다)",
    "; all are on the page": " (모두 페이지에 있습니다)",
    "; --json lists all": " (--json으로 모두 볼 수 있습니다)",
    "{metrics}, after {seconds:.1f} s of training": "{metrics} (학습 시간 {seconds:.1f}초)",
    "'{run}' is already finished, so its images are not read again. Report: {report}": (
        "'{run}' 실행은 이미 끝나 이미지를 다시 읽지 않습니다. 보고서: {report}"
    ),
    # progress
    "epoch {epoch}/{epochs}": "에포크 {epoch}/{epochs}",
    "{rate:,.0f} images/s": "초당 {rate:,.0f}장",
    "{rate:,.1f} batches/s": "초당 배치 {rate:,.1f}개",
    "{n:,} batches": "배치 {n:,}개",
    "{seconds:.1f} s": "{seconds:.1f}초",
    "val_loss": "검증 손실",
    "val_accuracy": "검증 정확도",
    # figures
    "test accuracy": "테스트 정확도",
    "accuracy in {folds}-fold cross-validation": "{folds}겹 교차 검증 정확도",
    "1 error in {images:,} images": "이미지 {images:,}장 중 오류 1장",
    "{wrong:,} errors in {images:,} images": "이미지 {images:,}장 중 오류 {wrong:,}장",
    "{what} {low:.1f} … {high:.1f} % (95 % interval), {value:.2f} % measured: {errors}": (
        "{what} {low:.1f} ~ {high:.1f} % (95 % 신뢰구간), 측정값 {value:.2f} %: {errors}"
    ),
    "1 of {images:,} test images has a near-duplicate in the training or validation split; without it: {accuracy}": (
        "테스트 이미지 {images:,}장 가운데 1장이 학습이나 검증 이미지와 거의 같습니다. 그 이미지를 빼면 {accuracy}"
    ),
    "{leaked:,} of {images:,} test images have near-duplicates in the training or validation split; without them: "
    "{accuracy}": (
        "테스트 이미지 {images:,}장 가운데 {leaked:,}장이 학습이나 검증 이미지와 거의 같습니다. 그 이미지들을 빼면 "
        "{accuracy}"
    ),
    "balanced accuracy {accuracy}, lowest recall: '{name}' {recall}": (
        "균형 정확도 {accuracy}, 가장 낮은 재현율: '{name}' {recall}"
    ),
    "test mAP": "테스트 mAP",
    "mAP in {folds}-fold cross-validation": "{folds}겹 교차 검증 mAP",
    "{what} {value} on {images:,} images; chance level {chance:.1f} %": (
        "{what} {value}, 이미지 {images:,}장; 무작위로 늘어놓으면 {chance:.1f} %"
    ),
    "by fold: {values}": "폴드별: {values}",
    "mean F1 {f1}, all labels correct {exact}": "평균 F1 {f1}, 모든 라벨이 맞은 비율 {exact}",
    "'{name}': mean absolute error {error} on {images:,} test images": (
        "'{name}': 테스트 이미지 {images:,}장의 평균 절대 오차 {error}"
    ),
    "'{name}': mean absolute error {error} in {folds}-fold cross-validation of {images:,} images": (
        "'{name}': 이미지 {images:,}장을 {folds}겹 교차 검증한 평균 절대 오차 {error}"
    ),
    "R² {r2}; the mean absolute error of always predicting the median is {baseline:.4g}": (
        "R² {r2}; 항상 중앙값으로 예측할 때의 평균 절대 오차는 {baseline:.4g}"
    ),
    "the prediction interval ± {width:.4g} contains {share} of the true values (nominal coverage {coverage:g} %)": (
        "예측 구간 ± {width:.4g} 안에 실제 값의 {share}가 들어갑니다(목표 {coverage:g} %)"
    ),
    # evaluate
    "mean cost per image:": "이미지 한 장의 평균 비용:",
    "{amount} if the most probable class is predicted": "확률이 가장 높은 클래스로 예측하면 {amount}",
    "{amount} if the class with the lowest expected cost is predicted; the prediction differs for {images}": (
        "기대 비용이 가장 적은 클래스로 예측하면 {amount}; 예측이 달라지는 것은 {images}"
    ),
    "{share:.1f} % of '{true}' were predicted as '{predicted}' ({count})": (
        "'{true}' 이미지의 {share:.1f} %를 '{predicted}' 클래스로 예측({count}장)"
    ),
    "image {n}": "이미지 {n}",
    # compare
    "{n:,} shared test images ({of})": "공통 테스트 이미지 {n:,}장 ({of})",
    "{n:,} of '{name}'": "'{name}'의 {n:,}장 중",
    "Left out: {images} whose class differs between the runs.": "제외: 실행마다 클래스가 다른 {images}.",
    "p after Holm's correction": "홀름 보정 후의 p",
    "significant at the 5 % level": "5 % 수준에서 유의함",
    "not significant at the 5 % level": "5 % 수준에서 유의하지 않음",
    "'{second}' minus '{first}': {value:+.2f} points (95 % interval {low:+.2f} … {high:+.2f}); correct only in "
    "'{first}': {only_first:,}, only in '{second}': {only_second:,}; McNemar's exact test: {p} = {value_of_p:.3g}, "
    "{judged}": (
        "'{second}' − '{first}': {value:+.2f}%p (95 % 신뢰구간 {low:+.2f} ~ {high:+.2f}); '{first}'만 정답: "
        "{only_first:,}장, '{second}'만 정답: {only_second:,}장; 맥니마 정확 검정: {p} = {value_of_p:.3g}, {judged}"
    ),
    # export
    "open    {address}": "열기    {address}",
    "try     {command}": "실행    {command}",
    "are identical": "동일",
    "differ by at most {difference:.1g}": "차이 {difference:.1g} 이하",
    "compared with the original on {images}: predicted values {differ}": "{images}에서 원본과 비교: 예측값 {differ}",
    "compared with the original on {images}: same {what} for {share}, probabilities {differ}": (
        "{images}에서 원본과 비교: {what}이(가) {share} 같음, 확률 {differ}"
    ),
    "effect of quantization: {before:,} of these {images:,} images correct before, {after:,} after. They may include "
    "training images; the accuracy on others is in the report": (
        "양자화의 영향: 이 이미지 {images:,}장 가운데 양자화 전 {before:,}장, 양자화 후 {after:,}장 정답. 학습한 "
        "이미지가 섞여 있을 수 있으므로 정확도는 보고서를 보십시오"
    ),
    # inspect
    "an unknown program": "알 수 없는 프로그램",
    "{path}: ONNX, opset {opset}, written by {producer}, {size}": (
        "{path}: ONNX, opset {opset}, 만든 프로그램 {producer}, {size}"
    ),
    "input: {dtype} {shape}, named '{name}'": "입력: {dtype} {shape}, 이름 '{name}'",
    "output: named '{name}'": "출력: 이름 '{name}'",
    "of any shape": "(형상 자유)",
    "{n} classes: {names}": "클래스 {n}개: {names}",
    "{n:,} operators: {parameters:,} parameters, {adds:,} multiply-adds for one image": (
        "연산자 {n:,}개: 매개변수 {parameters:,}개, 이미지 한 장에 곱셈-덧셈 {adds:,}번"
    ),
    ", without 1 operator whose shapes are not known": ", 형상을 알 수 없는 연산자 1개 제외",
    ", without {n} operators whose shapes are not known": ", 형상을 알 수 없는 연산자 {n}개 제외",
    # find-lr
    "step {step}/{steps}  learning rate {rate:.1e}  loss {loss:.3f}": (
        "스텝 {step}/{steps}  학습률 {rate:.1e}  손실 {loss:.3f}"
    ),
    "falls fastest": "가장 빨리 감소",
    "is lowest": "최저",
    "diverges": "발산",
    "The loss hardly decreased at any learning rate. Use larger batches, and check that the images match their "
    "classes.": (
        "어떤 학습률에서도 손실이 거의 줄지 않았습니다. 배치를 키우고, 이미지와 클래스가 맞는지 확인하십시오."
    ),
    "suggested: --learning-rate {rate:.2g}": "권장: --learning-rate {rate:.2g}",
    # gradcheck
    "{n} of {all} parameters agree within {limit:g}": "매개변수 {all}개 가운데 {n}개가 {limit:g} 이내로 일치",
    # data
    "scattered is generated from mnist5k when it is used": "scattered는 사용할 때 mnist5k로 만듭니다",
    "{name} is in {path}": "{name}의 위치: {path}",
    "{name} is not downloaded yet. Training downloads it automatically; to download it now: striate data download "
    "{name}": (
        "{name}: 아직 내려받지 않았습니다. 학습할 때 자동으로 내려받습니다. 지금 내려받으려면: striate data download "
        "{name}"
    ),
    "{n:,} images in {m} classes": "이미지 {n:,}장, 클래스 {m}개",
    "{n:,} images with {m} labels": "이미지 {n:,}장, 라벨 {m}개",
    "{n:,} images with {m}": "이미지 {n:,}장, 목표 변수: {m}",
    "Identical files in more than one class: {names}": "여러 클래스에 있는 똑같은 파일: {names}",
    "Identical files with different labels: {names}": "라벨이 서로 다른 똑같은 파일: {names}",
    "Near-duplicates with different labels: {names}": "라벨이 서로 다른 거의 같은 이미지: {names}",
    "Identical files: {names}": "똑같은 파일: {names}",
    "Near-duplicates in more than one class: {names}": "여러 클래스에 있는 거의 같은 이미지: {names}",
    "Near-duplicates: {names}": "거의 같은 이미지: {names}",
    "{n:,} to check; about {share:.1f} % of all labels are probably wrong": (
        "확인할 것 {n:,}개. 전체 라벨의 약 {share:.1f} %가 잘못되었을 가능성이 높습니다"
    ),
    "no probable errors found": "잘못되었다고 볼 만한 것이 없습니다",
    "{n:,} pair, {m:,} with different labels": "{n:,}쌍, 그중 라벨이 다른 것 {m:,}쌍",
    "{n:,} pairs, {m:,} with different labels": "{n:,}쌍, 그중 라벨이 다른 것 {m:,}쌍",
    "{n:,} {kind}": "{kind} {n:,}장",
    "This interval is wide, because the test images, or the groups that they belong to, are few. --folds 5 tests on "
    "all images, each with a model that was trained without it.": (
        "테스트 이미지나 그 이미지가 속한 묶음이 적어서 구간이 넓습니다. --folds 5를 주면 모든 이미지를, 그 이미지를 "
        "빼고 학습한 모델로 테스트합니다."
    ),
    "{n:,} of {m:,} images are beyond the threshold {limit:g} for '{kind}', which is usual in this folder. Only those "
    "that stand out from the others are listed.": (
        "이미지 {m:,}장 가운데 {n:,}장이 '{kind}'의 임계값 {limit:g}을(를) 벗어나므로 이 폴더에서는 흔한 일입니다. "
        "다른 이미지보다 뚜렷하게 벗어난 것만 표에 넣었습니다."
    ),
    "{n:,} of {m:,} images are beyond the threshold {limit:g} for '{kind}', which is usual in this folder. None of "
    "them stands out from the others, so none is listed.": (
        "이미지 {m:,}장 가운데 {n:,}장이 '{kind}'의 임계값 {limit:g}을(를) 벗어나므로 이 폴더에서는 흔한 일입니다. "
        "다른 이미지보다 뚜렷하게 벗어난 것이 없어 표에 넣지 않았습니다."
    ),
    "write 'exclude' or 'relabel' in the column 'action' of the table, then run:": (
        "표의 action 열에서 해당하는 행에 exclude나 relabel을 적은 뒤 실행하십시오:"
    ),
    # the systems of reproduce
    "linear regression of a final exam score on three other scores, in matrix form": (
        "시험 점수 셋으로 마지막 점수를 예측하는 선형 회귀, 행렬 형태"
    ),
    "a small fully connected network on MNIST": "MNIST를 분류하는 작은 완전 연결 신경망",
    "worked examples that print every computed number": "손으로 푼 예제, 모든 숫자를 출력",
    "the paths and loss curves of six optimizers": "옵티마이저 여섯 가지의 경로와 손실 곡선",
    "digits at random place, size, thickness and angle: an MLP and a CNN on the same budget": (
        "위치, 크기, 굵기, 각도가 제각각인 숫자: 같은 조건의 MLP와 CNN"
    ),
    "the first network in plain NumPy: conv – relu – pool – affine – relu – affine – softmax": (
        "NumPy만으로 만든 첫 신경망: conv – relu – pool – affine – relu – affine – softmax"
    ),
    "two convolutions and dropout for your own folder of photographs": "합성곱 두 층과 드롭아웃, 내 사진 폴더용",
    "one network written in three ways": "신경망 하나를 세 가지 방식으로 작성",
    "an ensemble of three mnist-cnn networks with averaged outputs": "mnist-cnn 셋의 출력을 평균하는 앙상블",
    "augmentation, batch normalization, an ensemble": "데이터 증강, 배치 정규화, 앙상블",
    "LeNet-5 in its usual modern form": "오늘날 흔히 쓰는 형태의 LeNet-5",
    "LeNet-5 as published: trainable subsampling, partial connection, radial-basis output": (
        "논문 그대로의 LeNet-5: 학습하는 서브샘플링, 부분 연결, 방사 기저 출력"
    ),
    "the smallest and fastest network in Striate that reaches 99 %": "99 %에 이르는 Striate의 가장 작고 빠른 신경망",
    "AlexNet in its modern form, on 2,000 photographs of dogs and cats": (
        "현대적인 형태의 AlexNet, 개와 고양이 사진 2,000장"
    ),
    "GoogLeNet, on 2,000 photographs of dogs and cats": "GoogLeNet, 개와 고양이 사진 2,000장",
    "a residual network, on 2,000 photographs of dogs and cats": "잔차 신경망, 개와 고양이 사진 2,000장",
    "a pretrained base with a new head, on 2,000 photographs of dogs and cats": (
        "사전 학습한 백본에 새 분류기, 개와 고양이 사진 2,000장"
    ),
    "feature extraction, then fine-tuning of all layers of the base": "특성 추출에 이어 백본 전체를 학습",
    "cost falls": "비용 감소",
    "all descend": "모두 감소",
    "CNN more accurate than MLP": "CNN이 MLP보다 정확",
    "more accurate than the MLP": "MLP보다 정확",
    "exact": "정확히 일치",
    "WRONG": "틀림",
    "step {step:4}  cost {cost:,.4f}": "스텝 {step:4}  비용 {cost:,.4f}",
    "scores": "점수",
    "final": "마지막",
    "descent": "경사 하강법",
    "least squares": "최소제곱법",
    "convolution 3×3, valid": "합성곱 3×3, valid",
    "convolution 3×3, zero padding 1": "합성곱 3×3, 제로 패딩 1",
    "convolution 3×3, stride 2, on 7×7": "7×7에 합성곱 3×3, 스트라이드 2",
    "convolution 2×2 of all {factor}, {padding}": "가중치가 모두 {factor}인 2×2 합성곱, {padding}",
    "max pool 2×2": "최대 풀링 2×2",
    "average pool 2×2": "평균 풀링 2×2",
    "a 28×28 digit through {title}: {shape}": "28×28 숫자를 {title}에 통과: {shape}",
    "stride-2 same convolution, 5 filters": "스트라이드 2의 same 합성곱(필터 5개)",
    "the same, then a stride-2 same pool": "같은 합성곱에 이어 스트라이드 2의 same 풀링",
    "f(x, y) = x²/20 + y² from {start}; S start, o step, E end, + minimum": (
        "f(x, y) = x²/20 + y², 출발점 {start}; S 출발, o 스텝, E 도착, + 최솟점"
    ),
    "loss of mlp, 100 hidden units, on {digits:,} digits, batches of {size}": (
        "은닉 유닛이 100개인 mlp의 손실, 숫자 {digits:,}장, 배치 크기 {size}"
    ),
    "{name}, learning rate {rate}": "{name}, 학습률 {rate}",
    "a data leak: a split that is redrawn at each start, compared with a fixed split": (
        "데이터 누출: 시작할 때마다 다시 나누는 분할과 고정된 분할의 비교"
    ),
    "an accuracy that is too high because of the leak": "누출 때문에 실제보다 높은 정확도",
    "{n:,} digits, split again at each of {starts} starts; {epochs} epochs each; {m:,} digits are never used": (
        "숫자 {n:,}장을 {starts}번 시작할 때마다 다시 나누어 {epochs}에포크씩 학습; 다른 {m:,}장은 한 번도 쓰지 않음"
    ),
    "Resuming a run of Striate with another split raises an error: {error}": (
        "Striate의 실행을 다르게 나눈 데이터로 이어서 학습하면 오류가 납니다: {error}"
    ),
    "start": "시작",
    "trained on before": "이미 학습",
    "before training": "학습 전",
    "redrawn": "다시 나눔",
    "never used": "쓰지 않음",
    "Striate": "Striate",
    # explore
    "explore  {address}": "탐색     {address}",
    "The network has {units:,} units, too many to include the computation of each: the page contains feature maps "
    "only.": ("신경망에 유닛이 {units:,}개 있어 하나하나의 계산은 담을 수 없습니다. 페이지에는 특성 맵만 들어갑니다."),
    "No browser could be opened. Open the address above in a browser.": (
        "브라우저를 열 수 없습니다. 위의 주소를 브라우저에서 여십시오."
    ),
    "Training LeNet-5 on digits …": "숫자 이미지로 LeNet-5를 학습하는 중 …",
}
