"""What all tests share."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Pixels and downloads go into a folder of the tests, here and in every process that a test starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRIATE_CACHE", os.fspath(tmp_path_factory.mktemp("cache")))
        yield
