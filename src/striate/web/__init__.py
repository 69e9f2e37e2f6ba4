"""The web application: the prediction service, its page, and the shell that pages share."""

from striate.web.app import create_app
from striate.web.server import serve
from striate.web.settings import ServiceSettings

__all__ = ["ServiceSettings", "create_app", "serve"]
