"""Changes of a config by dotted fields, `{"model.stages[0].hidden": 0}`: a new config, the old one as it was."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from mrsr.errors import UserError

Config = TypeVar("Config")

_PART = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)((?:\[\d+\])*)")


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """A dataclass with some fields changed, those of dataclasses and tuples in it too.

    Args:
      config: stays as it is.
      changes: values by dotted field, an item of a tuple in brackets: `"optimizer.learning_rate"`,
        `"model.stages[0].hidden"`.

    Raises:
      UserError: a field or an item is not there; the message names it and what is.
    """
    for path, value in changes.items():
        config = _with(config, _words(path), value, path)
    return config


def _words(path: str) -> list[str | int]:
    words: list[str | int] = []
    for part in path.split("."):
        match = _PART.fullmatch(part)
        if match is None:
            raise UserError(f"{path}: no field of a config; expected such as optimizer.learning_rate")
        words += [match[1], *(int(index) for index in re.findall(r"\d+", match[2]))]
    return words


def _with(holder: Any, words: list[str | int], value: Any, path: str) -> Any:
    if not words:
        return value
    first, *rest = words
    if isinstance(first, int):
        if not isinstance(holder, tuple) or first >= len(holder):
            there = f"items 0 to {len(holder) - 1}" if isinstance(holder, tuple) and holder else "no items"
            raise UserError(f"{path}: no item {first}; there are {there}")
        return (*holder[:first], _with(holder[first], rest, value, path), *holder[first + 1 :])
    names = [field.name for field in dataclasses.fields(holder)] if dataclasses.is_dataclass(holder) else []
    if first not in names:
        raise UserError(f"{path}: no field {first}; there are {', '.join(names) or 'none'}")
    return dataclasses.replace(holder, **{first: _with(getattr(holder, first), rest, value, path)})
