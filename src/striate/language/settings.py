"""Korean for the settings of a training, as run folders record them in English."""

import re

from striate.language.choice import Language, current_language
from striate.language.translation import localized

_NAMES = {
    # of the report
    "base": "백본",
    "classifier": "분류기",
    "features": "특성",
    "cross-validation": "교차 검증",
    "tried": "비교한 특성",
    "why": "선택 이유",
    "weights": "가중치",
    "folds": "폴드",
    "fine-tuning": "미세 조정",
    "decided on": "판단 기준",
    "kept": "선택",
    "test, start and kept": "테스트(미세 조정 전 → 선택한 모델)",
    # of recipes
    "epochs": "에포크",
    "batch_size": "배치 크기",
    "optimizer": "옵티마이저",
    "schedule": "학습률 스케줄",
    "augmentation": "데이터 증강",
    "label_smoothing": "라벨 스무딩",
    "class_weights": "클래스 가중치",
    "global_clipnorm": "전체 기울기 노름 상한",
    "ema_decay": "가중치 이동 평균 감쇠율",
    "frozen_layers": "동결한 층",
    "patience": "조기 종료까지 기다리는 에포크",
    # of optimizers and schedules
    "learning_rate": "학습률",
    "momentum": "모멘텀",
    "nesterov": "네스테로프",
    "weight_decay": "가중치 감쇠",
    "clipnorm": "기울기 노름 상한",
    "clipvalue": "기울기 값 상한",
    "warmup": "웜업",
    "end": "마지막 비율",
    "factor": "감소 비율",
    "step_size": "감소 간격",
    # of augmentation
    "rotation": "회전",
    "shift": "이동",
    "zoom": "확대",
    "shear": "기울임",
    "stretch": "늘이기",
    "flip_horizontal": "좌우 뒤집기",
    "flip_vertical": "상하 뒤집기",
    "crop": "자르기",
    "crop_aspect": "자르기 종횡비",
    "fill": "빈 곳 채우기",
    "brightness": "밝기",
    "contrast": "대비",
    "saturation": "채도",
    "hue": "색조",
    "gray": "회색조",
    "erase": "지우기",
    # of values
    "L2 penalty": "L2 규제",
    "temperature": "온도",
    "loss": "손실",
    "yes": "사용",
    "none": "없음",
    "upper layers": "위쪽 층",
    "all layers": "모든 층",
    "all classes count the same": "모든 클래스를 같은 비중으로",
    "mean and variance of all feature layers": "모든 특성 층의 평균과 분산",
    "the start": "미세 조정 전의 모델",
    "no stage was clearly better": "뚜렷이 나아진 단계가 없음",
    "each without one fold": "매번 폴드 하나를 빼고",
}
_PHRASES = (
    (re.compile(r"([\d.]+ %) correct"), r"정확도 \1"),
    (re.compile(r"layer ('.*')"), r"층 \1"),
    (re.compile(r"(\d+) held-out images"), r"학습에서 뺀 이미지 \1장"),
    (re.compile(r"(\d+) trainings"), r"학습 \1회"),
    (re.compile(r"seeds (\d+) to (\d+)"), r"시드 \1~\2"),
)
_VALUE = re.compile(r"(.+?) (yes|[\d.–e+-]+(?: %)?)")
_SEPARATOR = re.compile(r"(, | \(|\))")


def localized_setting(text: str) -> str:
    """Return the name or the value of a setting in the language of the terminal.

    Args:
        text: The English text, such as "learning_rate" or "adam (learning_rate 0.002)".

    Returns:
        The Korean if that is the language, else the text. Names without a Korean translation stay as they are.

    Example:
        >>> from striate.language import Language, use_language
        >>> with use_language(Language.KOREAN):
        ...     print(localized_setting("adam (learning_rate 0.002, beta_2 0.98)"))
        ...     print(localized_setting("logistic regression, L2 penalty 0.03, temperature 1.05"))
        adam(학습률 0.002, beta_2 0.98)
        로지스틱 회귀, L2 규제 0.03, 온도 1.05
    """
    if current_language() is not Language.KOREAN:
        return text
    return "; ".join(map(_localized_clause, text.split("; ")))


def _localized_clause(text: str) -> str:
    whole = _NAMES.get(text) or localized(text)
    return "".join(map(_localized_part, _SEPARATOR.split(text))) if whole == text else whole


def _localized_part(part: str) -> str:
    if part == " (":
        return "("
    if (found := _NAMES.get(part) or localized(part)) != part:
        return found
    for pattern, korean in _PHRASES:
        if pattern.fullmatch(part):
            return pattern.sub(korean, part)
    if (pair := _VALUE.fullmatch(part)) and (name := _localized_part(pair[1])) != pair[1]:
        return f"{name} {_NAMES.get(pair[2], pair[2])}"
    return part
