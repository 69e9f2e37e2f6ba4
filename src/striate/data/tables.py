"""Read tables of files with their labels or groups: CSV files as spreadsheets and scripts write them."""

import csv
import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from striate.errors import DataError
from striate.text import printable

SEPARATORS = ("\t", ";", ",")  # possible separators; of those that fit equally well, the first is used
MAX_BYTES = 1 << 28  # bytes of a table; ten million rows of 25 letters
HEADINGS = {
    "file", "filename", "file name", "file_name", "files", "path", "filepath", "file_path", "image", "images",
    "image_id", "image_name", "id", "name", "label", "labels", "class", "group", "파일", "파일명", "이미지", "경로",
    "라벨", "레이블", "클래스", "그룹",
}  # fmt: skip
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
FILE_NAME = re.compile(r".*[^./\\]\.[A-Za-z][A-Za-z0-9]{1,4}")


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        path: The file.
        header: The headings of the columns; None if the first row is a row like the others.
        rows: The cells of each row, without spaces around them; all rows have the same number of cells.
        lines: The line of the file that each row starts on, counted from 1, for messages.
    """

    path: Path
    header: tuple[str, ...] | None
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]


def read_table(path: str | Path) -> Table:
    r"""Read a table whose columns are separated by commas, semicolons or tabs.

    The encoding is UTF-8, UTF-16 or CP949 (Korean Windows). Cells stay text, also those that a spreadsheet would
    compute, such as "=1+1". Empty rows are skipped. The first row is a header if it contains a usual heading ("file",
    "label", "group", …), or a word in a column of file names or numbers.

    Args:
        path: The file.

    Returns:
        The table.

    Raises:
        DataError: If the file cannot be read, is not text in a known encoding, has no rows or only one column, or its
            rows differ in the number of cells.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "people.csv")
        ...     _ = file.write_text("file;group\ncat/1.jpg;Kim\ncat/2.jpg;=Lee\n")
        ...     table = read_table(file)
        >>> table.header, table.rows
        (('file', 'group'), (('cat/1.jpg', 'Kim'), ('cat/2.jpg', '=Lee')))
    """
    path = Path(path)
    text = _read_text(path)
    records, lines = _split_rows(path, text)
    width = len(records[0])
    for record, line in zip(records, lines, strict=True):
        if len(record) != width:
            raise DataError(
                f"'{path}' cannot be read: line {line} has {_cells(len(record))}, the first row {width}. If a cell "
                'contains the separator, put the cell in quotation marks: "a,b".'
            )
    header = records[0] if _is_header(records) else None
    first = 0 if header is None else 1
    if len(records) == first:
        raise DataError(f"'{path}' contains a header, but no rows below it.")
    return Table(path, header, tuple(records[first:]), tuple(lines[first:]))


class FileFinder:
    """Finds the images that the cells of a table name.

    A cell may hold the path below the folder, with or without the folder's own name, or only the file name, with or
    without its extension, as long as it is clear which image is meant.

    Args:
        folder: Name of the folder.
        names: Paths of its images relative to it, with "/".

    Example:
        >>> finder = FileFinder("photos", ["cat/1.jpg", "cat/2.jpg", "dog/1.jpg"])
        >>> finder.find("photos/cat/1.jpg"), finder.find("2"), finder.find("1.jpg"), finder.find("3.jpg")
        ((0,), (1,), (0, 2), ())
    """

    def __init__(self, folder: str, names: Sequence[str]) -> None:
        self._folder = _normal(folder)
        self._by_path: dict[str, list[int]] = defaultdict(list)
        self._by_end: dict[str, list[int]] = defaultdict(list)
        for row, name in enumerate(map(_normal, names)):
            path = PurePosixPath(name)
            self._by_path[name].append(row)
            for end in {path.name, path.stem, path.with_suffix("").as_posix()}:
                self._by_end[end].append(row)

    def find(self, cell: str) -> tuple[int, ...]:
        """Find the images that a cell may mean.

        Args:
            cell: A file name, with or without folders and suffix.

        Returns:
            Their row numbers: none, one, or several if the name is ambiguous.
        """
        text = _normal(cell).removeprefix("./")
        inner = text.rpartition(f"{self._folder}/")[2]  # also of an absolute path
        for known, name in ((self._by_path, text), (self._by_path, inner), (self._by_end, text), (self._by_end, inner)):
            if name in known:
                return tuple(known[name])
        return ()


def escape_formula(cell: str) -> str:
    """Return a cell so that spreadsheet programs do not compute it; see OWASP, "CSV injection".

    Example:
        >>> escape_formula("=cmd.jpg"), escape_formula("cat/1.jpg"), escape_formula("'cat' is missing.")
        ("'=cmd.jpg", 'cat/1.jpg', "'cat' is missing.")
    """
    return f"'{cell}" if _is_formula(cell) else cell


def unescape_formula(cell: str) -> str:
    """Return the cell that `escape_formula` has changed."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell[1:]) else cell


