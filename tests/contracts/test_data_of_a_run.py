"""A run goes on with the data it was trained on, or says what has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrsr.checkpoint import has_checkpoint
from mrsr.errors import UserError
from mrsr.train.resume import DATA, claim_data


def _run(workdir: Path, monkeypatch: pytest.MonkeyPatch, trained: bool) -> None:
    monkeypatch.setattr("mrsr.train.resume.has_checkpoint", lambda _: trained)
    assert not has_checkpoint(workdir)


def test_the_same_data_go_on_and_changed_data_are_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim_data({"clips:a": "0123", "sample": "4567"}, tmp_path)
    _run(tmp_path, monkeypatch, trained=True)
    claim_data({"clips:a": "0123", "sample": "4567"}, tmp_path)
    with pytest.raises(UserError, match="trained on clips:a as 0123, which is now 89ab; expected the same data"):
        claim_data({"clips:a": "89ab", "sample": "4567"}, tmp_path)


def test_a_folder_in_which_nothing_was_trained_takes_any_data(tmp_path: Path) -> None:
    claim_data({"clips:a": "0123"}, tmp_path)
    claim_data({"sample": "4567"}, tmp_path)
    assert "4567" in (tmp_path / DATA).read_text()
