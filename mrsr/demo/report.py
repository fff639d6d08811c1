"""The page of the demo: what was trained, what it gained over bicubic, how it looks, how to go on; one file alone."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from mrsr.config import ExperimentConfig, config_hash, to_json
from mrsr.evaluation.table import gain, means
from mrsr.inference.files import Summary
from mrsr.shipped import DEFAULT

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1210px; margin: 2rem auto; padding: 0 1rem; color: #1c1e21; }
img, video { max-width: 100%; height: auto; }
table { border-collapse: collapse; }
th, td { padding: .25rem .8rem; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
.up { color: #08702b; font-weight: 600; } .down { color: #b3261e; font-weight: 600; }
pre { background: #f3f4f6; padding: .8rem; overflow-x: auto; }
.note { color: #555; }
"""


@dataclass(frozen=True, slots=True)
class Pictures:
    """The files the page shows, which are put into it whole; `shipped` where a model ships."""

    comparison: Path
    loss: Path
    side_by_side: Path
    shipped: Path | None = None


def html_report(
    config: ExperimentConfig,
    report: dict[str, Any],
    steps: int,
    minutes: float,
    summary: Summary,
    pictures: Pictures,
    commands: list[tuple[str, str]],
) -> str:
    """The page as HTML text that needs no other file.

    Args:
      config: of the run.
      report: of `mrsr.demo.measure`.
      steps: the run has done.
      minutes: it took.
      summary: of the video that was enlarged.
      pictures: what to show.
      commands: what to do next and the command for it.
    """
    clips = list(dict.fromkeys(row["clip"] for row in report["routes"]))
    rows = "\n".join(_row(row) for row in means(report["routes"]))
    ships = ""
    if pictures.shipped is not None:
        ships = f"""
<h2>The model that ships</h2>
<p><img src="{_data(pictures.shipped, "image/png")}" alt="input, bicubic, the model that ships and truth of a face"></p>
<p class="note">What <code>mrsr upscale</code> runs by itself; <code>mrsr models {DEFAULT}</code> shows its card. What
follows was trained here, in minutes, from nothing.</p>
"""
    next_steps = "\n".join(f"<p>{escape(what)}</p>\n<pre>{escape(command)}</pre>" for what, command in commands)
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>mrsr demo</title><style>{_STYLE}</style></head>
<body>
<h1>mrsr demo</h1>
<p>Model <b>{escape(config.model.name)}</b>, {report["model"]["parameters"]:,} parameters,
{len(config.route_set())} routes in one network, trained from scratch for {steps:,} steps of
{config.train.batch_size} clips in {minutes:.1f} minutes on the photographs that come with scikit-image, set in motion.
Config
<code>{escape(config.name)}</code>,
hash <code>{config_hash(config)}</code>.</p>
{ships}
<h2>Against bicubic</h2>
<p>Two photographs held out of training, set in motion as well: means over {escape(", ".join(clips))},
{config.train.evaluate_frames} frames each. PSNR and SSIM on BT.601 luma of 8-bit frames, a border of 8 px left out.</p>
<table>
<tr><th>route</th><th>input</th><th>PSNR bicubic, dB</th><th>ours</th><th>gain</th>
<th>SSIM bicubic</th><th>ours</th><th>gain</th></tr>
{rows}
</table>
<p class="note">Input <i>bicubic</i>: reduced, nothing else; <i>jpeg:Q</i>: reduced, then JPEG of quality Q. On 360:360,
which restores and does not enlarge, the degraded input stands in the place of bicubic. A network trained for minutes on
a few photographs shows that everything works, not how good it can get.</p>

<h2>A face no training has seen</h2>
<p><img src="{_data(pictures.comparison, "image/png")}" alt="input, bicubic, ours and truth of a face"></p>
<p class="note">PSNR is that of the whole frame. Input and truth are pieces of frames of the rungs named.</p>

<h2>As a video</h2>
<p><video src="{_data(pictures.side_by_side, "video/mp4")}" controls loop muted autoplay playsinline></video></p>
<p class="note">Left bicubic, right ours: {summary.frames_out} frames read from an H.264 file, enlarged to
{summary.width}x{summary.height} px over route {summary.route} and written again, twice, at {summary.fps:.1f} frames/s
on this machine, compilation included.</p>

<h2>Training</h2>
<p><img src="{_data(pictures.loss, "image/png")}" alt="loss of every route over the steps"></p>

<h2>From here</h2>
{next_steps}

<details><summary>The whole config</summary><pre>{escape(to_json(config))}</pre></details>
</body>
</html>
"""


def _row(row: dict[str, Any]) -> str:
    cells = [escape(row["route"]), escape(row["degradation"])]
    for figure, digits in (("psnr_y", 2), ("ssim_y", 4)):
        above = gain(row, figure)
        cells += [_number(row["bicubic"][figure], digits), _number(row[figure], digits), _signed(above, digits)]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _number(value: float | None, digits: int) -> str:
    return "&ndash;" if value is None else f"{value:.{digits}f}"


def _signed(value: float | None, digits: int) -> str:
    """A gain in colour; one that rounds to nothing is neither gain nor loss."""
    if value is None:
        return "&ndash;"
    rounded = round(value, digits) + 0.0
    colour = "up" if rounded > 0 else "down" if rounded < 0 else "even"
    return f'<span class="{colour}">{rounded:+.{digits}f}</span>'


def _data(path: Path, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(path.read_bytes()).decode()}"
