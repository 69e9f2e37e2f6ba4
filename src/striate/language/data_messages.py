"""Korean for messages on folders, files and data sets, which code writes in English.

Placeholders are as in `messages.py`.
"""

DATA_MESSAGES: dict[str, str] = {
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
    "a ZIP archive": "ZIP 압축 파일",
    "a gzip archive": "gzip 압축 파일",
    "a 7z archive": "7z 압축 파일",
    "a RAR archive": "RAR 압축 파일",
    "a bzip2 archive": "bzip2 압축 파일",
    "an xz archive": "xz 압축 파일",
    "a PDF document": "PDF 문서",
    "a Python pickle": "파이썬 pickle",
    "an image (PNG)": "이미지(PNG)",
    "an image (JPEG)": "이미지(JPEG)",
    "an image (GIF)": "이미지(GIF)",
    "JSON text": "JSON 텍스트",
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
    "Not shown: {count_text}. {reason}": "표시하지 않음: {count_text}. {reason}",
    "Skipped: {reason_text}": "건너뜀: {reason_text}",
    "'{path}' was started with different data (fingerprint {old}, now {new}). Resumed, it could train on test images "
    "and report an accuracy that is too high. Restore the data, or start a new run.": (
        "'{path}'은(는) 다른 데이터로 시작한 실행입니다(지문 {old}, 지금은 {new}). 이어서 학습하면 테스트 이미지를 "
        "학습하게 되어 정확도가 실제보다 높게 나올 수 있습니다. 데이터를 되돌리거나 새로 시작하십시오."
    ),
    "'{path}' was started with different data (fingerprint {old}, now {new}). Resumed, it could train on test images "
    "and report an accuracy that is too high. Restore the data, or start a new run. {note_text}": (
        "'{path}'은(는) 다른 데이터로 시작한 실행입니다(지문 {old}, 지금은 {new}). 이어서 학습하면 테스트 이미지를 "
        "학습하게 되어 정확도가 실제보다 높게 나올 수 있습니다. 데이터를 되돌리거나 새로 시작하십시오. {note_text}"
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
    "Left out: 1 file outside the class folders; the first is '{name}'.": "제외: 클래스 폴더 밖의 파일 1개('{name}').",
    "Left out: {n} files outside the class folders; the first is '{name}'.": (
        "제외: 클래스 폴더 밖의 파일 {n}개('{name}' 등)."
    ),
    "image file is truncated ({n} bytes not processed)": "파일의 끝이 잘려 있음({n}바이트 미처리)",
    "Corrections of the user: {out_text} left out, {new_text} relabeled.": (
        "사용자의 수정: 제외 {out_text}, 라벨 변경 {new_text}."
    ),
    "1 image ({names})": "1장({names})",
    "{n} images ({names})": "{n}장({names})",
    "0 images": "0장",
    "a file": "파일",
    "Classes {names} differ only in upper and lower case and are treated as different classes. If they are one class, "
    "merge their folders.": (
        "클래스 {names}은(는) 대소문자만 다르며, 서로 다른 클래스로 봅니다. 같은 클래스라면 폴더를 합치십시오."
    ),
    "'{path}' names {count_text} that is not there: {names}.": (
        "'{path}'에 있는 {count_text}을(를) 찾을 수 없습니다: {names}."
    ),
    "'{path}' names {count_text} that are not there: {names}.": (
        "'{path}'에 있는 {count_text}을(를) 찾을 수 없습니다: {names}."
    ),
    "'{path}' names {count_text} more than once: {names}.": "'{path}'에 {count_text}이(가) 여러 번 나옵니다: {names}.",
    "{count_text} is not in '{path}' and grouped by content alone: {names}.": (
        "{count_text}이(가) '{path}'에 없어 내용만으로 묶습니다: {names}."
    ),
    "{count_text} are not in '{path}' and grouped by content alone: {names}.": (
        "{count_text}이(가) '{path}'에 없어 내용만으로 묶습니다: {names}."
    ),
    "1 file": "파일 1개",
    "{n} files": "파일 {n}개",
    "{n} images": "이미지 {n}장",
    "1 value of '{name}' is far from the others (half of them are between {low} and {high}): {values}. Check for "
    "typing errors and codes for missing values.": (
        "'{name}'의 값 1개가 나머지와 동떨어져 있습니다(절반은 {low}에서 {high} 사이): {values}. 잘못 입력했거나 "
        "결측값을 나타내는 수가 아닌지 확인하십시오."
    ),
    "{n} values of '{name}' are far from the others (half of them are between {low} and {high}): {values}. Check for "
    "typing errors and codes for missing values.": (
        "'{name}'의 값 {n}개가 나머지와 동떨어져 있습니다(절반은 {low}에서 {high} 사이): {values}. 잘못 입력했거나 "
        "결측값을 나타내는 수가 아닌지 확인하십시오."
    ),
    "'{folder}' contains no labeled images: they should be in one subfolder for each class, named as in training.": (
        "'{folder}'에 라벨이 있는 이미지가 없습니다. 학습할 때와 같은 이름으로 클래스마다 하위 폴더가 있어야 합니다."
    ),
    "To read {name} files: pip install {package}. Or save it as JPEG first.": (
        "{name} 파일을 읽으려면: pip install {package}. 아니면 먼저 JPEG로 저장하십시오."
    ),
    "Save it as JPEG first.": "먼저 JPEG로 저장하십시오.",
    "it has floating-point pixels, whose range is unknown. {advice_text}": (
        "픽셀이 부동소수점 값이어서 범위를 알 수 없습니다. {advice_text}"
    ),
    "its pixels have values of {low} … {high}. {advice_text}": "픽셀 값이 {low} … {high}입니다. {advice_text}",
    "its 16-bit pixels have values up to only {high}, so it would be black. {advice_text}": (
        "16비트 픽셀의 값이 {high} 이하여서 검게 보입니다. {advice_text}"
    ),
    "is a pattern that your shell did not expand. {advice_text}": "셸이 펼치지 않은 패턴입니다. {advice_text}",
    "'{name}' is a pattern that your shell did not expand. {advice_text}.": (
        "'{name}'은(는) 셸이 펼치지 않은 패턴입니다. {advice_text}."
    ),
    "'{name}' is a web address. Download it first, and give the file or folder.": (
        "'{name}'은(는) 인터넷 주소입니다. 먼저 내려받은 뒤 그 파일이나 폴더를 지정하십시오."
    ),
    "It matches 1 file; give the files, or the folder that contains them": (
        "파일 1개에 해당합니다. 파일이나, 파일이 들어 있는 폴더를 지정하십시오"
    ),
    "It matches {n} files; give the files, or the folder that contains them": (
        "파일 {n}개에 해당합니다. 파일이나, 파일이 들어 있는 폴더를 지정하십시오"
    ),
    "Give the files, or the folder that contains them": "파일이나, 파일이 들어 있는 폴더를 지정하십시오",
    "1 image is in more than one class: for example, '{first}' and '{second}' are identical.": (
        "여러 클래스에 들어 있는 이미지가 1장 있습니다. '{first}'와(과) '{second}'은(는) 똑같습니다."
    ),
    "{n} images are in more than one class: for example, '{first}' and '{second}' are identical.": (
        "여러 클래스에 들어 있는 이미지가 {n}장 있습니다. 예를 들어 '{first}'와(과) '{second}'은(는) 똑같습니다."
    ),
    "Only identical images are kept together, not similar ones. {reason}": (
        "비슷한 이미지는 찾지 않고 똑같은 이미지만 함께 둡니다. {reason}"
    ),
    "Many different images of this folder resemble each other, as letters or digits do. Only pairs with a similarity "
    "of at least {n} count as near-duplicates, so altered copies may be missed. Keep images that belong together in "
    "one split with --groups.": (
        "이 폴더에는 글자나 숫자처럼 서로 다르지만 닮은 이미지가 많습니다. 유사도가 {n} 이상인 쌍만 거의 같은 이미지로 "
        "보므로, 변형된 사본을 놓칠 수 있습니다. 함께 두어야 할 이미지는 --groups로 묶음을 지정하십시오."
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
    "validation and test": "검증과 테스트",
    "Label '{name}' has only 1 image: none for {parts_text}.": (
        "라벨 '{name}'에는 이미지가 1장뿐이어서 {parts_text}에 쓸 것이 없습니다."
    ),
    "Label '{name}' has only {n} images: none for {parts_text}.": (
        "라벨 '{name}'에는 이미지가 {n}장뿐이어서 {parts_text}에 쓸 것이 없습니다."
    ),
    "Class '{name}' has only 1 image: none for {parts_text}.": (
        "클래스 '{name}'에는 이미지가 1장뿐이어서 {parts_text}에 쓸 것이 없습니다."
    ),
    "Class '{name}' has only {n} images: none for {parts_text}.": (
        "클래스 '{name}'에는 이미지가 {n}장뿐이어서 {parts_text}에 쓸 것이 없습니다."
    ),
    "Label '{name}' has only {n} images {groups_text}: none for {parts_text}.": (
        "라벨 '{name}'이(가) 붙은 이미지는 {groups_text} {n}장뿐이어서 {parts_text}에 쓸 것이 없습니다."
    ),
    "Class '{name}' has only {n} images {groups_text}: none for {parts_text}.": (
        "클래스 '{name}'에는 이미지가 {groups_text} {n}장뿐이어서 {parts_text}에 쓸 것이 없습니다."
    ),
    "in one group": "한 그룹에",
    "in {n} groups": "{n}개 그룹에",
    "Class '{name}' has only 1 image; it needs 2 or more, better 10, to be tested.": (
        "클래스 '{name}'에는 이미지가 1장뿐입니다. 테스트하려면 2장 이상, 되도록 10장이 필요합니다."
    ),
    "Label '{name}' has only 1 image; it needs 2 or more, better 10, to be tested.": (
        "라벨 '{name}'이(가) 붙은 이미지가 1장뿐입니다. 테스트하려면 2장 이상, 되도록 10장이 필요합니다."
    ),
    "Class '{name}' has {few_text}, and its name resembles '{usual}' with {m}. If it is a typing error, correct it.": (
        "클래스 '{name}'에는 {few_text}뿐이고, 이름이 {m}장짜리 '{usual}'와(과) 비슷합니다. 잘못 입력한 것이면 "
        "고치십시오."
    ),
    "Label '{name}' has {few_text}, and its name resembles '{usual}' with {m}. If it is a typing error, correct it.": (
        "라벨 '{name}'이(가) 붙은 것은 {few_text}뿐이고, 이름이 {m}장짜리 '{usual}'와(과) 비슷합니다. 잘못 입력한 "
        "것이면 고치십시오."
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
    "The model was trained on '{name}', so it is evaluated on the test part only: {n} of {m} images.": (
        "'{name}'(으)로 학습한 모델이므로 테스트 이미지만으로 평가합니다: {m}장 중 {n}장."
    ),
    "The model was trained on {n} of these images, so it is evaluated on the other {m} only.": (
        "이 이미지 가운데 {n}장은 학습에 쓰였으므로 나머지 {m}장만으로 평가합니다."
    ),
    "The images are {original}; they were resized to the model's {required}.": (
        "이미지 크기가 {original}이므로 모델의 입력 크기 {required}에 맞추었습니다."
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
    "Some identical images have different labels. Correct them, or keep one of the images.": (
        "똑같은 이미지인데 라벨이 다른 것이 있습니다. 라벨을 고치거나 한 장만 남기십시오."
    ),
    "Some near-duplicates have different labels. Check which labels are correct.": (
        "거의 같은데 라벨이 다른 이미지가 있습니다. 어느 라벨이 맞는지 확인하십시오."
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
    "outlier": "이상치",
}
