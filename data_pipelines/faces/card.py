"""The card of a data set of faces: how many were kept, how many not and why, and where they come from."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

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


def make_card(looked: Sequence[Looked], config: FacesConfig, models: Mapping[str, str], command: str) -> dict[str, Any]:
    """The card without its `splits`, which `write_dataset` adds: plain values for JSON, no times, no places."""
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
        },
        "config": dataclasses.asdict(config),
        "models": dict(models),
        "sources": [_source(name, looked) for name in sorted({clip.source for clip in looked})],
    }


def _reasons(looked: Sequence[Looked]) -> dict[str, int]:
    counts = Counter(face.reason for clip in looked for face in clip.findings.discarded)
    return {reason: counts[reason] for reason in REASONS}


def _source(name: str, looked: Sequence[Looked]) -> dict[str, Any]:
    clips = [clip for clip in looked if clip.source == name]
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
        "Found by " + ", then by ".join(f"{name} (SHA-256 {digest})" for name, digest in card["models"].items()) + ".",
        "",
        "| source | split | clips | faces | discarded | licence |",
        "|---|---|---|---|---|---|",
    ]
    for one in card["sources"]:
        reasons = ", ".join(f"{count} {reason}" for reason, count in one["discarded"].items())
        cells = (one["source"], one["split"], one["clips"], one["faces"], reasons, one["licence"] or "not stated")
        lines.append("| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |")
    lines += ["", "| field | value |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in card["config"].items()]
    return "\n".join(lines) + "\n"
