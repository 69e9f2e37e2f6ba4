"""Figures of the service in the format of Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
BATCHES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counters of one application, which are independent of those of others in the same process."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "striate_requests", "Requests by route and status.", ["route", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "striate_request_seconds", "Time from the request to the end of its answer.", ["route"], buckets=SECONDS,
            registry=self._registry,
        )  # fmt: skip
        self.images = Counter(
            "striate_images", "Images by model and result: known, unknown or unreadable.", ["model", "result"],
            registry=self._registry,
        )  # fmt: skip
        self.batch = Histogram(
            "striate_batch_images", "Images that went through the network together.", ["model"], buckets=BATCHES,
            registry=self._registry,
        )  # fmt: skip
        self.accepted = Gauge(
            "striate_accepted_images", "Images that are decoded, wait, or are predicted now.", ["model"],
            registry=self._registry,
        )  # fmt: skip

    def text(self) -> bytes:
        """Return all figures."""
        return generate_latest(self._registry)
