"""Settings of the service."""

from dataclasses import dataclass
from ipaddress import ip_address

from striate.errors import UsageError


@dataclass(frozen=True)
class ServiceSettings:
    """Where the service listens and what it accepts.

    Attributes:
        host: Address to listen on; only programs on this machine reach the default.
        port: TCP port; 0 lets the system choose a free one.
        token: What clients send as "Authorization: Bearer TOKEN"; None: no token is needed.
        max_bytes: Largest body of a request.
        max_images: Most images in one request.
        queue: Most images that wait or are processed at the same time; more are refused with status 503.
        batch: Most images that go through the network at once.
        timeout: Seconds for receiving a request, and for answering it.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    max_bytes: int = 20_000_000
    max_images: int = 16
    queue: int = 64
    batch: int = 16
    timeout: float = 20

    def check(self) -> None:
        """Check that clients need a token if other machines can use the service.

        Raises:
            UsageError: If other machines can use the service without a token.
        """
        if not self.is_local and not self.token:
            raise UsageError(
                f"Listening on {self.host} lets other machines use the service, which needs a token. Set the "
                "environment variable STRIATE_TOKEN to a long random text."
            )

    @property
    def is_local(self) -> bool:
        """Whether only programs on this machine can connect."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
