"""The texts of the report in English and Korean."""

from striate.language.audit import AUDIT_STRINGS
from striate.language.comparison import COMPARISON
from striate.language.demonstrations import DEMONSTRATIONS
from striate.language.tasks import TASK_STRINGS

# The report replaces the placeholders in braces. A test checks that both languages have the same placeholders.
STRINGS: dict[str, dict[str, str]] = {
    # frame
    "report": {"en": "Test report", "ko": "테스트 보고서"},
    "contents": {"en": "Contents", "ko": "차례"},
    "skip": {"en": "Skip to the results", "ko": "결과로 바로 가기"},
    "switch_language": {"en": "한국어", "ko": "English"},
    "switch_theme": {"en": "Light / dark", "ko": "밝게 / 어둡게"},
    "made_by": {
        "en": "Made with Striate. This file is self-contained and loads nothing from the network.",
        "ko": "Striate로 만든 보고서입니다. 이 파일만 있으면 인터넷에 연결하지 않아도 볼 수 있습니다.",
    },
    # headline
    "trained_on": {"en": "trained on", "ko": "학습 데이터"},
    "tested_on": {"en": "tested on", "ko": "테스트 데이터"},
    "test_accuracy": {"en": "Test accuracy", "ko": "테스트 정확도"},
    "folds_accuracy": {"en": "Accuracy in {folds}-fold cross-validation", "ko": "{folds}겹 교차 검증 정확도"},
    "folds_note": {
        "en": "All images were used for testing: each was predicted by one of {folds} models that were trained without "
        "it. The final model in this folder was then trained on all images and should be at least as accurate.",
        "ko": "모든 이미지를 테스트에 사용했습니다. 각 이미지는 그 이미지를 빼고 학습한 모델로 예측했으며, "
        "이렇게 모델 {folds}개를 따로 학습했습니다. 이 폴더의 모델은 그다음에 모든 이미지로 학습한 "
        "것이므로, 정확도가 이보다 낮지 않을 것으로 기대할 수 있습니다.",
    },
    "uncertain": {
        "en": "This interval is wide, because the test images, or the groups that they belong to, are few. Training "
        "with {option} tests on all images, each with a model that was trained without it.",
        "ko": "테스트 이미지나 그 이미지가 속한 묶음이 적어서 구간이 넓습니다. {option}로 학습하면 모든 이미지를, 그 "
        "이미지를 빼고 학습한 모델로 테스트합니다.",
    },
    "folds_splits": {
        "en": "All images were used for training. The metrics come from {folds}-fold cross-validation.",
        "ko": "모든 이미지를 학습에 사용했습니다. 수치는 {folds}겹 교차 검증(cross-validation)의 결과입니다.",
    },
    "folds_correct_of": {
        "en": "{correct} of {images} images correct",
        "ko": "이미지 {images}장 가운데 {correct}장 정답",
    },
    "folds": {"en": "Cross-validation by fold", "ko": "폴드(fold)별 교차 검증 결과"},
    "fold": {"en": "fold", "ko": "폴드"},
    "all_folds": {"en": "all folds", "ko": "모든 폴드"},
    "fold_accuracy": {"en": "accuracy", "ko": "정확도"},
    "fold_loss": {"en": "cross-entropy", "ko": "교차 엔트로피"},
    "fold_mean_average_precision": {"en": "mAP", "ko": "평균 정밀도 평균"},
    "fold_macro_f1": {"en": "mean F1", "ko": "평균 F1"},
    "fold_exact_match": {"en": "all labels right", "ko": "모든 라벨이 맞은 비율"},
    "fold_mae": {"en": "MAE", "ko": "평균 절대 오차"},
    "fold_rmse": {"en": "RMSE", "ko": "평균 제곱근 오차"},
    "fold_r2": {"en": "R²", "ko": "결정계수"},
    "folds_caption": {
        "en": "Each row is a model that was trained without the images of its fold. The folds are small, so they "
        "differ by chance; rely on the metrics of all images together.",
        "ko": "각 행은 그 폴드의 이미지를 빼고 학습한 모델의 결과입니다. 폴드마다 이미지가 적어 우연히 차이가 "
        "나므로, 전체 "
        "이미지의 수치를 기준으로 삼으십시오.",
    },
    "interval_alone": {
        "en": "95% interval: with so few images the accuracy is known only roughly; {value} measured",
        "ko": "95% 신뢰구간. 이미지가 적어 정확도를 대략으로만 알 수 있습니다(측정값 {value}).",
    },
    "balanced_accuracy": {"en": "Balanced accuracy (mean recall)", "ko": "균형 정확도(재현율의 클래스 평균)"},
    "lowest_recall": {"en": "Lowest recall:", "ko": "가장 낮은 재현율:"},
    "interval": {"en": "95% interval {low} – {high}", "ko": "95% 신뢰구간 {low} ~ {high}"},
    "correct_of": {
        "en": "{correct} of {images} test images correct",
        "ko": "테스트 이미지 {images}장 가운데 {correct}장 정답",
    },
    "meaning": {
        "en": "For 1,000 new images of the same kind, expect about {expected} correct predictions ({low} to {high}).",
        "ko": "같은 종류의 새 이미지 1,000장을 분류하면 약 {expected}장({low}~{high}장)을 맞힐 것으로 기대할 수 "
        "있습니다.",
    },
    "trust_majority": {
        "en": "Do not rely on this model: always predicting “{majority}” would be correct for {share} of the test "
        "images.",
        "ko": "이 모델은 믿고 쓸 수 없습니다. 항상 ‘{majority}’로만 예측해도 테스트 이미지의 {share}를 맞힙니다.",
    },
    "trust_not_better": {
        "en": "Do not rely on this model yet: always predicting “{majority}” would be correct for {share} of the test "
        "images, and with so few of them it is not certain that the model is better.",
        "ko": "아직 이 모델을 믿고 쓸 수 없습니다. 항상 ‘{majority}’로만 예측해도 테스트 이미지의 {share}를 맞히며, "
        "테스트 이미지가 적어 모델이 그보다 낫다고 확신할 수 없습니다.",
    },
    "trust_few": {
        "en": "There are too few test images: the true accuracy may be anywhere from {low} to {high}. Test on more "
        "images before relying on this model.",
        "ko": "테스트 이미지가 너무 적어 판단할 수 없습니다. 실제 정확도는 {low}에서 {high} 사이의 어떤 값이든 될 수 "
        "있습니다. 더 많은 이미지로 테스트한 뒤에 사용하십시오.",
    },
    "without_leaks": {
        "en": "{leaked} of the {images} test images have near-duplicates in the training or validation split, so the "
        "accuracy may be too high. On the other test images it is {accuracy} ({low} to {high}).",
        "ko": "테스트 이미지 {images}장 가운데 {leaked}장은 거의 같은 이미지가 학습 또는 검증 분할에도 있어 정확도가 "
        "실제보다 높을 수 있습니다. 이를 제외한 테스트 이미지의 정확도는 {accuracy}({low}–{high})입니다.",
    },
    "trust_weak": {
        "en": "{error} of the predictions are wrong. That is sufficient for suggestions that a person checks, but not "
        "for unchecked decisions.",
        "ko": "전체 예측의 {error}가 틀렸습니다. 사람이 다시 확인하는 1차 분류에는 쓸 수 있지만, 확인 없이 "
        "결정을 맡기기에는 부족합니다.",
    },
    "trust_uneven": {
        "en": "The overall accuracy is reliable, but the classes differ: the recall of “{worst}” is only {recall}.",
        "ko": "전체 정확도는 신뢰할 수 있지만 클래스마다 차이가 있습니다. 특히 ‘{worst}’의 재현율은 {recall}에 "
        "그칩니다.",
    },
    "trust_good": {
        "en": "The accuracy is reliable for images like those tested. Test again if the camera, the pen or the "
        "background changes.",
        "ko": "테스트 이미지와 같은 종류의 이미지라면 이 정확도를 신뢰할 수 있습니다. 카메라, 필기구, 배경 등이 "
        "달라지면 다시 테스트하십시오.",
    },
    "loss": {"en": "Loss (cross-entropy)", "ko": "손실(교차 엔트로피)"},
    "macro_precision": {"en": "Mean precision", "ko": "정밀도(클래스 평균)"},
    "macro_recall": {"en": "Mean recall", "ko": "재현율(클래스 평균)"},
    "macro_f1": {"en": "Mean F1", "ko": "F1(클래스 평균)"},
    "calibration_error": {"en": "Calibration error", "ko": "보정 오차(ECE)"},
    "threshold_short": {"en": "“Unknown” threshold", "ko": "‘모름’ 임계값"},
    "scroll_hint": {"en": "Scroll sideways to see all columns.", "ko": "옆으로 밀면 나머지 열을 볼 수 있습니다."},
    # run
    "run": {"en": "Training run", "ko": "학습 실행"},
    "images_count": {"en": "Images", "ko": "이미지 수"},
    "train": {"en": "training", "ko": "학습"},
    "validation": {"en": "validation", "ko": "검증"},
    "test": {"en": "test", "ko": "테스트"},
    "splits_note": {
        "en": "The network was trained on the training images, settings were chosen on the validation images, and the "
        "test images were used only for this report.",
        "ko": "신경망은 학습 이미지로 학습하고 설정은 검증 이미지로 선택했으며, 테스트 이미지는 이 보고서를 "
        "만들 때만 사용했습니다.",
    },
    "splits_note_features": {
        "en": "The head was fitted to the training and validation images together, its settings were chosen on them by "
        "cross-validation, and the test images were used only for this report.",
        "ko": "헤드는 학습 이미지와 검증 이미지를 합쳐 학습했고, 설정은 같은 이미지에서 교차 검증으로 "
        "선택했습니다. 테스트 이미지는 이 보고서를 만들 때만 사용했습니다.",
    },
    "splits_note_tuned": {
        "en": "The network was fine-tuned on the training images, the best weights were chosen on held-out images, and "
        "the test images were used only for this report.",
        "ko": "신경망은 학습 이미지로 미세 조정했고, 어느 가중치를 쓸지는 학습에서 떼어 둔 이미지로 "
        "정했습니다. 테스트 이미지는 이 보고서를 만들 때만 사용했습니다.",
    },
    "notes": {"en": "Notes on the data", "ko": "데이터 참고 사항"},
    "more_notes": {"en": "{n} more", "ko": "{n}개 더 보기"},
    "recipe": {"en": "Recipe", "ko": "학습 설정"},
    "seed": {"en": "Seed", "ko": "난수 시드"},
    "versions": {"en": "Versions", "ko": "버전"},
    "hardware": {"en": "Hardware", "ko": "하드웨어"},
    "time": {"en": "Training time", "ko": "학습 시간"},
    "seconds": {"en": "{n} s", "ko": "{n}초"},
    "minutes": {"en": "{m} min {s} s", "ko": "{m}분 {s}초"},
    "hours": {"en": "{h} h {m} min", "ko": "{h}시간 {m}분"},
    "started": {"en": "Started", "ko": "시작 시각"},
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
        "en": "The learning rate was increased at every step of a short training run. The suggested learning rate is "
        "the one at which the loss falls most steeply. Above the learning rate with the lowest loss, updates are too "
        "large.",
        "ko": "짧게 학습하면서 스텝마다 학습률을 조금씩 키우고 손실을 기록했습니다. 권장 학습률은 손실이 "
        "가장 가파르게 감소한 지점의 값입니다. 손실이 최저가 되는 학습률을 넘어서면 가중치가 한 번에 "
        "지나치게 크게 갱신됩니다.",
    },
    "rate_nothing": {
        "en": "The loss hardly fell at any learning rate, so none can be suggested. Use larger batches, or check that "
        "the images match their classes.",
        "ko": "어떤 학습률에서도 손실이 거의 줄지 않아 권장할 학습률이 없습니다. 배치 크기를 키우거나, "
        "이미지의 클래스가 올바른지 확인하십시오.",
    },
    "training_loss": {"en": "training loss", "ko": "학습 손실"},
    "validation_loss": {"en": "validation loss", "ko": "검증 손실"},
    "training_accuracy": {"en": "training accuracy", "ko": "학습 정확도"},
    "validation_accuracy": {"en": "validation accuracy", "ko": "검증 정확도"},
    "best": {"en": "best", "ko": "최저"},
    "overfitting_mark": {"en": "overfitting", "ko": "과대적합"},
    "verdict_overfitting": {
        "en": "Overfitting: after epoch {best} the validation loss rose {rise} above its minimum while the training "
        "loss kept falling. After that, the network memorized its training images. Use early stopping, "
        "augmentation, dropout or a smaller network.",
        "ko": "과대적합이 나타났습니다. {best}번째 에포크 이후 학습 손실은 계속 줄었지만 검증 손실은 최저점보다 {rise} "
        "늘었습니다. 그때부터는 학습 이미지를 외우기 시작한 것입니다. 조기 종료, 데이터 증강, 드롭아웃, 더 작은 "
        "신경망을 고려하십시오.",
    },
    "verdict_improving": {
        "en": "No overfitting: the validation loss was lowest at epoch {best}, at or near the end. More epochs might "
        "still help.",
        "ko": "과대적합이 나타나지 않았습니다. 검증 손실이 마지막에 가까운 {best}번째 에포크에서 가장 낮았으므로, "
        "에포크를 늘리면 나아질 수도 있습니다.",
    },
    "verdict_converged": {
        "en": "No overfitting: after its minimum at epoch {best} the validation loss changed only within its noise. "
        "More epochs with the same settings will hardly help.",
        "ko": "과대적합이 나타나지 않았습니다. 검증 손실은 {best}번째 에포크에서 가장 낮았고, 그 뒤의 변화는 잡음 "
        "수준입니다. 같은 설정으로 더 학습해도 크게 나아지지 않을 것입니다.",
    },
    "verdict_too_short": {
        "en": "The validation loss was lowest at epoch {best}. With fewer than five epochs, overfitting cannot be "
        "distinguished from noise.",
        "ko": "검증 손실은 {best}번째 에포크에서 가장 낮았습니다. 에포크가 다섯 번보다 적으면 과대적합과 잡음을 구별할 "
        "수 없습니다.",
    },
    "verdict_no_validation": {
        "en": "No validation loss was recorded, so overfitting cannot be judged.",
        "ko": "검증 손실이 기록되지 않아 과대적합 여부를 판단할 수 없습니다.",
    },
    "rule": {
        "en": "Overfitting is reported if the mean validation loss of the last three epochs is above its best value by "
        "more than 5% and by more than four times its noise, while the training loss kept falling.",
        "ko": "마지막 세 에포크의 평균 검증 손실이 최저점보다 5% 넘게, 그리고 잡음의 네 배 넘게 높은데도 "
        "학습 손실은 계속 줄었다면 과대적합으로 판단합니다.",
    },
    "gap_positive": {
        "en": "At the end, training accuracy is {gap} points above validation accuracy.",
        "ko": "마지막 에포크의 학습 정확도는 검증 정확도보다 {gap}%p 높습니다.",
    },
    "gap_negative": {
        "en": "At the end, training accuracy is {gap} points below validation accuracy: it is a mean over the epoch, "
        "while the network is still learning. Dropout and augmentation, where they are used, lower it too: they are "
        "active during training only.",
        "ko": "마지막 에포크의 학습 정확도는 검증 정확도보다 {gap}%p 낮습니다. 학습 정확도는 신경망이 배우는 동안의 "
        "평균이기 때문입니다. 드롭아웃이나 데이터 증강을 쓴다면 이들도 학습할 때만 작동하므로 학습 정확도를 낮춥니다.",
    },
    "as_table": {"en": "Show as a table", "ko": "표로 보기"},
    # confusion
    "confusion": {"en": "Confusion matrix", "ko": "혼동 행렬"},
    "confusion_caption": {
        "en": "Rows: true class. Columns: predicted class. Gray: correct predictions. Colored: errors; the darker, the "
        "more frequent.",
        "ko": "행은 실제 클래스, 열은 예측한 클래스입니다. 회색 칸은 맞은 예측, 색이 있는 칸은 오류이며, "
        "색이 진할수록 많습니다.",
    },
    "confusion_image": {
        "en": "With {n} classes each cell is one dot. Rows: true class. Columns: predicted class. Darker dots are more "
        "frequent. Hover over a dot to see its value.",
        "ko": "클래스가 {n}개이므로 칸 하나를 점 하나로 나타냈습니다. 행은 실제 클래스, 열은 예측한 클래스이며, "
        "진할수록 많습니다. 점 위에 마우스를 올리면 값을 볼 수 있습니다.",
    },
    "counts": {"en": "Counts", "ko": "개수"},
    "percents": {"en": "Percent of the true class", "ko": "실제 클래스 대비 %"},
    "true": {"en": "true", "ko": "실제"},
    "predicted": {"en": "predicted", "ko": "예측"},
    "pairs": {"en": "Most confused pairs", "ko": "가장 많이 혼동한 쌍"},
    "pairs_none": {
        "en": "No images were assigned to a wrong class.",
        "ko": "다른 클래스로 잘못 분류한 이미지가 없습니다.",
    },
    "pairs_more": {
        "en": "The {shown} most frequent of {all} confused pairs; all are in metrics.json.",
        "ko": "혼동한 쌍 {all}개 가운데 가장 많은 {shown}개입니다. 전체는 metrics.json에 있습니다.",
    },
    "images": {"en": "images", "ko": "이미지"},
    "share_of_true": {"en": "of the true class", "ko": "실제 클래스 대비"},
    # classes
    "classes": {"en": "Metrics per class", "ko": "클래스별 지표"},
    "class": {"en": "class", "ko": "클래스"},
    "precision": {"en": "precision", "ko": "정밀도"},
    "recall": {"en": "recall", "ko": "재현율"},
    "f1": {"en": "F1", "ko": "F1"},
    "classes_caption": {
        "en": "Precision: the share of images predicted as this class that belong to it. Recall: the share of the "
        "class’s images that were predicted correctly. F1: the harmonic mean of both. The bars show the 95% interval "
        "on a scale from {low} to 100%.",
        "ko": "정밀도(precision)는 그 클래스로 예측한 이미지 가운데 실제로 그 클래스인 것의 비율이고, "
        "재현율(recall)은 실제로 그 클래스인 이미지 가운데 맞게 예측한 것의 비율입니다. F1은 정밀도와 "
        "재현율의 조화평균입니다. 막대는 95% 신뢰구간이며, 축은 {low}부터 100%까지입니다.",
    },
    "no_test_images": {"en": "no test images", "ko": "테스트 이미지 없음"},
    # errors
    "errors": {"en": "All errors", "ko": "오류 전체"},
    "errors_caption": {
        "en": "{n} images, the most confident errors first: true class → predicted class and its probability. Below: "
        "the probability of the true class.",
        "ko": "모두 {n}장이며, 예측 확률이 높은 것부터 나열했습니다. 윗줄은 실제 클래스 → 예측한 클래스와 그 확률, "
        "아랫줄은 실제 클래스의 확률입니다.",
    },
    "errors_none": {
        "en": "None: all test images were classified correctly.",
        "ko": "없습니다. 테스트 이미지를 모두 맞혔습니다.",
    },
    "show_more": {"en": "Show {n} more", "ko": "{n}장 더 보기"},
    "too_many": {
        "en": "Only the first {n} are shown with an image, to limit the size of this file.",
        "ko": "파일 크기를 제한하기 위해 처음 {n}장만 이미지를 표시했습니다.",
    },
    "test_image": {"en": "Test image {n}", "ko": "테스트 이미지 {n}"},
    "true_probability": {"en": "true", "ko": "실제"},
    # calibration
    "calibration": {"en": "Calibration", "ko": "보정(calibration)"},
    "calibration_over": {
        "en": "On average the predicted probability is {gap} points above the accuracy: the model is overconfident.",
        "ko": "예측 확률의 평균이 정확도보다 {gap}%p 높습니다. 모델이 자신의 예측을 과신하고 있습니다(overconfident).",
    },
    "calibration_under": {
        "en": "On average the predicted probability is {gap} points below the accuracy: the model is underconfident.",
        "ko": "예측 확률의 평균이 정확도보다 {gap}%p 낮습니다. 모델이 자신의 예측을 실제보다 덜 확신하고 "
        "있습니다(underconfident).",
    },
    "calibration_good": {
        "en": "On average the predicted probability and the accuracy differ by only {gap} points.",
        "ko": "예측 확률의 평균과 정확도는 {gap}%p밖에 차이 나지 않습니다.",
    },
    "calibration_few": {
        "en": "There are too few test images ({images}) to judge the calibration: the mean predicted probability is "
        "{confidence}, and the accuracy may be anywhere from {low} to {high}.",
        "ko": "테스트 이미지가 {images}장뿐이어서 보정을 판단할 수 없습니다. 예측 확률의 평균은 {confidence}이고, 실제 "
        "정확도는 {low}에서 {high} 사이의 어떤 값이든 될 수 있습니다.",
    },
    "calibration_caption": {
        "en": "Images are grouped by the probability of the predicted class. Each dot is a group with its 95% "
        "interval; larger dots have more images. On the dashed line, the probability equals the accuracy. Expected "
        "calibration error (ECE): {ece} points.",
        "ko": "예측 확률이 비슷한 이미지끼리 묶었습니다. 점 하나가 한 묶음이며, 점이 클수록 이미지가 많고 "
        "세로선은 95% 신뢰구간입니다. 점선 위에서는 예측 확률과 정확도가 같습니다. 기대 보정 "
        "오차(ECE)는 {ece}%p입니다.",
    },
    "confidence": {"en": "predicted probability", "ko": "예측 확률"},
    "accuracy": {"en": "accuracy", "ko": "정확도"},
    "calibration_before": {
        "en": "Circles: before calibration (temperature scaling), ECE {ece} points.",
        "ko": "속이 빈 원은 보정(온도 스케일링) 전이며, 그때의 ECE는 {ece}%p입니다.",
    },
    "threshold": {
        "en": "If the predicted probability is below {threshold}, the prediction is “unknown”. The threshold was "
        "chosen on the validation images: 99% of the correctly classified images reach it.",
        "ko": "예측 확률이 {threshold}보다 낮으면 ‘모름(unknown)’으로 예측합니다. 이 임계값은 검증 이미지로 정했으며, "
        "맞게 분류한 이미지의 99%가 이 값 이상입니다.",
    },
    "threshold_folds": {
        "en": "If the predicted probability is below {threshold}, the prediction is “unknown”. The threshold was "
        "chosen in cross-validation: 99% of the correctly classified images reach it.",
        "ko": "예측 확률이 {threshold}보다 낮으면 ‘모름(unknown)’으로 예측합니다. 이 임계값은 교차 검증으로 정했으며, "
        "맞게 분류한 이미지의 99%가 이 값 이상입니다.",
    },
    # attempts
    "attempts": {"en": "Features compared", "ko": "비교한 특성"},
    "attempt_features": {"en": "features", "ko": "특성"},
    "attempt_loss": {"en": "loss in cross-validation", "ko": "교차 검증 손실"},
    "attempt_difference": {
        "en": "loss − that of the last layer, ± standard error",
        "ko": "마지막 층과의 손실 차이 ± 표준 오차",
    },
    "attempts_rule": {
        "en": "Measured by cross-validation on the images used for training. The last layer (first row) is used unless "
        "the loss of other features is lower by more than {errors} standard errors of the difference. The features in "
        "bold are used.",
        "ko": "학습에 쓰는 이미지에서 교차 검증으로 측정했습니다. 마지막 층(첫 행)의 특성을 쓰되, 손실이 더 작고 그 "
        "차이가 표준 오차의 {errors}배를 넘는 특성이 있으면 그것을 씁니다. 굵게 표시한 특성을 사용합니다.",
    },
    "attempts_accurate": {
        "en": "Features of other layers were not tried: the last layer is so accurate in cross-validation that a gain "
        "could not be significant.",
        "ko": "다른 층의 특성은 시험하지 않았습니다. 교차 검증에서 마지막 층만으로도 매우 정확하여, 더 나아지더라도 "
        "유의한 차이가 될 수 없기 때문입니다.",
    },
    "attempts_time": {
        "en": "Features of other layers were not tried because of the time limit.",
        "ko": "시간 제한 때문에 다른 층의 특성은 시험하지 않았습니다.",
    },
    # thresholds
    "thresholds": {"en": "Thresholds", "ko": "임계값"},
    "curve_roc": {"en": "ROC curve", "ko": "ROC 곡선"},
    "curve_precision_recall": {"en": "Precision–recall curve", "ko": "정밀도-재현율 곡선"},
    "false_rate": {"en": "false positive rate", "ko": "위양성률"},
    "auc": {"en": "ROC AUC", "ko": "ROC 면적(AUC)"},
    "average_precision": {"en": "average precision", "ko": "평균 정밀도(AP)"},
    "for_recall": {"en": "95% recall: threshold → precision", "ko": "재현율 95%: 임계값 → 정밀도"},
    "for_precision": {"en": "95% precision: threshold → recall", "ko": "정밀도 95%: 임계값 → 재현율"},
    "thresholds_charts": {
        "en": "Each class against all others, by its probability. Blue: the class with the lowest area under the ROC "
        "curve.",
        "ko": "클래스마다 그 클래스의 확률로 나머지 모든 클래스와 구별한 결과입니다. 파란 선은 ROC 곡선 아래 "
        "면적(AUC)이 가장 작은 클래스입니다.",
    },
    "thresholds_caption": {
        "en": "If missing an image of a class is worse than a false alarm, report the class wherever its probability "
        "reaches the threshold for 95% recall; in the opposite case use the one for 95% precision. A dash: no "
        "threshold reaches it. The thresholds were chosen on the same images, so expect slightly lower values on new "
        "ones.",
        "ko": "어떤 클래스를 놓치는 것이 잘못된 경보보다 더 문제라면, 그 클래스의 확률이 재현율 95%의 임계값 이상일 때 "
        "그 클래스로 판정하십시오. 반대라면 정밀도 95%의 임계값을 사용합니다. 줄표(–)는 그런 임계값이 없다는 뜻입니다. "
        "임계값을 같은 이미지로 정했으므로 새 이미지에서는 값이 조금 낮아질 수 있습니다.",
    },
    "top_k": {"en": "Correct among the {k} most probable", "ko": "확률 상위 {k}개 안에 정답"},
    # unknown
    "unknown": {"en": "Out-of-distribution images (“unknown”)", "ko": "학습 분포 밖의 이미지(‘모름’)"},
    "unknown_caption": {
        "en": "An image is “unknown” if its features are farther than {limit} from those of the training images (1 is "
        "the typical distance of an image of your classes). A lower threshold rejects more images of other things, "
        "but also more images of your classes. Each row is a threshold; the bold one is used.",
        "ko": "이미지의 특성이 학습 이미지의 특성에서 {limit}보다 멀리 떨어져 있으면 ‘모름(unknown)’으로 "
        "예측합니다. 거리 1은 학습한 클래스에 속하는 이미지의 전형적인 거리입니다. 임계값을 낮추면 "
        "다른 대상의 이미지를 더 많이 거부하지만, 학습한 클래스의 이미지도 더 많이 거부합니다. 표의 한 "
        "행이 임계값 하나이며, 현재 사용하는 값은 굵게 표시했습니다.",
    },
    "unknown_held_out": {
        "en": "Thresholds were chosen on held-out images, never on test images.",
        "ko": "임계값은 따로 떼어 둔 이미지로 정했으며, 테스트 이미지는 사용하지 않았습니다.",
    },
    "unknown_folds": {
        "en": "Each image was compared with the others only. The thresholds were chosen on these same images.",
        "ko": "각 이미지는 자기 자신을 뺀 나머지 이미지하고만 비교했습니다. 임계값도 바로 이 이미지들로 정했습니다.",
    },
    "unknown_networks": {
        "en": "Each image was judged by the detector of the network that was trained without it, with its own "
        "thresholds for the same expected shares; distances are scaled to those of the final model, whose thresholds "
        "are shown.",
        "ko": "각 이미지는 그 이미지를 빼고 학습한 신경망의 검출기로, 예상 거부율이 같은 그 검출기의 임계값에 따라 "
        "판정했습니다. 표의 임계값은 최종 모델의 것이며, 거리는 여기에 맞추어 환산했습니다.",
    },
    "unknown_precision": {
        "en": "The threshold in use comes from {images} images: it rejects {rate} of new images of your classes on "
        "average; with this many images, between {low} and {high} (with a probability of 95%).",
        "ko": "현재 임계값은 이미지 {images}장으로 계산했습니다. 학습한 클래스의 새 이미지를 평균 {rate} 거부하도록 "
        "정한 값이며, 이 장수에서 실제 거부율은 95% 확률로 {low}에서 {high} 사이입니다.",
    },
    "unknown_precision_groups": {
        "en": "The threshold in use comes from {images} images in {groups} groups of images that belong together: it "
        "rejects {rate} of new images of your classes on average; with this many groups, between {low} and {high} "
        "(with a probability of 95%).",
        "ko": "현재 임계값은 서로 관련된 이미지끼리 묶은 묶음 {groups}개(이미지 {images}장)로 계산했습니다. 학습한 "
        "클래스의 새 이미지를 평균 {rate} 거부하도록 정한 값이며, 이 묶음 수에서 실제 거부율은 95% 확률로 {low}에서 "
        "{high} 사이입니다.",
    },
    "unknown_refused": {
        "en": "“Unknown”: the rejected images nearest to the threshold",
        "ko": "‘모름’: 거부한 이미지 가운데 임계값에 가장 가까운 것",
    },
    "unknown_accepted": {
        "en": "Accepted: the images nearest to the threshold",
        "ko": "받아들임: 임계값에 가장 가까운 이미지",
    },
    "unknown_distance": {"en": "distance {distance}", "ko": "거리 {distance}"},
    "unknown_limit": {"en": "threshold", "ko": "임계값"},
    "unknown_expected": {"en": "new images rejected, expected", "ko": "새 이미지의 예상 거부율"},
    "unknown_rejected": {"en": "test images rejected", "ko": "테스트 이미지 중 거부한 비율"},
    "unknown_errors": {"en": "errors among accepted images", "ko": "거부하지 않은 이미지 중 오류"},
    "unknown_of": {"en": "{errors} of {images}", "ko": "{images}장 중 {errors}장"},
    # filters
    "filters": {"en": "First-layer filters", "ko": "첫 번째 층의 필터"},
    "filters_before": {"en": "Before training", "ko": "학습 전"},
    "filters_after": {"en": "After training", "ko": "학습 후"},
    "filters_caption": {
        "en": "{n} filters of {height}×{width}, each scaled by its largest weight: medium gray is zero, light is "
        "positive, dark is negative.",
        "ko": "{height}×{width} 필터 {n}개입니다. 필터마다 가장 큰 가중치에 맞추어 밝기를 조정했습니다. 중간 회색은 0, "
        "밝은 부분은 양수, 어두운 부분은 음수입니다.",
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
    "theoretical_field": {"en": "theoretical", "ko": "이론값"},
    "total": {"en": "total", "ko": "합계"},
}
STRINGS |= AUDIT_STRINGS | COMPARISON | DEMONSTRATIONS | TASK_STRINGS
