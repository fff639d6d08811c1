"""What a pack holds and where: streams and photographs as files, described by `pack.json` (no JAX, no PyAV).

A scene is a short clip, a cut-out of the top rung, whose degraded inputs were encoded when the pack was made: where it
is trained on there is no encoder.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrsr.config import ExperimentConfig, from_json
from mrsr.errors import UserError

DESCRIPTION = "pack.json"
VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A degraded input: one rung of a scene as a low-delay H.264 stream.

    Attributes:
      file: in the pack.
      rung: of the ladder, p.
      crf: constant rate factor it was encoded with.
      difference: mean absolute difference (levels) between what it decodes to and the undegraded input, when packed;
        a reader that finds much more has not put the two together rightly.
    """

    file: str
    rung: int
    crf: int
    difference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A clip to train on.

    Attributes:
      name: what reports call it.
      file: its top-rung frames as H.264, or the photograph it is filmed over.
      frames: how many there are.
      height: of a frame at the top rung, px.
      width: of a frame at the top rung, px.
      inputs: its degraded inputs.
      path_seed: for a photograph, the seed of the camera path; empty for a video.
    """

    name: str
    file: str
    frames: int
    height: int
    width: int
    inputs: tuple[Coded, ...]
    path_seed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """A clip to measure on, never trained on: a cut-out of the top rung.

    Attributes:
      name: what reports call it.
      file: its top-rung frames as H.264.
      frames: how many there are.
      fps: frames per second.
      coded: the input of the route that is measured, through H.264 (`benchmarks.accelerator.measure`).
    """

    name: str
    file: str
    frames: int
    fps: float
    coded: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """The content of a pack: its folder, the resolved configs by name, what to train on and what to measure on."""

    folder: Path
    configs: dict[str, ExperimentConfig]
    scenes: tuple[Scene, ...]
    held_out: tuple[HeldOut, ...]

    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when the scenes trained on do."""
        return hashlib.sha256(repr(self.scenes).encode()).hexdigest()[:12]


def write_description(pack: Pack) -> None:
    """Writes `pack.json` into the pack's folder."""
    value: dict[str, Any] = {"version": VERSION}
    value["configs"] = {name: dataclasses.asdict(config) for name, config in pack.configs.items()}
    value["scenes"] = [dataclasses.asdict(scene) for scene in pack.scenes]
    value["held_out"] = [dataclasses.asdict(clip) for clip in pack.held_out]
    (pack.folder / DESCRIPTION).write_text(json.dumps(value, indent=1) + "\n")


def read_description(folder: Path) -> Pack:
    """The pack in a folder.

    Raises:
      UserError: there is none, or it was made by another version.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        raise UserError(f"{folder}: not a pack (it has no {DESCRIPTION})")
    try:
        value = json.loads(path.read_text())
        if value["version"] != VERSION:
            raise UserError(f"{path}: version {value['version']}; expected {VERSION}, so pack again")
        return Pack(
            folder=folder,
            configs={name: from_json(json.dumps(config)) for name, config in value["configs"].items()},
            scenes=tuple(_scene(scene) for scene in value["scenes"]),
            held_out=tuple(HeldOut(**clip) for clip in value["held_out"]),
        )
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise UserError(f"{path}: damaged ({type(error).__name__}: {error}); expected what pack wrote") from None


def choose_config(pack: Pack, name: str | None) -> ExperimentConfig:
    """The config of that name, or the first one where none is given.

    Raises:
      UserError: the pack has no such config.
    """
    name = next(iter(pack.configs)) if name is None else name
    if name not in pack.configs:
        raise UserError(f"--config {name}: not in the pack; expected one of {', '.join(pack.configs)}")
    return pack.configs[name]


def _scene(value: dict[str, Any]) -> Scene:
    return Scene(
        **value
        | {"inputs": tuple(Coded(**one) for one in value["inputs"]), "path_seed": tuple(value.get("path_seed", ()))}
    )
