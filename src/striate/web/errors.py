"""Errors of requests, and the responses that report them, in English or Korean."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse, Response

from striate.language import Language, localized, preferred_language, use_language

MAX_TRANSLATED = 1000  # characters; a long name in a message would take long to match


class RequestError(Exception):
    """A request that cannot be answered.

    Args:
        status: HTTP status of the response.
        message: What is wrong, and what to send.
    """

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def translate_error(message: str, language: Language) -> str:
    """Translate a message, unless there is no translation or it is longer than MAX_TRANSLATED.

    Args:
        message: The English message.
        language: The language to translate to.

    Returns:
        The message in this language, or unchanged.
    """
    if len(message) > MAX_TRANSLATED:
        return message
    with use_language(language):
        return localized(message)


def requested_language(request_headers: Mapping[str, str]) -> Language:
    """Return the language that the Accept-Language header of a request prefers.

    Args:
        request_headers: The headers by their names in lower case.

    Returns:
        The language; English without the header.
    """
    return preferred_language(request_headers.get("accept-language", ""))


def error_response(
    status: HTTPStatus, message: str, request_headers: Mapping[str, str] | None = None, **headers: str
) -> Response:
    """Return the response to a request that failed, in the language that the client prefers.

    Args:
        status: HTTP status of the response.
        message: What is wrong, in English.
        request_headers: The headers of the request; None: the message stays in English.
        **headers: Headers of the response, with _ in place of -.

    Returns:
        JSON with the message as "error".
    """
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse({"error": translate_error(message, requested_language(request_headers or {}))}, status, named)


def error_payload(message: str, key: str = "error") -> dict[str, str]:
    """Return a message in all languages, for pages with a choice of the language.

    Args:
        message: The English message.
        key: Its key; the Korean message, if there is one, has the key "korean".

    Returns:
        The messages.
    """
    korean = translate_error(message, Language.KOREAN)
    return {key: message} | ({"korean": korean} if korean != message else {})
