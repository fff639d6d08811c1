"""Which saved step is taken: the newest that is whole, and never one that is damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from mrsr.checkpoint.checksums import SUMS, DamagedError, check, is_sealed
from mrsr.errors import UserError

T = TypeVar("T")

Decided = Callable[[Callable[[], Any]], Any]
"""Calls what decides, on one of several processes, and gives what it gave on all of them, in JSON's types."""


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What was taken: its step, what was loaded of it, and the newer steps that were passed over."""

    step: int
    value: T
    passed: tuple[int, ...]


def newest_good(
    folder: Path,
    steps: Iterable[int],
    load: Callable[[int], T],
    say: Callable[[str], None],
    decided: Decided = lambda decide: decide(),
) -> Found[T]:
    """Loads the newest of the saved steps that is whole; tells of every newer one that is not.

    A step without checksums lost them, or its save was killed before its end: it is passed over. Where no step has
    any, an older version saved them, or the first save was killed: then the newest that can be loaded is taken, with a
    word of warning, for there is nothing better.

    Args:
      folder: where the steps are, each in a folder of its number.
      steps: those saved, one at least.
      load: loads one, or raises DamagedError.
      say: takes a line for the user.
      decided: of several processes, has one check and choose; the others load what it chose.

    Raises:
      UserError: no step is good, each named; or one that is whole is of another model, or damaged for this process
        alone.
    """
    newest_first = decided(lambda: sorted(steps, reverse=True))
    checked = decided(lambda: any(is_sealed(folder / str(step)) for step in newest_first))
    bad: dict[int, str] = {}
    for step in newest_first:
        path = folder / str(step)
        damage = decided(partial(_damage, path)) if checked else None
        if damage is None:
            value, here = _loaded(load, step)
            damage = decided(partial(_same, here))
            if damage is None and here is not None:
                raise UserError(f"{here}, which it is not on process 0: expected one folder for all")
        if damage is not None:
            bad[step] = damage
            continue
        if not checked:
            say(
                f"{path}: taken without a check: it has no {SUMS} (saved by an older version, or killed before its end)"
            )
        for reason in bad.values():
            say(f"{reason}: taking step {step} instead")
        return Found(step, value, tuple(bad))
    raise UserError(f"{'; '.join(bad.values())}; expected one checkpoint that is whole")


def _damage(path: Path) -> str | None:
    """What is wrong with the files of a step, or None."""
    try:
        check(path)
    except DamagedError as error:
        return str(error)
    return None


def _loaded(load: Callable[[int], T], step: int) -> tuple[T, None] | tuple[Any, str]:
    """What was loaded, or what was wrong with it."""
    try:
        return load(step), None
    except DamagedError as error:
        return None, str(error)


def _same(value: T) -> T:
    return value
