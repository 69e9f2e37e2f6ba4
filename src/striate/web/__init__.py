"""The web applications: the prediction service, the explorer, their pages, and the shell that pages share."""

from striate.web.app import create_app
from striate.web.explorer import create_explorer
from striate.web.server import check_address, serve
from striate.web.settings import ServiceSettings

__all__ = ["ServiceSettings", "check_address", "create_app", "create_explorer", "serve"]
