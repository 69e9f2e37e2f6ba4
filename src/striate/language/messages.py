"""Korean for notes, reasons and errors, which code further below writes in English.

Placeholders stand for the values of the f-strings there. Their names say what they match: `n` and `m` numbers, those
that end in `_word` one word, those that end in `_text` a text that is translated too, all others anything.
"""

from striate.language.data_messages import DATA_MESSAGES
from striate.language.training_messages import TRAINING_MESSAGES

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
        "{example} 같은 KEY=VALUE 형식이어야 하는데 '{text}'을(를) 받았습니다."
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
        "{epoch}번째 에포크의 {steps}스텝 중 {done}스텝에서 중단했습니다. 모두 저장되어 있습니다. 이어서 학습: striate "
        "train --resume {run}"
    ),
    # names that do not exist
    "There is no model '{name}'.{hint_text}": "모델 '{name}'은(는) 없습니다.{hint_text}",
    "'{name}' is an experiment, not a network. Run it with: striate reproduce {name}": (
        "'{name}'은(는) 신경망이 아니라 실험입니다. 실행: striate reproduce {name}"
    ),
    "There is no system '{name}'.{hint_text}": "시스템 '{name}'은(는) 없습니다.{hint_text}",
    "There is no method '{name}'.{hint_text}": "방법 '{name}'은(는) 없습니다.{hint_text}",
    "There is no task '{name}'.{hint_text}": "과제 '{name}'은(는) 없습니다.{hint_text}",
    "There is no engine '{name}'.{hint_text}": "엔진 '{name}'은(는) 없습니다.{hint_text}",
    "There is no schedule '{name}'.{hint_text}": "스케줄 '{name}'은(는) 없습니다.{hint_text}",
    "There is no augmentation '{name}'.{hint_text}": "데이터 증강 '{name}'은(는) 없습니다.{hint_text}",
    "There is no data set or folder '{name}'.{hint_text} You can also give a folder with one subfolder of images "
    "for each class.": (
        "데이터셋이나 폴더를 찾을 수 없습니다: '{name}'.{hint_text} 클래스마다 하위 폴더가 하나씩 있는 이미지 폴더를 "
        "줄 수도 있습니다."
    ),
    "There is no file or folder '{name}'.": "파일이나 폴더를 찾을 수 없습니다: '{name}'.",
    "There is no folder '{name}'.": "폴더 '{name}'은(는) 없습니다.",
    "There is no model file or run folder '{path}'.": "모델 파일이나 실행 폴더를 찾을 수 없습니다: '{path}'.",
    "'{path}' is not a run folder, such as runs/NAME: it has no config.json.": (
        "'{path}'은(는) runs/이름 같은 실행 폴더가 아닙니다. config.json이 없습니다."
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
        "모델 '{name}'에도 학습 설정에도 '{key}'이(가) 없습니다.{hint_text} 모델의 설정: {own}. 학습 설정: {plain}."
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
    "{options} need --method {methods}": "{options}에는 --method {methods}이(가) 필요합니다",
    "which is chosen automatically for this folder": "이 폴더에 자동으로 고른 방법",
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
    "classes cannot be set: '{name}' has {n} classes. Leave this setting out.": (
        "classes는 설정할 수 없습니다. '{name}'의 클래스는 {n}개입니다. 이 설정을 빼십시오."
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
    # export
    "8-bit weights": "8비트 가중치",
    "{option} needs --to FILE.onnx: the weights of a page are always stored in 8 bits, and its model always accepts "
    "images of any size.": (
        "{option}은(는) --to FILE.onnx에만 쓸 수 있습니다. 페이지는 언제나 가중치를 8비트로 저장하고 어떤 크기의 "
        "이미지든 "
        "받습니다."
    ),
    "The earlier page in '{path}' was replaced.": "'{path}'에 있던 이전 페이지를 새 페이지로 바꾸었습니다.",
    "'{path}' already exists and contains '{name}', which is not part of a page of Striate. Choose another folder, or "
    "remove it.": (
        "'{path}'이(가) 이미 있고, Striate 페이지의 일부가 아닌 '{name}'이(가) 들어 있습니다. 다른 폴더를 "
        "고르거나 이 폴더를 "
        "지우십시오."
    ),
    "'{path}' ends in '{suffix}', which does not say what to write. Pass FILE.onnx, FILE.html, or '{path}/' for a "
    "folder.": (
        "'{path}'은(는) '{suffix}'(으)로 끝나 무엇을 만들지 알 수 없습니다. FILE.onnx나 FILE.html, 폴더라면 "
        "'{path}/'을(를) 쓰십시오."
    ),
    "'{path}' already exists and is not a page of Striate. Choose another name, or remove it.": (
        "'{path}'이(가) 이미 있고 Striate의 페이지가 아닙니다. 다른 이름을 고르거나 이 파일을 지우십시오."
    ),
    "This model expects handwritten digits that are centered and scaled as in MNIST, which an exported page cannot do. "
    "Use striate serve instead.": (
        "이 모델은 MNIST처럼 가운데에 놓고 크기를 맞춘 손글씨 숫자를 받는데, 페이지는 그렇게 할 수 없습니다. 대신 "
        "striate serve를 쓰십시오."
    ),
    "1 image of {name}": "{name}의 이미지 1장",
    "{n} test images of {name}": "{name}의 테스트 이미지 {n}장",
    "{n} training images of {name}": "{name}의 학습 이미지 {n}장",
    "{n} validation images of {name}": "{name}의 검증 이미지 {n}장",
    "{n} random images": "무작위 이미지 {n}장",
}
MESSAGES |= DATA_MESSAGES | TRAINING_MESSAGES
