"""The texts of the reports on several labels and on regression, in English and Korean."""

TASK_STRINGS: dict[str, dict[str, str]] = {
    # several labels
    "mean_average_precision": {
        "en": "Mean average precision (mAP) on test images",
        "ko": "테스트 이미지의 평균 정밀도 평균(mAP)",
    },
    "folds_mean_average_precision": {
        "en": "Mean average precision (mAP) in {folds}-fold cross-validation",
        "ko": "{folds}겹 교차 검증의 평균 정밀도 평균(mAP)",
    },
    "labels_meaning": {
        "en": "For 1,000 new images of the same kind, expect all labels to be correct for about {expected} ({low} to "
        "{high}).",
        "ko": "같은 종류의 새 이미지 1,000장 가운데 약 {expected}장({low}~{high}장)에서 모든 라벨이 맞을 것으로 "
        "기대할 수 "
        "있습니다.",
    },
    "labels_chance": {
        "en": "Do not rely on this model yet: a random order of the images would reach about {chance}.",
        "ko": "아직 이 모델을 믿고 쓸 수 없습니다. 이미지를 무작위로 늘어놓아도 {chance} 정도가 나옵니다.",
    },
    "labels_interval_alone": {
        "en": "95% interval: with so few images the mAP is known only roughly; {value} measured",
        "ko": "95% 신뢰구간. 이미지가 적어 mAP를 대략으로만 알 수 있습니다(측정값 {value}).",
    },
    "number_few": {
        "en": "There are too few test images: the true mean absolute error may be anywhere from {low} to {high}. Test "
        "on more images before relying on this model.",
        "ko": "테스트 이미지가 너무 적어 판단할 수 없습니다. 실제 평균 절대 오차는 {low}에서 {high} 사이의 "
        "어떤 값이든 될 수 있습니다. 더 많은 이미지로 테스트한 뒤에 사용하십시오.",
    },
    "labels_few": {
        "en": "There are too few test images: the true mAP may be anywhere from {low} to {high}. Test on more images "
        "before relying on this model.",
        "ko": "테스트 이미지가 너무 적어 판단할 수 없습니다. 실제 mAP는 {low}에서 {high} 사이의 어떤 값이든 될 수 "
        "있습니다. "
        "더 많은 이미지로 테스트한 뒤에 사용하십시오.",
    },
    "labels_weakest": {
        "en": "The labels differ: the weakest is “{name}” with an F1 of {f1}.",
        "ko": "라벨마다 차이가 있습니다. 가장 약한 라벨은 ‘{name}’이고 F1은 {f1}입니다.",
    },
    "exact_match": {"en": "All labels correct (exact match)", "ko": "모든 라벨이 맞은 비율"},
    "label_accuracy": {"en": "Label accuracy", "ko": "라벨 하나하나의 정확도"},
    "micro_f1": {"en": "F1 of all labels together", "ko": "F1(전체 라벨)"},
    "binary_loss": {"en": "Loss (binary cross-entropy)", "ko": "손실(이진 교차 엔트로피)"},
    "labels": {"en": "Metrics per label", "ko": "라벨별 지표"},
    "label": {"en": "label", "ko": "라벨"},
    "average_precision": {"en": "average precision", "ko": "평균 정밀도(AP)"},
    "label_threshold": {"en": "threshold", "ko": "임계값"},
    "labels_caption": {
        "en": "A label is predicted if its probability reaches the threshold of the label, the one with the largest F1 "
        "on held-out images. Average precision does not depend on the threshold: it is 1 if all images with the "
        "label have a higher probability than all others. The bars show the 95% interval on a scale from 0 to "
        "100%.",
        "ko": "확률이 임계값 이상이면 그 라벨을 예측합니다. 임계값은 학습에서 떼어 둔 이미지에서 F1이 가장 큰 "
        "값입니다. "
        "평균 정밀도(AP)는 임계값과 관계없으며, 라벨이 있는 이미지의 확률이 모두 나머지보다 높으면 1입니다. 막대는 "
        "0부터 "
        "100%까지의 축에 95% 신뢰구간을 나타냅니다.",
    },
    "labels_narrow": {
        "en": "With fewer than {limit} images, the intervals of the mAP and of the mean F1 are somewhat too narrow: in "
        "a simulation with 20 images they contained the true value in 85 and 90 of 100 cases, instead of 95.",
        "ko": "이미지가 {limit}장보다 적으면 mAP와 평균 F1의 구간은 실제보다 조금 좁습니다. 이미지 20장으로 "
        "모의실험을 하면 참값이 구간에 들어가는 경우가 100번 중 95번이 아니라 각각 85번, 90번이었습니다.",
    },
    "wrong_labels": {"en": "Images with wrong predicted labels", "ko": "라벨이 틀린 이미지"},
    "wrong_labels_caption": {
        "en": "{n} images, the most confident errors first; {shown} are shown. − missed label (false negative), + "
        "wrongly "
        "predicted label (false positive). Below: the true labels.",
        "ko": "모두 {n}장이며, 확률이 높은데 틀린 것부터 {shown}장을 보입니다. −는 놓친 라벨(거짓 음성), +는 잘못 "
        "예측한 "
        "라벨(거짓 양성)입니다. 그 아래는 실제 라벨입니다.",
    },
    "wrong_labels_none": {
        "en": "None: all labels of all test images are correct.",
        "ko": "없습니다. 모든 테스트 이미지의 라벨을 전부 맞혔습니다.",
    },
    "no_labels": {"en": "no label", "ko": "라벨 없음"},
    # regression
    "folds_mean_error": {
        "en": "Mean absolute error of {name} in {folds}-fold cross-validation",
        "ko": "{folds}겹 교차 검증에서 {name}의 평균 절대 오차",
    },
    "mean_error": {
        "en": "Mean absolute error of “{name}” on test images",
        "ko": "테스트 이미지에서 ‘{name}’의 평균 절대 오차",
    },
    "number_interval": {"en": "95% interval {low} – {high}", "ko": "95% 신뢰구간 {low} ~ {high}"},
    "number_interval_alone": {
        "en": "95% interval: with so few images the mean error is known only roughly; {value} measured",
        "ko": "95% 신뢰구간. 이미지가 적어 평균 오차를 대략으로만 알 수 있습니다(측정값 {value}).",
    },
    "number_meaning": {
        "en": "Always predicting the median would have a mean absolute error of {baseline}.",
        "ko": "항상 중앙값으로만 예측하면 평균 절대 오차가 {baseline}입니다.",
    },
    "number_width": {
        "en": "For a new image of the same kind, the true value lies within ± {width} of the prediction with a "
        "probability of {coverage}; this was the case for {covered} of the test images.",
        "ko": "같은 종류의 새 이미지에서 실제 값은 {coverage}의 확률로 예측값 ± {width} 안에 있습니다. 테스트 "
        "이미지에서는 "
        "{covered}가 그 안에 있었습니다.",
    },
    "number_narrow": {
        "en": "This is less than {coverage}: expect larger errors more often than the interval says.",
        "ko": "{coverage}보다 낮으므로, 이보다 큰 오차가 더 자주 나온다고 보아야 합니다.",
    },
    "number_useless": {
        "en": "Do not rely on this model yet: it may be no better than always predicting the mean.",
        "ko": "아직 이 모델을 믿고 쓸 수 없습니다. 항상 평균값으로 예측하는 것보다 낫지 않을 수 있습니다.",
    },
    "targets": {"en": "Metrics per target", "ko": "목표 변수별 지표"},
    "target": {"en": "target", "ko": "목표 변수"},
    "mae": {"en": "mean absolute error", "ko": "평균 절대 오차(MAE)"},
    "rmse": {"en": "root mean squared error", "ko": "평균 제곱근 오차(RMSE)"},
    "r2": {"en": "R²", "ko": "결정계수(R²)"},
    "half_width": {"en": "prediction interval", "ko": "예측 구간"},
    "covered": {"en": "test images in it", "ko": "구간 안의 테스트 이미지"},
    "numbers_caption": {
        "en": "R² is 1 for perfect predictions and 0 if they are no better than the mean. The prediction interval was "
        "chosen on images that were held out from training, so that it contains {coverage} of new images (split "
        "conformal prediction).",
        "ko": "R²는 예측이 완벽하면 1, 평균값보다 나을 것이 없으면 0입니다. 예측 구간은 학습에서 떼어 둔 이미지로 "
        "정했으며, "
        "새 이미지의 {coverage}가 그 안에 들도록 했습니다(conformal prediction).",
    },
    "numbers_narrow": {
        "en": "With fewer than {limit} images, the intervals of the root mean squared error and of R² are too narrow "
        "if large errors are rare, because the images may contain too few of them.",
        "ko": "드물게 큰 오차가 생기는 데이터라면, 이미지가 {limit}장보다 적을 때 평균 제곱근 오차와 결정계수의 구간은 "
        "실제보다 좁습니다. 그런 오차가 이 이미지들에 충분히 나타나지 않을 수 있기 때문입니다.",
    },
    "scatter": {"en": "Predicted and true values", "ko": "예측값과 실제 값"},
    "scatter_caption": {
        "en": "One dot for each test image. On the dashed line, the prediction equals the true value; the area around "
        "it is the prediction interval.",
        "ko": "점 하나가 테스트 이미지 한 장입니다. 점선 위에서는 예측이 맞고, 점선 둘레의 영역은 예측 구간입니다.",
    },
    "true_value": {"en": "true value", "ko": "실제 값"},
    "predicted_value": {"en": "predicted value", "ko": "예측값"},
    "largest_errors": {"en": "Largest errors", "ko": "가장 큰 오차"},
    "largest_errors_caption": {
        "en": "The {shown} largest of {n} errors: true value → predicted value.",
        "ko": "오차 {n}개 가운데 가장 큰 {shown}개입니다. 실제 값 → 예측값.",
    },
    "curve_mean_absolute_error": {"en": "Mean absolute error", "ko": "평균 절대 오차"},
}
