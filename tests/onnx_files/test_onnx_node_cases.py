"""ONNX's own node tests on the reference operators: all pass except those excluded with a reason."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import onnx
import pytest

from striate.onnx.reference.operators import OPERATORS

from .node_cases import KINDS, Case, load_cases

MIN_PASSED = 323  # as many as ONNX Runtime 1.31 passes
ROOT = Path(__file__).parents[2]
EXCLUDED: dict[str, str] = tomllib.loads((Path(__file__).parent / "excluded_cases.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return load_cases()


@pytest.fixture(scope="module")
def failures(cases: list[Case], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what is wrong, by the names of the failing cases."""
    folder = tmp_path_factory.mktemp("models")
    found = {case.name: case.failure(folder) for case in cases}
    return {name: failure for name, failure in found.items() if failure}


def test_claimed_operators_have_cases() -> None:
    assert {name.rpartition(".")[2] for name in OPERATORS} == set(KINDS)


def test_every_case_passes_unless_excluded(cases: list[Case], failures: dict[str, str]) -> None:
    unexpected = [failure for name, failure in failures.items() if name not in EXCLUDED]
    assert not unexpected, "\n".join(unexpected)
    passed = len(cases) - len(failures)
    print(f"{passed} of {len(cases)} cases pass")
    assert passed >= MIN_PASSED
    assert {case.kind for case in cases} == set(KINDS)


def test_excluded_cases_exist_fail_and_have_a_reason(cases: list[Case], failures: dict[str, str]) -> None:
    names = {case.name for case in cases}
    assert [name for name in EXCLUDED if name not in names] == []
    assert [name for name in EXCLUDED if name not in failures] == []
    assert all(len(reason) > 20 for reason in EXCLUDED.values())


@pytest.mark.parametrize(
    ("kind", "wrong", "failure"),
    [
        ("Relu", lambda given: (given[0] * 1.01,), "Not equal to tolerance"),
        ("MaxPool", lambda given: (given[0][:, :, 1:],) * 2, "incorrect shape"),
        ("Add", lambda given: ((given[0] + given[1]).astype("float64"),), "float64"),
    ],
)
def test_wrong_operator_is_detected(
    cases: list[Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, wrong: object, failure: str
) -> None:
    monkeypatch.setitem(OPERATORS, kind, lambda inputs, attributes, opset, outputs: wrong(inputs)[:outputs])  # type: ignore[operator]
    found = [case.failure(tmp_path) for case in cases if case.kind == kind]
    assert any(text and failure in text for text in found)


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        ("Conv", "operators.convolution.conv2d_forward"),
        ("ConvTranspose", "operators.convolution.col2im"),
        ("MaxPool", "operators.pooling.max_pool_forward"),
        ("AveragePool", "operators.pooling.average_pool_forward"),
        ("BatchNormalization", "operators.normalization.batch_norm_inference"),
        ("BatchNormalization", "operators.normalization.batch_norm_forward"),
        ("InstanceNormalization", "operators.normalization.moments_of"),
        ("GroupNormalization", "operators.normalization.moments_of"),
        ("LayerNormalization", "operators.normalization.moments_of"),
        ("LRN", "operators.normalization.lrn_forward"),
        ("Softmax", "operators.activations._engine"),
        ("Gelu", "operators.activations._engine"),
        ("HardSwish", "operators.activations._engine"),
        ("Momentum", "operators.optimizers.rules.sgd"),
        ("Adam", "operators.optimizers.rules.adam"),
        ("Adagrad", "operators.optimizers.rules.adagrad"),
    ],
)
def test_cases_test_the_numpy_engine(
    cases: list[Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, function: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(f"striate.onnx.reference.{function}", broken)
    found = [case.failure(tmp_path) for case in cases if case.kind == kind]
    assert any(text and "broken" in text for text in found)


@pytest.mark.parametrize("page", ["onnx-operators.md", "onnx-operators.ko.md"])
def test_documented_figures_are_current(cases: list[Case], failures: dict[str, str], page: str) -> None:
    """The figures are checked for the version of onnx that the page names; other versions have other cases."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    rows = re.findall(r"^\| (\w+) \| (\d+) / (\d+) \|$", text, re.MULTILINE)
    assert [kind for kind, _, _ in rows] == list(KINDS)
    if f"onnx {onnx.__version__}" not in text:
        return
    total = Counter(case.kind for case in cases)
    passed = Counter(case.kind for case in cases if case.name not in failures)
    assert rows == [(kind, str(passed[kind]), str(total[kind])) for kind in KINDS]
    assert f"{passed.total()} / {total.total()}" in text
