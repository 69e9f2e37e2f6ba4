"""Korean for messages on methods, recipes and the progress of training, which code writes in English.

Placeholders are as in `messages.py`.
"""

TRAINING_MESSAGES: dict[str, str] = {
    # the choice of a method
    "a linear classifier on the features of a network trained on a million photographs needs fewer images and less "
    "time than a network trained from scratch: {time_text}, without PyTorch": (
        "사진 백만 장으로 학습한 신경망의 특성에 선형 분류기를 맞추면, 처음부터 학습할 때보다 적은 이미지와 짧은 "
        "시간으로 됩니다: {time_text}, PyTorch 불필요"
    ),
    "feature extraction takes {time_text}, without PyTorch": "특성 추출에 걸리는 시간은 {time_text}, PyTorch 불필요",
    "--method {method} was requested: feature extraction takes {time_text}": (
        "--method {method} 요청: 특성 추출에 걸리는 시간은 {time_text}"
    ),
    "about {duration_text} on {cores_text}": "{cores_text}(으)로 약 {duration_text}",
    "1 core": "코어 1개",
    "{n} cores": "코어 {n}개",
    "{n} seconds": "{n}초",
    "{n} minutes": "{n}분",
    "{n} hours": "{n}시간",
    "fine-tuning the base too (--method fine-tune) would take about {duration_text} more": (
        "백본까지 미세 조정하려면(--method fine-tune) 약 {duration_text} 더 걸립니다"
    ),
    "there are enough images to fine-tune the base too, and there is a GPU ({name})": (
        "이미지가 백본까지 미세 조정하기에 충분하고 GPU({name})가 있습니다"
    ),
    "there are enough images to fine-tune the base too within {n} minutes": (
        "이미지가 백본까지 {n}분 안에 미세 조정하기에 충분합니다"
    ),
    "the number of epochs of fine-tuning is limited to fit into {n} minutes": (
        "미세 조정은 {n}분 안에 가능한 에포크만큼만 합니다"
    ),
    "the network computes in 8-bit integers, which takes this processor half the time (--precision float32 switches "
    "this off)": (
        "신경망을 8비트 정수로 계산합니다. 이 프로세서에서는 시간이 절반으로 줄어듭니다"
        "(--precision float32로 끌 수 있습니다)"
    ),
    "the network computes in 8-bit integers to stay within {n} minutes": (
        "{n}분을 지키기 위해 신경망을 8비트 정수로 계산합니다"
    ),
    "Not tried because of the time limit: features of other layers": (
        "시간 제한을 지키기 위해 다른 층의 특성은 비교하지 않았습니다"
    ),
    "images are resized to {size} pixels to stay within {n} minutes": (
        "{n}분을 지키기 위해 이미지를 {size}픽셀로 줄입니다"
    ),
    "because of the time limit, features at {size} pixels": "시간 제한을 지키기 위해 {size}픽셀에서 특성을 계산합니다",
    "because of the time limit, features at {size} pixels, in 8-bit integers": (
        "시간 제한을 지키기 위해 {size}픽셀에서 8비트 정수로 특성을 계산합니다"
    ),
    "Because of the time limit: features at {size} pixels": "시간 제한을 지키기 위해: {size}픽셀에서 계산하는 특성",
    "Because of the time limit: features at {size} pixels, in 8-bit integers": (
        "시간 제한을 지키기 위해: {size}픽셀에서 8비트 정수로 계산하는 특성"
    ),
    "gray images of {size} pixels are usually drawings, not photographs, and {enough_text} are enough to train a small "
    "network from scratch": (
        "{size}픽셀의 흑백 이미지는 대개 사진이 아니라 그림이며, {enough_text}이면 작은 신경망을 처음부터 학습하기에 "
        "충분합니다"
    ),
    "about {n} for each of {m_text}": "{m_text}마다 약 {n}장",
    "{n} of them": "{n}장",
    "{n} classes": "클래스 {n}개",
    "{n} labels": "라벨 {n}개",
    "{n} targets": "목표 변수 {n}개",
    "1 class": "클래스 1개",
    "1 label": "라벨 1개",
    "1 target": "목표 변수 1개",
    'larger networks need PyTorch, which is not installed (pip install "striate[torch]")': (
        '더 큰 신경망에는 PyTorch가 필요한데 설치되어 있지 않습니다(pip install "striate[torch]")'
    ),
    "there is a GPU ({name})": "GPU({name})가 있음",
    "the base {name} is not installed ({install}), and {reason_text}": (
        "백본 {name}이(가) 설치되어 있지 않습니다({install}). {reason_text}"
    ),
    "{small} trains in minutes on a CPU": "{small}은(는) CPU로 몇 분이면 학습합니다",
    "--model {large} is usually more accurate, but takes hours": (
        "--model {large}이(가) 보통 더 정확하지만 몇 시간이 걸립니다"
    ),
    # the recipe
    "{base_word}, pretrained on ImageNet, frozen": "{base_word}(ImageNet으로 사전 학습, 동결)",
    "{base_word}, cut at '{layer}', pretrained on ImageNet": "{base_word}('{layer}' 층까지, ImageNet으로 사전 학습)",
    "{base_word}, cut at '{layer}', weights from '{path}'": "{base_word}('{layer}' 층까지, 가중치 '{path}')",
    "{base_word}, cut at '{layer}', pretrained on ImageNet, frozen": (
        "{base_word}('{layer}' 층까지, ImageNet으로 사전 학습, 동결)"
    ),
    "{base_word}, cut at '{layer}', weights from '{path}', frozen": (
        "{base_word}('{layer}' 층까지, 가중치 '{path}', 동결)"
    ),
    "{base_word}, weights from '{path}', frozen": "{base_word}(가중치 '{path}', 동결)",
    "{base_word}, pretrained on ImageNet, fine-tuned": "{base_word}(ImageNet으로 사전 학습, 미세 조정)",
    "logistic regression": "로지스틱 회귀",
    "logistic regression for each label": "라벨마다 로지스틱 회귀",
    "linear regression": "선형 회귀",
    "ridge regression": "릿지 회귀",
    # during training
    "Engine: {engine} on {device} in {precision}, because {reason_text}": (
        "엔진: {engine}, 장치 {device}, 정밀도 {precision} (이유: {reason_text})"
    ),
    "it was requested": "요청에 따름",
    "NumPy does not support this device or precision": "NumPy는 이 장치나 정밀도를 지원하지 않음",
    "it supports several processes": "여러 프로세스를 지원함",
    "NumPy has no rule for your custom layers": "NumPy에 사용자 정의 층의 규칙이 없음",
    "it has rules for your custom layers": "사용자 정의 층의 규칙이 있음",
    "the network is small ({size_text})": "작은 신경망({size_text})",
    "the network is large ({size_text})": "큰 신경망({size_text})",
    "the network is small ({size_text}) and there is no GPU": "작은 신경망({size_text})이고 GPU가 없음",
    "a short trial estimates {n} seconds with PyTorch and {m} with NumPy": (
        "시험해 보니 학습 시간이 PyTorch로는 약 {n}초, NumPy로는 약 {m}초"
    ),
    "a short trial estimates {n} seconds with NumPy and {m} with PyTorch": (
        "시험해 보니 학습 시간이 NumPy로는 약 {n}초, PyTorch로는 약 {m}초"
    ),
    "{n} multiply-adds for one image": "이미지 한 장에 곱셈-덧셈 {n}번",
    'PyTorch, which is faster for a network of this size, is not installed (pip install "striate[torch]")': (
        '이 크기의 신경망에 더 빠른 PyTorch가 설치되어 있지 않음(pip install "striate[torch]")'
    ),
    'PyTorch is not installed (pip install "striate[torch]")': (
        'PyTorch가 설치되어 있지 않음(pip install "striate[torch]")'
    ),
    "{reason_text}; {precision} was faster in a trial": "{reason_text}, 시험해 보니 {precision}이(가) 더 빠름",
    "This training takes about {duration_text} on {where_text}. Fewer --epochs or a smaller --model take less time; "
    "after Ctrl-C it can be continued.": (
        "이 학습은 {where_text}(으)로 약 {duration_text} 걸립니다. --epochs를 줄이거나 더 작은 --model을 쓰면 "
        "짧아집니다. Ctrl-C로 멈추어도 이어서 할 수 있습니다."
    ),
    "Fine-tuning takes about {duration_text} on {where_text}, less if it stops early.": (
        "미세 조정은 {where_text}(으)로 약 {duration_text} 걸립니다. 일찍 멈추면 더 짧습니다."
    ),
    "The search takes about {duration_text}. A smaller --batch-size takes less time.": (
        "학습률을 찾는 데 약 {duration_text} 걸립니다. --batch-size를 줄이면 짧아집니다."
    ),
    "Fold {n} of {all}: {train} training, {validation} validation and {test} test images": (
        "폴드 {n}/{all}: 학습 {train}장, 검증 {validation}장, 테스트 {test}장"
    ),
    "Fold {n} of {all}: {figure_text}; finished before": "폴드 {n}/{all}: {figure_text}. 이미 끝났습니다",
    "Fold {n} of {all}: {figure_text}; about {duration_text} left": (
        "폴드 {n}/{all}: {figure_text}. 약 {duration_text} 남음"
    ),
    "accuracy {share} %": "정확도 {share} %",
    "mean absolute error {error}": "평균 절대 오차 {error}",
    "Final training: all images, {n} of them for validation": "마지막 학습: 모든 이미지(그중 검증 {n}장)",
    "member {n} of {all}": "앙상블 구성원 {n}/{all}",
    "There are only {n} training samples, fewer than batch_size={size}: each step uses all of them.": (
        "학습 이미지가 {n}장뿐이어서 batch_size={size}보다 적습니다. 스텝마다 모두 사용합니다."
    ),
    "The loss became {loss} at step {step} (epoch {epoch}, batch {batch}) with a learning rate of {rate}. "
    "{advice_text} Also check that the network scales its pixels (Rescale) and that the targets are right.": (
        "학습률 {rate}에서 {step}번째 스텝({epoch}번째 에포크의 {batch}번째 배치)에 손실이 {loss}이(가) 되었습니다. "
        "{advice_text} 신경망이 픽셀을 나누는지(Rescale), 정답이 맞는지도 확인하십시오."
    ),
    "The learning rate {rate} is the default of {name_word}; the recipe of this network has none for it. Set "
    "--learning-rate, or find one with striate find-lr.": (
        "학습률 {rate}은(는) {name_word}의 기본값입니다. 이 신경망의 학습 설정에는 {name_word}에 맞춘 학습률이 "
        "없습니다. --learning-rate로 정하거나 striate find-lr로 찾아보십시오."
    ),
    "'{run}' exists, so this run has a number. Choose a name with --out.": (
        "'{run}'이(가) 이미 있어 이름 끝에 번호를 붙였습니다. 이름은 --out으로 정할 수 있습니다."
    ),
    "The training diverged: its loss of {loss} is far above that of guessing, {guessing}. {advice_text}": (
        "학습이 발산했습니다. 손실 {loss}이(가) 아무렇게나 찍을 때의 손실 {guessing}보다 훨씬 큽니다. {advice_text}"
    ),
    "The network has learned nothing yet: its training loss of {loss} is that of guessing, {guessing}. "
    "{advice_text} Also check that the labels belong to the images.": (
        "신경망이 아직 아무것도 배우지 못했습니다. 학습 손실 {loss}이(가) 아무렇게나 찍을 때의 손실 {guessing}와(과) "
        "같습니다. {advice_text} 라벨이 이미지와 맞는지도 확인하십시오."
    ),
    "Try a learning rate of {rate}, or find one with: striate find-lr.": (
        "학습률을 {rate}(으)로 낮추거나, striate find-lr로 찾아보십시오."
    ),
    "Try a learning rate of {rate}, the default of {name_word}, or find one with: striate find-lr.": (
        "학습률을 {name_word}의 기본값 {rate}(으)로 낮추거나, striate find-lr로 찾아보십시오."
    ),
    "Input '{name}' receives pixels from 0 to 255, and the network has no layer that scales them, so training is "
    "unstable or slow: add layers.Rescaling(1/255) after the Input layer.": (
        "입력 '{name}'에 0부터 255까지의 픽셀이 들어오는데 이를 나누는 층이 신경망에 없어 학습이 불안정하거나 "
        "느려집니다. Input 층 뒤에 layers.Rescaling(1/255)을 더하십시오."
    ),
    "The output layer '{layer}' has no activation, so the loss is computed from logits, and predict returns logits, "
    "not probabilities. Add activation='{name}' to the layer, or pass the loss as losses.{loss}(from_logits=True).": (
        "출력층 '{layer}'에 활성화 함수가 없어 손실을 로짓에서 계산하며, predict도 확률이 아니라 로짓을 돌려줍니다. "
        "층에 activation='{name}'을(를) 더하거나, 손실을 losses.{loss}(from_logits=True)로 지정하십시오."
    ),
    "The loss '{name}' is for class numbers, and the targets of '{layer}' are one-hot rows. Striate accepts both; in "
    "Keras, use loss='{other}'.": (
        "손실 '{name}'은(는) 클래스 번호에 쓰는데 '{layer}'의 정답은 원-핫 벡터입니다. Striate는 둘 다 받아들이지만, "
        "Keras에서는 loss='{other}'을(를) 쓰십시오."
    ),
    "The loss '{name}' is for one-hot rows, and the targets of '{layer}' are class numbers. Striate accepts both; in "
    "Keras, use loss='{other}'.": (
        "손실 '{name}'은(는) 원-핫 벡터에 쓰는데 '{layer}'의 정답은 클래스 번호입니다. Striate는 둘 다 받아들이지만, "
        "Keras에서는 loss='{other}'을(를) 쓰십시오."
    ),
    "Features: {base_text}, frozen; computed by ONNX Runtime": ("특성: {base_text}, 동결, ONNX Runtime으로 계산"),
    "Features: {base_text}, frozen; computed by ONNX Runtime in 8-bit integers": (
        "특성: {base_text}, 동결, ONNX Runtime으로 8비트 정수로 계산"
    ),
    "Features: {base_text}, frozen at first; computed by ONNX Runtime": (
        "특성: {base_text}, 지금은 동결, ONNX Runtime으로 계산"
    ),
    "{base_word}, pretrained on ImageNet": "{base_word}(ImageNet으로 사전 학습)",
    "{base_word}, weights from '{path}'": "{base_word}(가중치 '{path}')",
    "Tried: {layer_text}: cross-validation accuracy {accuracy} %, loss {loss}, chosen: {reason_text}": (
        "비교: {layer_text}: 교차 검증 정확도 {accuracy} %, 손실 {loss}, 선택: {reason_text}"
    ),
    "Tried: {layer_text}: cross-validation loss {loss}, chosen: {reason_text}": (
        "비교: {layer_text}: 교차 검증 손실 {loss}, 선택: {reason_text}"
    ),
    "Tried: {layer_text}: cross-validation loss {loss}": "비교: {layer_text}: 교차 검증 손실 {loss}",
    "this loss is lower by more than {m} standard errors": "손실이 표준 오차의 {m}배 넘게 더 작음",
    "no other loss is lower by more than {m} standard errors": "손실이 표준 오차의 {m}배 넘게 더 작은 것이 없음",
    "Tried: {layer_text}: cross-validation accuracy {accuracy} %, loss {loss}": (
        "비교: {layer_text}: 교차 검증 정확도 {accuracy} %, 손실 {loss}"
    ),
    "mean and variance of all feature layers": "모든 특성 층의 평균과 분산",
    "layer '{name}'": "층 '{name}'",
    "Classifier: logistic regression on these features ({layer_text}), L2 penalty {penalty} (best of {n}), "
    "temperature {temperature}; cross-validation accuracy {accuracy} %": (
        "분류기: 이 특성({layer_text})에 로지스틱 회귀, L2 규제 {penalty}({n}개 중 최선), 온도 {temperature}, 교차 "
        "검증 정확도 {accuracy} %"
    ),
    "Head: {head_text} on these features (layer '{layer}'), L2 penalty {penalty} (best of {n}); loss {loss} in "
    "cross-validation": (
        "분류기: 이 특성(층 '{layer}')에 {head_text}, L2 규제 {penalty}({n}개 중 최선), 교차 검증 손실 {loss}"
    ),
    "Head: {head_text} on these features (layer '{layer}'), L2 penalty {penalty} (best of {n}); R² {r2} in "
    "cross-validation": (
        "예측기: 이 특성(층 '{layer}')에 {head_text}, L2 규제 {penalty}({n}개 중 최선), 교차 검증 R² {r2}"
    ),
    "Labels: {n} of {m} images used for training may be wrong; see the report. To check all images by three "
    "cross-validations, which may suggest others: {command}": (
        "라벨: 학습에 쓴 이미지 {m}장 가운데 {n}장의 라벨이 잘못되었을 수 있습니다. 보고서를 보십시오. 모든 이미지를 "
        "교차 검증 세 번으로 점검하려면(제안이 다를 수 있습니다): {command}"
    ),
    "Fine-tuning: all layers for 1 epoch of {n} images; {m} held-out images are used to choose the best weights": (
        "미세 조정: 모든 층, 이미지 {n}장으로 1에포크. 따로 떼어 둔 {m}장으로 무엇을 남길지 정합니다"
    ),
    "Fine-tuning: no image can be held out for the comparison, so the initial network is kept": (
        "미세 조정: 비교용으로 떼어 둘 이미지가 없어 처음 상태를 유지합니다"
    ),
    "All layers: not trained because of the time limit": "모든 층: 시간 제한 때문에 학습하지 않음",
    "All layers: {reason}": "모든 층: {reason}",
    "Fine-tuning: all layers for at most {epochs} epochs of {n} images; {m} held-out images are used to choose the "
    "best weights": (
        "미세 조정: 모든 층, 이미지 {n}장으로 최대 {epochs}에포크. 따로 떼어 둔 {m}장으로 무엇을 남길지 정합니다"
    ),
    "{stage_text}: loss {before} → {now}, {old} → {new} % correct on held-out images; kept": (
        "{stage_text}: 떼어 둔 이미지의 손실 {before} → {now}, 정확도 {old} → {new} %, 채택"
    ),
    "Halfway: loss {before} → {now}, {old} → {new} % correct on held-out images; clearly worse, so the initial network "
    "is kept": (
        "중간 가중치: 떼어 둔 이미지의 손실 {before} → {now}, 정확도 {old} → {new} %, 뚜렷이 나빠져 처음 상태 유지"
    ),
    "{stage_text}: loss {before} → {now}, {old} → {new} % correct on held-out images; no clear improvement, so the "
    "initial network is kept": (
        "{stage_text}: 떼어 둔 이미지의 손실 {before} → {now}, 정확도 {old} → {new} %, 뚜렷한 이득이 없어 처음 상태 "
        "유지"
    ),
    "{stage_text}: loss {before} → {now}, {old} → {new} % correct on held-out images; no clear improvement, so "
    "'{kept_text}' is kept": (
        "{stage_text}: 떼어 둔 이미지의 손실 {before} → {now}, 정확도 {old} → {new} %, 뚜렷한 이득이 없어 "
        "'{kept_text}' 유지"
    ),
    "{stage_text}: loss {before} → {now} on held-out images; kept": (
        "{stage_text}: 떼어 둔 이미지의 손실 {before} → {now}, 채택"
    ),
    "{stage_text}: loss {before} → {now} on held-out images; no clear improvement, so the initial network is kept": (
        "{stage_text}: 떼어 둔 이미지의 손실 {before} → {now}, 뚜렷한 이득이 없어 처음 상태 유지"
    ),
    "Halfway": "중간 가중치",
    "All layers": "모든 층",
    # what reproduce measured, and how a recipe differs
    "redrawn test split {jump}, unused images {honest}": "다시 나눈 테스트 이미지 {jump}, 쓰지 않은 이미지 {honest}",
    "cost {first} → {last} in {steps} steps; least squares {best}": (
        "비용 {first} → {last}({steps}스텝), 최소제곱법 {best}"
    ),
    "{n} of {all} examples exact": "예제 {all}개 가운데 {n}개 정확히 일치",
    "{nearest} ends nearest the minimum ({distance} away), {lowest} has the lowest loss ({loss})": (
        "최솟점에 가장 가까운 것은 {nearest}(거리 {distance}), 손실이 가장 낮은 것은 {lowest}({loss})"
    ),
    "five convolutions": "합성곱 다섯 층",
    "new random changes in each epoch instead of four fixed copies": (
        "고정된 사본 넷 대신 에포크마다 새로운 무작위 변형"
    ),
    "initial weights with a standard deviation proportional to 1 / "
    "√fan_in": "표준편차가 1 / √fan_in에 비례하는 초기 가중치",
    "batch normalization": "배치 정규화",
    "{base_word} as the base": "백본으로 {base_word} 사용",
    "{ours} epochs instead of {reported} epochs": "{reported}에포크 대신 {ours}에포크",
    "batches of {ours} instead of batches of {reported}": "배치 크기 {reported} 대신 {ours}",
    "a {ours_word} schedule instead of a {reported_word} schedule": "{reported_word} 스케줄 대신 {ours_word} 스케줄",
    "{ours_word} augmentation instead of no augmentation": "데이터 증강 {ours_word} 추가",
    "{ours_word} augmentation instead of {reported_word} augmentation": "데이터 증강 {reported_word} 대신 {ours_word}",
    "label smoothing {ours} instead of label smoothing {reported}": "라벨 스무딩 {reported} 대신 {ours}",
    "averaged weights instead of the last weights": "마지막 가중치 대신 평균 가중치",
    "{ours_word} {n} instead of {reported_word} {m}": "{reported_word} {m} 대신 {ours_word} {n}",
    "or 'all'": "또는 'all'",
}

# Names of settings and words in their values, which `localized_setting` looks up.
SETTING_NAMES: dict[str, str] = {
    # of the report
    "base": "백본",
    "classifier": "분류기",
    "head": "예측기",
    "features": "특성",
    "cross-validation": "교차 검증",
    "why": "선택 이유",
    "weights": "가중치",
    "folds": "폴드",
    "fine-tuning": "미세 조정",
    "decided on": "판단 기준",
    "kept": "선택",
    "start": "처음 상태",
    "test, start and kept": "테스트(처음 상태 → 선택한 모델)",
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
    "halfway": "중간 가중치",
    "all layers": "모든 층",
    "all classes count the same": "모든 클래스를 같은 비중으로",
    "mean and variance of all feature layers": "모든 특성 층의 평균과 분산",
    "the start": "처음 상태",
    "nothing was clearly better": "뚜렷이 나아진 것이 없음",
    "each without one fold": "매번 폴드 하나를 빼고",
}
