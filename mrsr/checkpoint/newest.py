"""Which saved step is taken: the newest that is whole, and never one that is damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from mrsr.checkpoint.checksums import SUMS, DamagedError, check, is_sealed
from mrsr.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What was taken: its step, what was loaded of it, and the newer steps that were passed over."""

    step: int
    value: T
    passed: tuple[int, ...]


def newest_good(folder: Path, steps: Iterable[int], load: Callable[[int], T], say: Callable[[str], None]) -> Found[T]:
    """Loads the newest of the saved steps that is whole; tells of every newer one that is not.

    A step without checksums lost them, or its save was killed before its end: it is passed over. Where no step has
    any, an older version saved them, or the first save was killed: then the newest that can be loaded is taken, with a
    word of warning, for there is nothing better.

    Args:
      folder: where the steps are, each in a folder of its number.
      steps: those saved, one at least.
      load: loads one, or raises DamagedError.
      say: takes a line for the user.

    Raises:
      UserError: no step is good, each named; or one that is whole is of another model.
    """
    newest_first = sorted(steps, reverse=True)
    checked = any(is_sealed(folder / str(step)) for step in newest_first)
    bad: dict[int, str] = {}
    for step in newest_first:
        path = folder / str(step)
        try:
            if checked:
                check(path)
            value = load(step)
        except DamagedError as error:
            bad[step] = str(error)
            continue
        if not checked:
            say(
                f"{path}: taken without a check: it has no {SUMS} (saved by an older version, or killed before its end)"
            )
        for reason in bad.values():
            say(f"{reason}: taking step {step} instead")
        return Found(step, value, tuple(bad))
    raise UserError(f"{'; '.join(bad.values())}; expected one checkpoint that is whole")
