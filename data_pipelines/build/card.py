"""The data set's card: what was found, measured, kept and rejected, for machines and for people."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.build.inputs import Rejected
from data_pipelines.build.licences import NOT_STATED
from data_pipelines.build.splits import SPLITS
from data_pipelines.build.survey import Survey
from mrsr.config import DatasetConfig


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """A source that was read: its survey, where its clips lie, its licence ("" where none is stated) and its split."""

    name: str
    survey: Survey
    file: Path
    licence: str
    split: str


def make_card(
    sources: Sequence[Prepared], others: Sequence[Rejected], config: DatasetConfig, command: str
) -> dict[str, Any]:
    """The card without its `splits`, which `write_dataset` adds: plain values for JSON, no times, no places."""
    kept = [one for one in sources if one.survey.kept]
    rejected = [_rejected(one) for one in sources if not one.survey.kept]
    rejected += [{"source": one.name, "reason": one.reason, "detail": one.detail} for one in others]
    left_out = Counter(clip.reason for one in kept for clip in one.survey.candidates if clip.reason)
    clips = {split: sum(len(one.survey.kept) for one in kept if one.split == split) for split in SPLITS}
    reasons = Counter(one["reason"] for one in rejected)
    return {
        "name": "mrsr_video",
        "command": command,
        "counts": {
            "files": len(sources) + len(others),
            "sources": len(kept),
            "clips": sum(clips.values()),
            "frames": sum(clips.values()) * config.frames,
            **clips,
            "rejected": dict(sorted(reasons.items())),
            "clips_left_out": dict(sorted(left_out.items())),
            "damaged": sum(bool(one.survey.detail) for one in kept),
            NOT_STATED: sum(not one.licence for one in kept),
        },
        "config": dataclasses.asdict(config),
        "sources": [_kept(one) for one in kept],
        "rejected": sorted(rejected, key=lambda one: str(one["source"])),
    }


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    """How the clips' figures are spread: the least, the quartiles, the most; nothing of no clips."""
    shares = {"least": 0.0, "quarter": 0.25, "median": 0.5, "three_quarters": 0.75, "most": 1.0}
    return {name: round(float(np.quantile(values, share)), 3) for name, share in shares.items()} if values else {}


def _measured(found: Survey) -> dict[str, Any]:
    clips = found.candidates
    return {
        "size": [found.width, found.height],
        "fps": round(found.fps, 3),
        "frames": found.frames,
        "scenes": found.scenes,
        "sharpness": found.sharpness,
        "motion": _quantiles([one.motion for one in clips]),
        "detail": _quantiles([one.detail for one in clips]),
    }


def _kept(one: Prepared) -> dict[str, Any]:
    height, width = one.survey.stored_size()
    return {
        "source": one.name,
        "split": one.split,
        "licence": one.licence or NOT_STATED,
        "clips": len(one.survey.kept),
        "clips_left_out": dict(Counter(clip.reason for clip in one.survey.candidates if clip.reason)),
        "reduction": one.survey.reduction,
        "stored": [width, height],
        "note": one.survey.detail,
        "measured": _measured(one.survey),
    }


def _rejected(one: Prepared) -> dict[str, Any]:
    told = {"source": one.name, "reason": one.survey.reason, "detail": one.survey.detail}
    return told | ({"measured": _measured(one.survey)} if one.survey.frames else {})


def card_text(card: Mapping[str, Any]) -> str:
    """README.md of a data set of clips."""
    counts, config = card["counts"], card["config"]
    lines = [
        f"# {card['name']}",
        "",
        f"{counts['clips']} clips of {config['frames']} frames from {counts['sources']} of {counts['files']} files. "
        f"Frames are JPEG of quality {config['quality']}, chroma at full resolution. For machines: card.json.",
        "",
        f"    {card['command']}",
        "",
        "| split | clips | shards | bytes |",
        "|---|---|---|---|",
    ]
    for name, split in card["splits"].items():
        lines.append(f"| {name} | {split['clips']} | {len(split['shards'])} | {split['bytes']} |")
    lines += [
        "",
        "Read it with `tfds.builder_from_directory`, or train on it with the source `clips:FOLDER`.",
        "",
        "## Sources",
        "",
        f"Sharpness is measured at the reduction taken; {config['sharpness']} was asked for.",
        "",
        "| source | split | clips | in the file | reduced by | stored | sharpness | fps | note | licence |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in card["sources"]:
        found = one["measured"]
        sharp = found["sharpness"][list(config["reductions"]).index(one["reduction"])]
        left_out = ", ".join(f"{count} {reason} left out" for reason, count in one["clips_left_out"].items())
        cells = [
            one["source"],
            one["split"],
            one["clips"],
            "x".join(map(str, found["size"])),
            format(one["reduction"], "g"),
            "x".join(map(str, one["stored"])),
            sharp,
            found["fps"],
            "; ".join(filter(None, [left_out, one["note"]])),
            one["licence"],
        ]
        lines.append(table_row(cells))
    lines += ["", "## Rejected", "", "| file | reason | |", "|---|---|---|"]
    lines += [table_row([one["source"], one["reason"], one["detail"]]) for one in card["rejected"]]
    lines += ["", "## Settings", "", "| field | value |", "|---|---|"]
    lines += [table_row([name, value]) for name, value in config.items()]
    return "\n".join(lines) + "\n"


def table_row(cells: Sequence[Any]) -> str:
    """A row of a Markdown table, each cell on one line."""
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"
