"""torchrun shares feature extraction and prediction: the bits of one process, also after one was killed."""

from pathlib import Path

import pytest

from .conftest import run

JOB = Path(__file__).with_name("features_job.py")
ARGS = ("--base", "efficientnet-lite0", "--set", "input_shape=[48,48,3]", "--folds", "0", "--out", "run")
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

    (photographs / "빨강" / "broken.jpg").write_bytes(b"no image")
    for processes, name in ((1, "one.csv"), (2, "two.csv")):
        result = run(processes, "-m", "striate", "predict", "run", photographs, "--csv", name, cwd=single)
        assert result.returncode == (1 if processes == 1 else 0), result.stderr
        assert f"Files that could not be read: 1; '{name}' lists all of them." in result.stderr
        assert result.stdout.count("127 images: ") == 1
    (photographs / "빨강" / "broken.jpg").unlink()
    assert (single / "two.csv").read_bytes() == (single / "one.csv").read_bytes()
    assert sorted(path.name for path in single.iterdir()) == ["cache", "one.csv", "run", "two.csv"]
