"""Links replayed: a drop and its end, recorded ones, and a sender of fixed resolution beside the controller."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mrsr.cli.main import main
from mrsr.errors import UserError
from mrsr.ladder import Ladder
from mrsr.streaming.link import Trace, read_trace
from mrsr.streaming.playout import shown, stalls
from mrsr.streaming.replay import Replay
from mrsr.streaming.replay_report import figures, report
from mrsr.streaming.replay_setting import Setting
from mrsr.streaming.sender_model import Frame
from mrsr.streaming.viewer_limits import Limits

LINKS = Path(__file__).resolve().parents[4] / "shared" / "data" / "links"
ROUTES = Ladder().routes("six")
SETTING = Setting(Limits(ROUTES, maximum=720))
DROP = Trace("drop", (0.0, 25.0, 55.0, 100.0), (3000.0, 500.0, 3000.0, 3000.0))


@pytest.fixture(scope="module")
def drop() -> dict[str, Any]:
    return report(DROP, SETTING)


def first(rows: list[dict[str, Any]], after: float, **wanted: int) -> float:
    """How long after a time things stand as wanted, s."""
    return next(row["t"] for row in rows if row["t"] > after and wanted.items() <= row.items()) - after


def test_a_drop_to_500_kbits_lowers_output_and_input_within_5_s_and_both_return_within_30_s(drop) -> None:
    rows = drop["controller"]["timeline"]
    before = next(row for row in rows if row["t"] == 24.5)
    assert (before["output"], before["input"]) == (720, 360)
    assert first(rows, 25.0, output=360, input=180) <= 5
    assert {row["output"] for row in rows if 30 < row["t"] < 55} == {360}
    assert first(rows, 55.0, output=720, input=360) <= 30
    assert drop["controller"]["freezes"] <= 3
    assert drop["controller"]["switches"] == drop["controller"]["input_switches"] == 3


def test_a_sender_of_fixed_resolution_freezes_through_the_same_drop(drop) -> None:
    assert drop["fixed"]["outputs"] == {"720": 1.0}
    assert drop["fixed"]["freezes"] > 10
    assert drop["fixed"]["stall_s"] > 10 * drop["controller"]["stall_s"] + 5


def test_the_same_replay_gives_the_same_report(drop) -> None:
    assert json.dumps(report(DROP, SETTING)) == json.dumps(drop)


def test_bits_arrive_no_faster_than_the_link_carries_them() -> None:
    narrow = Trace("narrow", (0.0,), (200.0,))
    result = report(narrow, SETTING, 20.0)
    for side in ("controller", "fixed"):
        queue = 8 * SETTING.queue_bytes / 20 / 1000
        assert result[side]["video_kbps"] + result[side]["padding_kbps"] <= 200 + queue


def test_an_engine_that_cannot_keep_up_lowers_the_output_and_says_so() -> None:
    wide = Trace("wide", (0.0,), (20000.0,))
    setting = Setting(Limits(ROUTES), engine_ms={1080: 60.0, 720: 20.0, 360: 5.0})
    rows = Replay(wide, setting).run(40.0).timeline
    told = [row for row in rows if row["reason"].startswith("engine: makes 720p of the 1080p asked")]
    assert told
    assert all(row["output"] == 720 for row in told)


def test_a_replay_of_less_than_five_seconds_is_refused() -> None:
    with pytest.raises(UserError, match="4 s of drop: expected 5 to 86400 s"):
        report(DROP, SETTING, 4.0)


def test_a_late_frame_is_shown_late_and_a_lost_one_hides_those_that_build_on_it() -> None:
    def frame(number: int, complete: float | None, key: bool = False) -> Frame:
        return Frame(number / 10, 360, key, complete=complete)

    frames = [frame(0, 0.05, True), frame(1, 0.15), frame(2, 0.9), frame(3, None), frame(4, 0.5), frame(5, 1.2, True)]
    times = [time for time, _ in shown(frames, delay_s=0.04, buffer_s=0.1)]
    assert times == pytest.approx([0.14, 0.24, 0.9, 1.2])
    count, stood = stalls(times, until=1.3, interval_s=0.1)
    assert count == 2
    assert stood == pytest.approx(0.66 + 0.3 - 0.2)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["oslo_3g_tram", "puffer_bursty"])
def test_recorded_links_stall_far_less_than_a_fixed_resolution(name: str) -> None:
    path = LINKS / f"{name}.txt"
    if not path.is_file():
        pytest.skip(f"{path} is missing")
    result = report(read_trace(path), SETTING)
    ours, fixed = result["controller"], result["fixed"]
    assert result["seconds"] == 120
    assert ours["stall_s"] < 0.3 * fixed["stall_s"]
    assert ours["freezes"] < 0.5 * fixed["freezes"]
    assert ours["switches"] <= 8
    if not result["outages"]:
        assert ours["freezes"] <= 3


def test_the_command_writes_figures_and_a_picture(tmp_path: Path, capsys) -> None:
    trace, out, picture = tmp_path / "link.txt", tmp_path / "out.json", tmp_path / "out.png"
    trace.write_text("0 3\n4 0.5\n8 3\n")
    words = f"serve --replay-link {trace} --seconds 8 --maximum 720 --json {out} --plot {picture}"
    assert main(words.split()) == 0
    written = json.loads(out.read_text())
    assert written["trace"] == "link"
    assert len(written["controller"]["timeline"]) == 15
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "controller" in capsys.readouterr().out
    assert figures(Replay(read_trace(trace), SETTING).run(8.0), SETTING, 8.0) == written["controller"]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("serve --replay-link missing.txt", "missing.txt"),
        ("serve --replay-link link.txt --maximum 90", "the destination's maximum 90"),
        ("serve --replay-link link.txt --codec av1", "codec 'av1'"),
        ("serve --replay-link link.txt --seconds nan", "nan s of link"),
        ("serve --replay-link link.txt --json nowhere/a.json", "--json nowhere/a.json"),
        ("serve --replay-link .", "is a directory"),
    ],
)
def test_what_cannot_be_replayed_is_one_line(tmp_path: Path, monkeypatch, capsys, words: str, named: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("link.txt").write_text("0 1\n9 1\n")
    assert main(words.split()) == 2
    error = capsys.readouterr().err
    assert named.lower() in error.lower()
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["link.txt"]
