"""What becomes of the state while a model is measured: zero at every frame, handed over or reset at an input change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mrsr.cli.main import main
from mrsr.errors import UserError
from mrsr.evaluation.clips import clip_from_array
from mrsr.evaluation.degradation import Degradation
from mrsr.evaluation.evaluate import evaluate
from mrsr.evaluation.memory import Memory, route_before
from mrsr.inference.runtime import BicubicRuntime
from mrsr.ladder import Ladder, Route

LADDER = Ladder((36, 72, 144))
ROUTES = LADDER.routes("36:144,72:144")
FRAMES = 6
FLAT = np.full((FRAMES, 144, 160, 3), 100, np.uint8)


class Counting(BicubicRuntime):
    """Adds to every frame as many levels as there were frames before it, whatever rung they entered at."""

    def __init__(self) -> None:
        super().__init__(LADDER, ROUTES)
        self.entered: list[tuple[int, ...]] = []

    def init_state(self, *stream: Any) -> int:  # noqa: ARG002
        return 0

    def step(self, routes: Any, frames: np.ndarray, state: Any) -> Any:
        self.entered.append((routes.inputs[0], *frames.shape[1:3]))
        outputs, _ = super().step(routes, frames, {})
        return {route: output + np.uint8(state) for route, output in outputs.items()}, state + 1


def expected(*levels: int) -> list[float]:
    """PSNR of a frame that is so many levels off everywhere, in luma: BT.601's 219 of 255."""
    return [float(10 * np.log10(255**2 / (round(level * 219 / 255, 9)) ** 2)) for level in levels]


def rows_of(state: str) -> tuple[list[dict[str, Any]], Counting]:
    runtime = Counting()
    clip = clip_from_array("flat", FLAT, 25)
    report = evaluate(runtime, [clip], [Degradation()], [Route(72, 144)], memory=Memory.parse(state))
    return report["routes"], runtime


@pytest.mark.parametrize("state", ["kept@2", "handed_over@2"])
def test_frames_before_the_change_are_felt_and_not_counted(state: str) -> None:
    (row,), _ = rows_of(state)
    assert (row["frames"], row["state"]) == (4, state)
    np.testing.assert_allclose(row["psnr_y_by_frame"], expected(2, 3, 4, 5), atol=0.6)


def test_by_default_every_frame_counts_and_the_row_is_as_ever() -> None:
    (row,), _ = rows_of("kept")
    assert row["frames"] == FRAMES
    assert not {"state", "psnr_y_by_frame"} & set(row)


def test_reset_starts_from_zero_at_the_change() -> None:
    (row,), _ = rows_of("reset@2")
    assert row["psnr_y_by_frame"][0] is None
    np.testing.assert_allclose(row["psnr_y_by_frame"][1:], expected(1, 2, 3), atol=1.2)


def test_none_is_zero_at_every_frame() -> None:
    (row,), _ = rows_of("none@2")
    assert row["psnr_y_by_frame"] == [None] * 4


def test_before_the_change_frames_enter_at_the_other_rung() -> None:
    _, runtime = rows_of("handed_over@2")
    assert runtime.entered == [(36, 36, 40)] * 2 + [(72, 72, 80)] * 4


def test_the_rung_before_is_the_nearest_with_a_route_into_the_output() -> None:
    routes = LADDER.routes("all_seven")
    assert route_before(LADDER, routes, Route(36, 144)) == Route(72, 144)
    assert route_before(LADDER, routes, Route(36, 72)) == Route(72, 72)
    with pytest.raises(UserError, match="no other route into 144p"):
        route_before(LADDER, LADDER.routes("36:144,36:72"), Route(36, 144))


@pytest.mark.parametrize("text", ["gone", "reset", "handed_over@0", "kept@", "reset@-1", "none@x"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="expected kept, none"):
        Memory.parse(text)


def test_a_change_behind_the_last_frame_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--model", "bicubic", "--state", "reset@8", "--frames", "8"]) == 2
    assert capsys.readouterr().err == "mrsr: --frames 8: expected more than 8, with --state reset@8\n"


def test_stills_are_the_last_frame_of_every_route(tmp_path, capsys) -> None:
    status = main(
        ["evaluate", "--model", "bicubic", "--routes", "180:720", "--frames", "1", "--degradation", "jpeg:60",
         "--no-temporal", "--stills", str(tmp_path / "stills")]
    )  # fmt: skip
    assert status == 0
    assert sorted(path.name for path in (tmp_path / "stills").iterdir()) == [
        f"180_720-jpeg_60-{what}.png" for what in ("bicubic", "input", "ours", "truth")
    ]
