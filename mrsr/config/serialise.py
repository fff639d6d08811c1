"""A config to JSON and back, its hash, and the differences between two: what a run folder keeps of its own settings."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing
from pathlib import Path
from typing import Any

from mrsr.config.schema import ExperimentConfig
from mrsr.config.validate import validate
from mrsr.errors import UserError
from mrsr.files import replaced

FILE_NAME = "config.json"


def to_json(config: ExperimentConfig) -> str:
    """The config as indented JSON text with every field, defaults included."""
    return json.dumps(dataclasses.asdict(config), indent=2) + "\n"


def from_json(text: str) -> ExperimentConfig:
    """Reads what `to_json` wrote.

    Raises:
      UserError: the text is not JSON, or holds a field the schema does not have.
    """
    try:
        return _build(ExperimentConfig, json.loads(text), "config")
    except json.JSONDecodeError as error:
        raise UserError(f"config: not JSON ({error})") from None


def _build(kind: Any, value: Any, path: str) -> Any:
    """`value`, as JSON gives it, as the annotated type `kind`."""
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise UserError(f"{path}: expected an object, got {value!r}")
        hints = typing.get_type_hints(kind)
        unknown = sorted(set(value) - set(hints))
        if unknown:
            raise UserError(f"{path}.{unknown[0]}: no such field; there are {', '.join(hints)}")
        return kind(**{name: _build(hints[name], item, f"{path}.{name}") for name, item in value.items()})  # type: ignore[operator]
    if typing.get_origin(kind) is tuple:
        inner = typing.get_args(kind)[0]
        return tuple(_build(inner, item, f"{path}[{index}]") for index, item in enumerate(value))
    return float(value) if kind is float and isinstance(value, int) and not isinstance(value, bool) else value


def config_hash(config: ExperimentConfig) -> str:
    """Twelve hexadecimal digits that name the config: equal for equal settings, whatever wrote them."""
    same_types = from_json(to_json(config))  # An int that stands for a float reads back as a float.
    text = json.dumps(dataclasses.asdict(same_types), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def differences(old: ExperimentConfig, new: ExperimentConfig) -> dict[str, tuple[Any, Any]]:
    """`{"train.steps": (100, 200), ...}`: every leaf field in which the two differ."""

    def leaves(value: Any, path: str) -> dict[str, Any]:
        if isinstance(value, dict):
            parts = {f"{path}.{name}" if path else name: item for name, item in value.items()}
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            parts = {f"{path}[{index}]": item for index, item in enumerate(value)}
        else:
            return {path: value}
        return {leaf: v for below, item in parts.items() for leaf, v in leaves(item, below).items()}

    before, after = leaves(json.loads(to_json(old)), ""), leaves(json.loads(to_json(new)), "")
    keys = list(before) + [key for key in after if key not in before]
    return {key: (before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)}


def save_config(config: ExperimentConfig, folder: Path) -> None:
    """Writes `config.json` into the folder: beside first, then renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    with replaced(folder / FILE_NAME) as beside:
        beside.write_text(to_json(config))


def load_config(folder: Path) -> ExperimentConfig:
    """The config a run folder keeps.

    Raises:
      UserError: the folder has none, or it cannot be read.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise UserError(f"{folder}: not a run folder (it has no {FILE_NAME})")
    try:
        return validate(from_json(path.read_text()))
    except (UserError, TypeError, ValueError) as error:
        raise UserError(f"{path}: {error}") from None
