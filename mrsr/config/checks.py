"""What every check of a config is made of: a field by its path, and the types that the schema annotates."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from typing import Any

from mrsr.errors import UserError


def require(config: object, path: str, holds: Callable[[Any], bool], accepted: str) -> None:
    """Refuses the field at a path whose value does not hold, saying what is accepted."""
    value: Any = config
    for name in path.split("."):
        value = getattr(value, name)
    if not holds(value):
        raise UserError(f"{path}={value!r}: expected {accepted}")


def is_range(low: float, high: float, value: tuple[float, ...]) -> bool:
    """Whether a value is a lowest and a highest, in order and within bounds."""
    return len(value) == 2 and low <= value[0] <= value[1] <= high


def check_types(value: Any, path: str) -> None:
    """Refuses a field whose value is not of its annotated type (an int is taken for a float)."""
    for name, hint in typing.get_type_hints(type(value)).items():
        item, here = getattr(value, name), f"{path}{name}"
        if typing.get_origin(hint) is tuple:
            inner = typing.get_args(hint)[0]
            if not isinstance(item, tuple) or not all(_is(part, inner) for part in item):
                raise UserError(f"{here}={item!r}: expected a tuple of {inner.__name__}")
            for index, part in enumerate(item):
                if dataclasses.is_dataclass(part):
                    check_types(part, f"{here}[{index}].")
        elif not _is(item, hint):
            raise UserError(f"{here}={item!r}: expected {hint.__name__}, got {type(item).__name__}")
        elif dataclasses.is_dataclass(item):
            check_types(item, f"{here}.")


def _is(value: Any, kind: type) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, (int, float) if kind is float else kind)
