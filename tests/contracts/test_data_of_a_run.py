"""A run goes on with the data it was trained on, or says what has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrsr.errors import UserError
from mrsr.train.resume import DATA, check_data, keep_data


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A run folder with a checkpoint, as far as anyone asks for one here."""
    (tmp_path / "checkpoints" / "1").mkdir(parents=True)
    return tmp_path


def test_the_same_data_go_on_and_changed_data_are_refused_by_name(trained: Path) -> None:
    keep_data({"clips:a": "0123", "sample": "4567"}, trained)
    check_data({"clips:a": "0123", "sample": "4567"}, trained, print)
    with pytest.raises(UserError, match="trained on clips:a as 0123, which is now 89ab; expected the same data"):
        check_data({"clips:a": "89ab", "sample": "4567"}, trained, print)


def test_a_folder_in_which_nothing_was_trained_takes_any_data(tmp_path: Path) -> None:
    keep_data({"clips:a": "0123"}, tmp_path)
    check_data({"sample": "4567"}, tmp_path, print)


def test_a_run_that_did_not_record_its_data_says_so_and_goes_on(trained: Path) -> None:
    said: list[str] = []
    check_data({"sample": "4567"}, trained, said.append)
    assert "not recorded" in said[0]


def test_a_damaged_record_is_named(trained: Path) -> None:
    keep_data({"sample": "4567"}, trained)
    (trained / DATA).write_text('{"sam')
    with pytest.raises(UserError, match=r"data\.json: damaged"):
        check_data({"sample": "4567"}, trained, print)
