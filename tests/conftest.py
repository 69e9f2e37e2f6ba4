"""What holds for all tests."""


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes are named by their length: gzip's hold the time of day, and workers must agree on the names of tests."""
    return f"{len(val)}-bytes" if isinstance(val, bytes) else None
