"""What a stream worker is told when it starts, in a form that crosses processes and machines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """The settings of one stream worker; `dataclasses.asdict` and the constructor take them through JSON.

    Attributes:
      model: as of `--model`; None for the one that ships.
      runtime: as of `--runtime`.
      routes: what may be made, as of `--routes`; None for all the model enlarges by.
      most_streams: sources enlarged at once; further ones are passed on as they are.
      fps: frames a second taken of a source at most.
      least_fps: below this many a second an output is too slow, and the next lower one is made.
      pixels: of a frame that comes in, at most.
      threads: of the network on a CPU; None: as many as there are cores.
      prepare: whether programs for 16:9 pictures are made before anybody is let in; else when somebody wants them.
    """

    model: str | None = None
    runtime: str = "auto"
    routes: str | None = None
    most_streams: int = 8
    fps: int = 30
    least_fps: int = 12
    pixels: int = 1920 * 1080
    threads: int | None = None
    prepare: bool = True
