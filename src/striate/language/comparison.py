"""Texts of the page of `striate compare` in English and Korean."""

COMPARISON = {
    "compare": {"en": "Comparison of classifiers", "ko": "분류기 비교"},
    "compare_images": {
        "en": "compared on {images} shared test images",
        "ko": "모두가 테스트한 공통 이미지 {images}장으로 비교",
    },
    "compare_difference": {"en": "Difference in accuracy", "ko": "정확도 차이"},
    "compare_difference_short": {"en": "difference", "ko": "차이"},
    "compare_points": {"en": "percentage points", "ko": "퍼센트포인트(%p)"},
    "compare_interval": {"en": "95% interval", "ko": "95% 신뢰구간"},
    "compare_better": {
        "en": "“{better}” is better than “{worse}” by {points} points, which is statistically significant (p {p}).",
        "ko": "‘{better}’의 정확도가 ‘{worse}’보다 {points}%p 높으며, 통계적으로 유의한 차이입니다(p {p}).",
    },
    "compare_chance": {
        "en": "“{better}” and “{worse}” differ by {points} points, which is not statistically significant (p {p}). "
        "With more test images, smaller differences can be detected.",
        "ko": "‘{better}’의 정확도와 ‘{worse}’의 정확도는 {points}%p 차이가 나지만, 통계적으로 유의하지 않습니다(p "
        "{p}). 테스트 이미지가 많을수록 더 작은 차이도 확인할 수 있습니다.",
    },
    "compare_same": {
        "en": "“{better}” and “{worse}” classify the same images correctly.",
        "ko": "‘{better}’의 결과와 ‘{worse}’의 결과가 같습니다. 맞힌 이미지와 틀린 이미지가 모두 같습니다.",
    },
    "compare_runs": {"en": "Runs", "ko": "실행"},
    "compare_run": {"en": "run", "ko": "실행"},
    "compare_tested": {"en": "test images of the run", "ko": "자체 테스트 이미지"},
    "compare_contradicting": {
        "en": "Left out because their class differs between the runs: {n} of the images.",
        "ko": "실행마다 클래스가 다른 이미지 {n}장은 제외했습니다.",
    },
    "compare_mixed": {
        "en": "Some predictions come from cross-validation, others are predictions for test images. In both cases, the "
        "model was not trained on the images that it predicts.",
        "ko": "일부는 교차 검증의 예측이고 일부는 테스트 이미지의 예측입니다. 어느 것도 학습에 사용한 이미지의 예측이 "
        "아닙니다.",
    },
    "compare_folds": {
        "en": "The models of a cross-validation share training images, so their errors are not independent and p is "
        "slightly too small.",
        "ko": "교차 검증의 모델들은 학습 이미지를 공유하므로 오류가 완전히 독립적이지 않고, p값이 조금 작게 나옵니다.",
    },
    "compare_pairs": {"en": "Differences", "ko": "차이"},
    "compare_pair": {"en": "from → to", "ko": "비교(앞 → 뒤)"},
    "compare_only": {"en": "correct only in the first : second", "ko": "앞만 정답 : 뒤만 정답"},
    "compare_p": {"en": "p", "ko": "p값"},
    "compare_adjusted": {"en": "p, Holm", "ko": "p값(홀름 보정)"},
    "compare_caption": {
        "en": "Differences in percentage points with their 95% intervals; positive: the second is better. p: McNemar’s "
        "exact test of whether both are equally accurate. It uses only the images that one of them classifies "
        "correctly and the other does not.",
        "ko": "차이는 퍼센트포인트(%p)와 95% 신뢰구간이며, 양수이면 뒤의 것이 낫습니다. p는 두 분류기의 정확도가 "
        "같다는 가설에 대한 맥니마(McNemar) 정확 검정의 p값입니다. 한쪽만 맞힌 이미지만 사용합니다.",
    },
    "compare_holm": {
        "en": "If many pairs are compared, some differ by chance. Holm’s method adjusts p for the number of pairs. "
        "Values below 0.05 are bold.",
        "ko": "여러 쌍을 비교하면 우연히 차이가 나는 쌍이 생기므로, 쌍의 수에 맞추어 홀름(Holm) 방법으로 p를 "
        "보정했습니다. 굵은 글씨는 0.05보다 작은 값입니다.",
    },
    "compare_classes": {"en": "Recall per class", "ko": "클래스별 재현율"},
    "compare_classes_caption": {
        "en": "The classes with the largest differences first. With few images, even a large difference can be due to "
        "chance.",
        "ko": "차이가 큰 클래스부터 나열했습니다. 이미지가 적으면 큰 차이도 우연일 수 있습니다.",
    },
    "compare_disagreements": {"en": "Images with different predictions", "ko": "예측이 엇갈린 이미지"},
    "compare_disagreements_caption": {
        "en": "{n} images, the most confident errors first: true class, then each run’s prediction.",
        "ko": "모두 {n}장이며, 확률이 높은데 틀린 것부터 나열했습니다. 맨 위는 실제 클래스, 그다음은 "
        "실행별 예측입니다.",
    },
    "compare_disagreements_none": {
        "en": "None: all runs predict the same class for every image.",
        "ko": "없습니다. 모든 이미지에서 예측이 같습니다.",
    },
}
