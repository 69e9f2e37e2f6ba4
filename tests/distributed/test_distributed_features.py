"""`torchrun -m striate train` shares feature extraction: the bits of one process, also after one was killed."""

from pathlib import Path

import pytest

from .conftest import run

JOB = Path(__file__).with_name("features_job.py")
ARGS = ("--base", "efficientnet-lite0", "--set", "input_shape=[32,32,3]", "--folds", "0", "--out", "run")
RESULTS = ("model.safetensors", "metrics.json", "predictions.safetensors")


def test_two_processes_give_the_bits_of_one_also_after_a_kill(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    single, shared = tmp_path / "single", tmp_path / "shared"
    for folder, processes, job, options in (
        (single, 1, ("-m", "striate"), ()), (shared, 2, (JOB, "killed"), ("--max-restarts", "1")),
    ):  # fmt: skip
        folder.mkdir()
        monkeypatch.setenv("STRIATE_CACHE", str(folder / "cache"))
        result = run(processes, *job, "train", photographs, *ARGS, cwd=folder, options=options)
        assert result.returncode == 0, result.stderr
        assert result.stdout.count("Classifier: ") == 1
    assert (shared / "failed").exists()
    for name in RESULTS:
        assert (shared / "run" / name).read_bytes() == (single / "run" / name).read_bytes(), name
    stored = [line.split(" ") for line in (shared / "stored").read_text().splitlines()]
    assert sorted(name for _, name in stored) == [f"{number}.features" for number in range(4)]  # each once
    assert {rank for rank, _ in stored} == {"0", "1"}
    assert not list((shared / "cache/features").iterdir())
