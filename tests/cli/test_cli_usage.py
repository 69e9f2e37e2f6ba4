"""Invalid input: one clear message, the right exit code, no traceback, nothing lost."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from striate.cli import _explain

from .conftest import Cli, Finished, environment

USAGE = {
    "train nowhere --method features": "for a folder of color images, and 'nowhere' does not exist.",
    "train http://x/y.zip --base resnet18": "'http://x/y.zip' is a web address. Download it first",
    "train --out=": "Argument 2 is empty: '--out='. Is a variable of the shell not set?",
    "trian": "There is no command 'trian'. Did you mean 'train'?",
    "train mnist6k": "There is no data set or folder 'mnist6k'. Did you mean 'mnist5k'?",
    "train --model lenet": "There is no model 'lenet'. Did you mean 'lenet5'?",
    "train --modle lenet5": "'--modle'. (Did you mean one of: '--method', '--model'?)",
    "train --optimizer adm": "'lion', 'momentum', 'nesterov'. Did you mean 'adam'?",
    "train --schedule platau": "'cosine', 'step', 'plateau'. Did you mean 'plateau'?",
    "train --augment lite": "'lite' is not one of 'none', 'light', 'standard', 'strong'. Did you mean 'light'?",
    "train --engine nunpy": "'nunpy' is not one of 'auto', 'numpy', 'torch'. Did you mean 'numpy'?",
    "train --method feature": "'auto', 'features', 'fine-tune', 'scratch'. Did you mean 'features'?",
    "train --method features": "--method features is for a folder of color images, and 'mnist5k' is not a folder.",
    "train --base resnet18": "--base resnet18 is for a folder of color images, and 'mnist5k' is not a folder.",
    "train --model lenet5 --base resnet18": "give only one of them",
    "train --minutes 3": "it does not apply to the method 'scratch', which is used for all data sets",
    "train --precision float": "'float' is not one of 'auto', 'float32', 'bfloat16', 'float16', 'int8'. Did you",
    "train --epochs 0": "epochs must be an integer, 1 or more; received 0.",
    "train --epochs many": "'many' is not a valid integer",
    "train --batch-size 0": "batch_size must be an integer, 1 or more; received 0.",
    "train --learning-rate nan": "The learning rate must be above 0; received nan.",
    "train --seed -1": "seed must be an integer, 0 or more; received -1.",
    "train --fit squash": "'squash' is not one of 'crop', 'pad', 'stretch'",
    "train mnist5k --fit pad": "fit can be set for folders only; that of 'mnist5k' is fixed.",
    "train --ensemble 0": "An ensemble has 1 to 1000 members; received 0.",
    "train --set dropout": "Expected KEY=VALUE, such as patience=10; received 'dropout'",
    "train --set dropuot=0.1": "Neither the model 'lenet5' nor the recipe has a setting 'dropuot'.",
    "train --set epochs=many": "epochs must be an integer, 1 or more; received 'many'.",
    "train --set label_smoothing=much": "label_smoothing must be a number; received 'much'.",
    "train --set optimizer.beta=1": "Optimizer 'adam' has no setting 'beta'.",
    "train --set classes=5": "classes cannot be set: 'mnist5k' has 10 classes.",
    "train --set input_shape=28": "input_shape must be [height, width, channels] of images",
    "train --model mlp --set hidden=0": "'mlp': hidden must be positive integers, one for each layer; received 0.",
    "summary mlp --set depth=5": "Model 'mlp' has no setting 'depth'. Its settings: input_shape, classes, hidden,",
    "train --model linear-regression": "Run it with: striate reproduce linear-regression",
    "train --model scattered-digits": "Run it with: striate reproduce scattered-digits",
    "train --resume runs/x --seed 2": "--seed cannot be changed, only --epochs.",
    "train mnist5k --resume runs/x": "DATA cannot be changed, only --epochs.",
    "summary lenet-5": "There is no model 'lenet-5'. Did you mean 'lenet5'?",
    "gradcheck lenet6": "There is no model 'lenet6'. Did you mean 'lenet5'?",
    "reproduce lenet6": "There is no system 'lenet6'. Did you mean 'lenet5'?",
    "reproduce tutorial-cnn": "needs a folder of photographs with a subfolder for each class: --data FOLDER",
    "reproduce mlp --seeds 0": "0 is not in the range x>=1",
    "data download mnits": "There is no data set or folder 'mnits'. Did you mean 'mnist'?",
    "predict": "Missing argument",
}
FAILURE = {
    "train --resume nowhere": "'nowhere' is not a run folder, such as runs/NAME: it has no config.json.",
    "evaluate nowhere.safetensors": "There is no model file or run folder 'nowhere.safetensors'.",
    "predict nowhere.safetensors x.png": "There is no model file or run folder 'nowhere.safetensors'.",
    "train empty": "should contain at least two subfolders of images, one for each class; found 0.",
    "train one": "should contain at least two subfolders of images, one for each class; found 1: 혼자.",
    "train --out file.txt/run": "'file.txt/run' could not be created: ",
    "evaluate foreign.safetensors": "is not a Striate model file",
}


@pytest.mark.parametrize("command", USAGE)
def test_invalid_usage_exits_2(cli_here: Cli, tmp_path: Path, command: str) -> None:
    result = cli_here(*command.split())
    assert USAGE[command] in result.stderr
    assert result.returncode == 2
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", FAILURE)
def test_failure_exits_1(cli_here: Cli, tmp_path: Path, photographs: Path, command: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "one" / "혼자").mkdir(parents=True)
    (tmp_path / "one" / "혼자" / "그림.png").write_bytes((photographs / "빨강" / "그림 1.png").read_bytes())
    (tmp_path / "file.txt").write_text("", encoding="utf-8")
    (tmp_path / "foreign.safetensors").write_bytes(b"PK\x03\x04 something else altogether")
    result = cli_here(*command.split())
    assert FAILURE[command] in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.returncode == 1


def test_no_run_is_created_inside_the_image_folder(cli_here: Cli, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for command in ("train images --out images", "train images --out images/runs/first", "train ."):
        result = cli_here(*command.split())
        assert result.returncode == 2
        assert "is inside your image folder" in result.stderr
        assert "where Striate never writes. Choose another folder with --out." in result.stderr
    assert list((tmp_path / "images").iterdir()) == []


def test_damaged_model_exits_1(cli_here: Cli, trained: tuple[Path, Finished], tmp_path: Path) -> None:
    content = bytearray((trained[0] / "model.safetensors").read_bytes())
    content[-5] ^= 1
    (tmp_path / "damaged.safetensors").write_bytes(content)
    result = cli_here("evaluate", "damaged.safetensors", "mnist5k")
    assert result.returncode == 1
    assert result.stderr.strip() == (
        "Error: 'damaged.safetensors' is damaged: its content does not match its checksum. Use a copy, or train again."
    )


def test_traceback_is_printed_in_debug_mode_only(cli: Cli) -> None:
    result = cli("train", "--model", "lenet", env={"STRIATE_DEBUG": "1"})
    assert "Traceback" in result.stderr


def test_help_lists_every_command_and_loads_no_numpy(cli: Cli) -> None:
    result = cli("--help")
    for name in ("train", "evaluate", "predict", "summary", "reproduce", "gradcheck", "data"):
        assert f"\n  {name} " in result.stdout
    code = "import sys, striate.cli; print('numpy' in sys.modules, 'rich' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == ["False", "False"]


def test_data_list_and_get_print_names_and_paths(cli: Cli) -> None:
    listed = cli("data", "list")
    assert "mnist5k     5,000       10  handwritten digits" in listed.stdout
    where = cli("data", "download", "mnist5k").stdout.strip()
    assert Path(where).is_file()


def test_ctrl_c_while_importing_a_package_is_not_an_internal_error() -> None:
    """Compiled packages raise an ImportError in that case."""
    error = ImportError("initialization failed")
    assert "bug in Striate (ImportError: initialization failed)" in _explain(error)[1]
    error.__cause__ = KeyboardInterrupt()
    assert _explain(error) == (130, "Stopped.")


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams(tmp_path: Path, closed: str) -> None:
    options = "--model mnist-quick --epochs 1 --out run"
    command = f'"{sys.executable}" -m striate train {options} {closed}'
    done = subprocess.run(command, shell=True, cwd=tmp_path, env=environment(), capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert json.loads((tmp_path / "run" / "config.json").read_text("utf-8"))["plan"]["model"] == "mnist-quick"


def test_ctrl_c_while_the_command_line_is_loaded(tmp_path: Path) -> None:
    """The first interrupt comes when the command line is imported, later ones while other packages are."""
    for delay in (0.0, 0.02, 0.05, 0.1, 0.15, 0.3):
        process = subprocess.Popen(
            [sys.executable, "-c", "from striate.__main__ import main; print(flush=True); main()", "train"],
            cwd=tmp_path, env=environment(PYTHONWARNINGS=""), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout
        process.stdout.readline()
        time.sleep(0.005 + delay)
        process.send_signal(signal.SIGINT)
        _, message = process.communicate()
        assert "Traceback" not in message
        assert process.returncode == 130
        assert "Stopped." in message


def test_the_interpreter_searches_no_garbage_when_it_exits() -> None:
    code = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 1000)); "
    done = subprocess.run(
        [sys.executable, "-c", f"{code}from striate.cli import main; main()", "--version"],
        env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "True"


def test_an_error_of_the_system_names_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    error = PermissionError(13, "Permission denied", "/photos/x.png")
    assert _explain(error) == (1, "Error: /photos/x.png: Permission denied.")
