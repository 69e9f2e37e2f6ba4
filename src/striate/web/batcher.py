"""Prediction of images from many requests at once: decoded in threads, predicted in batches."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import numpy as np

from striate._types import Array
from striate.errors import DataError, StriateError
from striate.images import UnreadableFile
from striate.processes import cores, lower_thread_priority
from striate.web.metrics import Metrics
from striate.web.settings import ServiceSettings
from striate.workflows.predict import AnyPrediction, OutputDecoder
from striate.workflows.trained_model import TrainedModel

MAX_WAIT = 0.6  # seconds that an image should wait at most, if the present load stays
Result = asyncio.Future[AnyPrediction | UnreadableFile]  # of one image
Image = tuple[str, bytes | Array]  # name, and content of an image file or pixels of the model's input


class OverloadedError(StriateError):
    """The queue is full."""


@dataclass(eq=False)
class _Waiting:
    name: str
    pixels: Array
    decoder: OutputDecoder
    result: Result


class Batcher:
    """Predicts the images of concurrent requests with one model.

    As many batches as there are cores go through the network at the same time if the engine allows it, otherwise one.
    Meanwhile further images are decoded and collected for the next batches. So batches grow with the load, and a
    single image does not wait for others. The threads that decode and compute have a lower priority than the event
    loop, which therefore refuses requests at once, however busy they are.

    Args:
        name: Name of the model.
        trained: The model.
        settings: Settings of the service.
        metrics: Where images and batches are counted.
    """

    def __init__(self, name: str, trained: TrainedModel, settings: ServiceSettings, metrics: Metrics) -> None:
        self.name, self.trained, self._settings, self._metrics = name, trained, settings, metrics
        self._batches = cores() if trained.is_thread_safe else 1  # at the same time
        self._decoders = ThreadPoolExecutor(cores(), thread_name_prefix="decode", initializer=lower_thread_priority)
        self._network = ThreadPoolExecutor(
            self._batches, thread_name_prefix="network", initializer=lower_thread_priority
        )
        self._decoded: SimpleQueue[_Waiting | None] = SimpleQueue()  # None: stop
        self._accepted = 0
        self._seconds_per_image = 0.0  # while images are waiting; 0: not known yet
        self._ended: float | None = None  # the last batch, if further images were accepted by then
        self._running: list[Future[None]] = []

    @property
    def is_ready(self) -> bool:
        """Whether images are being predicted."""
        return bool(self._running) and not any(future.done() for future in self._running)

    async def start(self) -> None:
        """Predict one image, so that no request waits for the engine to start, and begin to accept images."""
        self._loop = asyncio.get_running_loop()
        image = np.zeros((1, *self.trained.policy.shape), np.uint8)
        await self._loop.run_in_executor(self._network, self.trained.predict_open_set, image)
        self._running = [self._network.submit(self._predict_batches) for _ in range(self._batches)]

    async def stop(self) -> None:
        """Stop. The server calls this after it has answered the requests that it accepted."""
        self._decoders.shutdown(cancel_futures=True)
        self._decoded.put(None)
        self._network.shutdown()

    def check_room(self, count: int = 1) -> None:
        """Check that images fit into the queue, as `predict` does.

        Args:
            count: Number of images.

        Raises:
            OverloadedError: If they do not fit.
        """
        if self._accepted + count > self._capacity:
            raise OverloadedError(
                f"{self._accepted} images are already in the queue; it holds at most {self._capacity}."
            )

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
        self.check_room(len(images))
        self._count(len(images))
        decoder = OutputDecoder(self.trained, top)
        try:
            return list(await asyncio.gather(*(self._submit(image, decoder) for image in images)))
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

    def _submit(self, image: Image, decoder: OutputDecoder) -> Result:
        name, content = image
        result = self._loop.create_future()
        if isinstance(content, bytes):
            self._decoders.submit(self._decode, name, content, decoder, result)
        else:
            self._decoded.put(_Waiting(name, content, decoder, result))
        return result

    def _decode(self, name: str, content: bytes, decoder: OutputDecoder, result: Result) -> None:
        """Decode a file, in a thread, unless the request has ended."""
        if result.done():
            return
        try:
            pixels = self.trained.policy.decode(content, name)
        except DataError as error:
            self._loop.call_soon_threadsafe(_set_result, result, UnreadableFile(name, str(error)))
            self._metrics.images.labels(self.name, "unreadable").inc()
        except Exception as error:
            self._loop.call_soon_threadsafe(_set_error, [result], error)
        else:
            self._decoded.put(_Waiting(name, pixels, decoder, result))

    def _predict_batches(self) -> None:
        """Predict batches until `stop`, in a thread, which wakes the event loop once for each."""
        while batch := self._take():
            results = [waiting.result for waiting in batch]
            self._metrics.batch.labels(self.name).observe(len(batch))
            try:
                outputs, unknown = self.trained.predict_open_set(np.stack([waiting.pixels for waiting in batch]))
                predictions = [
                    waiting.decoder.decode(waiting.name, outputs[number], bool(unknown[number]))
                    for number, waiting in enumerate(batch)
                ]
            except Exception as error:
                self._loop.call_soon_threadsafe(_set_error, results, error)
                continue
            strange = int(np.count_nonzero(unknown))
            self._metrics.images.labels(self.name, "unknown").inc(strange)
            self._metrics.images.labels(self.name, "known").inc(len(batch) - strange)
            self._loop.call_soon_threadsafe(self._finish, results, predictions, time.perf_counter())

    def _take(self) -> list[_Waiting]:
        """Wait for images and return the next batch, without those whose request has ended; none: stop."""
        batch: list[_Waiting] = []
        while len(batch) < self._settings.batch:
            try:
                waiting = self._decoded.get(block=not batch)
            except Empty:
                break
            if waiting is None:
                self._decoded.put(None)  # for the next call, and for the other threads
                break
            if not waiting.result.done():
                batch.append(waiting)
        return batch

    def _finish(self, results: Sequence[Result], predictions: Sequence[AnyPrediction], now: float) -> None:
        """Answer the requests of a batch that ended now."""
        if self._ended is not None:
            self._adapt((now - self._ended) / len(results))
        self._ended = now if self._accepted > len(results) else None
        for result, prediction in zip(results, predictions, strict=True):
            _set_result(result, prediction)

    def _adapt(self, seconds: float) -> None:
        """Update the running mean of the seconds per image."""
        weight = 0.1 if self._seconds_per_image else 1
        self._seconds_per_image += weight * (seconds - self._seconds_per_image)


def _set_result(result: Result, prediction: AnyPrediction | UnreadableFile) -> None:
    if not result.done():  # otherwise the request has ended
        result.set_result(prediction)


def _set_error(results: Sequence[Result], error: Exception) -> None:
    for result in results:
        if not result.done():
            result.set_exception(error)
