"""What the measurements of calls compute, held against counts by hand; what they need and is not there is said."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.calls import namespace as links
from benchmarks.calls.drop import NARROW, NARROW_AT, WIDE_AT, reaction
from benchmarks.calls.matching import freezes, matched, per_second, viewer_figures
from benchmarks.calls.soak import trend
from benchmarks.calls.timeline import draw, seconds_of
from mrsr.errors import RunError
from mrsr.streaming.client.processes import tree, usage
from mrsr.streaming.link import Trace

SENT = [(100 + n / 10, n % 20, 320, 180) for n in range(60)]
"""Ten frames a second whose numbers come again after two seconds."""


def test_a_frame_is_matched_with_the_last_of_its_number_that_was_sent_before_it() -> None:
    seen = [(at + 0.3, number, 640, 360) for at, number, _, _ in SENT]
    found = matched(SENT, seen)
    assert len(found) == 60
    assert {round(age, 6) for _, age in found} == {0.3}


def test_a_frame_held_or_of_no_number_is_no_new_frame() -> None:
    seen = [(100.15, 1, 640, 360), (100.25, 1, 640, 360), (100.3, None, 640, 360), (100.35, 3, 640, 360)]
    assert [at for at, _ in matched(SENT, seen)] == [100.15, 100.35]


def test_freezes_are_gaps_above_200_ms_with_those_at_the_ends() -> None:
    assert freezes([1.0, 1.1, 1.35, 1.5, 3.0], 0.9, 3.1) == [(1.1, 1.35), (1.5, 3.0)]
    assert freezes([], 0.0, 1.0) == [(0.0, 1.0)]
    assert per_second([0.0, 0.5, 1.9, 2.5], 0.0, 3.0) == [2, 1, 1]


def test_the_figures_of_a_viewer_are_those_of_its_frames() -> None:
    seen = [(at + 0.2, number, 640, 360) for at, number, _, _ in SENT]
    found = viewer_figures(SENT, seen, 101.0, 103.0)
    # 101.0 and 103.0 themselves are within: 21 frames in 2 s.
    assert (found["fps"], found["freezes"], found["unreadable"]) == (10.5, 0, 0)
    assert found["latency_ms"] == {"p50": 200.0, "p95": 200.0, "p99": 200.0, "worst": 200.0}
    assert found["sizes"] == {"640x360": 21}


def test_the_reaction_to_a_drop_is_counted_from_the_drop_and_from_its_end(tmp_path: Path) -> None:
    began, until = 1000.0, 1060.0
    heights = [(began + n / 10, 720 if n < 170 or n >= 500 else 360) for n in range(600)]
    seen = [(at, n % 600, height * 16 // 9, height) for n, (at, height) in enumerate(heights)]
    told = {"estimateKbps": 900.0, "sr": "on", "reason": "link"}
    statuses = [(began + n, told | {"in": 180 if 18 <= n < 52 else 360}) for n in range(60)]
    controls = [(began - 3, {"downBy": 1.0}), (began + 16.5, {"downBy": 2.0}), (began + 49.0, {"downBy": 1.0})]
    rows = seconds_of(NARROW, began, until, seen, [at for at, _ in heights], statuses, controls)
    assert (NARROW_AT, WIDE_AT) == (15.0, 40.0)
    found = reaction(rows, seen, controls, began)
    assert found["output_before"] == 720
    assert found["output_lowered_s"] == pytest.approx(2.0)
    assert found["input_told_s"] == pytest.approx(1.5)
    assert 3.0 <= found["input_lowered_s"] <= 4.0
    assert found["output_restored_s"] == pytest.approx(10.0)
    assert 12.0 <= found["input_restored_s"] <= 13.0
    viewer = viewer_figures([(at, n % 600, 1, 1) for n, (at, _) in enumerate(heights)], seen, began, until)
    draw({"timeline": rows, "viewer": viewer, "freezes_at": [(5.0, 1.0)], "link": "drop"}, tmp_path / "drop.png")
    assert (tmp_path / "drop.png").read_bytes().startswith(b"\x89PNG")


def test_a_link_row_is_what_the_trace_says_at_its_beginning() -> None:
    trace = Trace("steps", (0.0, 2.0), (1000.0, 500.0))
    rows = seconds_of(trace, 0.0, 4.0, [], [], [], [])
    assert [row["link_kbps"] for row in rows] == [1000.0, 1000.0, 500.0, 500.0]
    assert [row["output"] for row in rows] == [None] * 4


def test_the_trend_of_memory_is_its_slope_after_the_first_minutes() -> None:
    def row(at: float) -> dict[str, float]:
        return {"memory_mib": 500 if at < 180 else 100 + at / 360, "threads": 9, "descriptors": 20 + (at > 2000)}

    samples = [{"t": at, "processes": {"worker": row(at)}} for at in range(0, 3600, 10)]
    found = trend(samples, "worker", 180)
    assert found["memory_mib"]["slope_mib_an_hour"] == pytest.approx(10.0)
    assert found["threads"] == [[9, 9], [9, 9]]
    assert found["descriptors"] == [[20, 20], [20, 21]]


def test_the_processes_of_a_server_are_found_with_what_they_take() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'], check=False)"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        while len(tree(process.pid)) < 2:
            assert process.poll() is None
        taken = [usage(each) for each in tree(process.pid)]
        process.communicate(b"\n")
    assert all(each is not None and each.threads >= 1 for each in taken)
    assert usage(2**22 + 1) is None


def test_without_root_or_its_programs_a_link_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links.shutil, "which", lambda _: None)
    with pytest.raises(RunError, match=r"needs ip and tc \(Debian package iproute2\)"):
        links.check()
    monkeypatch.setattr(links.shutil, "which", lambda name: name)
    monkeypatch.setattr(links.os, "geteuid", lambda: 1000)
    with pytest.raises(RunError, match="needs root for `ip netns`; this is user 1000"):
        links.check()


@pytest.mark.skipif(shutil.which("node") is None, reason="no node to run the page's reader in")
def test_the_page_reads_the_numbers_that_are_burnt_in(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    from benchmarks.calls.browser import READER
    from mrsr.streaming.client.picture import numbered_picture

    strips = []
    for number in (0, 1, 682, 2730, 4095):
        picture = numbered_picture("astronaut", 320, 180, number)[:22]
        strips.append([number, np.asarray(Image.fromarray(picture).convert("RGBA").resize((160, 8))).ravel().tolist()])
    start = READER.index("const number = ")
    source = (
        READER[READER.index("const BLOCKS") : READER.index("const log")] + READER[start : READER.index("const follow")]
    )
    script = f"{source}\nconsole.log(JSON.stringify({json.dumps(strips)}.map(([n, pixels]) => number(pixels) === n)))"
    (tmp_path / "read.js").write_text(script)
    done = subprocess.run(["node", str(tmp_path / "read.js")], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [True] * 5
