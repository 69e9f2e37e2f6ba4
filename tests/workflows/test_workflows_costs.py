"""Tables of costs are read by class name, and what is wrong with them is said in one sentence."""

from pathlib import Path

import pytest

from striate.errors import DataError
from striate.workflows.evaluate import read_costs

CLASSES = ("개", "cat", "=cmd")


def test_costs_are_matched_by_name_in_any_order_and_encoding(tmp_path: Path) -> None:
    file = tmp_path / "costs.csv"
    file.write_bytes("true;=cmd;개;cat\ncat;3;2.5;0\n=cmd;0;9;8\n개;6;0;4\n".encode("cp949"))
    assert read_costs(file, CLASSES).tolist() == [[0, 4, 6], [2.5, 0, 3], [9, 8, 0]]


@pytest.mark.parametrize(("text", "message"), [
    ("true,개,cat\n개,0,1\ncat,1,0\n=cmd,1,1\n", "'=cmd' is missing in its first row"),
    ("true,개,cat,=cmd,x\n개,0,1,1,1\ncat,1,0,1,1\n=cmd,1,1,0,1\n", "'x' is not a class of the model in its first row"),
    ("true,개,cat,=cmd\n개,0,1,2\ncat,1,0,2\n", "'=cmd' is missing in its first column"),
    ("true,개,cat,=cmd\n개,0,1,2\ncat,1,0,2\ncat,1,0,2\n=cmd,1,1,0\n", "'cat' is in its first column more than once"),
    ("true,개,cat,=cmd\n개,0,1,2\ncat,much,0,2\n=cmd,1,1,0\n", "line 3 has 'much' where a cost is expected"),
])  # fmt: skip
def test_wrong_tables_are_explained(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "costs.csv").write_text(text, "utf-8")
    with pytest.raises(DataError, match=message):
        read_costs(tmp_path / "costs.csv", CLASSES)
