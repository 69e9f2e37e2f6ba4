"""Features and outputs of networks computed by all processes that torchrun started, each image by one of them.

Batches of images are distributed over the processes. Each stores its rows in the cache when they are computed, so a
restarted process computes only what is missing; at the end rank 0 has the rows of all.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from striate._types import Array
from striate.data import Dataset, Images
from striate.data.cache import hold_lock
from striate.data.parallel import chunk_ranges, progress_bar
from striate.data.split import digests_of
from striate.downloads import cache_folder
from striate.errors import RunError
from striate.files import atomic_write
from striate.processes import current_process
from striate.transfer.bases import Base
from striate.transfer.features import (
    FeatureComputer,
    are_cached,
    feature_batches,
    feature_key,
    runtime_version,
    store_features,
)
from striate.workflows.torchrun import on_rank_0
from striate.workflows.trained_model import TrainedModel

OUTPUTS_VERSION = 2  # increase it to ignore stored outputs of processes that were lost
BATCH_SIZE = 250  # images whose outputs are computed together, in one process or several, so that the bits are the same


def share_features(base: Base, data: Dataset) -> None:
    """Let all processes compute the features of a data set; then those of rank 0 are in its cache.

    Args:
        base: The base that computes them.
        data: The data set.

    Raises:
        RunError: If a batch cannot be written, for example because the disk is full.
        TrainingError: If another process ended.
    """
    process = current_process()
    if process.world_size == 1:
        return
    with _one_launch_at_a_time():
        if not on_rank_0(lambda: are_cached(base, data)):
            _share_features(base, data)


def _share_features(base: Base, data: Dataset) -> None:
    batches = feature_batches(data)
    width = sum(shape[0] for shape in base.network.output_shapes)
    rows = _Rows(f"features/{feature_key(base, data)}", [stop - start for _, start, stop in batches], width)

    def computer() -> Callable[[int], Array]:
        engine = FeatureComputer(base, data)
        return lambda number: engine.rows(batches[number])

    rows.compute(computer, "computing features")
    if current_process().rank == 0:
        store_features(base, data, rows.content())
    rows.remove()


def share_outputs(trained: TrainedModel, images: Images) -> Array:
    """Return the outputs of a model, computed by all processes; rank 0 returns.

    Args:
        trained: The model.
        images: The images.

    Returns:
        Float32 (N, K), as `TrainedModel.outputs` returns them.

    Raises:
        RunError: If a batch cannot be written, for example because the disk is full.
        TrainingError: If another process ended.
        SystemExit: In all processes but that of rank 0.
    """
    process, ranges = current_process(), chunk_ranges(len(images), BATCH_SIZE)

    def outputs(number: int) -> Array:
        rows = ranges[number]
        return trained.outputs(images.x[rows.start : rows.stop])

    if process.world_size == 1:
        with progress_bar("evaluating", len(images)) as advance:
            return np.concatenate([_advance(outputs(number), advance) for number in range(len(ranges))])
    rows = _Rows(f"outputs/{_output_key(trained, images)}", list(map(len, ranges)), len(trained.classes))
    with _one_launch_at_a_time():
        rows.compute(lambda: outputs, "evaluating")
        content = b"".join(rows.content()) if process.rank == 0 else b""
        rows.remove()
    if process.rank:
        raise SystemExit(0)
    return np.frombuffer(bytearray(content), np.float32).reshape(len(images), rows.width)


@contextmanager
def _one_launch_at_a_time() -> Iterator[None]:
    """Wait until no other launch of torchrun shares rows in this cache, since it removes its batches at the end."""
    lock = cache_folder() / "rows.lock"

    def acquire() -> None:
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(hold_lock(lock))
        except OSError as error:
            raise RunError(f"'{lock}' could not be written: {error.strerror or error}.") from error

    with ExitStack() as held:
        on_rank_0(acquire)
        yield


def _advance(rows: Array, advance: Callable[[int], object]) -> Array:
    advance(len(rows))
    return rows


def _output_key(trained: TrainedModel, images: Images) -> str:
    """Return 32 hexadecimal digits that change with an image, the model or the engine."""
    state = hashlib.blake2b(f"{OUTPUTS_VERSION} {runtime_version()}".encode(), digest_size=16)
    state.update(np.ascontiguousarray(digests_of(images)).data)
    for model in trained.models:
        state.update(f"{model.network.to_json()} {model.policy}".encode())
        for arrays in (model.named_weights, model.extras):
            for name in sorted(arrays):
                state.update(np.ascontiguousarray(arrays[name]).data)
    return state.hexdigest()


@dataclass(frozen=True)
class _Rows:
    """Rows of an array that all processes compute, in batches.

    Attributes:
        name: Name of their folder in the cache; other content must have another name.
        sizes: The number of rows of each batch.
        width: The number of values in a row.
    """

    name: str
    sizes: Sequence[int]
    width: int

    @property
    def folder(self) -> Path:
        return cache_folder() / self.name

    def file(self, number: int) -> Path:
        return self.folder / f"{number}.rows"

    def compute(self, prepare: Callable[[], Callable[[int], Array]], title: str) -> None:
        """Compute the batches of this process that are not stored, and send all to rank 0.

        Args:
            prepare: Returns a function from the number of a batch to its rows; called if any is missing.
            title: Title of the progress bar.
        """
        process = current_process()
        own = range(process.rank, len(self.sizes), process.world_size)
        missing = [number for number in own if not self.file(number).is_file()]
        if missing:
            compute = prepare()
            with progress_bar(title, sum(self.sizes[number] for number in missing)) as advance:
                for number in missing:
                    atomic_write(self.file(number), np.ascontiguousarray(compute(number), np.float32).tobytes())
                    advance(self.sizes[number])
        self._send_to_rank_0()

    def _send_to_rank_0(self) -> None:
        """Send the batches that are on other machines to rank 0."""
        from striate.engines.torch.distributed import barrier, send_to_rank_0

        process = current_process()
        barrier()
        for number in on_rank_0(lambda: [n for n in range(len(self.sizes)) if not self.file(n).is_file()]):
            owner, shape = number % process.world_size, (self.sizes[number], self.width)
            rows = np.fromfile(self.file(number), np.float32).reshape(shape) if process.rank == owner else None
            received = send_to_rank_0(rows, shape, owner)
            if received is not None:
                atomic_write(self.file(number), received.tobytes())

    def content(self) -> Iterator[bytes]:
        """Yield the bytes of each batch, in order; on rank 0 only."""
        return (self.file(number).read_bytes() for number in range(len(self.sizes)))

    def remove(self) -> None:
        """Remove the stored batches, when rank 0 has read them; return when they are removed on all machines."""
        from striate.engines.torch.distributed import barrier

        barrier()
        if current_process().local_rank == 0:
            shutil.rmtree(self.folder, ignore_errors=True)
        barrier()
