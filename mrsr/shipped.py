"""The models that ship in the package: where each lies, and what its card says of it.

`mrsr/weights/NAME/` is a run folder of parameters alone (`config.json`, `weights.msgpack`), with the model's card
beside them: `card.json` for programs, `CARD.md` for people. `benchmarks/ship.py` makes it out of a training run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mrsr.errors import UserError

FOLDER = Path(__file__).parent / "weights"
CARD, CARD_TEXT = "card.json", "CARD.md"
DEFAULT = "tiny"
"""What runs where no model is named."""


def shipped() -> tuple[str, ...]:
    """Names of the models that ship, the smallest first."""
    return tuple(sorted((path.parent.name for path in FOLDER.glob(f"*/{CARD}")), key=lambda name: _size(folder(name))))


def folder(name: str) -> Path:
    """The folder of a model that ships, whether there is one or not; a run folder to all who read models."""
    return FOLDER / name


def card(name: str) -> dict[str, Any]:
    """What is known of a model that ships: `docs/models.md` lists the fields.

    Raises:
      UserError: no such model ships.
    """
    if name not in shipped():
        raise UserError(f"model {name}: does not ship; expected one of {', '.join(shipped()) or 'none: none ships'}")
    record: dict[str, Any] = json.loads((folder(name) / CARD).read_text(encoding="utf-8"))
    return record


def card_text(name: str) -> str:
    """The card for people, in Markdown.

    Raises:
      UserError: no such model ships.
    """
    card(name)
    return (folder(name) / CARD_TEXT).read_text(encoding="utf-8")


def _size(model: Path) -> int:
    return sum(path.stat().st_size for path in model.iterdir())
