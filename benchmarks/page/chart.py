"""The picture of a benchmark: what a method gains over bicubic against the time it takes, clean and behind a codec."""

from __future__ import annotations

from pathlib import Path

from benchmarks.page.measure import Record, milliseconds, rows_of
from mrsr.evaluation.table import gain, means
from mrsr.files import replaced

ROUTE, DEGRADATIONS = "180:720", ("bicubic", "h264:28")
_TITLES = {"bicubic": "clean input"}
_MARKS = ("o", "s", "^", "D", "v")


def chart(record: Record, path: Path) -> bool:
    """Draws route 180:720 as PNG, a panel for each of `DEGRADATIONS`; whether there was anything to draw."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    shown = [one for one in DEGRADATIONS if one in record["degradations"]]
    timed = [row for row in milliseconds(record, ROUTE) if row[0] != "bicubic"]
    if not (shown and timed):
        return False
    gains = {
        (method["name"], row["degradation"]): gain(row, "psnr_y")
        for method in record["methods"]
        for row in means(rows_of(record, method["name"]))
        if row["route"] == ROUTE
    }
    runtimes = list(dict.fromkeys(runtime for _, runtime, _ in timed))
    ours = {method["name"] for method in record["methods"] if method["ours"]}
    figure = Figure(figsize=(4.6 * len(shown), 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, degradation in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        for index, (name, runtime, ms) in enumerate(sorted(timed, key=lambda row: row[2])):
            gained = gains.get((name, degradation))
            if gained is None:
                continue
            colour = "C1" if name in ours else "C0"
            axes.plot(ms, gained, _MARKS[runtimes.index(runtime) % len(_MARKS)], color=colour, markersize=8)
            beside = f"{name}, {runtime}" if name in ours else name
            # By turns above and below, so that labels of neighbours do not meet.
            away, side = ((0, 8), "bottom") if index % 2 else ((0, -8), "top")
            axes.annotate(beside, (ms, gained), away, textcoords="offset points", ha="center", va=side, fontsize=8.5)
        axes.axhline(0, color="grey", linewidth=0.9, linestyle="dashed")
        axes.text(0.01, 0, "bicubic", fontsize=8, color="grey", va="bottom", transform=axes.get_yaxis_transform())
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.25, y=0.18)
        axes.grid(alpha=0.25)
        axes.set_title(_TITLES.get(degradation, f"behind {degradation}"), fontsize=10)
        axes.set_xlabel("milliseconds a frame, median")
        axes.set_ylabel("gain over bicubic, dB of PSNR on luma")
    figure.suptitle(f"180p to 720p, {record['device']}", fontsize=9)
    with replaced(path) as part:
        figure.savefig(part, dpi=130, format="png")
    return True
