"""Experiments and sizes are what the golden files say; `python tests/golden/golden.py` writes them anew."""

from __future__ import annotations

import pytest
from golden import FOLDER, configs, parameters, studies

from mrsr.config import from_json, to_json

KEPT = sorted(path.name for path in (FOLDER / "configs").glob("*.json"))


def test_every_experiment_has_its_golden_file() -> None:
    assert sorted(configs()) == KEPT


@pytest.mark.parametrize("name", KEPT)
def test_an_experiment_is_what_its_golden_file_says(name: str) -> None:
    assert configs()[name] == (FOLDER / "configs" / name).read_text()


def test_every_study_is_what_its_golden_file_says() -> None:
    assert studies() == {path.name: path.read_text() for path in (FOLDER / "studies").glob("*.json")}


@pytest.mark.parametrize("name", KEPT)
def test_a_golden_file_is_read_back_whole(name: str) -> None:
    text = (FOLDER / "configs" / name).read_text()
    assert to_json(from_json(text)) == text


def test_the_three_sizes_have_the_parameters_they_are_known_for() -> None:
    assert parameters() == (FOLDER / "parameters.json").read_text()
