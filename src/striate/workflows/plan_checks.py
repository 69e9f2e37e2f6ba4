"""Check the options of `striate train` before anything is loaded: values, and whether they apply to the method."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from inspect import signature
from pathlib import Path

from striate import zoo
from striate.data.groups import read_groups
from striate.data.labels import LabelFile
from striate.data.layout import Layout
from striate.data.split import TEST
from striate.engines.choose import installed
from striate.errors import UsageError
from striate.processes import current_process
from striate.tasks import Task
from striate.training import Recipe
from striate.transfer.bases import check_base
from striate.transfer.onnx_bases import PREPROCESSING, is_onnx_file
from striate.workflows.strategy import BASE, Method

WEIGHT_DECAY = "weight_decay"
INPUT_SHAPE = "input_shape"
CLASS_WEIGHTS = "class_weights"
MAX_MEMBERS = 1_000  # number of members of an ensemble

SCRATCH_ONLY = frozenset({Method.SCRATCH})
FEATURES_ONLY = frozenset({Method.FEATURES})
BASE_ONLY = frozenset({Method.FEATURES, Method.FINE_TUNE})
TRAINING = frozenset({Method.FINE_TUNE, Method.SCRATCH})
APPLIES_TO: Mapping[str, frozenset[Method]] = {
    "--model": SCRATCH_ONLY,
    "--base": BASE_ONLY,
    "--cut": BASE_ONLY,
    "--minutes": BASE_ONLY,
    "--ensemble": SCRATCH_ONLY,
    "--tensorboard": SCRATCH_ONLY,
    "--schedule plateau": SCRATCH_ONLY,
    "--schedule": TRAINING,
    "--epochs": TRAINING,
    "--batch-size": TRAINING,
    "--learning-rate": TRAINING,
    "--optimizer": TRAINING,
    "--augment": TRAINING,
    "--engine": TRAINING,
    "--device": TRAINING,
    "--precision": TRAINING,
    "--precision int8": FEATURES_ONLY,
    "--deterministic": TRAINING,
    "--torch-compile": TRAINING,
}
"""The methods to which an option applies; options that are not listed apply to all methods."""

RECIPE = frozenset(item.name for item in fields(Recipe))
NESTED = frozenset({"optimizer", "schedule", "augmentation"})  # settings that are objects with settings


def check_values(ensemble: int | None, minutes: float | None, tensorboard: bool) -> None:
    """Check numbers of a plan that do not depend on the data.

    Args:
        ensemble: Number of members; None: no ensemble.
        minutes: The time limit; None: no limit.
        tensorboard: Whether training writes files for TensorBoard.

    Raises:
        UsageError: If a number is out of range, or TensorBoard is not installed.
    """
    if ensemble is not None and not 1 <= ensemble <= MAX_MEMBERS:
        raise UsageError(f"An ensemble has 1 to {MAX_MEMBERS} members; received {ensemble}.")
    if minutes is not None and not minutes > 0:
        raise UsageError(f"--minutes must be more than 0; received {minutes:g}.")
    if tensorboard:
        from striate.training.tensorboard import TensorBoard

        TensorBoard()  # raises now if its package is missing


def check_outside(path: str | os.PathLike[str], folder: str | os.PathLike[str], what: str = "file") -> None:
    """Check that nothing is written into the user's folder of images.

    Args:
        path: The file or folder to write.
        folder: The folder of images.
        what: "file" or "folder", for the message.

    Raises:
        UsageError: If the path is inside the folder.
    """
    if Path(path).resolve().is_relative_to(Path(folder).resolve()):
        raise UsageError(
            f"'{path}' is inside your image folder '{folder}', where Striate never writes. Choose another {what} with "
            "--out."
        )


def check_groups(groups: str | None, data: str, layout: Layout | None) -> None:
    """Check the table of groups before images are read.

    Args:
        groups: Path of the table; None: there is none.
        data: The data set or folder, for the message.
        layout: The files of the folder; None for another data set.

    Raises:
        UsageError: If the data are not a folder.
        DataError: If the table is invalid.
    """
    if groups is None:
        return
    if layout is None:
        raise UsageError(f"--groups is for a folder of images, and '{data}' is not a folder.")
    read_groups(groups, layout.name, layout.names)


def check_folds(folds: int | None, layout: Layout | None) -> None:
    """Check the number of folds of a cross-validation.

    Args:
        folds: The number; None or 0: no cross-validation.
        layout: The files of the folder; None for another data set.

    Raises:
        UsageError: If the number is below 2, or the folder defines its own test part.
    """
    if not folds:
        return
    if folds < 2:
        raise UsageError(f"--folds must be at least 2, or 0 to test on a test split instead; received {folds}.")
    if layout is None:
        return
    if TEST in layout.parts:
        raise UsageError(
            f"'{layout.name}' has its own test images, which are not used for training, so there is nothing to "
            "cross-validate. Leave out --folds, or put the images of all splits into one folder for each class."
        )
    if folds > len(layout.files):
        raise UsageError(
            f"--folds {folds} needs at least {folds} images, but '{layout.name}' has {len(layout.files)} image files. "
            "Choose fewer folds."
        )


def check_options(method: Method, chosen_by: str, options: list[str], sets: Mapping[str, str]) -> None:
    """Check that all options apply to the method.

    Args:
        method: The method.
        chosen_by: Who chose it, for the message.
        options: Names of the options that were passed, with their dashes.
        sets: The settings passed with --set.

    Raises:
        UsageError: If options do not apply; the message names all of them.
    """
    applies = {option: APPLIES_TO[option] for option in options if option in APPLIES_TO}
    applies |= {f"--set {key}": _applies_to_setting(key) for key in sets}
    wrong: dict[str, list[str]] = {}  # options by what they need
    for option, methods in applies.items():
        if method not in methods:
            wrong.setdefault(" or ".join(f"--method {each}" for each in Method if each in methods), []).append(option)
    if not wrong:
        return
    needs = "; ".join(
        f"{_join_words(some)} {'needs' if len(some) == 1 else 'need'} {what}" for what, some in wrong.items()
    )
    subject = "it does" if sum(map(len, wrong.values())) == 1 else "they do"
    raise UsageError(f"{needs}: {subject} not apply to the method '{method}', {chosen_by}.")


def _join_words(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def check_settings(model: str, method: Method, sets: Mapping[str, str]) -> None:
    """Check the names of the settings passed with --set.

    Args:
        model: Name of the network.
        method: The method.
        sets: The settings.

    Raises:
        UsageError: If neither the recipe nor the network has such a setting.
    """
    own = set(_settings_of(model)) | ({PREPROCESSING} if method is not Method.SCRATCH else set())
    networks = own if method is Method.SCRATCH else own.union(*map(_settings_of, zoo.list_models()))
    plain = sorted(RECIPE - NESTED | {WEIGHT_DECAY})
    for key in sets:
        part, _, inner = key.partition(".")
        if key in NESTED:
            raise UsageError(
                f"--set {key} needs the name of a setting, as in --set optimizer.beta_1=0.9. The {key} itself is "
                f"chosen with --{'augment' if key == 'augmentation' else key}."
            )
        if part in NESTED if inner else key in {*plain, *networks, "classes"}:
            continue
        own_settings = sorted(own - {"classes"})
        similar = get_close_matches(key, [*own_settings, *plain], n=1)
        hint = f" Did you mean '{similar[0]}'?" if similar else ""
        raise UsageError(
            f"Neither the model '{model}' nor the recipe has a setting '{key}'.{hint} Settings of the model: "
            f"{', '.join(own_settings) or 'none'}. Settings of the recipe: {', '.join(plain)}, "
            f"{', '.join(f'{name}.NAME' for name in sorted(NESTED))}."
        )


def _settings_of(model: str) -> Iterable[str]:
    if is_onnx_file(model):
        return (INPUT_SHAPE, PREPROCESSING)
    return signature(zoo.get_architecture(model).builder).parameters


def _applies_to_setting(key: str) -> frozenset[Method]:
    if key in (INPUT_SHAPE, CLASS_WEIGHTS):
        return frozenset(Method)
    if key == PREPROCESSING:
        return BASE_ONLY
    of_recipe = key.partition(".")[0] in RECIPE | {WEIGHT_DECAY}
    return TRAINING if of_recipe else SCRATCH_ONLY


def check_base_method(
    method: Method, chosen_by: str, base: str | None, weights: str | None, minutes: float | None
) -> None:
    """Check that the base can be used.

    Args:
        method: The method.
        chosen_by: Who chose it, for the message.
        base: Name of the base; None: the usual one.
        weights: Path or name of its weights; None: the published ones.
        minutes: The time limit; None: no limit.

    Raises:
        UsageError: If the base or its weights do not exist, or something does not apply to the method.
    """
    if method is Method.SCRATCH:
        return
    started = current_process().world_size
    if started > 1 and method is Method.FINE_TUNE:
        raise UsageError(
            f"The method '{method}', {chosen_by}, runs in one process, but torchrun started {started}. Start it "
            "without torchrun, or use --method features or --method scratch."
        )
    if base:
        check_base(base, weights)
    elif weights:
        raise UsageError(
            f"With the method '{method}', --weights also needs --base, the network that these weights belong to."
        )
    if base and minutes and method is Method.FEATURES:
        raise UsageError(f"--minutes chooses the image size for the base {BASE}; it cannot be used with --base {base}.")
    if method is Method.FINE_TUNE and not installed("torch"):
        raise UsageError('--method fine-tune needs PyTorch, which is not installed: pip install "striate[torch]".')


def check_task(labels: LabelFile | None, sets: Mapping[str, str]) -> None:
    """Check that options for classification only are not used for another task.

    Args:
        labels: The table of labels; None: labels are the names of folders.
        sets: The settings passed with --set.

    Raises:
        UsageError: If an option does not apply to the task.
    """
    if labels is None or labels.task is Task.CLASSIFICATION:
        return
    if CLASS_WEIGHTS in sets:
        raise UsageError(f"--set {CLASS_WEIGHTS} is for classification; for --task {labels.task}, leave it out.")
