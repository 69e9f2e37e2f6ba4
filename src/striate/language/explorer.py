"""The texts of the page of `striate explore`, in English and Korean."""

EXPLORER_STRINGS: dict[str, dict[str, str]] = {
    # frame
    "nav_images": {"en": "Images", "ko": "이미지"},
    "nav_network": {"en": "Network", "ko": "신경망"},
    "nav_own": {"en": "Your own", "ko": "직접 입력"},
    "nav_why": {"en": "Why?", "ko": "판단 근거"},
    "nav_filter": {"en": "Filter", "ko": "필터"},
    "nav_play": {"en": "Playground", "ko": "플레이그라운드"},
    "no_token": {
        "en": "Open the address that the terminal shows: it contains the token of this page.",
        "ko": "터미널에 나온 주소로 여십시오. 그 주소에 이 페이지의 토큰이 들어 있습니다.",
    },
    "failed": {"en": "This cannot be shown: {reason}", "ko": "보여 줄 수 없습니다: {reason}"},
    "stopped": {
        "en": "striate explore does not respond. Is it still running in the terminal?",
        "ko": "striate explore가 응답하지 않습니다. 터미널에서 아직 실행 중입니까?",
    },
    "lesson_missing": {
        "en": "This exported page does not contain that. Open the network with striate explore.",
        "ko": "내보낸 이 페이지에 들어 있지 않은 내용입니다. striate explore로 신경망을 여십시오.",
    },
    "lesson_units": {
        "en": "This exported page does not contain the computation of single units: the network has {n} units, and a "
        "page contains at most {limit}. Open the network with striate explore.",
        "ko": "내보낸 이 페이지에는 유닛 하나하나의 계산이 들어 있지 않습니다. 유닛이 {n}개인데 페이지에는 최대 "
        "{limit}개까지 들어갑니다. striate explore로 여십시오.",
    },
    "loading": {"en": "Computing …", "ko": "계산하는 중 …"},
    "image": {"en": "Image {id}", "ko": "이미지 {id}"},
    "own_image": {"en": "Your image", "ko": "직접 넣은 이미지"},
    "predicted": {"en": "predicted {label} ({percent})", "ko": "예측 {label} ({percent})"},
    "true": {"en": "true class {label}", "ko": "정답 {label}"},
    "why_link": {"en": "Why this prediction?", "ko": "왜 이렇게 예측했을까?"},
    "maps_link": {"en": "Feature maps", "ko": "특성 맵"},
    "no_layer": {
        "en": "There is no layer “{name}”. The layers are: {names}.",
        "ko": "‘{name}’이라는 층이 없습니다. 층은 다음과 같습니다: {names}.",
    },
    "no_unit": {
        "en": "This address contains no unit. Choose a point of a feature map under “Network”.",
        "ko": "이 주소에는 유닛이 없습니다. ‘신경망’에서 특성 맵의 한 점을 고르십시오.",
    },
    "no_scores": {
        "en": "Only the beginning of this network can be shown, so there are no scores of classes to explain.",
        "ko": "이 신경망은 앞부분만 보여 줄 수 있어서, 설명할 클래스 점수가 없습니다.",
    },
    "choose_image": {"en": "Choose an image first.", "ko": "먼저 이미지를 고르십시오."},
    # images
    "mistakes": {"en": "Wrong predictions of {name}", "ko": "{name}이(가) 틀린 이미지"},
    "mistakes_count": {
        "en": "{wrong} of {count} predictions are wrong ({percent}). The most frequently confused pairs are listed "
        "first. Choose an image to see how its prediction was computed.",
        "ko": "이미지 {count}장 가운데 {wrong}장을 틀렸습니다({percent}). 자주 혼동한 쌍부터 보여 줍니다. 이미지를 "
        "고르면 "
        "예측이 어떻게 나왔는지 볼 수 있습니다.",
    },
    "pair": {"en": "{true} predicted as {predicted}", "ko": "{true}을(를) {predicted}(으)로 예측"},
    "right": {"en": "Predicted correctly", "ko": "맞힌 이미지"},
    "all_images": {"en": "The images", "ko": "이미지"},
    "no_mistakes": {"en": "All {count} images are predicted correctly.", "ko": "이미지 {count}장을 모두 맞혔습니다."},
    "no_images": {
        "en": "There are no images yet. Upload one under “Your own”.",
        "ko": "아직 이미지가 없습니다. ‘직접 입력’에서 올리십시오.",
    },
    "more": {"en": "Show more", "ko": "더 보기"},
    # network
    "network_title": {"en": "The network {name}", "ko": "신경망 {name}"},
    "network_help": {
        "en": "From the image at the top to the prediction at the bottom. Choose a layer to see its output for the "
        "image; a dashed box is a block of layers.",
        "ko": "맨 위의 이미지에서 맨 아래의 예측으로 이어집니다. 층을 고르면 이 이미지에 대한 그 층의 출력을 볼 수 "
        "있습니다. 점선 상자는 여러 층으로 된 블록입니다.",
    },
    "parameters": {"en": "{n} parameters", "ko": "매개변수 {n}개"},
    "cost": {"en": "{n} multiply-adds", "ko": "곱셈-덧셈 {n}회"},
    "field": {"en": "receptive field {h}×{w}", "ko": "수용 영역 {h}×{w}"},
    "block": {"en": "Block of layers", "ko": "여러 층의 블록"},
    "whole": {"en": "Whole network", "ko": "신경망 전체"},
    # layer
    "layer": {"en": "Layer", "ko": "층"},
    "previous": {"en": "Previous layer", "ko": "이전 층"},
    "next": {"en": "Next layer", "ko": "다음 층"},
    "maps_title": {"en": "Feature maps", "ko": "특성 맵"},
    "maps_help": {
        "en": "{n} maps of {h}×{w}. Choose a point of a map to see how its value was computed. With the keyboard, "
        "Enter chooses the point with the largest value. Maps, rows and columns are numbered from 0.",
        "ko": "{h}×{w} 특성 맵 {n}개를 보여 줍니다. 맵의 한 점을 고르면 그 수가 어떻게 계산되었는지 볼 수 있습니다. "
        "키보드에서는 Enter를 누르면 값이 가장 큰 점을 고릅니다. 맵, 행, 열의 번호는 0부터 시작합니다.",
    },
    "order": {"en": "Order", "ko": "순서"},
    "order_strength": {"en": "strongest activation first", "ko": "강하게 반응한 순서"},
    "order_number": {"en": "by number", "ko": "번호 순서"},
    "vector_help": {
        "en": "{n} values, the largest first. Choose one to see how it was computed.",
        "ko": "수 {n}개를 큰 순서로 보여 줍니다. 하나를 고르면 어떻게 계산되었는지 볼 수 있습니다.",
    },
    "silent": {
        "en": "{n} of {all} are 0 everywhere for this image.",
        "ko": "이 이미지에서 {all}개 가운데 {n}개는 전부 0입니다.",
    },
    "map_label": {"en": "Map {channel}, from {low} to {high}", "ko": "맵 {channel}, {low}에서 {high}까지"},
    "filters_title": {"en": "Filters", "ko": "필터"},
    "filters_help": {
        "en": "One filter {h}×{w} for each map{channels}. Blue weights are negative, red ones positive, white is 0.",
        "ko": "맵마다 {h}×{w} 필터가 하나씩 있습니다{channels}. 파란색은 음수, 빨간색은 양수, 흰색은 0인 가중치입니다.",
    },
    "filters_channels": {
        "en": "; each has one kernel slice for each of the {n} input maps",
        "ko": ". 필터는 입력 맵 {n}개마다 커널을 한 장씩 가집니다",
    },
    "stage": {"en": "Training", "ko": "학습"},
    "stage_initial": {"en": "before training", "ko": "학습 전"},
    "stage_step": {"en": "after {step} steps", "ko": "{step}스텝 뒤"},
    "stage_trained": {"en": "at the end: the weights that were kept", "ko": "끝: 남긴 가중치"},
    "filter_label": {"en": "Filter {channel}", "ko": "필터 {channel}"},
    "dead_units": {
        "en": "{n} of {all} units are dead: their output is the same for all {images} images.",
        "ko": "유닛 {all}개 가운데 {n}개는 죽은 유닛입니다. 이미지 {images}장 모두에서 출력이 같습니다.",
    },
    "no_dead_units": {
        "en": "None of the {all} units is dead: each has different outputs for the {images} images.",
        "ko": "유닛 {all}개 가운데 죽은 유닛은 없습니다. 이미지 {images}장에서 출력이 모두 같은 유닛이 없습니다.",
    },
    # strongest patches
    "excites_maps": {"en": "What activates these units most", "ko": "이 유닛들이 강하게 반응하는 것"},
    "excites_unit": {"en": "What activates this unit most", "ko": "이 유닛이 강하게 반응하는 것"},
    "excites_help": {
        "en": "The nine images with the strongest activation of each map, cropped to the receptive field of the unit. "
        "Hatched areas are padding.",
        "ko": "맵마다 가장 강하게 반응한 이미지 아홉 장을 유닛의 수용 영역만큼 잘라 보여 줍니다. 빗금 친 부분은 "
        "패딩입니다.",
    },
    "excites_unit_help": {
        "en": "The nine images with the strongest activation of this map, cropped to the receptive field of the unit. "
        "Hatched areas are padding.",
        "ko": "이 맵이 가장 강하게 반응한 이미지 아홉 장을 유닛의 수용 영역만큼 잘라 보여 줍니다. 빗금 친 부분은 "
        "패딩입니다.",
    },
    "among": {"en": "Among", "ko": "찾을 곳"},
    "part_shown": {"en": "the {n} images shown here", "ko": "여기 보이는 이미지 {n}장"},
    "part_training": {"en": "the {n} training images", "ko": "학습 이미지 {n}장"},
    "search": {"en": "Search the images", "ko": "이미지에서 찾기"},
    "searching": {"en": "Searching the images …", "ko": "이미지에서 찾는 중 …"},
    "stop": {"en": "Stop", "ko": "중지"},
    "searched": {"en": "Found among {n} images.", "ko": "이미지 {n}장에서 찾았습니다."},
    "searched_part": {
        "en": "Found among the first {n} of {all} images: searching more would need too much memory.",
        "ko": "메모리를 아끼려고 이미지 {all}장 가운데 처음 {n}장에서 찾았습니다.",
    },
    "never_responds": {
        "en": "Dead unit: its output is the same for all images.",
        "ko": ("죽은 유닛입니다. 모든 이미지에서 출력이 같습니다."),
    },
    "patch_label": {"en": "{image}, activation {value}", "ko": "{image}, 반응 {value}"},
    "training_image": {"en": "Training image {id}", "ko": "학습 이미지 {id}"},
    # unit
    "unit_title": {"en": "{layer}: row {y}, column {x}, map {channel}", "ko": "{layer}: {y}행 {x}열, 맵 {channel}"},
    "unit_vector": {"en": "{layer}: unit {channel}", "ko": "{layer}: 유닛 {channel}"},
    "unit_class": {
        "en": "{layer}: unit {channel}, the class {label}",
        "ko": "{layer}: 유닛 {channel}, 클래스 {label}",
    },
    "sees": {
        "en": "Receptive field: rows {y0}–{y1} and columns {x0}–{x1} of the image.",
        "ko": "수용 영역: 이미지의 {y0}–{y1}행, {x0}–{x1}열.",
    },
    "sees_padding": {
        "en": "The hatched area is padding outside the image.",
        "ko": "빗금 친 부분은 이미지 바깥의 패딩입니다.",
    },
    "sees_nothing": {"en": "The receptive field contains only padding.", "ko": "수용 영역이 모두 패딩입니다."},
    "in_map": {
        "en": "The feature map of this unit. Choose another point.",
        "ko": ("이 유닛의 맵. 다른 점을 고를 수 있습니다."),
    },
    "arithmetic": {"en": "Computation", "ko": "계산"},
    "op_weighted_sum": {"en": "weights × values, added up", "ko": "가중치 × 값을 모두 더함"},
    "op_mean": {"en": "mean of the cells", "ko": "칸의 평균"},
    "op_maximum": {"en": "largest of the cells", "ko": "칸의 최댓값"},
    "op_minimum": {"en": "smallest of the cells", "ko": "칸의 최솟값"},
    "op_sum": {"en": "sum of the cells", "ko": "칸의 합"},
    "op_product": {"en": "product of the cells", "ko": "칸의 곱"},
    "op_copy": {"en": "the cell itself", "ko": "칸의 값 그대로"},
    "op_normalization": {"en": "normalization", "ko": "정규화"},
    "op_BatchNormalization": {"en": "batch normalization", "ko": "배치 정규화"},
    "op_LayerNormalization": {"en": "layer normalization", "ko": "층 정규화"},
    "op_GroupNormalization": {"en": "group normalization", "ko": "그룹 정규화"},
    "op_UnitNormalization": {"en": "normalization to length 1", "ko": "길이 1로 정규화"},
    "op_LocalResponseNormalization": {"en": "local response normalization", "ko": "국소 응답 정규화(LRN)"},
    "op_squared_distance": {"en": "squared distance to the prototype", "ko": "원형과의 거리 제곱"},
    "op_power": {"en": "power", "ko": "거듭제곱"},
    "op_input": {"en": "a pixel value of the image", "ko": "이미지의 값"},
    "op_unknown": {"en": "computed by a layer without a rule", "ko": "규칙이 없는 층의 계산"},
    "number_count": {"en": "cells", "ko": "칸"},
    "bias": {"en": "bias", "ko": "편향"},
    "total": {"en": "total", "ko": "합계"},
    "products": {"en": "sum of the products", "ko": "곱의 합"},
    "output": {"en": "output", "ko": "출력"},
    "engine": {"en": "The engine computed {value}.", "ko": "엔진이 계산한 값은 {value}입니다."},
    "reads": {"en": "Inputs from {layer}", "ko": "{layer}에서 오는 입력"},
    "channel_contributions": {
        "en": "Contribution of each of the {n} input maps to the sum; choose one.",
        "ko": "입력 맵 {n}개가 합에 기여한 값입니다. 하나를 고르십시오.",
    },
    "values": {"en": "values", "ko": "값"},
    "weights": {"en": "kernel", "ko": "커널"},
    "value": {"en": "value", "ko": "값"},
    "weight": {"en": "weight", "ko": "가중치"},
    "term": {"en": "product", "ko": "곱"},
    "softmax": {
        "en": "softmax divides e^{total} by the sum over all {n} units, {sum}.",
        "ko": "softmax는 e^{total}을(를) 유닛 {n}개의 합 {sum}(으)로 나눕니다.",
    },
    "prototype": {"en": "prototype", "ko": "원형"},
    "terms": {"en": "products", "ko": "곱"},
    "grid_sum": {"en": "sum {value}", "ko": "합 {value}"},
    "map_n": {"en": "map {n}", "ko": "맵 {n}"},
    "go_down": {
        "en": "Choose a value to see how it was computed in turn, down to the pixels.",
        "ko": "값 하나를 고르면 그 값이 어떻게 계산되었는지 이어서 볼 수 있습니다. 이렇게 픽셀까지 내려갑니다.",
    },
    "bottom": {
        "en": "This is a pixel value of the image: the path ends here.",
        "ko": "이미지의 값입니다. 경로의 끝입니다.",
    },
    "strongest_terms": {
        "en": "The {shown} of {n} cells that contribute most.",
        "ko": "칸 {n}개 가운데 가장 많이 기여한 {shown}개입니다.",
    },
    "cell": {"en": "cell", "ko": "칸"},
    "cell_label": {"en": "row {y}, column {x}: {value}", "ko": "{y}행 {x}열: {value}"},
    "padding": {"en": "padding", "ko": "패딩"},
    "path": {"en": "Path", "ko": "경로"},
    # own
    "own_title": {"en": "Your own image", "ko": "직접 입력"},
    "draw": {"en": "Draw a digit with the mouse or a finger.", "ko": "마우스나 손가락으로 숫자를 그리십시오."},
    "draw_label": {"en": "Drawing area", "ko": "그리는 곳"},
    "clear": {"en": "Clear", "ko": "지우기"},
    "upload": {"en": "Choose an image", "ko": "이미지 고르기"},
    "drop": {"en": "or drop an image anywhere, or paste it", "ko": "아무 곳에나 끌어다 놓거나 붙여 넣어도 됩니다"},
    "camera": {"en": "Camera image", "ko": "카메라 화면"},
    "camera_on": {"en": "Use the camera", "ko": "카메라 켜기"},
    "camera_off": {"en": "Turn the camera off", "ko": "카메라 끄기"},
    "no_camera": {"en": "The camera cannot be used: {reason}", "ko": "카메라를 사용할 수 없습니다: {reason}"},
    "network_sees": {"en": "Input of the network", "ko": "신경망의 입력"},
    "answer": {"en": "Prediction", "ko": "예측"},
    "live_maps": {"en": "Feature maps of {layer}", "ko": "{layer}의 특성 맵"},
    # why
    "why_title": {"en": "Why this prediction?", "ko": "왜 이렇게 예측했을까?"},
    "why_help": {
        "en": "Three attribution methods mark the pixels that raise the score of a class. The score is the output "
        "before softmax.",
        "ko": "세 가지 방법으로 클래스의 점수를 올리는 픽셀을 표시합니다. 점수는 소프트맥스 이전의 출력입니다.",
    },
    "why_difference": {
        "en": "Each method shows one map per class. Regions that differ between the two maps contribute to the choice "
        "between the classes.",
        "ko": "방법마다 클래스별로 맵이 하나씩 있습니다. 두 맵이 서로 다른 영역이 두 클래스 사이의 선택에 기여한 "
        "곳입니다.",
    },
    "class_1": {"en": "Class", "ko": "클래스"},
    "class_2": {"en": "compared with", "ko": "비교할 클래스"},
    "score": {"en": "score {value}", "ko": "점수 {value}"},
    "grad_cam": {"en": "Grad-CAM", "ko": "Grad-CAM"},
    "occlusion": {"en": "Occlusion", "ko": "가리기(occlusion)"},
    "integrated_gradients": {"en": "Integrated gradients", "ko": "적분 기울기(integrated gradients)"},
    "grad_cam_help": {
        "en": "Where the feature maps of {layer} raise the score. It has a low resolution, and shows only positive "
        "contributions.",
        "ko": "{layer}의 특성 맵이 점수를 올리는 곳입니다. 해상도가 낮고, 점수를 올리는 기여만 나타납니다.",
    },
    "grad_cam_empty": {
        "en": "Nothing is marked: weighted by their mean gradients, the feature maps do not raise this score anywhere.",
        "ko": "표시된 곳이 없습니다. 평균 기울기로 가중한 특성 맵이 이 점수를 올리는 곳이 없기 때문입니다.",
    },
    "occlusion_help": {
        "en": "By how much the score falls if a square around the pixel is covered. Covered images differ from the "
        "training images, so the network may misjudge them.",
        "ko": "픽셀 둘레의 정사각형을 가렸을 때 점수가 떨어지는 양입니다. 가린 이미지는 학습 이미지와 달라서 "
        "신경망이 잘못 "
        "판단할 수도 있습니다.",
    },
    "integrated_gradients_help": {
        "en": "The contribution of each pixel to the difference from the score of a black image. The contribution of "
        "black pixels is 0, even if it matters that they are black.",
        "ko": "검은 이미지와의 점수 차이에 픽셀마다 기여한 값입니다. 검은 픽셀은 검다는 사실이 중요하더라도 기여가 "
        "0입니다.",
    },
    "ig_sum": {
        "en": "Sum over all pixels: {sum} {sign} score {score} − score of the black image {base}.",
        "ko": "모든 픽셀의 합: {sum} {sign} 점수 {score} − 검은 이미지의 점수 {base}.",
    },
    "nearest": {"en": "Most similar in feature space", "ko": "특성 공간에서 가장 비슷한 이미지"},
    "nearest_training": {
        "en": "The training images whose features, the output of {layer}, are most similar, with their true class and "
        "cosine distance. They show which images the network cannot distinguish well, but not why.",
        "ko": "특성({layer}의 출력)이 가장 비슷한 학습 이미지와 그 정답, 코사인 거리입니다. 신경망이 잘 구별하지 "
        "못하는 이미지를 보여 주지만, 그 이유를 보여 주지는 않습니다.",
    },
    "nearest_shown": {
        "en": "Of the images shown here, those whose features, the output of {layer}, are most similar, with their "
        "cosine distance. They show which images the network cannot distinguish well, but not why.",
        "ko": "여기 보이는 이미지 가운데 특성({layer}의 출력)이 가장 비슷한 이미지와 코사인 거리입니다. 신경망이 잘 "
        "구별하지 못하는 이미지를 보여 주지만, 그 이유를 보여 주지는 않습니다.",
    },
    "nearest_label": {
        "en": "{image}, {name}, distance {distance}",
        "ko": "{image}, {name}, 거리 {distance}",
    },
    "ig_off": {
        "en": "The sum differs by {percent}: the score changes too abruptly between the two images.",
        "ko": "합이 {percent} 어긋납니다. 두 이미지 사이에서 점수가 너무 급하게 바뀌기 때문입니다.",
    },
    "computed": {"en": "Computing … {percent}", "ko": "계산하는 중 … {percent}"},
    "for": {"en": "for the class", "ko": "지지"},
    "against": {"en": "against it", "ko": "반대"},
    # sliding filter
    "filter_title": {"en": "A sliding filter", "ko": "움직이는 필터"},
    "filter_help": {
        "en": "The kernel slides over the input. At each position, the input values under the kernel are multiplied by "
        "the kernel weights, and their sum is one output value.",
        "ko": "커널이 입력 위를 움직입니다. 자리마다 커널 아래의 수에 커널의 값을 곱하고 모두 더하여 출력의 수 "
        "하나를 "
        "만듭니다.",
    },
    "source": {"en": "Slides over", "ko": "지나갈 입력"},
    "source_numbers": {"en": "a small example", "ko": "작은 예제"},
    "source_image": {"en": "the chosen image", "ko": "고른 이미지"},
    "other_image": {"en": "Choose another image", "ko": "다른 이미지 고르기"},
    "channels": {"en": "Channels", "ko": "채널"},
    "channel_n": {"en": "channel {n}", "ko": "채널 {n}"},
    "all_channels": {"en": "sum over the channels", "ko": "채널을 모두 더함"},
    "filter_weights": {
        "en": "One filter has {h} × {h} × {c} = {n} weights, and one bias. Its output has one channel.",
        "ko": "필터 하나에는 가중치 {h} × {h} × {c} = {n}개와 편향 하나가 있고, 출력은 채널 하나입니다.",
    },
    "pool_channels": {
        "en": "Pooling has no weights, and is applied to each channel separately.",
        "ko": "풀링에는 가중치가 없고, 채널마다 따로 계산합니다.",
    },
    "operation": {"en": "Operation", "ko": "연산"},
    "edge": {"en": "vertical edges", "ko": "세로 가장자리"},
    "blur": {"en": "blur", "ko": "흐리게"},
    "sharpen": {"en": "sharpen", "ko": "선명하게"},
    "max_pool": {"en": "max pooling", "ko": "최대 풀링"},
    "size": {"en": "Input size", "ko": "입력 크기"},
    "kernel_size": {"en": "Kernel size", "ko": "커널 크기"},
    "stride": {"en": "Stride", "ko": "스트라이드"},
    "pad": {"en": "Padding", "ko": "패딩"},
    "pad_n": {"en": "{n} on each side", "ko": "양쪽에 {n}"},
    "dilation": {"en": "Dilation", "ko": "팽창(dilation)"},
    "play": {"en": "Play", "ko": "재생"},
    "pause": {"en": "Pause", "ko": "멈춤"},
    "step": {"en": "Step", "ko": "한 칸"},
    "result": {"en": "Output", "ko": "출력"},
    "input": {"en": "Input", "ko": "입력"},
    "kernel": {"en": "Kernel", "ko": "커널"},
    "formula": {
        "en": "Output size = ⌊(input + padding − dilation × (kernel − 1) − 1) / stride⌋ + 1",
        "ko": "출력 크기 = ⌊(입력 + 패딩 − 팽창 × (커널 − 1) − 1) / 스트라이드⌋ + 1",
    },
    "does_not_fit": {"en": "The kernel does not fit into the input.", "ko": "커널이 입력보다 큽니다."},
    "odd_padding": {
        "en": "Same padding is asymmetric here: the extra row and column are added at the bottom and right.",
        "ko": "여기서는 same 패딩이 비대칭입니다. 남는 행과 열은 아래쪽과 오른쪽에 더합니다.",
    },
    # playground
    "play_title": {"en": "Playground", "ko": "플레이그라운드"},
    "play_help": {
        "en": "Build a network and watch its training. Two networks side by side are trained on the same images in the "
        "same order.",
        "ko": "신경망을 조립하고 학습하는 과정을 지켜보십시오. 두 신경망을 나란히 두면 같은 이미지를 같은 순서로 "
        "학습합니다.",
    },
    "lessons": {"en": "Begin with", "ko": "시작하기"},
    "lesson_first": {"en": "a CNN that learns digits", "ko": "숫자를 학습하는 CNN"},
    "lesson_scattered": {"en": "MLP against CNN on scattered digits", "ko": "흩어진 숫자: MLP와 CNN"},
    "lesson_pooling": {"en": "with and without pooling", "ko": "풀링이 있을 때와 없을 때"},
    "lesson_rates": {"en": "a learning rate that is too high", "ko": "너무 큰 학습률"},
    "data": {"en": "Data", "ko": "데이터"},
    "data_digits": {"en": "digits", "ko": "숫자"},
    "data_scattered": {"en": "scattered digits", "ko": "흩어진 숫자"},
    "data_images": {"en": "your images, small", "ko": "내 이미지(작게)"},
    "no_own_images": {
        "en": "To train on your own images, start striate explore with a run that was trained on them.",
        "ko": "내 이미지로 학습하게 하려면, 그 이미지로 학습한 실행 폴더로 striate explore를 시작하십시오.",
    },
    "play_data": {
        "en": "The network is trained on {train} images of {shape}; the accuracy is measured on {held} other images.",
        "ko": "{shape} 이미지 {train}장으로 학습하고, 다른 이미지 {held}장으로 정확도를 잽니다.",
    },
    "batch": {"en": "Batch size", "ko": "배치 크기"},
    "two_networks": {"en": "Compare with a second network", "ko": "두 번째 신경망과 비교"},
    "one_network": {"en": "Only one network", "ko": "신경망 하나만"},
    "network_n": {"en": "Network {n}", "ko": "신경망 {n}"},
    "preset": {"en": "Architecture", "ko": "구조"},
    "preset_cnn": {"en": "small CNN", "ko": "작은 CNN"},
    "preset_mlp": {"en": "MLP", "ko": "MLP"},
    "preset_lenet5": {"en": "LeNet-5", "ko": "LeNet-5"},
    "preset_simple_convnet": {"en": "SimpleConvNet", "ko": "SimpleConvNet"},
    "preset_no_pooling": {"en": "CNN without pooling", "ko": "풀링 없는 CNN"},
    "preset_high_rate": {"en": "CNN, rate too high", "ko": "학습률이 너무 큰 CNN"},
    "preset_own": {"en": "your own", "ko": "직접 만든 것"},
    "optimizer": {"en": "Optimizer", "ko": "옵티마이저"},
    "rate": {"en": "Learning rate", "ko": "학습률"},
    "kind": {"en": "Kind of layer", "ko": "층의 종류"},
    "add_after": {"en": "Add a layer after layer {n}", "ko": "{n}번째 층 다음에 층 추가"},
    "add_first": {"en": "Add a layer", "ko": "층 추가"},
    "remove": {"en": "Remove layer {n}", "ko": "{n}번째 층 삭제"},
    "train": {"en": "Train", "ko": "학습"},
    "play_step": {"en": "One step", "ko": "한 스텝"},
    "reset": {"en": "Reset", "ko": "처음으로"},
    "play_status": {"en": "step {step}, epoch {epoch}", "ko": "스텝 {step}, 에포크 {epoch}"},
    "steps": {"en": "steps", "ko": "스텝"},
    "loss": {"en": "Loss of the batches", "ko": "배치의 손실"},
    "accuracy": {"en": "Validation accuracy", "ko": "검증 정확도"},
    "play_filters": {"en": "First weights", "ko": "첫 층의 가중치"},
    "play_samples": {"en": "Predictions for validation images", "ko": "검증 이미지의 예측"},
    "diverged": {
        "en": "The loss has not been finite since step {step}: the learning rate is too high.",
        "ko": "{step}스텝에서 손실이 발산했습니다. 학습률이 너무 큽니다.",
    },
}
