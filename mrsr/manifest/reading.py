"""Reads `manifest.json` and holds a directory against it: what a stranger wrote is believed in nothing."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

from mrsr.errors import UserError
from mrsr.ladder import Ladder, RouteSet
from mrsr.manifest.record import FILE, VERSION, Graph, Manifest, StateSpec

_LARGEST = 4096
"""Of a multiple, of channels and of a grid: far above what a network has."""


def read_manifest(folder: Path) -> Manifest:
    """Reads `manifest.json`.

    Raises:
      UserError: there is none, it is damaged, or of another layout.
    """
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{folder}: no exported directory (no {FILE})") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: damaged ({error})") from None
    try:
        return _manifest(json.loads(text))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except (ValueError, ArithmeticError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: damaged ({error!r})") from None


def _manifest(record: Any) -> Manifest:
    if isinstance(record, dict) and not (record.get("version") == VERSION and type(record["version"]) is int):
        raise UserError(f"version {record.get('version')!r}; expected {VERSION}")
    ladder = Ladder(tuple(_number("ladder", rung) for rung in record["ladder"]))
    checksums = _texts("checksums", record["checksums"])
    for file in checksums:
        _inside(file)
    return Manifest(
        name=_text("name", record["name"]),
        config_hash=_text("config_hash", record["config_hash"]),
        parameters=_number("parameters", record["parameters"], least=0, most=None),
        ladder=ladder,
        graphs=tuple(_graph(graph, ladder, checksums) for graph in record["graphs"]),
        licence=_text("licence", record["licence"]),
        metrics=dict(record["metrics"]),
        parity=dict(record["parity"]),
        versions=_texts("versions", record["versions"]),
        checksums=checksums,
    )


def _graph(record: dict[str, Any], ladder: Ladder, checksums: dict[str, str]) -> Graph:
    routes = RouteSet.parse(_text("routes", record["routes"]))
    ladder.check(routes)
    if len(routes.inputs) > 1:
        raise UserError(f"graph {routes}: expected routes of one input")
    multiple = _number("multiple", record["multiple"])
    states = {_text("state", name): _state(state, multiple) for name, state in record["states"].items()}
    files = _texts("files", record["files"])
    for file in files.values():
        _inside(file)
        if not any(name == file or name.startswith(f"{file}/") for name in checksums):
            raise UserError(f"graph {routes}: file {file!r} has no checksum")
    return Graph(routes, multiple, states, files)


def _state(record: dict[str, Any], multiple: int) -> StateSpec:
    grid = Fraction(_text("grid", record["grid"]))
    if not (0 < grid <= _LARGEST and (grid * multiple).denominator == 1):
        raise UserError(f"grid {grid}: expected a positive ratio that is whole for {multiple} px")
    return StateSpec(grid, _number("channels", record["channels"]))


def _number(name: str, value: Any, least: int = 1, most: int | None = _LARGEST) -> int:
    if type(value) is not int or value < least or (most is not None and value > most):
        raise UserError(f"{name} {value!r}: expected a whole number from {least} on" + (f" to {most}" if most else ""))
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise UserError(f"{name} {value!r}: expected a text")
    return value


def _texts(name: str, value: Any) -> dict[str, str]:
    return {_text(name, key): _text(name, one) for key, one in dict(value).items()}


def _inside(file: str) -> None:
    """Refuses a path that leaves the directory, or is none."""
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in file:
        raise UserError(f"file {file!r}: expected a path inside the directory")


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums_of(folder: Path) -> dict[str, str]:
    """The checksum of every file of a directory but its manifest, by its path in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / FILE)
    return {path.relative_to(folder).as_posix(): checksum(path) for path in files}


def check_files(manifest: Manifest, folder: Path, below: tuple[str, ...] = ("",)) -> None:
    """Compares files with the checksums.

    Args:
      manifest: of the directory.
      folder: the directory.
      below: how the paths begin that are compared; all by default.

    Raises:
      UserError: a file is missing or damaged, by name.
    """
    for name, expected in manifest.checksums.items():
        if name.startswith(below) and (not (folder / name).is_file() or checksum(folder / name) != expected):
            raise UserError(f"{folder / name}: damaged or missing; expected SHA-256 {expected[:12]}...")
