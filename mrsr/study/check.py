"""What a study measures, tried before anything is trained: a misspelt input is no surprise after hours of training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mrsr.config import EvaluationConfig
from mrsr.errors import UserError
from mrsr.evaluation.clips import Clip, clips_from_files, parse_cutout
from mrsr.evaluation.degradation import parse_degradations
from mrsr.evaluation.geometry import geometry
from mrsr.evaluation.memory import Memory, route_before
from mrsr.study.plan import Run


def check_measurable(runs: Sequence[Run]) -> None:
    """Passes runs whose measurement can begin once they are trained.

    Raises:
      UserError: a degradation or a treatment of the state is none, a clip cannot be read or is too small for a route,
        or there are fewer frames than come before those that count; the variant is named.
    """
    opened: dict[tuple[tuple[str, ...], str], list[Clip]] = {}
    for variant, run in {run.variant.name: run for run in runs}.items():
        asked = run.evaluation
        try:
            key = (asked.videos, asked.cutout)
            if key not in opened:
                opened[key] = _clips(asked)
            _check(run, opened[key])
        except UserError as error:
            raise UserError(f"variant {variant}, measured: {error}") from None


def _check(run: Run, clips: Sequence[Clip]) -> None:
    asked, ladder = run.evaluation, run.config.ladder()
    parse_degradations(asked.degradations)
    memory = Memory.parse(asked.state)
    if asked.frames <= memory.at:
        raise UserError(f"frames={asked.frames}: expected more than {memory.at}, with state={asked.state!r}")
    for route in run.routes:
        if memory.changes_input:
            route_before(ladder, run.config.route_set(), route)
        for clip in clips:
            geometry(clip, route, ladder)


def _clips(asked: EvaluationConfig) -> list[Clip]:
    """The videos; none for the clips of the sample, which are large enough."""
    if asked.cutout and not asked.videos:
        raise UserError(f"cutout={asked.cutout!r}: expected videos beside it")
    window = parse_cutout(asked.cutout) if asked.cutout else None
    return clips_from_files([Path(video) for video in asked.videos], window)