def _is_formula(cell: str) -> bool:
    """Return whether a cell is a formula, or one behind apostrophes, so that both can be told apart when read."""
    return cell.lstrip("'").startswith(FORMULA_STARTS)


def _normal(text: str) -> str:
    return printable(unicodedata.normalize("NFC", text.replace("\\", "/")))


def _read_text(path: Path) -> str:
    if path.is_dir():
        raise DataError(f"'{path}' is a folder. Pass a CSV file.")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"'{path}' cannot be read: {error.strerror or error}.") from error
    if len(content) > MAX_BYTES:
        raise DataError(f"'{path}' is larger than {MAX_BYTES >> 20} MB. Pass a CSV file of files and their values.")
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise DataError(
        f"'{path}' cannot be read: it is not a text in UTF-8, UTF-16 or CP949. In a spreadsheet program, save it as "
        '"CSV UTF-8".'
    )


def _encodings(content: bytes) -> tuple[str, ...]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    if b"\0" in content:  # UTF-16 without a byte order mark; the zero is the upper half of a Latin letter
        return ("utf-16-be", "utf-16-le") if content.index(b"\0") % 2 == 0 else ("utf-16-le", "utf-16-be")
    return ("utf-8-sig", "cp949")


def _split_rows(path: Path, text: str) -> tuple[list[tuple[str, ...]], list[int]]:
    """Return the cells of all rows that are not empty, and their lines, for the separator that fits best."""
    best: tuple[tuple[float, ...], list[tuple[str, ...]], list[int]] | None = None
    problem = "it has no rows"
    for separator in SEPARATORS:
        try:
            records, lines = _parse(text, separator)
        except csv.Error as error:
            problem = str(error)
            continue
        if not records:
            continue
        if len(records[0]) < 2:
            problem = f"it has one column, and its first row is '{printable(records[0][0][:60])}'"
            continue
        score = _score(records)
        if best is None or score > best[0]:
            best = score, records, lines
    if best is None:
        raise DataError(
            f"'{path}' cannot be read as a table: {problem}. Each row should have a file and its value, separated by "
            "a comma, a semicolon or a tab."
        )
    return best[1], best[2]


def _parse(text: str, separator: str) -> tuple[list[tuple[str, ...]], list[int]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    records, lines, line = [], [], 1
    for cells in reader:
        stripped = tuple(cell.strip() for cell in cells)
        if any(stripped):
            records.append(stripped)
            lines.append(line)
        line = reader.line_num + 1
    return records, lines


def _score(records: Sequence[tuple[str, ...]]) -> tuple[float, ...]:
    """Rate a separator: rows in which a cell is a file name, and rows with as many cells as the first one."""
    files = sum(any(map(FILE_NAME.fullmatch, record)) and not _has_separator(record) for record in records)
    return files, sum(len(record) == len(records[0]) for record in records)


def _has_separator(record: Sequence[str]) -> bool:
    """Return whether a file name of a row contains a separator, which must have been the one between the columns."""
    return any(FILE_NAME.fullmatch(cell) and set(cell) & set(SEPARATORS) for cell in record)


def _is_header(records: Sequence[tuple[str, ...]]) -> bool:
    first, others = records[0], records[1:]
    if any(map(FILE_NAME.fullmatch, first)):
        return False
    if HEADINGS & {cell.casefold() for cell in first}:
        return True
    for cell, *column in zip(first, *others, strict=True):
        for is_kind in (FILE_NAME.fullmatch, _is_number):
            if column and not is_kind(cell) and 2 * sum(bool(is_kind(value)) for value in column) > len(column):
                return True
    return False


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
