"""The command `striate find-lr`."""

import re
from pathlib import Path

import pytest

from .conftest import Cli


def test_suggested_learning_rate_trains_and_is_plotted(cli: Cli, tmp_path: Path) -> None:
    result = cli("find-lr", "--model", "lenet5", "--out", "rates.html")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("model   lenet5: 61,706 parameters, ")
    assert "step 14/140  learning rate " in result.stdout
    assert "Engine: numpy on cpu in float32, because the network is small (416,520 multiply-adds" in result.stdout
    suggested = re.search(r"suggested: --learning-rate (\S+)", result.stdout)
    assert suggested
    rate = float(suggested.group(1))
    assert 3e-4 < rate < 2e-2  # Adam on LeNet-5
    lowest, away = (float(re.search(rf"{name} +(\S+)", result.stdout)[1]) for name in ("is lowest", "diverges"))  # type: ignore[index]
    assert rate < lowest < away
    assert re.search(r"loss    [▁-█]{70}\n", result.stdout)
    page = (tmp_path / "rates.html").read_text("utf-8")
    assert f'<p class="big">{rate:.2g}</p>' in page
    assert page.count("<circle") > 60
    assert "학습률 찾기" in page
    assert not re.search(r'(?:src|href)="http', page)
    assert {path.name for path in tmp_path.iterdir()} == {"rates.html"}


def test_image_folder_is_not_modified(cli: Cli, photographs: Path, tmp_path: Path) -> None:
    files = sorted(photographs.rglob("*"))
    result = cli("find-lr", photographs, "--set", "input_shape=[8,8,3]", "--batch-size", "16")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "find-lr.html").is_file()
    assert sorted(photographs.rglob("*")) == files
    refused = cli("find-lr", photographs, "--out", photographs / "rates.html")
    assert refused.returncode == 2
    assert "where Striate never writes. Choose another file with --out" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "rates.png"], "The plot is an HTML page: --out must end in .html; received 'rates.png'"),
        (["--model", "lenet"], "There is no model 'lenet'. Did you mean 'lenet5'?"),
        (["--engine", "tensor"], "'tensor' is not one of 'auto', 'numpy', 'torch'. Did you mean 'torch'?"),
    ],
)
def test_invalid_usage_exits_2(cli: Cli, arguments: list[str], message: str) -> None:
    result = cli("find-lr", *arguments)
    assert result.returncode == 2
    assert message in result.stderr
