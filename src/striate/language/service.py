"""The texts of the service's page and of exported pages, in English and Korean."""

SERVICE_STRINGS: dict[str, dict[str, str]] = {
    "title": {"en": "Predict images", "ko": "이미지 예측"},
    "choose": {"en": "Choose images", "ko": "이미지 고르기"},
    "drop": {"en": "or drop images here, or paste one", "ko": "여기에 끌어다 놓거나 붙여 넣어도 됩니다"},
    "camera": {"en": "Camera", "ko": "카메라"},
    "shoot": {"en": "Take a photograph", "ko": "촬영"},
    "close": {"en": "Close the camera", "ko": "카메라 끄기"},
    "no_camera": {
        "en": "The camera cannot be used: {reason}",
        "ko": "카메라를 사용할 수 없습니다: {reason}",
    },
    "model": {"en": "Model", "ko": "모델"},
    "classes": {"en": "{n} classes: {names}", "ko": "클래스 {n}개: {names}"},
    "labels": {"en": "{n} labels: {names}", "ko": "라벨 {n}개: {names}"},
    "targets": {"en": "Predicted values: {names}", "ko": "예측하는 값: {names}"},
    "results": {"en": "Results", "ko": "결과"},
    "unknown": {"en": "unknown", "ko": "모름"},
    "unknown_meaning": {
        "en": "This image differs too much from the training images; the most probable class would be {label}.",
        "ko": "학습한 이미지와 너무 다릅니다. 굳이 고르자면 {label}입니다.",
    },
    "waiting": {"en": "Waiting …", "ko": "기다리는 중 …"},
    "none": {"en": "no label", "ko": "라벨 없음"},
    "busy": {"en": "The service is busy; trying again.", "ko": "서비스가 바빠서 다시 시도합니다."},
    "failed": {"en": "No response: {reason}", "ko": "응답이 없습니다: {reason}"},
    "token": {"en": "Token of this service", "ko": "이 서비스의 토큰"},
    "token_wrong": {
        "en": "This token is wrong. The person who runs this service can tell you the token.",
        "ko": "토큰이 틀립니다. 서비스를 운영하는 사람에게 토큰을 물어보십시오.",
    },
    "token_ok": {"en": "Use this token", "ko": "이 토큰 사용"},
    "private": {
        "en": "Images are sent only to the computer that runs this service, and are not stored.",
        "ko": "이미지는 이 서비스를 실행하는 컴퓨터로만 보내며 저장하지 않습니다.",
    },
    "clear": {"en": "Clear", "ko": "지우기"},
    "loading": {"en": "Loading the model …", "ko": "모델을 불러오는 중 …"},
    "not_loaded": {
        "en": "The model cannot be loaded: {reason}. Reload the page, or use a newer browser.",
        "ko": "모델을 불러올 수 없습니다: {reason}. 페이지를 새로 고치거나 최신 브라우저를 사용하십시오.",
    },
    "unreadable": {
        "en": "This browser cannot read the file as an image, or the image is empty.",
        "ko": "이 브라우저가 읽을 수 없는 파일이거나 빈 이미지입니다.",
    },
    "empty": {
        "en": "The file is empty. It may be damaged, or was not copied completely. Choose another file.",
        "ko": "빈 파일입니다. 파일이 손상되었거나 복사가 덜 되었을 수 있으니 다른 파일을 선택하십시오.",
    },
    "offline": {
        "en": "This page is stored on your device and now works without a connection.",
        "ko": "이 페이지를 기기에 저장했습니다. 이제 인터넷 연결이 없어도 동작합니다.",
    },
}

PAGE_STRINGS: dict[str, dict[str, str]] = {
    **SERVICE_STRINGS,
    "private": {
        "en": "Images stay on your device: the page computes the predictions itself and sends nothing.",
        "ko": "이미지는 기기를 떠나지 않습니다. 이 페이지가 직접 예측하며 아무것도 보내지 않습니다.",
    },
}
