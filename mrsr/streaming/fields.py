"""Checks of what came in as JSON: a dataclass declares its fields with them, `read` and `written` do the rest."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

from mrsr.streaming.refusals import Code, ProtocolError

Check = Callable[[Any, str], Any]
T = TypeVar("T")

# No message nests deeper than hello.caps.codecs: an object, an object, a list.
MAX_DEPTH = 4
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def field(check: Check, name: str = "", default: Any = dataclasses.MISSING) -> Any:
    """A field of a message: how it is checked, its name in JSON (camelCase of its own by default), its default."""
    return dataclasses.field(default=default, metadata={"check": check, "name": name})


def text(longest: int, pattern: str = "", lines: bool = False) -> Check:
    """A text of at most so many characters that a whole pattern fits; control characters only where it has lines."""
    shape = re.compile(pattern, re.DOTALL) if pattern else None

    def check(value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise _bad(name, value, "a text")
        if len(value) > longest:
            raise ProtocolError(Code.TOO_LARGE, f"{name}: {len(value)} characters, at most {longest} are taken")
        plain = value.replace("\r", "").replace("\n", "") if lines else value
        if _CONTROL.search(plain) or (shape and not shape.fullmatch(value)):
            raise _bad(name, value, f"a text without control characters{f' like {pattern}' if pattern else ''}")
        return value

    return check


def whole(low: int, high: int) -> Check:
    """A whole number in [low, high]; true and 3.0 are none."""

    def check(value: Any, name: str) -> int:
        if type(value) is not int or not low <= value <= high:
            raise _bad(name, value, f"a whole number from {low} to {high}")
        return value

    return check


def number(low: float, high: float) -> Check:
    """A finite number in [low, high], as a float."""

    def check(value: Any, name: str) -> float:
        if type(value) not in (int, float) or not math.isfinite(value) or not low <= value <= high:
            raise _bad(name, value, f"a number from {low:g} to {high:g}")
        return float(value)

    return check


def choice(*values: Any) -> Check:
    """One of the values, of the same type."""

    def check(value: Any, name: str) -> Any:
        for known in values:
            if type(value) is type(known) and value == known:
                return known
        raise _bad(name, value, "one of " + ", ".join(json.dumps(known) for known in values))

    return check


def several(of: Check, most: int) -> Check:
    """A list of at most `most` things, as a tuple."""

    def check(value: Any, name: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise _bad(name, value, f"a list of at most {most}")
        return tuple(of(item, f"{name}[{index}]") for index, item in enumerate(value))

    return check


def record(cls: type[T]) -> Check:
    """An object with the fields of a dataclass."""
    return functools.partial(read, cls)


def optional(of: Check) -> Check:
    """What the check takes, or null."""
    return lambda value, name: None if value is None else of(value, name)


def read(cls: type[T], value: Any, name: str) -> T:
    """An instance of a dataclass of `field`s from a JSON object, every field checked.

    Raises:
      ProtocolError: it is no object, a field is missing, unknown or not what its check takes.
    """
    if not isinstance(value, dict):
        raise _bad(name, value, "an object")
    known = {wire_name(item): item for item in _wire_fields(cls)}
    for key in value:
        if key not in known:
            raise _bad(f"{name}: field", key, "one of " + ", ".join(known))
    values = {}
    for key, item in known.items():
        if key in value:
            values[item.name] = item.metadata["check"](value[key], f"{name}.{key}")
        elif item.default is dataclasses.MISSING:
            raise ProtocolError(Code.BAD_MESSAGE, f"{name}: field {key} is missing")
    return cls(**values)


def written(message: Any) -> dict[str, Any]:
    """A dataclass of `field`s as a JSON object; fields that are None are left out."""
    pairs = ((wire_name(item), getattr(message, item.name)) for item in _wire_fields(message))
    return {key: _plain(value) for key, value in pairs if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return written(value) if dataclasses.is_dataclass(value) else value


def _wire_fields(cls: Any) -> list[dataclasses.Field[Any]]:
    return [item for item in dataclasses.fields(cls) if "check" in item.metadata]


def wire_name(item: dataclasses.Field[Any]) -> str:
    """A field's name in JSON: `max_height` is `maxHeight`."""
    first, *rest = item.name.split("_")
    return item.metadata["name"] or first + "".join(word.title() for word in rest)


def json_object(raw: str | bytes, most: int) -> dict[str, Any]:
    """The JSON object of a text of at most `most` bytes: UTF-8, nested at most `MAX_DEPTH` deep, no name twice.

    Raises:
      ProtocolError: it is longer (found before anything is parsed), or not that.
    """
    # A character is at most four bytes: where the text is short enough it needs no encoding to tell.
    if len(raw) > most or (isinstance(raw, str) and 4 * len(raw) > most and len(raw.encode("utf-8", "replace")) > most):
        raise ProtocolError(Code.TOO_LARGE, f"message: more than {most} bytes")
    try:
        decoded = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        _check_depth(decoded)
        value = json.loads(decoded, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        # The parser's own words would quote what came in.
        raise ProtocolError(Code.BAD_MESSAGE, "message: not JSON (UTF-8, no name twice, finite numbers)") from None
    if not isinstance(value, dict):
        raise _bad("message", value, "an object")
    return value


def _check_depth(decoded: str) -> None:
    depth = 0
    for found in _BRACKETS.finditer(decoded):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found.group(), 0)
        if depth > MAX_DEPTH:
            raise ProtocolError(Code.BAD_MESSAGE, f"message: nested deeper than {MAX_DEPTH}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def _refuse_constant(constant: str) -> None:
    raise ValueError(constant)


def _bad(name: str, value: Any, accepted: str) -> ProtocolError:
    got = ascii(value[:40]) if isinstance(value, str) else type(value).__name__
    if type(value) in (int, float):
        got = "a number out of range" if abs(value) > 1e12 else repr(value)
    return ProtocolError(Code.BAD_MESSAGE, f"{name}: {got}, expected {accepted}")
