"""What background processes do in tests, apart from the tests so that they start fast."""

from striate.errors import UsageError
from striate.workflows.background import Channel


def endless(channel: Channel, reply: str) -> None:
    """Answer, and report progress until the process is killed."""
    channel.send(reply)
    while True:
        channel.progress(1, 2)


def failing(_: Channel, kind: str) -> None:
    """Raise an error."""
    raise {"usage": UsageError("no such thing"), "memory": MemoryError()}[kind]
