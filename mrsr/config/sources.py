"""The sources of clips as a config names them: `sample`, `clips:FOLDER=0.7,photos:FOLDER=0.3`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mrsr.errors import UserError

KINDS = ("sample", "photos", "clips", "tfds")
_EXPECTED = "expected sample, sample:faces, photos:FOLDER, clips:FOLDER or tfds:NAME, each with =WEIGHT or without"


@dataclass(frozen=True, slots=True)
class Source:
    """One source: its kind (`sample`, `photos`, `clips`, `tfds`), its folder or name, and its weight, above 0."""

    kind: str
    where: str
    weight: float

    def __str__(self) -> str:
        return f"{self.kind}:{self.where}" if self.where else self.kind


def parse_sources(text: str, field: str = "data.sources") -> tuple[Source, ...]:
    """The sources that a field of a config names, in order; weights are 1 where none is given.

    Raises:
      UserError: there is none, or one is not of the form `KIND[:WHERE][=WEIGHT]`.
    """
    sources = tuple(_parse(part.strip(), f"{field}={text!r}") for part in text.split(",") if part.strip())
    if not sources:
        raise UserError(f"{field}={text!r}: {_EXPECTED}")
    return sources


def _parse(part: str, where_from: str) -> Source:
    name, equals, tail = part.rpartition("=")
    if not equals:
        name, tail = part, "1"
    kind, _, where = name.partition(":")
    try:
        weight = float(tail)
    except ValueError:
        raise UserError(f"{where_from}: weight {tail!r} is no number; {_EXPECTED}") from None
    if kind not in KINDS or (where not in ("", "faces") if kind == "sample" else not where):
        raise UserError(f"{where_from}: {part!r}; {_EXPECTED}")
    if not 0 < weight < math.inf:
        raise UserError(f"{where_from}: weight {tail}: expected above 0")
    return Source(kind, where, weight)
