"""Read requests: bodies of limited size and time, and the images in them."""

import asyncio
import base64
import binascii
from collections.abc import AsyncGenerator, Sized
from http import HTTPStatus
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from striate import strict_json
from striate.web.batcher import Image, OverloadedError
from striate.web.errors import RequestError
from striate.web.settings import ServiceSettings

MAX_RECEIVED = 256_000_000  # bytes of all bodies that this process is receiving; slow clients could send many at once
MAX_FIELDS = 10  # of a form, beside its files


class _ReceivedBytes:
    """Number of bytes of all bodies that are being received."""

    total = 0

    def add(self, count: int) -> None:
        """Count bytes. Raise OverloadedError if there are too many."""
        if self.total + count > MAX_RECEIVED:
            raise OverloadedError("too many requests are being received.")
        self.total += count


_received = _ReceivedBytes()


async def read_body(request: Request, settings: ServiceSettings) -> bytes:
    """Return the body of a request.

    Args:
        request: The request.
        settings: The settings of the service.

    Returns:
        The bytes.

    Raises:
        RequestError: If it is larger than allowed, or did not arrive in time.
        OverloadedError: If this process is receiving too many other bodies.
    """
    limit = f"A request may be at most {settings.max_bytes / 1e6:g} MB. Send a smaller image."
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > settings.max_bytes:
        raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, limit)
    body = bytearray()
    try:
        async with asyncio.timeout(settings.timeout):
            async for chunk in request.stream():
                _received.add(len(chunk))
                body += chunk
                if len(body) > settings.max_bytes:
                    raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, limit)
    except TimeoutError:
        message = f"The request did not arrive within {settings.timeout:g} seconds."
        raise RequestError(HTTPStatus.REQUEST_TIMEOUT, message) from None
    except ClientDisconnect:
        raise RequestError(HTTPStatus.BAD_REQUEST, "The connection was closed.") from None
    finally:
        _received.total -= len(body)
    return bytes(body)


async def read_images(request: Request, settings: ServiceSettings) -> list[Image]:
    """Return the images of a request.

    They are the body itself, the files of a form (multipart/form-data), or base64 in JSON: {"image": "…"} or
    {"images": ["…", "…"]}.

    Args:
        request: The request.
        settings: The settings of the service.

    Returns:
        The content of each image file, and its name.

    Raises:
        RequestError: If there is no image, there are too many, or the body is not what its content type says.
        OverloadedError: As `read_body`.
    """
    body = await read_body(request, settings)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        images = await _form_images(request, body, settings)
    elif kind == "application/json":
        images = _json_images(read_json(body))
    else:  # curl --data-binary sends application/x-www-form-urlencoded
        images = [("image", body)] if body else []
    if not images:
        raise RequestError(
            HTTPStatus.BAD_REQUEST,
            "The request contains no image. Send an image file as the body, files in a form, or JSON with 'image' as "
            "base64 text.",
        )
    check_count(images, settings)
    return images


def check_count(images: Sized, settings: ServiceSettings) -> None:
    """Check the number of images in a request.

    Args:
        images: The images.
        settings: The settings of the service.

    Raises:
        RequestError: If there are too many.
    """
    if len(images) > settings.max_images:
        raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_many_images(settings))


def _too_many_images(settings: ServiceSettings) -> str:
    return f"A request may contain at most {settings.max_images} images. Send several requests."


def read_json(body: bytes) -> dict[str, Any]:
    """Decode the body of a request as JSON.

    Args:
        body: The body.

    Returns:
        The object.

    Raises:
        RequestError: If it is not valid JSON, or not an object.
    """
    try:
        content = strict_json.loads(body)
    except ValueError as error:
        raise RequestError(HTTPStatus.BAD_REQUEST, f"The body is not valid JSON: {error}.") from error
    if not isinstance(content, dict):
        raise RequestError(HTTPStatus.BAD_REQUEST, "The JSON must be an object with 'image' or 'images'.")
    return content


def read_base64(text: object, name: str) -> bytes:
    """Decode an image in base64.

    Args:
        text: The text, or a data URL.
        name: Name of the field, for the message.

    Returns:
        The bytes.

    Raises:
        RequestError: If it is not valid base64.
    """
    if not isinstance(text, str):
        raise RequestError(HTTPStatus.BAD_REQUEST, f"{name} must be an image as base64 text.")
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError(HTTPStatus.BAD_REQUEST, f"{name} is not valid base64: {error}.") from error


def _json_images(content: dict[str, Any]) -> list[Image]:
    if "image" in content:
        return [("image", read_base64(content["image"], "'image'"))]
    images = content.get("images", [])
    if not isinstance(images, list):
        raise RequestError(HTTPStatus.BAD_REQUEST, "'images' must be a list of images as base64 texts.")
    return [(f"images[{k}]", read_base64(text, f"'images[{k}]'")) for k, text in enumerate(images)]


async def _form_images(request: Request, body: bytes, settings: ServiceSettings) -> list[Image]:
    async def parts() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, parts(), max_files=settings.max_images, max_fields=MAX_FIELDS)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        if isinstance(error, MultiPartException) and error.message.startswith("Too many files."):
            raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_many_images(settings)) from error
        raise RequestError(
            HTTPStatus.BAD_REQUEST,
            "The form cannot be read: it is damaged, its content type has no boundary, or it has more than "
            f"{MAX_FIELDS} fields that are not files.",
        ) from error
    files = [file for _, file in form.multi_items() if isinstance(file, UploadFile)]
    images: list[Image] = [(file.filename or "image", await file.read()) for file in files]
    await form.close()
    return images


def read_top(request: Request, classes: int) -> int:
    """Read the parameter ?top=3 or ?top=all.

    Args:
        request: The request.
        classes: Number of classes.

    Returns:
        For how many classes the answer contains probabilities.

    Raises:
        RequestError: If it is neither an integer nor "all".
    """
    text = request.query_params.get("top", "0")
    if text == "all":
        return classes
    return min(read_integer("top", text, " or 'all'"), classes)


def read_integer(name: str, text: str, alternative: str = "") -> int:
    """Read an integer from a query parameter.

    Args:
        name: Name of the parameter, for the message.
        text: Its value.
        alternative: Other values that are allowed, for the message.

    Returns:
        The number.

    Raises:
        RequestError: If it is not an integer of at least 0.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 8):
        raise RequestError(HTTPStatus.BAD_REQUEST, f"{name} is '{text[:20]}'; it must be a whole number{alternative}.")
    return int(text)
