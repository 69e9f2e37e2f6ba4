"""Wrong types and values for every argument of every public callable end in one sentence, or are harmless."""

import random
import warnings
from pathlib import Path
from typing import Any

import pytest

import striate
from striate.errors import NetworkError, StriateError, UsageError
from striate.type_hints import describe_hint, matches

from .misuse import cases

st: Any = striate  # so that type checkers let wrong calls pass


def test_wrong_arguments_never_end_in_raw_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    every = [case for case in cases(tmp_path) if "torch_compile=True" not in case[0]]
    wrong = []
    for name, call in random.Random(0).sample(every, 2500):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                call()
        except StriateError as error:
            assert len(str(error)) < 1000, name
        except Exception as error:
            wrong.append(f"{name}: {error!r:.200}")
    assert len(every) > 9000
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: st.data.Augmentation(rotaton=5), "Augmentation has no argument 'rotaton'. Did you mean 'rotation'"),
    (lambda: st.data.Augmentation(flip_horizontal="yes"), "flip_horizontal must be True or False; received 'yes'"),
    (lambda: st.data.load("mnist5k", sze=32), r"load has no argument 'sze'\. Did you mean 'size'"),
    (lambda: st.data.load(3), "load: name_or_path must be a string or a path; received 3"),
    (lambda: st.data.from_arrays([[[1]]], [0], classes=3), "classes must be a list or None; received 3"),
    (lambda: st.zoo.build("lenet5", seeds=1), "Model 'lenet5' has no setting 'seeds'"),
    (lambda: st.zoo.build(5), "build: id must be a string; received 5"),
    (lambda: st.Network(inputs=st.Input((3,))), "Network needs the argument 'outputs'"),
    (lambda: st.callbacks.TensorBoard(logdir="x"), "TensorBoard has no argument 'logdir'. Did you mean 'log_dir'"),
    (lambda: st.callbacks.History(3), "History received 1 arguments by position and takes at most 0"),
    (lambda: st.Sequential().save(None), r"Sequential\.save: filepath must be a path; received None"),
    (lambda: st.Sequential().save(""), "'' is not a file name. Give a path such as model.safetensors."),
    (lambda: st.optimizers.Adam(float("inf")), "Adam: learning_rate must be a finite number; received inf"),
])  # fmt: skip
def test_messages_name_the_argument(call: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()  # type: ignore[operator]


def test_networks_that_fit_no_machine_raise() -> None:
    with pytest.raises(NetworkError, match=r"would have 4,000,\S* parameters; at most 1,099"):
        st.Sequential([st.Input((3,)), st.layers.Dense(10**30)]).compile(loss="mse")
    with pytest.raises(NetworkError, match=r"would have 10,000,000,000,000 parameters; at most"):
        st.Sequential([st.Input((10**12,)), st.layers.Dense(10, use_bias=False)]).compile(loss="mse")


def test_type_hints_in_words() -> None:
    assert describe_hint(str | Path | None) == "a string, a path or None"
    assert describe_hint(tuple[float, ...] | st.Network) == "a list or a Network"
    assert matches([1, 2.5], tuple[float, float])
    assert not matches([1], tuple[float, float])
    assert not matches("ab", list[str] | None)
