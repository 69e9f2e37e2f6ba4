"""Korean for errors about files: predictions, tables, weights, ONNX files, and what the system says of a file.

Placeholders are as in `messages.py`.
"""

from striate.language.data_errors import DATA_ERRORS
from striate.language.onnx_errors import ONNX_ERRORS

SYSTEM_ERRORS: dict[str, str] = {
    "No such file or directory": "파일이나 폴더가 없습니다",
    "Permission denied": "권한이 없습니다",
    "Is a directory": "파일이 아니라 폴더입니다",
    "Not a directory": "경로의 일부가 폴더가 아닙니다",
    "File exists": "파일이 이미 있습니다",
    "File name too long": "파일 이름이 너무 깁니다",
    "No space left on device": "디스크가 가득 찼습니다",
    "Disk quota exceeded": "디스크 할당량을 넘었습니다",
    "Read-only file system": "읽기 전용 파일 시스템입니다",
    "Too many open files": "열어 둔 파일이 너무 많습니다",
    "Too many levels of symbolic links": "심볼릭 링크가 서로를 가리킵니다",
    "Input/output error": "입출력 오류입니다",
    "Operation not permitted": "허용되지 않는 작업입니다",
    "Address already in use": "이미 사용 중인 주소입니다",
    "Cannot assign requested address": "이 컴퓨터의 주소가 아닙니다",
    "Name or service not known": "알 수 없는 호스트 이름입니다",
    "Connection refused": "연결이 거부되었습니다",
    "Network is unreachable": "네트워크에 연결할 수 없습니다",
}
"""What the operating system says, in Python's words."""

