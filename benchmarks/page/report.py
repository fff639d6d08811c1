"""The page a benchmark is put into, between two marks: what is measured here, and beside it what others published."""

from __future__ import annotations

from pathlib import Path

from benchmarks.page.measure import Record
from benchmarks.page.published import TABLES
from benchmarks.page.tables import between_outputs, by_clip, by_route, from_frame_to_frame, in_time
from mrsr.errors import UserError
from mrsr.files import replaced

BEGIN, END = "<!-- benchmark: begin -->", "<!-- benchmark: end -->"
"""The lines of the page between which everything is written anew."""


def section(record: Record, chart: str | None) -> str:
    """What stands between the marks.

    Args:
      record: of `benchmarks.page.measure`.
      chart: the link to the picture, as the page is to name it; None for none.
    """
    models = [
        f"`{one['name']}` has {one['parameters']:,} parameters (config {one['config_hash']})"
        for one in record["methods"]
        if one["ours"]
    ]
    clips = ", ".join(f"{one['name']} ({one['width']}x{one['height']})" for one in record["clips"])
    timed = record["times"][0]["frames"] if record["times"] else None
    tables = (
        ("Gain over bicubic in dB and SSIM, means over clips; of bicubic itself PSNR and SSIM:", by_route(record)),
        ("By clip, gain over bicubic in dB:", by_clip(record)),
        (
            "From frame to frame: flicker in levels and warping error in 1e-5, better near the truth's; tOF in px, "
            "better when lower ([metrics](metrics.md)):",
            from_frame_to_frame(record),
        ),
        (
            "Consistency between outputs of one input, an output reduced against the next smaller one, in dB:",
            between_outputs(record),
        ),
        (
            f"Milliseconds a frame, medians of {timed}, one frame of each in turn. Bicubic is the baseline in NumPy, "
            f"written to be exact and not to be fast.{_of_exports(record)}",
            in_time(record) if timed else None,
        ),
    )
    parts = [
        "### Ours against what a user would pick instead",
        f"PSNR and SSIM on luma, the first {record['frames']} frames of each clip: {clips}. {'; '.join(models)}. "
        f"On {record['device']}, commit {record['commit']}. Of the inputs, `bicubic` is clean, reduced by bicubic "
        "interpolation; the others go through a codec behind that: [how it is measured](benchmarks.md).",
        f"```sh\n{record['command']}\n```",
        *([f"![Gain against time, 180p to 720p]({chart})"] if chart else []),
        *(text for words, table in tables if table for text in (words, table)),
        TABLES,
    ]
    return "\n\n".join(parts)


def _of_exports(record: Record) -> str:
    """What is to be said of models timed in a second runtime, where there are any."""
    runtimes = {(row["method"], row["runtime"]) for one in record["times"] for row in one["rows"]}
    measured = {(one["name"], one["runtime"]) for one in record["methods"]}
    several = {name for name, _ in runtimes - measured} & {one["name"] for one in record["methods"]}
    if not several:
        return ""
    return " The figures above are of the first runtime of a model; what [8 bits](export.md#8-bits) cost stands there."


def rewritten(text: str, between: str) -> str:
    """A page with what stands between its marks replaced.

    Raises:
      UserError: the marks are not there, once each and in order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in rest or END in before or END in after:
        raise UserError(f"expected one {BEGIN} and one {END} behind it")
    return f"{before}{BEGIN}\n\n{between}\n\n{END}{after}"


def rewrite(page: Path, between: str) -> None:
    """Writes a page anew, whole or not at all.

    Raises:
      UserError: as `rewritten`, naming the page.
    """
    try:
        text = rewritten(page.read_text(encoding="utf-8"), between)
    except UserError as error:
        raise UserError(f"{page}: {error}") from None
    with replaced(page) as beside:
        beside.write_text(text, encoding="utf-8")
