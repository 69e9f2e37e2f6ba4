"""Several processes with parts of each batch take the same steps as one process with complete batches."""

from pathlib import Path

import numpy as np
import pytest

from . import engine_job
from .conftest import run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """The folder of results by the number of processes."""
    folders = {count: tmp_path_factory.mktemp(f"processes-{count}") for count in (1, 3)}
    for dtype in engine_job.DTYPES:
        engine_job.train(dtype, folders[1])
    result = run(3, engine_job.__file__, folders[3], cwd=folders[3])
    assert result.returncode == 0, result.stderr
    return folders


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-5)])
def test_weights_slots_and_losses_equal_those_of_one_process(
    trained: dict[int, Path], dtype: str, tolerance: float
) -> None:
    single_process, distributed = (np.load(trained[count] / f"{dtype}-0.npz") for count in (1, 3))
    assert set(single_process) == set(distributed)
    for name in set(single_process) - {"shared", "gathered"}:
        np.testing.assert_allclose(
            distributed[name], single_process[name], rtol=tolerance, atol=tolerance, err_msg=name
        )


@pytest.mark.parametrize("dtype", engine_job.DTYPES)
def test_all_processes_have_identical_bits(trained: dict[int, Path], dtype: str) -> None:
    first, *others = (np.load(trained[3] / f"{dtype}-{rank}.npz") for rank in range(3))
    for other in others:
        for name in first:
            np.testing.assert_array_equal(first[name], other[name], err_msg=name)


def test_processes_exchange_the_expected_data(trained: dict[int, Path]) -> None:
    actual = np.load(trained[3] / "float32-1.npz")
    assert actual["total"].tolist() == [5, 10]
    assert actual["shared"].tolist() == [0]
    assert actual["gathered"].tolist() == [0, 3, 1, 4, 2]
