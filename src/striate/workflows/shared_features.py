"""Features computed by all processes that torchrun started, each image by one of them."""

import shutil
from pathlib import Path

import numpy as np

from striate.data import Dataset
from striate.data.parallel import progress_bar
from striate.downloads import cache_folder
from striate.files import atomic_write
from striate.processes import current_process
from striate.transfer.bases import Base
from striate.transfer.features import Batch, FeatureComputer, are_cached, feature_batches, feature_key, store_features
from striate.workflows.torchrun import on_rank_0


def share_features(base: Base, data: Dataset) -> None:
    """Let all processes compute the features of a data set; then those of rank 0 are in its cache.

    Each batch is stored when it is computed, and not computed again if the processes are restarted.

    Args:
        base: The base that computes them.
        data: The data set.

    Raises:
        RunError: If a batch cannot be written, for example because the disk is full.
        TrainingError: If another process ended.
    """
    process = current_process()
    if process.world_size == 1 or on_rank_0(lambda: are_cached(base, data)):
        return
    batches = feature_batches(data)
    folder = cache_folder() / "features" / feature_key(base, data)
    files = [folder / f"{number}.features" for number in range(len(batches))]
    own = range(process.rank, len(batches), process.world_size)
    _compute_missing(base, data, [(files[number], batches[number]) for number in own])
    _send_to_rank_0(base, batches, files)
    if process.rank == 0:
        store_features(base, data, (file.read_bytes() for file in files))
    on_rank_0(lambda: None)  # until the files are stored
    if process.local_rank == 0:
        shutil.rmtree(folder, ignore_errors=True)


def _compute_missing(base: Base, data: Dataset, wanted: list[tuple[Path, Batch]]) -> None:
    """Compute and write the batches that are not stored."""
    missing = [(file, batch) for file, batch in wanted if not file.is_file()]
    if not missing:
        return
    computer = FeatureComputer(base, data)
    with progress_bar("computing features", sum(stop - start for _, (_, start, stop) in missing)) as advance:
        for file, batch in missing:
            rows = computer.rows(batch)
            atomic_write(file, rows.tobytes())
            advance(len(rows))


def _send_to_rank_0(base: Base, batches: list[Batch], files: list[Path]) -> None:
    """Send the batches that are on other machines to rank 0."""
    from striate.engines.torch.distributed import barrier, send_to_rank_0

    process = current_process()
    barrier()
    width = sum(shape[0] for shape in base.network.output_shapes)
    for number in on_rank_0(lambda: [place for place, file in enumerate(files) if not file.is_file()]):
        (_, start, stop), owner = batches[number], number % process.world_size
        rows = np.fromfile(files[number], np.float32).reshape(-1, width) if process.rank == owner else None
        received = send_to_rank_0(rows, (stop - start, width), owner)
        if received is not None:
            atomic_write(files[number], received.tobytes())
