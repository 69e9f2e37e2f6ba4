"""The description of the service's interface in the format of OpenAPI 3.1."""

from typing import Any

from striate import __version__
from striate.web.settings import ServiceSettings

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
SHARES: Schema = {"type": "object", "additionalProperties": SHARE}
NUMBERS: Schema = {"type": "object", "additionalProperties": {"type": "number"}}
TENSOR: Schema = {
    "type": "object",
    "required": ["name", "datatype", "shape", "data"],
    "properties": {
        "name": TEXT, "datatype": TEXT, "shape": {"type": "array", "items": {"type": "integer"}},
        "data": {"type": "array"},
    },
}  # fmt: skip
PREDICTION: Schema = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": TEXT,
        "label": {**TEXT, "description": "The predicted class."},
        "probability": {**SHARE, "description": "Of the predicted class."},
        "unknown": {"type": "boolean", "description": "Whether the prediction should not be trusted."},
        "probabilities": {**SHARES, "description": "By class; those requested with ?top=."},
        "labels": {"type": "array", "items": TEXT, "description": "Of a model of several labels."},
        "values": {**NUMBERS, "description": "Predicted values of a regression model."},
        "intervals": {"type": "object"},
        "coverage": SHARE,
        "error": {**TEXT, "description": "Why the image cannot be read."},
    },
}
NAME: Schema = {"name": "name", "in": "path", "required": True, "schema": TEXT}
TOP: Schema = {
    "name": "top", "in": "query", "schema": {"type": "string", "pattern": "^([0-9]{1,7}|all)$"},
    "description": "For how many classes the probabilities are returned.",
}  # fmt: skip


def describe_service(settings: ServiceSettings) -> dict[str, Any]:
    """Describe the service in the format of OpenAPI.

    Args:
        settings: Settings of the service.

    Returns:
        JSON values.
    """
    predict = {
        "summary": "Predict images",
        "requestBody": {"required": True, "content": _images()},
        "responses": _responses(
            {"type": "object", "required": ["model", "predictions"], "properties": {
                "model": TEXT, "predictions": {"type": "array", "items": PREDICTION},
            }}, (400, 404, 408, 413, 422, 503), settings,
        ),
    }  # fmt: skip
    infer = {
        "summary": "Predict images (Open Inference Protocol)",
        "parameters": [NAME],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {
            "type": "object", "required": ["inputs"], "properties": {
                "id": TEXT, "inputs": {"type": "array", "minItems": 1, "maxItems": 1, "items": TENSOR},
            },
        }}}},
        "responses": _responses(
            {"type": "object", "required": ["model_name", "outputs"]}, (400, 404, 408, 413, 503), settings
        ),
    }  # fmt: skip
    paths: dict[str, Any] = {
        "/v1/predict": {"post": predict | {"parameters": [TOP]}},
        "/v1/models/{name}/predict": {"post": predict | {"parameters": [NAME, TOP]}},
        "/v1/models": {"get": _get("List the models", settings)},
        "/v2": {"get": _get("Describe the server (Open Inference Protocol)", settings)},
        "/v2/models/{name}": {"get": _get("Describe a model (Open Inference Protocol)", settings, NAME)},
        "/v2/models/{name}/ready": {"get": _get("Whether a model accepts images", settings, NAME, also=(404, 503))},
        "/v2/models/{name}/infer": {"post": infer},
        "/livez": {"get": _get("Whether the process runs", settings)},
        "/readyz": {"get": _get("Whether all models accept images", settings, also=(503,))},
    }
    description: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Striate", "version": __version__, "description": "Prediction of images."},
        "paths": paths,
    }
    if settings.token:
        description["components"] = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
        description["security"] = [{"token": []}]
    return description


def _images() -> Schema:
    image = {**TEXT, "contentEncoding": "base64"}
    form = {"type": "object", "properties": {"file": {"type": "array", "items": {**TEXT, "format": "binary"}}}}
    inside = {"type": "object", "properties": {"image": image, "images": {"type": "array", "items": image}}}
    return {
        "image/*": {"schema": {**TEXT, "format": "binary"}},
        "application/octet-stream": {"schema": {**TEXT, "format": "binary"}},
        "multipart/form-data": {"schema": form},
        "application/json": {"schema": inside},
    }


def _get(summary: str, settings: ServiceSettings, *parameters: Schema, also: tuple[int, ...] = ()) -> Schema:
    statuses = (404, *also) if parameters else also
    return {
        "summary": summary, "parameters": list(parameters),
        "responses": _responses({"type": "object"}, statuses, settings),
    }  # fmt: skip


def _responses(schema: Schema, statuses: tuple[int, ...], settings: ServiceSettings) -> Schema:
    error = {"type": "object", "required": ["error"], "properties": {"error": TEXT}}
    every = {*statuses, *((401,) if settings.token else ()), 403}
    return {
        "200": {"description": "The answer.", "content": {"application/json": {"schema": schema}}},
        **{
            str(status): {"description": "What is wrong.", "content": {"application/json": {"schema": error}}}
            for status in sorted(every)
        },
    }
