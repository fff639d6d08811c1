"""The card of a data set of faces: how many were kept, how many not and why, and where they come from."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data_pipelines.build.card import table_row
from data_pipelines.faces.find import REASONS, Findings
from mrsr.config import FacesConfig


@dataclasses.dataclass(frozen=True, slots=True)
class Looked:
    """A clip that was looked at: where it lies (its store's and its own number) and what was found.

    Attributes:
      store: number of the store it is in.
      index: its number there.
      split: `train` or `validation`.
      source: its source's name.
      start: number of its first frame there.
      licence: of its source.
      length: its frames.
      findings: its faces.
    """

    store: int
    index: int
    split: str
    source: str
    start: int
    licence: str
    length: int
    findings: Findings


def make_card(
    looked: Sequence[Looked],
    rejected: Sequence[Mapping[str, Any]],
    config: FacesConfig,
    models: Mapping[str, Mapping[str, str]],
    command: str,
) -> dict[str, Any]:
    """The card without its `splits`, which `write_dataset` adds: plain values for JSON, no times, no places.

    Args:
      looked: every clip that was looked at.
      rejected: the videos that gave none: source, reason and detail.
      config: which faces are kept, and how.
      models: for `detection` and `segmentation` the digests of the model files used, by name.
      command: what it was made with.
    """
    by_source: dict[str, list[Looked]] = {}
    for clip in looked:
        by_source.setdefault(clip.source, []).append(clip)
    kept = Counter(clip.split for clip in looked for _ in clip.findings.kept)
    return {
        "name": "mrsr_faces",
        "command": command,
        "counts": {
            "clips": kept.total(),
            "frames": sum(clip.length * len(clip.findings.kept) for clip in looked),
            "train": kept["train"],
            "validation": kept["validation"],
            "discarded": _reasons(looked),
            "clips_looked_at": len(looked),
            "clips_without_faces": sum(not clip.findings.kept for clip in looked),
            "rejected": dict(sorted(Counter(one["reason"] for one in rejected).items())),
        },
        "config": dataclasses.asdict(config) | {"segmentation": Path(config.segmentation).name},
        "models": {task: dict(used) for task, used in models.items()},
        "sources": [_source(name, by_source[name]) for name in sorted(by_source)],
        "rejected": [{name: one[name] for name in ("source", "reason", "detail")} for one in rejected],
    }


def _reasons(looked: Sequence[Looked]) -> dict[str, int]:
    counts = Counter(face.reason for clip in looked for face in clip.findings.discarded)
    return {reason: counts[reason] for reason in REASONS}


def _source(name: str, clips: Sequence[Looked]) -> dict[str, Any]:
    return {
        "source": name,
        "split": clips[0].split,
        "licence": clips[0].licence,
        "clips": len(clips),
        "faces": sum(len(clip.findings.kept) for clip in clips),
        "discarded": {reason: count for reason, count in _reasons(clips).items() if count},
    }


def card_text(card: Mapping[str, Any]) -> str:
    """README.md of a data set of faces."""
    counts = card["counts"]
    discarded = ", ".join(f"{count} {reason}" for reason, count in counts["discarded"].items())
    lines = [
        f"# {card['name']}",
        "",
        f"{counts['clips']} faces ({counts['train']} train, {counts['validation']} validation) of "
        f"{counts['clips_looked_at']} clips, each in one box over its clip. Discarded: {discarded}. "
        "contact.png shows what was kept and what not; card.json is for machines.",
        "",
        f"    {card['command']}",
        "",
        "Found by " + ", then by ".join(_told(card["models"]["detection"])) + ".",
        *(f"Isolated by {told}." for told in _told(card["models"]["segmentation"])),
        "",
        "| source | split | clips | faces | discarded | licence |",
        "|---|---|---|---|---|---|",
    ]
    for one in card["sources"]:
        reasons = ", ".join(f"{count} {reason}" for reason, count in one["discarded"].items())
        cells = (one["source"], one["split"], one["clips"], one["faces"], reasons, one["licence"] or "not stated")
        lines.append(table_row(cells))
    if card["rejected"]:
        lines += ["", "## Videos rejected", "", "| file | reason | |", "|---|---|---|"]
        lines += [table_row([one["source"], one["reason"], one["detail"]]) for one in card["rejected"]]
    lines += ["", "| field | value |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in card["config"].items()]
    return "\n".join(lines) + "\n"


def _told(models: Mapping[str, str]) -> list[str]:
    return [f"{name} (SHA-256 {digest})" for name, digest in models.items()]