FILE_ERRORS: dict[str, str] = {
    **DATA_ERRORS,
    **ONNX_ERRORS,
    # tables of labels, groups and corrections
    "'{table}' contains a header, but no rows below it.": "'{table}'에 제목 줄만 있고 그 아래에 행이 없습니다.",
    "'{table}' is a folder. Pass a CSV file.": "'{table}'은(는) 폴더입니다. CSV 파일을 지정하십시오.",
    "'{table}' is larger than {n} MB. Pass a CSV file of files and their values.": (
        "'{table}'은(는) {n} MB보다 큽니다. 파일 이름과 값이 적힌 CSV 파일을 지정하십시오."
    ),
    "'{table}' cannot be read as a table: {reason}. Each row should have a file and its value, separated by a "
    "comma, a semicolon or a tab.": (
        "'{table}'을(를) 표로 읽을 수 없습니다: {reason}. 행마다 파일 이름과 값을 쉼표, 세미콜론, 탭 가운데 하나로 "
        "구분하십시오."
    ),
    "No image in '{folder}' has a label in '{table}'.{rest}": (
        "'{folder}'의 이미지 가운데 '{table}'에 라벨이 있는 것이 없습니다.{rest}"
    ),
    "'{table}' has several labels in one cell, such as '{name}', and '{part}' occurs in other cells too. To predict "
    "several labels for each image, use --task multilabel. If each combination is a class of its own, write it without "
    "';' and '|'.": (
        "'{table}'의 한 칸에 '{name}'처럼 라벨이 여럿 있고, '{part}'은(는) 다른 칸에도 나옵니다. 이미지마다 라벨을 "
        "여러 개 예측하려면 --task multilabel을 쓰십시오. 조합 하나하나가 클래스라면 ';'과 '|' 없이 적으십시오."
    ),
    "No image has a label in '{table}': its cells are empty.": (
        "'{table}'의 칸이 비어 있어 라벨이 있는 이미지가 없습니다."
    ),
    "'{table}' has several columns besides the file names: {names}. Choose the one with the labels with "
    "--label-column.{rest}": (
        "'{table}'에는 파일 이름 말고도 열이 여럿 있습니다: {names}. 라벨이 있는 열을 --label-column으로 "
        "고르십시오.{rest}"
    ),
    "All images in '{folder}' have the label '{name}'; a classifier needs two or more labels.": (
        "'{folder}'의 이미지가 모두 라벨 '{name}'입니다. 분류기에는 라벨이 둘 이상 필요합니다."
    ),
    "'{table}' has {n} different numbers for {m} images. To predict numeric values, use --task regression.": (
        "'{table}'에 이미지 {m}장에 대해 서로 다른 숫자가 {n}개 있습니다. 숫자를 예측하려면 --task regression을 "
        "쓰십시오."
    ),
    "{what} needs a CSV file with the labels of the images: --labels FILE.": (
        "{what}에는 이미지의 라벨이 적힌 CSV 파일이 필요합니다: --labels FILE."
    ),
    "No row of '{table}' refers to an image in '{folder}'; the first one is '{name}'. Write paths relative to this "
    "folder, such as '{example}'.": (
        "'{table}'의 어느 행도 '{folder}'의 이미지를 가리키지 않습니다. 첫 행은 '{name}'입니다. '{example}'처럼 이 "
        "폴더를 기준으로 적으십시오."
    ),
    "With several columns of labels, each cell must be 0 or 1; '{name}' has '{value}'.": (
        "라벨 열이 여럿이면 칸마다 0이나 1이어야 하는데 '{name}'에 '{value}'이(가) 있습니다."
    ),
    "'{table}' has no column for '{name}', which the model predicts.": (
        "'{table}'에는 모델이 예측하는 '{name}'의 열이 없습니다."
    ),
    "Labels from a CSV file are for folders of images; '{name}' has its own labels.": (
        "CSV 파일의 라벨은 이미지 폴더에 씁니다. '{name}'에는 이미 라벨이 있습니다."
    ),
    "'{table}' refers to no image in '{folder}': there is no file '{name}'. Write paths such as '{example}'.": (
        "'{table}'에 '{folder}'의 이미지가 없습니다. '{name}'이(가) 없습니다. '{example}'과 같은 경로를 적으십시오."
    ),
    "In '{table}', all images belong to one group, '{name}', so the test split would be empty. Use at least three "
    "groups, preferably ten or more.": (
        "'{table}'은(는) 모든 이미지를 한 묶음 '{name}'에 넣어 테스트에 쓸 것이 남지 않습니다. 묶음을 셋 이상, "
        "되도록 열 이상 주십시오."
    ),
    "No row of '{table}' has an action. Write '{first}' or '{second}' in the column 'action' of the rows that "
    "should be applied, or leave out --exclude.": (
        "'{table}'에 action이 적힌 행이 없습니다. 적용할 행의 'action' 열에 '{first}'나 '{second}'을(를) 적거나 "
        "--exclude를 빼십시오."
    ),
    "'{table}' has no column '{name}'. Pass the table that striate data audit wrote, with what to do in the column "
    "'action'.": (
        "'{table}'에 '{name}' 열이 없습니다. striate data audit이 쓴 표의 'action' 열에 할 일을 적어 지정하십시오."
    ),
    "'{table}', line {n}: there is no class '{name}'.{hint_text}": (
        "'{table}' {n}번째 줄: 클래스 '{name}'이(가) 없습니다.{hint_text}"
    ),
    "'{table}', line {n}: unknown action '{name}'. Write '{first}' or '{second}', or leave the cell empty.": (
        "'{table}' {n}번째 줄: '{name}'은(는) 할 수 있는 일이 아닙니다. '{first}'나 '{second}'을(를) 적거나 비워 "
        "두십시오."
    ),
    "'{table}', line {n}: '{action}' needs a class in the column 'suggested'.": (
        "'{table}' {n}번째 줄: '{action}'에는 'suggested' 열에 클래스가 필요합니다."
    ),
    "'{table}', line {n}: '{action}' needs a value in the column 'suggested', or one for each target, separated by "
    "';'; received '{value}'.": (
        "'{table}' {n}번째 줄: '{action}'에는 'suggested' 열에 값 하나가, 목표가 여럿이면 ';'로 구분한 값이 하나씩 "
        "필요한데 '{value}'을(를) 받았습니다."
    ),
    "After the corrections, '{folder}' contains images of fewer than two classes.": (
        "수정한 뒤 '{folder}'에 남는 이미지가 두 클래스가 되지 않습니다."
    ),
    "'{folder}' contains {names}, but no folder 'train' with training images.": (
        "'{folder}'에 {names}은(는) 있는데, 학습 이미지가 있는 'train' 폴더가 없습니다."
    ),
    "A classifier needs at least two classes; received {n}.": "분류기에는 클래스가 둘 이상 필요한데 {n}개입니다.",
    "In '{table}', {n} of {m} cells are not numbers: {names}. Write plain numbers such as 12.5, without units, and "
    "leave unknown ones empty. For classes, use --task classification.": (
        "'{table}'의 칸 {m}개 가운데 {n}개가 숫자가 아닙니다: {names}. 단위 없이 12.5처럼 숫자만 적고, 모르는 값은 "
        "비워 두십시오. 클래스라면 --task classification을 쓰십시오."
    ),
    "'{table}' has contradicting rows for some images: {names}. Keep one row for each image.{hint_text}": (
        "'{table}'에 같은 이미지의 행이 서로 다른 것이 있습니다: {names}. 이미지마다 한 행만 남기십시오.{hint_text}"
    ),
    "For several labels, use --task multilabel.": "라벨이 여러 개라면 --task multilabel을 쓰십시오.",
    "In '{table}', some names may mean several images: {names}. Write the path below '{folder}'.": (
        "'{table}'에 여러 이미지를 가리킬 수 있는 이름이 있습니다: {names}. '{folder}' 아래의 경로를 적으십시오."
    ),
    "'{table}' has no column '{name}' with labels. Its columns are {names}.": (
        "'{table}'에 라벨이 있는 '{name}' 열이 없습니다. 있는 열: {names}."
    ),
    "The columns of '{table}' with labels need different headings; they are {names}.": (
        "'{table}'에서 라벨이 있는 열의 제목이 서로 달라야 합니다. 지금 제목: {names}."
    ),
    "'{table}' has {n} columns, but a table of groups has two: file and group.": (
        "'{table}'의 열은 {n}개입니다. 묶음 표의 열은 파일과 묶음, 두 개여야 합니다."
    ),
    "'{path}' has no header: its first row must name the predicted classes, such as {example}.": (
        "'{path}'에 제목 줄이 없습니다. 첫 행에 예측 클래스의 이름이 있어야 합니다. 예: {example}."
    ),
    # runs and predictions
    "'{path}' holds no predictions to compare: it has not finished, or an earlier version trained it. Finish or repeat "
    "it, or compare the models on new images with --data FOLDER.": (
        "'{path}'에 비교할 예측이 없습니다. 아직 끝나지 않았거나 이전 버전으로 학습한 실행입니다. 마저 학습하거나 다시 "
        "학습하십시오. --data FOLDER로 새 이미지에서 비교할 수도 있습니다."
    ),
    "The runs have no test image in common; they have {counts} test images. Train them on the same images and the same "
    "split, or compare them on new images with --data FOLDER.": (
        "실행에 공통인 테스트 이미지가 없습니다(테스트 이미지 수: {counts}). 같은 이미지와 같은 분할로 학습하거나, "
        "--data FOLDER로 새 이미지에서 비교하십시오."
    ),
    "Runs that predict one class for each image can be compared, but the task of '{path}' is {task}.": (
        "이미지마다 클래스 하나를 예측하는 실행만 비교할 수 있습니다. '{path}'의 과제는 {task}입니다."
    ),
    "The model's task is {task}, but '{data}' has labels of another kind. Give them with --labels.": (
        "모델의 과제는 {task}인데 '{data}'의 라벨은 종류가 다릅니다. --labels로 라벨을 주십시오."
    ),
    "'{data}' has no target '{name}', which the model predicts.": (
        "모델이 예측하는 목표 변수 '{name}'이(가) '{data}'에 없습니다."
    ),
    "'{path}' is damaged: the numbers of images, classes and predictions differ. Train again.": (
        "'{path}'이(가) 손상되었습니다. 이미지, 클래스, 예측의 수가 서로 다릅니다. 다시 학습하십시오."
    ),
    "'{path}' does not contain predictions of a run. Train again.": (
        "'{path}'에 실행의 예측이 들어 있지 않습니다. 다시 학습하십시오."
    ),
    "'{path}' cannot be continued: it is not a table of predictions ({error}).": (
        "'{path}'을(를) 이어서 쓸 수 없습니다. 예측을 적은 표가 아닙니다({error})."
    ),
    "'{path}' has other columns ({found}) than these predictions ({expected}). Use the model and options it was "
    "started with, or another file.": (
        "'{path}'의 열({found})이 이 예측의 열({expected})과 다릅니다. 처음에 쓴 모델과 옵션을 쓰거나 다른 파일을 "
        "지정하십시오."
    ),
    "'{path}' was begun by an earlier version of Striate, whose rows have 'path' in place of 'file'. Choose another "
    "name for the new predictions.": (
        "'{path}'은(는) 행에 'file' 대신 'path'를 쓰던 이전 버전의 Striate가 만든 파일입니다. 새 예측에는 다른 이름을 "
        "쓰십시오."
    ),
    "Line {n} of '{path}' is not a prediction of Striate.": "'{path}'의 {n}번째 줄은 Striate의 예측이 아닙니다.",
    "'{path}' exists already. Choose another name.": "'{path}'이(가) 이미 있습니다. 다른 이름을 고르십시오.",
    "'{path}' cannot be put into '{folder}': {reason}.": "'{path}'을(를) '{folder}'에 넣을 수 없습니다: {reason}.",
    "'{path}' disappeared before it could be sorted.": "'{path}'이(가) 분류하기 전에 사라졌습니다.",
    "'{path}' {what_text}, which has no epochs to add: leave --epochs out.": (
        "'{path}'은(는) {what_text} 더할 에포크가 없습니다. --epochs를 빼십시오."
    ),
    "fits a classifier to features": "특성에 분류기를 맞춘 실행이라",
    "fine-tunes a base": "백본을 미세 조정한 실행이라",
    "Two models have the name '{name}', but each request chooses a model by its name. Rename a folder.": (
        "이름이 '{name}'인 모델이 둘입니다. 요청은 이름으로 모델을 고르므로 폴더 하나의 이름을 바꾸십시오."
    ),
    "None of the images to compare on can be read. {notes_text}": (
        "비교에 쓸 이미지를 하나도 읽을 수 없습니다. {notes_text}"
    ),
    "None of the files can be shown: {reason}": "보여 줄 수 있는 파일이 없습니다: {reason}",
    "'{name}' has no images: choose one with --image FILE.": (
        "'{name}'에 이미지가 없습니다. --image FILE로 하나를 고르십시오."
    ),
    "'{name}' takes {shapes} and returns {outputs}. A network can be explored if it takes one image, gray or RGB, and "
    "returns scores of classes (K,).": (
        "'{name}'의 입력은 {shapes}, 출력은 {outputs}입니다. 회색조나 RGB 이미지 하나를 받아 클래스 점수 (K,)를 "
        "출력하는 신경망만 살펴볼 수 있습니다."
    ),
    # options
    "--base auto compares several bases, and {option} is for one: leave out one of them.": (
        "--base auto는 여러 백본을 비교하는데 {option}은(는) 백본 하나에 씁니다. 둘 가운데 하나를 빼십시오."
    ),
    "'{name}' is not a network to train from scratch. Use --method {method} instead of --model.": (
        "'{name}'은(는) 처음부터 학습하는 신경망이 아닙니다. --model 대신 --method {method}을(를) 쓰십시오."
    ),
    "--set {key} needs the name of a setting, as in --set optimizer.beta_1=0.9. The {name} itself is chosen with "
    "--{option}.": (
        "--set {key}에는 --set optimizer.beta_1=0.9처럼 설정 이름이 필요합니다. {name} 자체는 "
        "--{option}(으)로 고르십시오."
    ),
    "--minutes chooses the image size for the base {base}; it cannot be used with --base {other}.": (
        "--minutes는 백본 {base}의 이미지 크기를 정합니다. --base {other}와(과) 함께 쓸 수 없습니다."
    ),
    "Model '{name}' cannot be built with {settings}: {reason}.": (
        "모델 '{name}'을(를) {settings}(으)로 만들 수 없습니다: {reason}."
    ),
    # weights and other programs' files
    "'{name}' is not an ONNX file. If it contains weights, name their network too: --base ID --weights {path}.": (
        "'{name}'은(는) ONNX 파일이 아닙니다. 가중치 파일이라면 어느 신경망의 것인지도 지정하십시오: "
        "--base ID --weights {path}."
    ),
    "There is no base '{name}'.{hint_text} Or give an ONNX file: --base FILE.onnx.": (
        "백본 '{name}'은(는) 없습니다.{hint_text} 아니면 ONNX 파일을 주십시오: --base FILE.onnx."
    ),
    "There is no file '{name}' to use as a base.": "백본으로 쓸 파일을 찾을 수 없습니다: '{name}'.",
    "'{name}' contains its weights: leave out --weights.": "'{name}'에 가중치가 들어 있으니 --weights를 빼십시오.",
    "'{path}' contains no weights: it is empty.": "'{path}'은(는) 비어 있어 가중치가 없습니다.",
    "'{path}' contains no weights: expected a safetensors file or a PyTorch state dict.": (
        "'{path}'에 가중치가 없습니다. safetensors 파일이나 PyTorch의 state dict여야 합니다."
    ),
    "'{path}' contains the weights of another network: {problem_text}.": (
        "'{path}'에는 다른 신경망의 가중치가 들어 있습니다: {problem_text}."
    ),
    "The layer {names} keeps its initial weights, because '{path}' does not fit there: {problem_text}.": (
        "층 {names}은(는) 초기 가중치를 그대로 씁니다. '{path}'이(가) 맞지 않습니다: {problem_text}."
    ),
    "The layers {names} keep their initial weights, because '{path}' does not fit there: {problem_text}.": (
        "층 {names}은(는) 초기 가중치를 그대로 씁니다. '{path}'이(가) 맞지 않습니다: {problem_text}."
    ),
    "it contains {names}, which '{network}' does not have": "'{network}'에 없는 {names}이(가) 있습니다",
    "it lacks {names}": "{names}이(가) 없습니다",
    "it contains {names}, which '{network}' does not have, and it lacks {missing}": (
        "'{network}'에 없는 {names}이(가) 있고, {missing}이(가) 없습니다"
    ),
    "its '{name}' has shape {shape}, expected {expected}": ("'{name}'의 형상은 {expected}이어야 하는데 {shape}입니다"),
    "only {n} of its {m} names belong to '{network}', which has {total} such as {examples}; it contains '{name}'": (
        "이름 {m}개 가운데 '{network}'의 것은 {n}개뿐입니다. '{network}'에는 {examples} 같은 이름이 {total}개 있는데, "
        "이 파일에는 '{name}'이(가) 있습니다"
    ),
    "'{path}' is damaged, or not a PyTorch state dict: {reason}.": (
        "'{path}'이(가) 손상되었거나 PyTorch의 state dict가 아닙니다: {reason}."
    ),
    "The engine '{name}' supports inference only, not training: use 'numpy' or 'torch'.": (
        "'{name}' 엔진은 추론만 지원하고 학습하지 못합니다. 'numpy'나 'torch'를 쓰십시오."
    ),
    "The engine 'torch' needs PyTorch, which is not installed: pip install \"striate[torch]\".": (
        "'torch' 엔진에는 PyTorch가 필요한데 설치되어 있지 않습니다: pip install \"striate[torch]\"."
    ),
    "The file rounds feature maps to 8 bits; the network computes with floats, so its outputs can differ slightly from "
    "those of a program that runs the file.": (
        "이 파일은 특성 맵을 8비트로 반올림하지만 Striate의 신경망은 실수로 계산하므로, 파일을 그대로 실행하는 "
        "프로그램의 출력과 조금 다를 수 있습니다."
    ),
    "The input '{name}' of the file is (N, {given}); the network takes the same values as images (N, {taken}).": (
        "파일의 입력 '{name}'은(는) (N, {given})입니다. 신경망은 같은 값을 이미지 (N, {taken})(으)로 받습니다."
    ),
    "The output '{name}' of the file is the number of the class with the largest value (ArgMax). It is left out; the "
    "network returns the values themselves.": (
        "파일의 출력 '{name}'은(는) 값이 가장 큰 클래스의 번호(ArgMax)입니다. 이 출력은 빼고, 신경망은 값 자체를 "
        "출력합니다."
    ),
    "'{folder}' cannot be locked ({reason}). Make sure that no other process writes into it.": (
        "'{folder}'을(를) 잠글 수 없습니다({reason}). 다른 프로세스가 이 폴더에 쓰지 않는지 확인하십시오."
    ),
    "'{path}' is not an ONNX file; it is {kind_text}.": "'{path}'은(는) ONNX 파일이 아니라 {kind_text}입니다.",
    "'{path}' is not an ONNX file, or it is damaged or incomplete.": (
        "'{path}'은(는) ONNX 파일이 아니거나, 손상되었거나 일부가 빠져 있습니다."
    ),
    "'{path}' is a folder; expected an ONNX file.": "'{path}'은(는) 폴더입니다. ONNX 파일이 필요합니다.",
    "There is no file '{path}'.": "파일을 찾을 수 없습니다: '{path}'.",
    "'{path}' is a file, but a page is a folder. Choose another name.": (
        "'{path}'은(는) 파일인데 페이지는 폴더입니다. 다른 이름을 고르십시오."
    ),
}
