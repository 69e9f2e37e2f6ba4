"""All texts of the report, in English and Korean."""

# The report fills in the placeholders in braces; a test checks that both languages have the same ones.
STRINGS: dict[str, dict[str, str]] = {
    # frame
    "report": {"en": "Test report", "ko": "테스트 보고서"},
    "contents": {"en": "Contents", "ko": "차례"},
    "skip": {"en": "Skip to the results", "ko": "결과로 바로 가기"},
    "switch_language": {"en": "한국어", "ko": "English"},
    "switch_theme": {"en": "Light / dark", "ko": "밝게 / 어둡게"},
    "made_by": {
        "en": "Made with Striate. This file is self-contained and loads nothing from the network.",
        "ko": "Striate로 만든 보고서입니다. 이 파일 하나로 완결되며 네트워크에서 아무것도 불러오지 않습니다.",
    },
    # headline
    "trained_on": {"en": "trained on", "ko": "학습 데이터"},
    "test_accuracy": {"en": "Test accuracy", "ko": "테스트 정확도"},
    "interval": {"en": "95% interval {low} – {high}", "ko": "95% 신뢰구간 {low} ~ {high}"},
    "right_of": {
        "en": "{right} of {images} test images correct",
        "ko": "테스트 이미지 {images}장 가운데 {right}장을 맞힘",
    },
    "meaning": {
        "en": "Of 1,000 new images of the same kind, expect about {expected} correct predictions ({low} to {high}).",
        "ko": "같은 종류의 새 이미지 1,000장을 보여 주면 {expected}장쯤({low}~{high}장) 맞힐 것으로 기대할 수 "
        "있습니다.",
    },
    "trust_not_learnt": {
        "en": "Do not rely on this model yet: always predicting “{majority}” would be correct about as often.",
        "ko": "아직은 믿고 쓸 수 없습니다. 언제나 ‘{majority}’ 하나로만 답해도 이만큼은 맞습니다.",
    },
    "trust_few": {
        "en": "There are too few test images: the true accuracy may be anywhere from {low} to {high}. Test on more "
        "images before relying on this model.",
        "ko": "테스트 이미지가 적어 단정할 수 없습니다. 실제 정확도는 {low}에서 {high} 사이 어디든 될 수 있으므로, "
        "더 많은 이미지로 확인한 뒤에 쓰는 것이 좋습니다.",
    },
    "trust_weak": {
        "en": "{error} of the predictions are wrong. That is good enough for suggestions that a person checks, but not "
        "for unchecked decisions.",
        "ko": "이미지의 {error}를 틀립니다. 사람이 다시 확인하는 초벌 분류에는 쓸 수 있지만, 확인 없이 결정을 "
        "맡기기에는 부족합니다.",
    },
    "trust_uneven": {
        "en": "The overall accuracy is reliable, but the classes differ: only {recall} of “{worst}” are recognized.",
        "ko": "전체 수치는 믿을 만하지만 클래스마다 고르지는 않습니다. 특히 ‘{worst}’의 재현율은 {recall}에 그칩니다.",
    },
    "trust_good": {
        "en": "The accuracy is reliable for images like those tested. Test again if the camera, the pen or the "
        "background changes.",
        "ko": "테스트한 것과 같은 종류의 이미지에 대해서는 믿을 수 있는 수치입니다. 카메라, 필기구, 배경 등이 "
        "달라지면 다시 테스트하십시오.",
    },
    "loss": {"en": "Loss (cross-entropy)", "ko": "손실(교차 엔트로피)"},
    "macro_precision": {"en": "Mean precision", "ko": "정밀도(클래스 평균)"},
    "macro_recall": {"en": "Mean recall", "ko": "재현율(클래스 평균)"},
    "macro_f1": {"en": "Mean F1", "ko": "F1(클래스 평균)"},
    "calibration_error": {"en": "Calibration error", "ko": "보정 오차(ECE)"},
    "threshold_short": {"en": "“Unknown” below", "ko": "‘모름’ 기준"},
    # run
    "run": {"en": "Training run", "ko": "실행 내용"},
    "images_count": {"en": "Images", "ko": "이미지 수"},
    "train": {"en": "training", "ko": "학습"},
    "validation": {"en": "validation", "ko": "검증"},
    "test": {"en": "test", "ko": "테스트"},
    "splits_note": {
        "en": "The network was trained on the training images, choices were made on the validation images, and the "
        "test images were only used for this report.",
        "ko": "신경망은 학습 이미지로만 배웠고, 선택은 검증 이미지로 했으며, 테스트 이미지는 이 보고서를 위해서만 "
        "남겨 두었습니다.",
    },
    "notes": {"en": "Notes on the data", "ko": "데이터에 관하여"},
    "more_notes": {"en": "and {n} more", "ko": "{n}가지 더"},
    "recipe": {"en": "Recipe", "ko": "학습 설정"},
    "seed": {"en": "Seed", "ko": "난수 시드"},
    "versions": {"en": "Versions", "ko": "버전"},
    "hardware": {"en": "Hardware", "ko": "하드웨어"},
    "time": {"en": "Time", "ko": "걸린 시간"},
    "seconds": {"en": "{n} s", "ko": "{n}초"},
    "minutes": {"en": "{m} min {s} s", "ko": "{m}분 {s}초"},
    "hours": {"en": "{h} h {m} min", "ko": "{h}시간 {m}분"},
    "started": {"en": "Started", "ko": "시작"},
    # learning curves
    "curves": {"en": "Learning curves", "ko": "학습 곡선"},
    "curve_loss": {"en": "Loss", "ko": "손실"},
    "curve_accuracy": {"en": "Accuracy", "ko": "정확도"},
    "epoch": {"en": "epoch", "ko": "에포크"},
    "epoch_number": {"en": "epoch {n}", "ko": "{n}에포크"},
    "learning_rate": {"en": "learning rate", "ko": "학습률"},
    # the learning-rate finder
    "find_rate": {"en": "Learning-rate finder", "ko": "학습률 찾기"},
    "rate_sweep": {"en": "Loss over the learning rate", "ko": "학습률에 따른 손실"},
    "rate_suggested": {"en": "Suggested", "ko": "권장"},
    "rate_lowest": {"en": "Lowest loss at", "ko": "손실이 가장 낮은 곳"},
    "rate_diverged": {"en": "Loss diverges at", "ko": "손실이 발산하는 곳"},
    "rate_meaning": {
        "en": "The learning rate was increased from step to step of one sweep over training batches. The suggested "
        "rate is where the loss falls most steeply. Beyond the lowest point, steps are too large.",
        "ko": "학습 배치를 한 번 훑는 동안 학습률을 단계마다 높였습니다. 선이 가장 가파르게 내려가는 곳에서 한 단계가 "
        "가장 많이 가르치며, 그곳이 권장 학습률입니다. 가장 낮은 점을 지나면 단계가 지나치게 커집니다.",
    },
    "rate_nothing": {
        "en": "The loss hardly fell at any learning rate, so none can be suggested. Use larger batches, or check that "
        "the images match their classes.",
        "ko": "어떤 학습률에서도 손실이 거의 줄지 않아 권장할 값이 없습니다. 배치를 키우거나 이미지와 클래스가 맞는지 "
        "확인하세요.",
    },
    "training_loss": {"en": "training loss", "ko": "학습 손실"},
    "validation_loss": {"en": "validation loss", "ko": "검증 손실"},
    "training_accuracy": {"en": "training accuracy", "ko": "학습 정확도"},
    "validation_accuracy": {"en": "validation accuracy", "ko": "검증 정확도"},
    "best": {"en": "best", "ko": "최저"},
    "overfitting_mark": {"en": "overfitting", "ko": "과대적합"},
    "verdict_overfitting": {
        "en": "Overfitting: after epoch {best} the validation loss rose by {rise} of its best value while the "
        "training loss kept falling. From there on the network memorized its training images. Stop earlier, use "
        "augmentation or dropout, or a smaller network.",
        "ko": "과대적합이 나타났습니다. {best}에포크 이후 학습 손실은 계속 줄었지만 검증 손실은 최저점보다 {rise} "
        "늘었습니다. 그때부터는 학습 이미지를 외우기 시작한 것입니다. 조기 종료, 데이터 증강, 드롭아웃, 더 작은 "
        "신경망을 고려하십시오.",
    },
    "verdict_learning": {
        "en": "No overfitting: the validation loss was lowest at epoch {best}, at or near the end. More epochs "
        "might still help.",
        "ko": "과대적합이 보이지 않습니다. 검증 손실이 거의 마지막인 {best}에포크에서 가장 낮았으므로, 더 학습하면 "
        "나아질 수도 있습니다.",
    },
    "verdict_settled": {
        "en": "No overfitting beyond noise: the validation loss was lowest at epoch {best} and stayed close to "
        "that. More epochs with the same settings will hardly help.",
        "ko": "잡음을 넘는 과대적합은 보이지 않습니다. 검증 손실은 {best}에포크에서 가장 낮았고 그 뒤로도 비슷하게 "
        "유지되었습니다. 같은 방식으로 더 학습해도 크게 나아지지 않을 것입니다.",
    },
    "verdict_too_short": {
        "en": "The validation loss was lowest at epoch {best}. With fewer than five epochs, overfitting cannot be "
        "distinguished from noise.",
        "ko": "검증 손실은 {best}에포크에서 가장 낮았습니다. 다섯 에포크가 되지 않아 과대적합과 잡음을 구별할 수 "
        "없습니다.",
    },
    "verdict_no_validation": {
        "en": "No validation loss was recorded, so overfitting cannot be judged.",
        "ko": "검증 손실이 기록되지 않아 과대적합 여부를 판단할 수 없습니다.",
    },
    "rule": {
        "en": "Overfitting is reported if the mean validation loss of the last three epochs is above its best value by "
        "more than 5% and by more than four times its noise, while the training loss kept falling.",
        "ko": "마지막 세 에포크의 평균 검증 손실이 최저점보다 5% 넘게, 또한 평소 흔들림의 네 배 넘게 높고, 그동안 "
        "학습 손실은 더 줄었을 때 과대적합으로 판단합니다.",
    },
    "gap_positive": {
        "en": "At the end, training accuracy is {gap} points above validation accuracy.",
        "ko": "마지막 에포크의 학습 정확도는 검증 정확도보다 {gap}%p 높습니다.",
    },
    "gap_negative": {
        "en": "At the end, training accuracy is {gap} points below validation accuracy: it is a mean over "
        "the epoch, and dropout and augmentation are active during training only.",
        "ko": "마지막 에포크의 학습 정확도는 검증 정확도보다 {gap}%p 낮습니다. 학습 정확도는 에포크 동안의 "
        "평균이고, 드롭아웃과 데이터 증강은 학습할 때만 작동하기 때문입니다.",
    },
    "as_table": {"en": "Show as a table", "ko": "표로 보기"},
    # confusion
    "confusion": {"en": "Confusion matrix", "ko": "혼동 행렬"},
    "confusion_caption": {
        "en": "Rows: true class. Columns: predicted class. Gray: correct predictions. Colored: errors; stronger colors "
        "are more frequent.",
        "ko": "행은 실제 클래스, 열은 예측한 클래스입니다. 회색은 맞힌 것, 색이 있는 칸은 틀린 것이며 진할수록 자주 "
        "틀린 것입니다.",
    },
    "confusion_image": {
        "en": "With {n} classes each cell is one dot. Rows: true class. Columns: predicted class. Darker dots are more "
        "frequent. Point at a dot to see its value.",
        "ko": "클래스가 {n}개이므로 칸마다 점 하나로 나타냈습니다. 행은 실제 클래스, 열은 예측한 클래스이고 "
        "진할수록 자주 나온 것입니다. 점을 가리키면 값을 볼 수 있습니다.",
    },
    "counts": {"en": "Counts", "ko": "개수"},
    "percents": {"en": "Percent of the true class", "ko": "실제 클래스 대비 %"},
    "true": {"en": "true", "ko": "실제"},
    "predicted": {"en": "predicted", "ko": "예측"},
    "pairs": {"en": "Most confused pairs", "ko": "가장 많이 혼동한 쌍"},
    "pairs_none": {"en": "No images were assigned to a wrong class.", "ko": "다른 클래스로 잘못 분류한 것이 없습니다."},
    "pairs_more": {
        "en": "The {shown} most frequent of {all} confused pairs; all are in metrics.json.",
        "ko": "혼동한 쌍 {all}가지 가운데 가장 잦은 {shown}가지입니다. 전체는 metrics.json에 있습니다.",
    },
    "images": {"en": "images", "ko": "이미지"},
    "share_of_true": {"en": "of the true class", "ko": "실제 클래스 대비"},
    # classes
    "classes": {"en": "Metrics per class", "ko": "클래스별 성능"},
    "class": {"en": "class", "ko": "클래스"},
    "precision": {"en": "precision", "ko": "정밀도"},
    "recall": {"en": "recall", "ko": "재현율"},
    "f1": {"en": "F1", "ko": "F1"},
    "classes_caption": {
        "en": "Precision: the share of images predicted as this class that belong to it. Recall: the share of the "
        "class’s images that were predicted correctly. F1: the harmonic mean of both. The bars show the 95% "
        "interval on a scale from {low} to 100%.",
        "ko": "정밀도는 그 클래스로 예측한 이미지 가운데 맞은 비율, 재현율은 그 클래스의 실제 이미지 가운데 알아본 "
        "비율, F1은 이 둘의 조화평균입니다. 막대는 {low}에서 100%까지의 눈금 위에 95% 신뢰구간을 나타냅니다.",
    },
    "no_test_images": {"en": "no test images", "ko": "테스트 이미지 없음"},
    # mistakes
    "mistakes": {"en": "All errors", "ko": "틀린 이미지 전체"},
    "mistakes_caption": {
        "en": "{n} images, the most confident errors first: true class → predicted class and its probability. Below: "
        "the probability of the true class.",
        "ko": "모두 {n}장이며, 확신하며 틀린 것부터 나열했습니다. 실제 클래스 → 예측한 클래스와 그 확률이고, 아래는 "
        "실제 클래스에 매긴 확률입니다.",
    },
    "mistakes_none": {
        "en": "None: all test images were classified correctly.",
        "ko": "없습니다. 테스트 이미지를 모두 맞혔습니다.",
    },
    "show_more": {"en": "Show {n} more", "ko": "{n}장 더 보기"},
    "too_many": {
        "en": "Only the first {n} are shown with their image, to limit the size of this file.",
        "ko": "파일이 지나치게 커지지 않도록 처음 {n}장에만 그림을 넣었습니다.",
    },
    "test_image": {"en": "Test image {n}", "ko": "테스트 이미지 {n}"},
    "true_probability": {"en": "true", "ko": "실제"},
    # calibration
    "calibration": {"en": "Calibration", "ko": "보정(calibration)"},
    "calibration_over": {
        "en": "On average the confidence is {gap} points above the accuracy: the model is overconfident.",
        "ko": "평균적으로 확신이 실제 정확도보다 {gap}%p 높습니다(과신).",
    },
    "calibration_under": {
        "en": "On average the confidence is {gap} points below the accuracy: the model is underconfident.",
        "ko": "평균적으로 확신이 실제 정확도보다 {gap}%p 낮습니다(과소 확신).",
    },
    "calibration_good": {
        "en": "On average the confidence matches the accuracy within {gap} points.",
        "ko": "평균 확신과 실제 정확도의 차이는 {gap}%p로, 서로 잘 맞습니다.",
    },
    "calibration_caption": {
        "en": "Images are grouped by the probability of the predicted class. Each dot is a group with its 95% "
        "interval; larger dots have more images. On the dashed line, the probability equals the accuracy. Expected "
        "calibration error (ECE): {ece} points.",
        "ko": "예측 확률이 비슷한 이미지끼리 묶었습니다. 점 하나가 한 묶음이며 세로선은 95% 신뢰구간, 점의 "
        "크기는 이미지 수입니다. 점선 위에 있으면 모델이 말한 확률만큼 실제로 맞힌 것입니다. 기대 보정 오차(ECE)는 "
        "{ece}%p입니다.",
    },
    "confidence": {"en": "predicted probability", "ko": "예측 확률"},
    "share_right": {"en": "accuracy", "ko": "맞힌 비율"},
    "threshold": {
        "en": "If the probability is below {threshold}, the answer is “unknown”. The threshold was chosen on the "
        "validation images: 99 of 100 correctly classified ones reach it.",
        "ko": "예측 확률이 {threshold}보다 낮으면 ‘모름(unknown)’으로 답합니다. 이 기준은 검증 이미지에서 정한 "
        "것으로, 바르게 분류한 이미지 100장 가운데 99장이 이 값 이상입니다.",
    },
    # unknown
    "unknown": {"en": "Out-of-distribution images (“unknown”)", "ko": "어느 클래스도 아닌 이미지(‘모름’)"},
    "unknown_caption": {
        "en": "The answer is “unknown” if the distance of an image from all classes is above {limit} (1 is the typical "
        "distance of an image from its own class). A lower limit rejects more images of other things, but also more "
        "images of your classes. Each row is a limit; the bold one is used. Limits were chosen on held-out training "
        "images, never on test images.",
        "ko": "이미지의 특성이 모든 클래스에서 {limit}보다 멀리 있으면 ‘모름(unknown)’으로 답합니다(1은 이미지가 자기 "
        "클래스에서 보통 떨어져 있는 거리입니다). 기준이 가까울수록 다른 이미지를 더 많이 걸러 내지만, 알고 있는 "
        "클래스의 이미지도 더 많이 거절합니다. 한 줄이 기준 하나이며, 굵은 글씨가 지금 쓰는 기준입니다. 기준은 따로 "
        "떼어 둔 학습 이미지로 정했으며 테스트 이미지는 쓰지 않았습니다.",
    },
    "unknown_limit": {"en": "limit", "ko": "기준 거리"},
    "unknown_expected": {"en": "held-out images rejected", "ko": "떼어 둔 이미지 중 거절"},
    "unknown_refused": {"en": "test images rejected", "ko": "테스트 이미지 중 거절"},
    "unknown_mistakes": {"en": "errors among the others", "ko": "나머지에서 틀린 수"},
    "unknown_of": {"en": "{mistakes} of {images}", "ko": "{images}장 중 {mistakes}장"},
    # filters
    "filters": {"en": "First-layer filters", "ko": "첫 번째 층의 필터"},
    "filters_before": {"en": "Before training", "ko": "학습 전"},
    "filters_after": {"en": "After training", "ko": "학습 후"},
    "filters_caption": {
        "en": "{n} filters of {height}×{width}, each scaled by its largest weight: medium gray is zero, light is "
        "positive, dark is negative.",
        "ko": "{height}×{width} 필터 {n}개입니다. 필터마다 가장 큰 가중치에 맞추어 밝기를 조정했으며, 중간 회색은 "
        "0, 밝은 곳은 양수, 어두운 곳은 음수입니다.",
    },
    "filter": {"en": "Filter {n}", "ko": "필터 {n}"},
    # network
    "network": {"en": "Network", "ko": "신경망 구조"},
    "layer": {"en": "layer", "ko": "층"},
    "kind": {"en": "kind", "ko": "종류"},
    "maps": {"en": "maps", "ko": "특성 맵"},
    "size": {"en": "size", "ko": "크기"},
    "kernel": {"en": "kernel", "ko": "커널"},
    "stride": {"en": "stride", "ko": "스트라이드"},
    "padding": {"en": "padding", "ko": "패딩"},
    "activation": {"en": "activation", "ko": "활성화 함수"},
    "parameters": {"en": "parameters", "ko": "매개변수"},
    "multiply_adds": {"en": "multiply-adds", "ko": "곱셈-덧셈"},
    "receptive_field": {"en": "receptive field", "ko": "수용 영역"},
    "total": {"en": "total", "ko": "합계"},
}
