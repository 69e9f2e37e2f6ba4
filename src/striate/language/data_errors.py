"""Korean for errors and reasons about single images, tables of groups, labels, corrections and costs, and the cache.

Placeholders are as in `messages.py`.
"""

DATA_ERRORS: dict[str, str] = {
    # single images
    "'{path}' has a format that Striate does not read. {advice_text}": (
        "'{path}'은(는) Striate가 읽지 않는 형식입니다. {advice_text}"
    ),
    "image file is truncated": "파일의 끝이 잘려 있음",
    "it is a {kind} image of a kind that cannot be read, or its beginning is damaged": (
        "읽을 수 없는 종류의 {kind} 이미지이거나 앞부분이 손상되었습니다"
    ),
    "the TIFF has {content}, a layout that cannot be read, or is damaged. {advice_text}": (
        "TIFF의 구성({content})을 읽을 수 없거나 손상되었습니다. {advice_text}"
    ),
    "Striate reads gray, RGB, RGBA and CMYK images: export the bands that you need as one of these": (
        "Striate는 회색조, RGB, RGBA, CMYK 이미지를 읽습니다. 필요한 밴드를 그중 하나로 내보내십시오"
    ),
    "some of its pixels are not numbers (NaN) or infinite": "숫자가 아니거나(NaN) 무한대인 픽셀이 있습니다",
    "all its pixels have the value {value}, so their range is unknown": (
        "모든 픽셀의 값이 {value}이라서 값의 범위를 알 수 없습니다"
    ),
    "all its pixels are transparent, so it shows nothing": "모든 픽셀이 투명하여 아무것도 보이지 않습니다",
    "its 16-bit colors use only a part of their range; save it with 8 bits": (
        "16비트 색이 값의 범위 가운데 일부만 씁니다. 8비트로 저장하십시오"
    ),
    "is neither a file nor a folder, but a pipe or a device": "파일도 폴더도 아니고 파이프나 장치입니다",
    "None of the images that were tried can be read, such as '{path}'.": (
        "시험 삼아 읽은 이미지를 하나도 읽을 수 없습니다('{path}' 등)."
    ),
    # tables
    "'{path}', line {n}: the group of '{name}' is empty.": "'{path}' {n}번째 줄: '{name}'의 그룹이 비어 있습니다.",
    "'{path}', line {n}: '{name}' may be {choices}. Write the path below '{folder}'.": (
        "'{path}' {n}번째 줄: '{name}'은(는) {choices} 가운데 무엇인지 분명하지 않습니다. '{folder}' 아래의 경로를 "
        "적으십시오."
    ),
    "'{path}', line {n}: '{name}' is in two groups, '{first}' and '{second}'. Leave one.": (
        "'{path}' {n}번째 줄: '{name}'이(가) 두 그룹 '{first}'와(과) '{second}'에 들어 있습니다. 하나만 남기십시오."
    ),
    "'{path}' puts {n} of {m} images into one group, '{name}', which is never divided between training and test. The "
    "metrics are therefore unreliable. Give more, smaller groups.": (
        "'{path}'은(는) 이미지 {m}장 가운데 {n}장을 한 그룹 '{name}'에 넣습니다. 한 그룹은 학습과 테스트로 나누지 "
        "않으므로 수치를 믿기 어렵습니다. 더 작은 그룹으로 나누십시오."
    ),
    "'{path}' has an action for {count_text} not contained in '{folder}': {files}. Pass the table of this folder, or "
    "delete these rows.": (
        "'{path}'의 {count_text}이(가) '{folder}'에 없습니다: {files}. 이 폴더의 표를 지정하거나 해당 행을 지우십시오."
    ),
    "'{path}', line {n}: '{name}' is ambiguous: it matches {choices}. Write the full path.": (
        "'{path}' {n}번째 줄: '{name}'에 해당하는 파일이 여럿입니다({choices}). 전체 경로를 적으십시오."
    ),
    "'{path}', line {n}: '{name}' has another action or label in a row above. Keep one of them.": (
        "'{path}' {n}번째 줄: '{name}'에는 위의 행과 다른 action이나 라벨이 있습니다. 하나만 남기십시오."
    ),
    "'{path}': '{name}' {problem_text} in its first row. The classes are: {classes}.": (
        "'{path}'의 첫 행: '{name}'이(가) {problem_text}. 클래스: {classes}."
    ),
    "'{path}': '{name}' {problem_text} in its first column. The classes are: {classes}.": (
        "'{path}'의 첫 열: '{name}'이(가) {problem_text}. 클래스: {classes}."
    ),
    "is not a class of the model": "모델의 클래스가 아닙니다",
    "it has one column, and its first row is '{row}'": "열이 하나이고, 첫 행이 '{row}'입니다",
    "has the same labels on all images; there is nothing to learn.": ("모든 이미지의 라벨이 같아 배울 것이 없습니다."),
    "has the same number for all images; there is nothing to learn.": "모든 이미지의 수가 같아 배울 것이 없습니다.",
    "'{name}' is too small: {n} images are left to train on, besides the test images, or all of them have the same "
    "{what_text}. Add images.": (
        "'{name}'이(가) 너무 작습니다. 테스트 이미지를 빼면 {n}장만 남거나, 모두 {what_text}이(가) 같습니다. 이미지를 "
        "더하십시오."
    ),
    # models that are evaluated
    "The model was trained on all images of '{name}', so a high accuracy on them would mean nothing. Evaluate it on a "
    "folder of new images.": (
        "모델이 '{name}'의 모든 이미지로 학습했으므로, 이 이미지에서 정확도가 높아도 의미가 없습니다. 새 이미지 폴더로 "
        "평가하십시오."
    ),
    "The model was trained on all images. The metrics come from {n}-fold cross-validation: each image was predicted by "
    "a model that was trained without it. Name a folder of new images to evaluate on them.": (
        "모델은 모든 이미지로 학습했습니다. 수치는 {n}겹 교차 검증의 결과로, 이미지마다 그 이미지를 빼고 학습한 모델로 "
        "예측한 것입니다. 새 이미지로 평가하려면 그 폴더를 지정하십시오."
    ),
    "This model's detector of unknown images is from an earlier version of Striate and is not used: only predictions "
    "with a low probability are marked unknown. Train the model again for a better detector.": (
        "이 모델의 모르는 이미지 검출기는 이전 버전의 Striate가 만든 것이라 쓰지 않습니다. 확률이 낮은 예측만 모름으로 "
        "표시합니다. 다시 학습하면 더 나은 검출기가 만들어집니다."
    ),
    "'{path}' is damaged. Remove it, and the run is evaluated again.": (
        "'{path}'이(가) 손상되었습니다. 지우면 실행을 다시 평가합니다."
    ),
    # the cache
    "The pixels of the images cannot be cached in {folder}: {reason}. Set STRIATE_CACHE to a writable folder.": (
        "이미지의 픽셀을 {folder}에 캐시할 수 없습니다: {reason}. STRIATE_CACHE에 쓸 수 있는 폴더를 지정하십시오."
    ),
    "The disk is full: the pixels of {n} images take {size} in {folder}, where {free} are free. Free some space, set "
    "STRIATE_CACHE to a folder on a larger disk, or choose a smaller input_shape.": (
        "디스크가 가득 찼습니다. 이미지 {n}장의 픽셀은 {size}인데 {folder}에는 {free}만 남았습니다. 공간을 확보하거나, "
        "STRIATE_CACHE에 더 큰 디스크의 폴더를 지정하거나, 더 작은 input_shape를 고르십시오."
    ),
    "The pixels of {n} images take {size}, but the cache is limited to {limit}. Set STRIATE_CACHE_GB to {gb} or more, "
    "or choose a smaller input_shape.": (
        "이미지 {n}장의 픽셀은 {size}인데 캐시는 {limit}까지입니다. STRIATE_CACHE_GB를 {gb} 이상으로 지정하거나 더 "
        "작은 input_shape를 고르십시오."
    ),
    "The cache {folder} is inside the image folder, where Striate never writes. Set STRIATE_CACHE to another folder.": (
        "캐시 {folder}이(가) Striate가 아무것도 쓰지 않는 이미지 폴더 안에 있습니다. STRIATE_CACHE에 다른 폴더를 "
        "지정하십시오."
    ),
    "The pixels are held in memory this time. {reason}": "이번에는 픽셀을 메모리에 둡니다. {reason}",
    # bases, methods and processes
    "Base {name} is used: it has the lowest loss in cross-validation": ("백본 {name} 선택: 교차 검증 손실이 가장 작음"),
    "Base {name}: left out, because it would take about {time_text}": "백본 {name}: 제외, {time_text}쯤 걸릴 것이므로",
    "Base {name}: {quality_text}": "백본 {name}: {quality_text}",
    "cross-validation accuracy {accuracy} %, loss {loss}": "교차 검증 정확도 {accuracy} %, 손실 {loss}",
    'None of the bases that --base auto compares is installed: pip install "striate[bases]", or choose one with '
    "--base, which downloads it.": (
        '--base auto가 비교할 백본이 하나도 설치되어 있지 않습니다. pip install "striate[bases]"를 실행하거나, '
        "--base로 하나를 고르면 내려받습니다."
    ),
    "'{base}' already specifies weights on the hub: leave out --weights.": (
        "'{base}'은(는) 이미 허브의 가중치를 가리킵니다. --weights를 빼십시오."
    ),
    "--folds {folds} needs at least {n} groups of images that belong together, such as near-duplicates, but '{name}' "
    "has {m}. Choose fewer folds.": (
        "--folds {folds}에는 함께 묶이는 이미지(거의 같은 이미지 등)의 그룹이 {n}개 이상 필요한데 '{name}'에는 "
        "{m}개입니다. 더 적게 나누십시오."
    ),
    "With torchrun, predict reads files and folders and writes one file: name it with --csv or --jsonl, and leave out "
    "--sort-into, --json and '-'.": (
        "torchrun으로 실행한 predict는 파일과 폴더를 읽고 파일 하나를 씁니다. --csv나 --jsonl로 그 이름을 지정하고 "
        "--sort-into, --json, '-'는 빼십시오."
    ),
    "There is no kind of unusual images '{name}'.{hint_text}": (
        "특이한 이미지의 종류 '{name}'은(는) 없습니다.{hint_text}"
    ),
    "The threshold of '{name}' must be a number, such as {example}; received '{value}'.": (
        "'{name}'의 임계값은 {example}처럼 수여야 하는데 '{value}'을(를) 받았습니다."
    ),
}
