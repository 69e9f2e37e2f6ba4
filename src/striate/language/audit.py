"""Texts of the audit page and of the report's section on suspicious labels, in English and Korean."""

AUDIT_STRINGS: dict[str, dict[str, str]] = {
    "audit": {"en": "Audit", "ko": "데이터 점검"},
    "audit_of": {
        "en": "{images} images, features of {model}",
        "ko": "이미지 {images}장, {model}의 특성 사용",
    },
    "audit_nothing": {
        "en": "Nothing was found that needs your attention.",
        "ko": "확인이 필요한 문제를 찾지 못했습니다.",
    },
    "audit_labels_some": {
        "en": "About {percent} of the labels are probably wrong. Check {n} images, the most suspicious first.",
        "ko": "라벨의 약 {percent}가 잘못되었을 가능성이 높습니다. 의심스러운 순서대로 {n}장을 확인하십시오.",
    },
    "audit_labels_none": {
        "en": "No probable label errors were found.",
        "ko": "잘못되었다고 볼 만한 라벨이 없습니다.",
    },
    "audit_contradictions": {
        "en": "Pairs of duplicates with different labels: {n}.",
        "ko": "같은 이미지인데 라벨이 다른 쌍: {n}개.",
    },
    "audit_suspicious": {"en": "suspicious labels", "ko": "의심스러운 라벨"},
    "audit_pairs": {"en": "pairs of duplicates", "ko": "중복 쌍"},
    "audit_unusual_count": {"en": "unusual images", "ko": "특이한 이미지"},
    "audit_accuracy": {"en": "held-out accuracy", "ko": "교차 검증 정확도"},
    "audit_what": {"en": "What to do", "ko": "처리 방법"},
    "audit_steps": {
        "en": "Open {table} in a spreadsheet program. It has a row for each finding. Look at the images; then write in "
        "the column “action” of a row {exclude} to leave the image out, or {relabel} to give it the label in the "
        "column “suggested”, which you may change. Rows without an action have no effect. Then train with the command "
        "below. Your files are never changed.",
        "ko": "{table}를 스프레드시트 프로그램에서 여십시오. 발견한 문제마다 한 행이 있습니다. 이미지를 직접 확인한 "
        "뒤, 이미지를 빼려면 그 행의 ‘action’ 열에 {exclude}를, ‘suggested’ 열의 라벨로 바꾸려면 {relabel}을 "
        "적으십시오. ‘suggested’ 열은 고쳐 써도 됩니다. action이 빈 행은 아무 영향이 없습니다. 그런 다음 아래 명령으로 "
        "학습하십시오. 원본 파일은 절대 변경하지 않습니다.",
    },
    "audit_shown": {
        "en": "The first {shown} of {all} are shown; all are in {table}.",
        "ko": "{all}개 가운데 처음 {shown}개를 표시했습니다. 전체는 {table}에 있습니다.",
    },
    "audit_labels": {"en": "Suspicious labels", "ko": "의심스러운 라벨"},
    "audit_labels_caption": {
        "en": "Given label → suggested label. Below: the probability of the given and of the suggested label. It comes "
        "from a classifier that was trained without this image (cross-validation). Some of these images may only "
        "be hard to classify, so check the image before you change a label.",
        "ko": "주어진 라벨 → 제안하는 라벨. 아래는 주어진 라벨과 제안하는 라벨의 확률입니다. 이 확률은 그 이미지를 "
        "빼고 학습한 분류기에서 나온 값입니다(교차 검증). 분류하기 어려울 뿐인 이미지도 섞여 있을 수 있으므로, 라벨을 "
        "바꾸기 전에 직접 확인하십시오.",
    },
    "audit_numbers_caption": {
        "en": "Given value → predicted value. Below: the difference, divided by the half width of the interval that "
        "contains 90 % of the true values. The prediction comes from a model that was fitted without this image "
        "(cross-validation). Some of these images may only be hard to predict, so check the image before you "
        "change a value.",
        "ko": "주어진 값 → 예측한 값. 아래는 두 값의 차이를, 실제 값의 90 %가 들어가는 구간의 반폭으로 나눈 값입니다. "
        "예측은 그 이미지를 빼고 학습한 모델에서 나온 값입니다(교차 검증). 예측하기 어려울 뿐인 이미지도 섞여 "
        "있을 수 있으므로, 값을 바꾸기 전에 직접 확인하십시오.",
    },
    "suspicious": {"en": "Suspicious labels", "ko": "의심스러운 라벨"},
    "suspicious_more": {
        "en": "{command} checks all images and writes a table in which you can correct labels.",
        "ko": "{command} 명령은 모든 이미지를 점검하고, 라벨을 고칠 수 있는 표를 만듭니다.",
    },
    "audit_image": {"en": "Image {name}", "ko": "이미지 {name}"},
    "audit_duplicates": {"en": "Duplicates", "ko": "중복 이미지"},
    "audit_duplicates_caption": {
        "en": "Pairs of duplicates or near-duplicates. Similarity 1 means identical files. Pairs with different labels "
        "are listed first; at least one label of each such pair is wrong.",
        "ko": "같은 장면을 담은 이미지 쌍입니다. 유사도 1은 완전히 같은 파일이라는 뜻입니다. 라벨이 서로 다른 쌍을 "
        "먼저 표시했으며, 그 가운데 적어도 한 라벨은 잘못된 것입니다.",
    },
    "audit_duplicates_none": {"en": "None were found.", "ko": "찾지 못했습니다."},
    "audit_similarity": {"en": "similarity", "ko": "유사도"},
    "audit_differ": {"en": "different labels", "ko": "라벨이 다름"},
    "audit_unusual": {"en": "Unusual images", "ko": "특이한 이미지"},
    "audit_unusual_caption": {
        "en": "Unusual images are not necessarily a problem. Thresholds can be changed, for example with {option}.",
        "ko": "문제가 되는 이미지인지는 직접 판단하십시오. 임계값은 {option}처럼 바꿀 수 있습니다.",
    },
    "audit_unusual_none": {"en": "None were found.", "ko": "찾지 못했습니다."},
    "audit_common": {
        "en": "{count} of {total} images are beyond the threshold {threshold}, which is usual in this folder.",
        "ko": "이미지 {total}장 가운데 {count}장이 임계값 {threshold}을(를) 벗어나므로 이 폴더에서는 흔한 일입니다.",
    },
    "audit_common_some": {
        "en": "Only those that stand out from the others are listed.",
        "ko": "다른 이미지보다 뚜렷하게 벗어난 것만 나열했습니다.",
    },
    "audit_common_none": {
        "en": "None of them stands out from the others, so none is listed.",
        "ko": "다른 이미지보다 뚜렷하게 벗어난 것이 없어 나열하지 않았습니다.",
    },
    "threshold_is": {"en": "Listed:", "ko": "표시 기준:"},
    "audit_below": {"en": "below {threshold}", "ko": "{threshold} 미만"},
    "audit_above": {"en": "above {threshold}", "ko": "{threshold} 초과"},
    "kind_uniform": {"en": "Blank or nearly uniform", "ko": "비어 있거나 거의 단색"},
    "measure_uniform": {
        "en": "Contrast: the difference between the 1st and the 99th percentile of a color channel, 0 to 1.",
        "ko": "대비: 색 채널 값의 1번째 백분위수와 99번째 백분위수의 차이(0~1).",
    },
    "kind_dark": {"en": "Very dark", "ko": "매우 어두움"},
    "measure_dark": {
        "en": "The 95th percentile of the gray levels, 0 to 1: even the bright parts are dark.",
        "ko": "밝기의 95번째 백분위수(0~1). 밝은 부분마저 어둡습니다.",
    },
    "kind_bright": {"en": "Very bright", "ko": "매우 밝음"},
    "measure_bright": {
        "en": "The 5th percentile of the gray levels, 0 to 1: even the dark parts are bright.",
        "ko": "밝기의 5번째 백분위수(0~1). 어두운 부분마저 밝습니다.",
    },
    "kind_blurred": {"en": "Blurred", "ko": "흐림"},
    "measure_blurred": {
        "en": "Blur, measured at the input size of the network, from 0 (sharp) to 1.",
        "ko": "신경망에 입력되는 크기에서 잰 흐림 정도. 0(선명함)에서 1까지.",
    },
    "kind_tiny": {"en": "Tiny", "ko": "매우 작음"},
    "measure_tiny": {"en": "The shorter side in pixels.", "ko": "짧은 변의 픽셀 수."},
    "kind_long": {"en": "Extreme aspect ratio", "ko": "극단적인 가로세로 비"},
    "measure_long": {"en": "Longer side divided by shorter side.", "ko": "긴 변을 짧은 변으로 나눈 값."},
    "kind_outlier": {"en": "Outlier", "ko": "이상치"},
    "measure_outlier": {
        "en": "Distance in feature space to the 5th nearest image, in standard deviations above the median "
        "(on a logarithmic scale).",
        "ko": "특성 공간에서 다섯 번째로 가까운 이미지까지의 거리. 중앙값보다 표준편차의 몇 배만큼 먼지 나타냅니다"
        "(로그 척도).",
    },
}
