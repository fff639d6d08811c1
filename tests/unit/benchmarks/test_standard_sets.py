"""The commands of docs/benchmarks.md: each is one that would run, were the files there."""

import re
import shlex
from pathlib import Path

import pytest

from benchmarks.page.__main__ import parser
from mrsr.cli.configs import read_config
from mrsr.cli.main import parser_of
from mrsr.evaluation.clips import Clip, parse_cutout
from mrsr.evaluation.degradation import parse_degradations
from mrsr.evaluation.geometry import geometry
from mrsr.ladder import Ladder, Route

ROOT = Path(__file__).parents[3]
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8"), re.DOTALL)
COMMANDS = [shlex.split(line) for block in BLOCKS for line in block.replace("\\\n", " ").splitlines()]
WITH_270 = ["--config.rungs=(180,270,720,1080)", "--config.routes=180:720,270:1080"]


def test_all_commands_are_found():
    assert [words[:2] for words in COMMANDS].count([".venv/bin/mrsr", "evaluate"]) == 6


@pytest.mark.parametrize("words", [one for one in COMMANDS if one[1] == "evaluate"], ids=" ".join)
def test_an_evaluation_is_one_that_is_understood(words):
    args = parser_of("evaluate").parse_args(words[1:])
    rungs = (180, 270, 720, 1080) if args.model == "runs/icme" else (180, 360, 720, 1080)
    assert len(Ladder(rungs).routes(args.routes)) == 1
    parse_degradations(args.degradation or ["bicubic"])
    if args.cutout:
        parse_cutout(args.cutout)


def test_the_page_is_measured_by_the_commands_that_stand_there():
    asked = [parser().parse_args(one[3:]) for one in COMMANDS if "benchmarks.page" in one]
    assert [each.model for each in asked] == [["tiny"]] * 3
    # At once, or the figures first and the times later.
    assert [(each.timed == 0, each.resume) for each in asked] == [(False, False), (True, False), (False, True)]


def test_the_ladder_with_270p_is_one_a_network_can_be_trained_on(monkeypatch):
    monkeypatch.chdir(ROOT)
    (words,) = [one for one in COMMANDS if one[1] == "train"]
    assert words[4:6] == WITH_270
    config = read_config(words[3], WITH_270)
    assert config.rungs == (180, 270, 720, 1080)
    assert [str(route) for route in config.route_set()] == ["180:720", "270:1080"]


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1080, 1920)])
def test_270p_enters_at_its_own_size_on_either_ladder(width, height):
    piece = Clip("head", height, width, 30, lambda: (frame for frame in ()), None, True, 720)
    whole = Clip("head", height, width, 30, lambda: (frame for frame in ()))
    by_size = geometry(piece, Route(180, 720), Ladder())
    by_rung = geometry(whole, Route(270, 1080), Ladder((180, 270, 720, 1080)))
    assert by_size.truth == by_rung.truth == (height, width)
    assert by_size.input == by_rung.input == (height // 4, width // 4)
