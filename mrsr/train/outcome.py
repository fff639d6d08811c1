"""How a run ended, and that in its folder: `outcome.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from mrsr.files import replaced

FILE = "outcome.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: its reason, the steps done, and the exit status (75 where it is to be started again)."""

    reason: str
    step: int
    status: int


def keep_outcome(outcome: Outcome, figures: Mapping[str, float], workdir: Path) -> None:
    """Writes how the run ended, with the figures of its time."""
    with replaced(workdir / FILE) as beside:
        beside.write_text(json.dumps(asdict(outcome) | dict(figures), indent=2) + "\n", encoding="utf-8")


def forget_outcome(workdir: Path) -> None:
    """Removes the outcome of an earlier process: this one goes on."""
    (workdir / FILE).unlink(missing_ok=True)
