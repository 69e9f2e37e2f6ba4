"""Texts of the pages of `striate reproduce leak` and `optimizers`, in English and Korean."""

DEMONSTRATIONS: dict[str, dict[str, str]] = {
    "demonstration_what": {"en": "What happens", "ko": "무슨 일이 일어나는가"},
    # optimizers
    "optimizers": {"en": "Six optimizers", "ko": "옵티마이저 여섯 가지"},
    "optimizers_headline": {
        "en": "{lowest} has the lowest loss after {steps} steps, {nearest} ends nearest to the minimum of the function",
        "ko": "{steps}스텝 뒤에 손실이 가장 낮은 것은 {lowest}, 골짜기의 최솟점에 가장 가까운 것은 {nearest}",
    },
    "optimizers_what": {
        "en": "Each optimizer minimizes f(x, y) = x²/20 + y² in {steps} steps. The function is a valley, steep in y "
        "and shallow in x. Plain gradient descent oscillates across the valley. Momentum averages the gradients, "
        "so the oscillations cancel out. AdaGrad, RMSProp and Adam divide by the size of earlier gradients, so "
        "progress is similar in both directions.",
        "ko": "각 옵티마이저는 y 방향으로 가파르고 x 방향으로 완만한 골짜기 f(x, y) = x²/20 + y²를 {steps}스텝 "
        "내려갑니다. 경사 하강법(SGD)은 골짜기를 가로질러 왔다 갔다 합니다. 모멘텀은 기울기들의 공통된 방향을 "
        "살리고, AdaGrad, RMSProp, Adam은 지금까지의 기울기 크기로 나누어 두 방향으로 비슷하게 나아갑니다.",
    },
    "optimizers_network": {
        "en": "Below, the same optimizers train a network with {units} hidden units on {digits} digits, with the same "
        "initial weights and the same batches. The learning rate of each optimizer is in the legend. It was "
        "chosen for each optimizer, so the plot shows how the optimizers behave, not which one is best.",
        "ko": "아래에서는 같은 옵티마이저로 은닉 유닛이 {units}개인 신경망을 숫자 {digits}장으로 학습합니다. 초기 "
        "가중치와 배치는 모두 같습니다. 학습률은 옵티마이저마다 따로 골랐으며 범례에 있습니다. 어느 것이 가장 "
        "좋은지가 아니라 어떻게 움직이는지를 보여 주는 그림입니다.",
    },
    "optimizers_paths": {"en": "Paths in the valley", "ko": "골짜기에서 지나간 길"},
    "optimizers_x": {"en": "x (the axes have the same scale)", "ko": "x (두 축의 눈금 간격이 같음)"},
    "optimizers_losses": {"en": "Loss of the network", "ko": "신경망의 손실"},
    "optimizers_step": {"en": "step", "ko": "스텝"},
    # a leak
    "leak": {"en": "Data leakage between training and test", "ko": "학습과 테스트 사이의 누출(leakage)"},
    "leak_headline": {
        "en": "{before} → {after} “test accuracy”, and the network is no better",
        "ko": "‘테스트 정확도’는 {before} → {after}, 그러나 신경망은 나아지지 않았습니다",
    },
    "leak_what": {
        "en": "A program splits {images} images into a training and a test split at random, each time it starts. A "
        "small network is trained, its weights are saved, the program is started again, and training continues. "
        "Now the network was already trained on most of the test images. The accuracy on them jumps before a "
        "single training step, and rises with each start. On {untouched} images that were never used, the "
        "accuracy hardly changes: the network recognizes its training images, and the test accuracy no longer "
        "measures how well it predicts new images.",
        "ko": "시작할 때마다 이미지 {images}장을 학습용과 테스트용으로 무작위로 나누는 프로그램이 있습니다. 작은 "
        "신경망을 학습하여 가중치를 저장하고, 프로그램을 다시 시작하여 이어서 학습합니다. 이제 테스트 이미지의 "
        "대부분은 신경망이 이미 학습한 이미지입니다. 한 스텝도 더 학습하기 전에 정확도가 뛰어오르고, 다시 "
        "시작할 때마다 더 올라갑니다. 한 번도 쓰지 않은 이미지 {untouched}장의 정확도는 거의 그대로입니다. "
        "신경망은 학습한 이미지를 알아볼 뿐이고, 이 수치는 새 이미지를 얼마나 맞히는지 더는 말해 주지 않습니다.",
    },
    "leak_cannot": {
        "en": "In Striate, the split of an image is determined by its content and the seed. The same images are always "
        "split in the same way, in whatever order they are loaded, and duplicates stay in the same split. A run "
        "records its data, and resuming it with another split is an error.",
        "ko": "Striate에서는 이미지의 내용과 시드에 따라 어느 쪽에 들어갈지 정해집니다. 같은 이미지는 순서가 달라도, "
        "몇 번을 불러와도 똑같이 나뉘고, 사본은 한쪽에 함께 있습니다. 실행은 자신의 데이터를 기록해 두며, "
        "다르게 나눈 데이터로는 이어서 학습하지 않습니다.",
    },
    "leak_refusal": {"en": "The error message:", "ko": "그런 실행이 내는 오류:"},
    "leak_chart": {"en": "Accuracy after each start", "ko": "시작할 때마다의 정확도"},
    "leak_start": {"en": "start of the program", "ko": "프로그램 시작 횟수"},
    "leak_redrawn": {"en": "redrawn test split", "ko": "다시 나눈 테스트 이미지"},
    "leak_before": {"en": "redrawn test split, before training", "ko": "다시 나눈 테스트 이미지, 학습 전"},
    "leak_seen": {"en": "already seen in training", "ko": "그중 이미 학습한 것"},
    "leak_untouched": {"en": "images never used", "ko": "한 번도 쓰지 않은 이미지"},
    "leak_striate": {"en": "Striate’s test split", "ko": "Striate의 테스트 이미지"},
    "leak_striate_seen": {"en": "seen in training", "ko": "그중 학습한 것"},
    "leak_remedy": {
        "en": "If you write the split yourself, draw it once with a fixed seed, and save it, or derive it from the "
        "file names or contents. Use the test images only for the final test.",
        "ko": "직접 나눌 때는 시드를 고정하여 한 번만 나누고, 그 결과를 저장하거나 파일 이름이나 내용에 따라 "
        "나누십시오. 마지막 테스트에 쓸 이미지는 다른 모든 것과 떼어 두십시오.",
    },
}
