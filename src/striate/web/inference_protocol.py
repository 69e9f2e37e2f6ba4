"""The Open Inference Protocol, version 2 (KServe, Triton), over HTTP.

Source: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
"""

from http import HTTPStatus
from typing import Any

import numpy as np

from striate import __version__
from striate.images import UnreadableFile
from striate.tasks import Task
from striate.web.batcher import Batcher, Image
from striate.web.errors import RequestError
from striate.web.requests import check_count, read_base64
from striate.web.settings import ServiceSettings
from striate.workflows.predict import AnyPrediction, PredictedValues, Prediction

SERVER = {"name": "striate", "version": __version__, "extensions": []}


def describe_model(batcher: Batcher) -> dict[str, Any]:
    """Describe the inputs and outputs of a model. A request has one of the inputs.

    Args:
        batcher: The model.

    Returns:
        JSON values.
    """
    trained = batcher.trained
    count, shape = len(trained.classes), list(trained.policy.shape)
    return {
        "name": batcher.name,
        "versions": ["1"],
        "platform": "striate",
        "inputs": [
            {"name": "image", "datatype": "BYTES", "shape": [-1]},
            {"name": "pixels", "datatype": "UINT8", "shape": [-1, *shape]},
        ],
        "outputs": [
            {"name": _output(trained.decision.task), "datatype": "FP32", "shape": [-1, count]},
            *([{"name": "label", "datatype": "BYTES", "shape": [-1]}] if _has_label(trained.decision.task) else []),
            {"name": "unknown", "datatype": "BOOL", "shape": [-1]},
        ],
        "parameters": {"classes": list(trained.classes)},
    }


def read_inputs(content: dict[str, Any], batcher: Batcher, settings: ServiceSettings) -> list[Image]:
    """Return the images of a request to /infer.

    Args:
        content: The request; one input, "image" with base64 texts or "pixels" with numbers 0 … 255.
        batcher: The batcher of the model.
        settings: Settings of the service.

    Returns:
        The images.

    Raises:
        RequestError: If the input is not one that the model has.
    """
    inputs = content.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise RequestError(HTTPStatus.BAD_REQUEST, "'inputs' must be a list with one tensor, 'image' or 'pixels'.")
    (tensor,) = inputs
    name, kind, data = tensor.get("name"), tensor.get("datatype"), tensor.get("data")
    if (name, kind) == ("image", "BYTES") and isinstance(data, list):
        check_count(data, settings)
        return [(f"image[{k}]", read_base64(text, f"'image[{k}]'")) for k, text in enumerate(data)]
    if (name, kind) != ("pixels", "UINT8"):
        raise RequestError(
            HTTPStatus.BAD_REQUEST, "The input must be 'image' of datatype BYTES, or 'pixels' of datatype UINT8."
        )
    return _pixels(tensor, batcher, settings)


def _pixels(tensor: dict[str, Any], batcher: Batcher, settings: ServiceSettings) -> list[Image]:
    shape = batcher.trained.policy.shape
    try:
        values = np.asarray(tensor.get("data"), np.float64).reshape(-1, *shape)
        declared = tuple(tensor.get("shape", ()))
    except (TypeError, ValueError):
        values, declared = np.empty((0, *shape)), ()
    if not len(values) or declared != values.shape or not ((values >= 0) & (values <= 255) & (values % 1 == 0)).all():
        wanted = ", ".join(map(str, shape))
        raise RequestError(
            HTTPStatus.BAD_REQUEST, f"'pixels' must hold whole numbers 0 … 255, and its shape must be [N, {wanted}]."
        )
    check_count(values, settings)
    return [(f"pixels[{k}]", row) for k, row in enumerate(values.astype(np.uint8))]


def write_outputs(
    batcher: Batcher, predictions: list[AnyPrediction | UnreadableFile], identifier: object
) -> dict[str, Any]:
    """Return the answer of /infer.

    Args:
        batcher: The batcher of the model.
        predictions: Predictions of all images, with the probabilities of all classes.
        identifier: The "id" of the request, if it had one.

    Returns:
        The outputs.

    Raises:
        RequestError: If an image cannot be read.
    """
    readable = [p for p in predictions if not isinstance(p, UnreadableFile)]
    for prediction in predictions:
        if isinstance(prediction, UnreadableFile):
            raise RequestError(HTTPStatus.BAD_REQUEST, prediction.reason)
    classes, task, count = batcher.trained.classes, batcher.trained.decision.task, len(readable)
    values = [p.values if isinstance(p, PredictedValues) else p.probabilities for p in readable]
    outputs: list[dict[str, Any]] = [
        _tensor(_output(task), "FP32", [count, len(classes)], [row[name] for row in values for name in classes])
    ]
    if _has_label(task):
        outputs.append(_tensor("label", "BYTES", [count], [p.label for p in readable if isinstance(p, Prediction)]))
    outputs.append(_tensor("unknown", "BOOL", [count], [p.unknown for p in readable]))
    answer = {"model_name": batcher.name, "model_version": "1", "outputs": outputs}
    return answer | ({"id": identifier} if isinstance(identifier, str) else {})


def _tensor(name: str, datatype: str, shape: list[int], data: list[Any]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def _output(task: Task) -> str:
    return "values" if task is Task.REGRESSION else "probabilities"


def _has_label(task: Task) -> bool:
    return task is Task.CLASSIFICATION
