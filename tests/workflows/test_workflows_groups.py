"""Groups and near-duplicates through training, resuming, scanning and evaluation."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from striate.cli.wording import leak_line
from striate.data.labels import label_file
from striate.engines.choose import EngineSettings
from striate.errors import DataError, UsageError
from striate.evaluation import Evaluation
from striate.evaluation.tasks import AnyEvaluation
from striate.workflows.evaluate import evaluate_model
from striate.workflows.plan import make_plan
from striate.workflows.prepare import PreparedRun, prepare
from striate.workflows.run_folder import reopen, start
from striate.workflows.run_record import TrainingRun
from striate.workflows.scan import scan_folder
from striate.workflows.train import TrainingResult, train
from striate.workflows.trained_model import open_trained_model

NUMPY = EngineSettings(engine="numpy")


def classes_of(evaluation: AnyEvaluation) -> Evaluation:
    """Return the same evaluation, which is that of a classification."""
    assert isinstance(evaluation, Evaluation)
    return evaluation


def picture(seed: int, label: int) -> Image.Image:
    """A random image of coarse squares; those of class 1 are blue."""
    squares = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    squares[..., 0 if label else 2] //= 4
    return Image.fromarray(squares).resize((64, 48), Image.Resampling.NEAREST)


def write(folder: Path, count: int, first: int) -> None:
    for number in range(first, first + count):
        file = folder / "ab"[number % 2] / f"{number:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        picture(number, number % 2).save(file)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with 60 images in two classes."""
    write(tmp_path / "photos", 60, 0)
    return tmp_path / "photos"


def trained(folder: Path, out: Path, groups: Path | None = None) -> tuple[PreparedRun, TrainingResult]:
    plan = make_plan(str(folder), "lenet5", epochs=1, engine=NUMPY, groups=None if groups is None else str(groups))
    prepared = prepare(plan)
    return prepared, train(prepared, start(prepared, out), verbose=0, echo=lambda _: None)


