"""Licences are found by the end of a file's path, in CSV and in Markdown tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_pipelines.build.licences import licence_of, read_index
from mrsr.errors import UserError

MARKDOWN = """# Media

| term | meaning |
|---|---|
| A | named |

| file | size | class | licence evidence |
|---|---|---|---|
| train/a.mp4 | 1x1 | A | CC BY 4.0: "the repo" |
| b.mp4 | 2x2 | B | MIT |

| file | licence |
|---|---|
| c.mp4 | another table |
"""


@pytest.mark.parametrize("text", ['file,licence\nx.mp4,"CC0, or so"\n', 'File,size,LICENSE\nx.mp4,3,"CC0, or so"\n'])
def test_csv_of_either_spelling(tmp_path: Path, text: str) -> None:
    (tmp_path / "i.csv").write_text(text)
    assert read_index(tmp_path / "i.csv") == {"x.mp4": "CC0, or so"}


def test_the_first_markdown_table_of_files(tmp_path: Path) -> None:
    (tmp_path / "INDEX.md").write_text(MARKDOWN)
    assert read_index(tmp_path / "INDEX.md") == {"train/a.mp4": 'CC BY 4.0: "the repo"', "b.mp4": "MIT"}


def test_the_longest_end_of_the_path_counts() -> None:
    index = {"a.mp4": "short", "train/a.mp4": "long", "rain/b.mp4": "not a folder's name"}
    assert licence_of(Path("/data/train/a.mp4"), index) == "long"
    assert licence_of(Path("/data/other/a.mp4"), index) == "short"
    assert licence_of(Path("/data/train/b.mp4"), index) == ""


def test_an_index_without_the_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "i.csv").write_text("name,terms\na,b\n")
    with pytest.raises(UserError, match=r"expected CSV or a Markdown table with file and licence"):
        read_index(tmp_path / "i.csv")
    with pytest.raises(UserError, match=r"gone.csv: cannot be read"):
        read_index(tmp_path / "gone.csv")
