"""Tables and means of a report."""

import io

import pytest
from rich.console import Console

from mrsr.evaluation.table import clip_table, gain, mean_table, means, more_tables


def row(route, clip, ours, bicubic, degradation="bicubic", frames=3, **more):
    figures = {"psnr_y": ours, "ssim_y": 0.9, "bicubic": {"psnr_y": bicubic, "ssim_y": 0.8}}
    return {"route": route, "clip": clip, "degradation": degradation, "frames": frames, **figures, **more}


ROWS = [
    row("180:720", "a.mp4", 31.0, 30.0, cutout=[768, 432]),
    row("180:720", "a.mp4", 28.0, 27.5, "h264:28"),
    row("360:360", "a.mp4", 40.0, None),
    row("180:720", "b.mp4", 33.0, 30.5, frames=5),
]
REPORT = {"model": {"name": "tiny", "config_hash": "0123456789ab", "parameters": 123456}, "routes": ROWS}


def text_of(table):
    console = Console(file=io.StringIO(), width=160)
    console.print(table)
    return console.file.getvalue()


def test_gain_is_ours_less_bicubic_and_none_where_one_has_no_meaning():
    assert gain(ROWS[1], "psnr_y") == pytest.approx(0.5)
    assert gain(ROWS[2], "psnr_y") is None
    assert gain(ROWS[2], "ssim_y") == pytest.approx(0.1)


def test_means_are_over_clips_for_each_route_and_degradation():
    first, second, third = means(ROWS)
    assert (first["route"], first["degradation"], first["clips"], first["frames"]) == ("180:720", "bicubic", 2, 8)
    assert (first["psnr_y"], first["bicubic"]["psnr_y"]) == (32.0, 30.25)
    assert (second["degradation"], second["clips"]) == ("h264:28", 1)
    assert third["bicubic"]["psnr_y"] is None


def test_the_tables_name_the_model_and_every_figure():
    every, averaged = text_of(clip_table(REPORT)), text_of(mean_table(REPORT))
    for part in ("tiny (123,456 parameters, config 0123456789ab)", "a.mp4 768x432", "31.00", "+1.00", "+0.1000", "-"):
        assert part in every
    for part in ("32.00", "30.25", "+1.75", "h264:28"):
        assert part in averaged


def test_a_gain_that_rounds_to_nothing_shows_no_sign_of_a_loss():
    assert "-0.00" not in text_of(clip_table(REPORT | {"routes": [row("180:720", "a.mp4", 30.0 - 1e-6, 30.0)]}))


def test_the_other_figures_are_shown_where_they_were_measured():
    assert more_tables(REPORT) == []
    steady = row("180:720", "a.mp4", 30.0, 29.0, flicker=1.25, warping_error=3.4e-4, tof=None)
    steady["bicubic"]["flicker"], steady["truth"] = 0.75, {"flicker": 0.5, "warping_error": 2e-5}
    (table,) = more_tables(REPORT | {"routes": [steady]})
    text = text_of(table)
    for part in ("180:720", "1.25", "0.75", "0.50", "34.0", "2.0"):
        assert part in text
    for part in ("tOF", "consistency", "LPIPS"):
        assert part not in text