def test_groups_are_recorded_and_used_again(photos: Path, tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("".join(f"{number:03}.png,{number // 6}\n" for number in range(60)), "utf-8")
    prepared, result = trained(photos, tmp_path / "run", table)
    tested = {int(Path(name).stem) // 6 for name in prepared.data.test.names or ()}
    others = {int(Path(name).stem) // 6
              for part in (prepared.data.train, prepared.data.validation) for name in part.names or ()}  # fmt: skip
    assert tested and not tested & others
    assert TrainingRun.open(tmp_path / "run").record.plan.groups == str(table)
    again, _ = reopen(tmp_path / "run")
    assert again.data.test.names == prepared.data.test.names
    found = evaluate_model(open_trained_model(tmp_path / "run"))
    assert classes_of(found.evaluation).accuracy == classes_of(result.evaluation).accuracy
    assert found.evaluation.n_images == len(prepared.data.test)


def test_an_error_in_the_table_is_found_before_images_are_read(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("a/000.png,x\na/000.png,y\n", "utf-8")
    (photos / "a/000.png").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"line 2: 'a/000\.png' is in two groups, 'x' and 'y'"):
        make_plan(str(photos), "lenet5", groups=str(tmp_path / "people.csv"))
    with pytest.raises(UsageError, match=r"--groups is for a folder of images, and 'mnist5k' is not a folder"):
        make_plan("mnist5k", groups=str(tmp_path / "people.csv"))


def test_leaks_across_given_parts_are_reported_with_their_effect(tmp_path: Path) -> None:
    for number, part in enumerate(("train", "val", "test")):
        write(tmp_path / "photos" / part, 20, 100 * number)
    for number in range(200, 206):
        ImageOps.mirror(picture(number, number % 2)).save(
            tmp_path / "photos/train" / "ab"[number % 2] / f"{number}.png"
        )
    prepared, result = trained(tmp_path / "photos", tmp_path / "run")
    assert prepared.data.leaked.sum() == 6
    clean = classes_of(result.evaluation).without_leaks
    assert clean is not None and clean.n_images == 14
    line = leak_line(classes_of(result.evaluation))
    assert line is not None
    assert line.startswith(
        "6 of 20 test images have near-duplicates in the training or validation split; without them: "
    )
    metrics = json.loads((tmp_path / "run/metrics.json").read_text("utf-8"))
    assert metrics["without_leaks"] == {"images": 14, "accuracy": clean.accuracy.to_dict()}
    report = result.report.read_text("utf-8")
    assert "6 of the 20 test images have near-duplicates in the training or validation split" in report
    assert "테스트 이미지 20장 가운데 6장은" in report
    again = classes_of(evaluate_model(open_trained_model(tmp_path / "run")).evaluation).without_leaks
    assert again is not None and again.accuracy == clean.accuracy


def test_images_that_were_trained_on_are_not_evaluated(photos: Path, tmp_path: Path) -> None:
    prepared, result = trained(photos, tmp_path / "run")
    assert classes_of(result.evaluation).without_leaks is None
    model = open_trained_model(tmp_path / "run")
    copy = shutil.copytree(photos, tmp_path / "copy")
    assert evaluate_model(model, str(copy)).evaluation.n_images == len(prepared.data.test)
    write(copy, 10, 500)
    found = evaluate_model(model, str(copy))
    used = len(prepared.data.train) + len(prepared.data.validation)
    assert found.evaluation.n_images == 70 - used
    assert found.notes[0] == (
        f"The model was trained on {used} of these images, so it is evaluated on the other {70 - used} only."
    )
    write(photos, 10, 500)  # the folder itself has changed
    assert evaluate_model(model).evaluation.n_images == 70 - used
    only = tmp_path / "only"
    for name in (prepared.data.train.names or ())[:20]:
        (only / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photos / name, only / name)
    with pytest.raises(UsageError, match="The model was trained on all images of 'only'"):
        evaluate_model(model, str(only))


def test_scan_of_labels_and_numbers_says_what_differs(tmp_path: Path) -> None:
    """Near-duplicates may have different numbers, such as the ages of one face, but not different labels."""
    folder = tmp_path / "images"
    folder.mkdir()
    for seed in range(12):
        picture(seed, 0).save(folder / f"{seed}.png")
    picture(4, 0).resize((32, 24)).save(folder / "small.png")
    shutil.copy(folder / "5.png", folder / "copy.png")
    ages, labels = tmp_path / "ages.csv", tmp_path / "labels.csv"
    names = sorted(path.name for path in folder.iterdir())
    ages.write_text("file,age\n" + "".join(f"{name},{row}\n" for row, name in enumerate(names)), "utf-8")
    labels.write_text(
        "file,label\n" + "".join(f"{name},{'ab'[row % 2]};c\n" for row, name in enumerate(names)), "utf-8"
    )
    found = scan_folder(folder, label_file(str(ages), "regression"))
    assert found.conflicts == (("5.png", "copy.png"),)
    assert found.near_conflicts == () and found.near_duplicates == (("4.png", "small.png"),)
    assert found.problems == ("Some identical images have different labels. Correct them, or keep one of the images.",)
    labels.write_text(
        labels.read_text("utf-8").replace("small.png,b", "small.png,a").replace("4.png,a", "4.png,b"), "utf-8"
    )
    found = scan_folder(folder, label_file(str(labels), "multilabel"))
    assert found.near_conflicts == (("4.png", "small.png"),)
    assert "Some near-duplicates have different labels. Check which labels are correct." in found.problems


def test_scan_names_near_duplicates_and_those_with_different_labels(photos: Path, tmp_path: Path) -> None:
    picture(4, 0).resize((32, 24)).save(photos / "a/small.jpg")
    picture(6, 0).crop((4, 3, 64, 48)).save(photos / "b/cropped.jpg")
    found = scan_folder(photos)
    assert found.near_duplicates == (("a/004.png", "a/small.jpg"),)
    assert found.near_conflicts == (("a/006.png", "b/cropped.jpg"),)
    assert found.problems[0] == "Some near-duplicates are in different classes. Check which class is correct."
    write(tmp_path / "parts/train", 20, 0)
    write(tmp_path / "parts/test", 20, 100)
    picture(7, 1).save(tmp_path / "parts/test/b/again.jpg")
    assert scan_folder(tmp_path / "parts").notes == (
        "1 group of near-duplicates is in more than one of training, validation and test, so the test accuracy may be "
        "too high; an example is 'test/b/again.jpg'.",
    )
