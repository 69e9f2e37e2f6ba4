"""Prediction of images from many requests at once: decoded in threads, predicted in batches."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from striate._types import Array
from striate.errors import DataError, StriateError
from striate.images import UnreadableFile
from striate.web.metrics import Metrics
from striate.web.settings import ServiceSettings
from striate.workflows.predict import AnyPrediction, OutputDecoder
from striate.workflows.trained_model import TrainedModel

MAX_WAIT = 0.6  # seconds that an image should wait at most, if the present load stays
Image = tuple[str, bytes | Array]  # name, and content of an image file or pixels of the model's input


class OverloadedError(StriateError):
    """The queue is full."""


@dataclass(eq=False)
class _Waiting:
    pixels: Array
    outputs: asyncio.Future[tuple[Array, bool]]


class Batcher:
    """Predicts the images of concurrent requests with one model.

    While a batch goes through the network, further images are decoded and collect to the next batch. So batches grow
    with the load, and a single image does not wait for others.

    Args:
        name: Name of the model.
        trained: The model.
        settings: Settings of the service.
        metrics: Where images and batches are counted.
    """

    def __init__(self, name: str, trained: TrainedModel, settings: ServiceSettings, metrics: Metrics) -> None:
        self.name, self.trained, self._settings, self._metrics = name, trained, settings, metrics
        self._decoders = ThreadPoolExecutor(settings.decoders, thread_name_prefix="decode")
        self._network = ThreadPoolExecutor(1, thread_name_prefix="network")
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._accepted = 0
        self._seconds_per_image = 0.0  # while images are waiting; 0: not known yet
        self._task: asyncio.Task[None] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether images are being predicted."""
        return self._task is not None and not self._task.done()

    async def start(self) -> None:
        """Predict one image, so that no request waits for the engine to start, and begin to accept images."""
        await self._compute(np.zeros((1, *self.trained.policy.shape), np.uint8))
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop. The server calls this after it has answered the requests that it accepted."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._decoders.shutdown(cancel_futures=True)
        self._network.shutdown()

    async def predict(self, images: Sequence[Image], *, top: int = 0) -> list[AnyPrediction | UnreadableFile]:
        """Predict images.

        Args:
            images: Name of each image, and the content of the file or pixels, uint8 (height, width, channels).
            top: As in `predict_files`.

        Returns:
            For each image the prediction, or why it cannot be read.

        Raises:
            OverloadedError: If these images do not fit into the queue.
        """
        if self._accepted + len(images) > self._capacity:
            raise OverloadedError(
                f"{self._accepted} images are already in the queue; it holds at most {self._capacity}."
            )
        self._count(len(images))
        try:
            decoder = OutputDecoder(self.trained, top)
            return list(await asyncio.gather(*(self._predict(image, decoder) for image in images)))
        finally:
            self._count(-len(images))

    @property
    def _capacity(self) -> int:
        """Number of images that can be answered within MAX_WAIT at the present speed, at least one batch."""
        queue = self._settings.queue
        if not self._seconds_per_image:
            return queue
        return min(queue, max(self._settings.batch, int(MAX_WAIT / self._seconds_per_image)))

    def _count(self, change: int) -> None:
        self._accepted += change
        self._metrics.accepted.labels(self.name).set(self._accepted)

    async def _predict(self, image: Image, decoder: OutputDecoder) -> AnyPrediction | UnreadableFile:
        name, content = image
        loop = asyncio.get_running_loop()
        try:
            pixels = (
                await loop.run_in_executor(self._decoders, self.trained.policy.decode, content, name)
                if isinstance(content, bytes)
                else content
            )
        except DataError as error:
            self._metrics.images.labels(self.name, "unreadable").inc()
            return UnreadableFile(name, str(error))
        waiting = _Waiting(pixels, loop.create_future())
        self._waiting.append(waiting)
        self._arrived.set()
        outputs, unknown = await waiting.outputs
        self._metrics.images.labels(self.name, "unknown" if unknown else "known").inc()
        return decoder.decode(name, outputs, unknown)

    async def _run(self) -> None:
        ended: float | None = None  # the last batch, if further images were accepted by then
        while True:
            await self._arrived.wait()
            batch = self._take()
            if not batch:
                self._arrived.clear()
                continue
            self._metrics.batch.labels(self.name).observe(len(batch))
            try:
                outputs, unknown = await self._compute(np.stack([waiting.pixels for waiting in batch]))
            except Exception as error:
                for waiting in batch:
                    if not waiting.outputs.done():
                        waiting.outputs.set_exception(error)
                continue
            now = time.perf_counter()
            if ended is not None:
                self._adapt((now - ended) / len(batch))
            ended = now if self._accepted > len(batch) else None
            for number, waiting in enumerate(batch):
                if not waiting.outputs.done():
                    waiting.outputs.set_result((outputs[number], bool(unknown[number])))

    def _adapt(self, seconds: float) -> None:
        """Update the running mean of the seconds per image."""
        weight = 0.1 if self._seconds_per_image else 1
        self._seconds_per_image += weight * (seconds - self._seconds_per_image)

    def _take(self) -> list[_Waiting]:
        """Remove the images of the next batch from the queue, without those whose request has ended."""
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < self._settings.batch:
            waiting = self._waiting.popleft()
            if not waiting.outputs.done():
                batch.append(waiting)
        return batch

    async def _compute(self, x: Array) -> tuple[Array, Array]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._network, self.trained.predict_open_set, x)
