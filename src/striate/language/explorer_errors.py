"""Korean for errors that the pages of `striate explore` show, which code writes in English.

Placeholders are as in `messages.py`.
"""

EXPLORER_ERRORS: dict[str, str] = {
    # networks of the playground
    "{layer}: {setting}: expected an integer of at least {n}, received {value}.": (
        "{layer}: {setting}은(는) {n} 이상의 정수여야 하는데 {value}을(를) 받았습니다."
    ),
    "{layer}: {setting}: there is no activation '{value}'.{hint_text}": (
        "{layer}: {setting}: '{value}'(이)라는 활성화 함수는 없습니다.{hint_text}"
    ),
    "Targets of '{layer}': expected class numbers 0 … {n}, received {m}. The last layer needs one unit for each "
    "class.": (
        "'{layer}'의 목표값은 0부터 {n}까지의 클래스 번호여야 하는데 {m}을(를) 받았습니다. 마지막 층에는 클래스마다 "
        "유닛이 하나씩 필요합니다."
    ),
    "The loss '{name}' needs an output of shape (classes,), and that of '{layer}' is {shape}. Put Flatten or "
    "GlobalAveragePool2D before the last Dense.": (
        "손실 '{name}'에는 형상이 (클래스 수,)인 출력이 필요한데 '{layer}'의 출력은 {shape}입니다. Flatten이나 "
        "GlobalAveragePool2D를 마지막 Dense 앞에 두십시오."
    ),
    "{layer}: {setting} is {n}; the playground allows at most {m}.": (
        "{layer}: {setting}이(가) {n}입니다. 플레이그라운드에서는 {m} 이하여야 합니다."
    ),
    "The playground does not support {name}={value} for {layer}.": (
        "플레이그라운드는 {layer}의 {name}={value}을(를) 지원하지 않습니다."
    ),
    "There is no layer '{name}' here. Choose one of {names}.": (
        "여기에는 '{name}' 층이 없습니다. 다음 가운데 고르십시오: {names}."
    ),
    "A network of the playground has at most {n} layers.": "플레이그라운드의 신경망은 층이 {n}개 이하여야 합니다.",
    "The network has {n} {size_text}; the playground allows at most {m}, so that training is fast enough to watch. Use "
    "fewer filters or units, pooling, or strides.": (
        "신경망의 {size_text}이(가) {n}개입니다. 학습을 지켜볼 수 있도록 플레이그라운드에서는 {m}개까지 허용합니다. "
        "필터나 유닛을 줄이거나, 풀링이나 스트라이드를 쓰십시오."
    ),
    "parameters": "매개변수",
    "values in its feature maps": "특성 맵의 값",
    "multiply-adds for each image": "이미지당 곱셈-덧셈",
    "There is no optimizer '{name}' here. Choose one of {names}.": (
        "여기에는 '{name}' 옵티마이저가 없습니다. 다음 가운데 고르십시오: {names}."
    ),
    "There is no data set '{name}' here. Choose one of {names}.": (
        "여기에는 '{name}' 데이터셋이 없습니다. 다음 가운데 고르십시오: {names}."
    ),
    "The batch size must be a whole number from {n} to {m}; received {value}.": (
        "배치 크기는 {n}부터 {m}까지의 정수여야 하는데 {value}을(를) 받았습니다."
    ),
    "This training run has ended. Start a new one.": "이 학습은 끝났습니다. 다시 시작하십시오.",
    # background processes, and images
    "{n} pages are computing in the background already: close one of them, or stop what it computes.": (
        "이미 페이지 {n}개가 백그라운드에서 계산하고 있습니다. 그중 하나를 닫거나 계산을 멈추십시오."
    ),
    "The process that {task_text} has ended: it was stopped, or memory ran out. Start it again.": (
        "{task_text} 프로세스가 끝났습니다. 누군가 종료했거나 메모리가 모자랐습니다. 다시 시작하십시오."
    ),
    "trains the networks": "신경망을 학습하던",
    "compares the images": "이미지를 비교하던",
    "searches the images": "이미지를 찾던",
    "There is not enough memory for this network.": "이 신경망을 계산하기에는 메모리가 모자랍니다.",
    "There is not enough memory.": "메모리가 모자랍니다.",
    "There is no image '{name}'. Choose or upload one.": (
        "'{name}' 이미지는 이제 없습니다. 이미지를 고르거나 올리십시오."
    ),
    "There are no images to {what_text}.": "{what_text} 이미지가 없습니다.",
    "search": "찾아볼",
    "compare with": "비교할",
    "'{name}' has no feature maps for Grad-CAM: use occlusion or integrated_gradients.": (
        "'{name}'에는 Grad-CAM에 쓸 특성 맵이 없습니다. 가리기(occlusion)나 적분 기울기를 보십시오."
    ),
    "{layer} has no unit {position}: its output is {shape}, counted from 0.": (
        "{layer}에는 {position} 유닛이 없습니다. 출력은 {shape}이고 번호는 0부터 셉니다."
    ),
}
