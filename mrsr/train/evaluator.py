"""What a run asks of held-out clips: its figures, when they say to stop, its best weights, and what it forgot.

In the run folder: `evaluations.json` (the figures of every evaluation), `evaluation.json` (the last one in full),
`best/` (the weights of the best so far, a folder that `--model` takes) and `gate.json` (what was not to get worse).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mrsr.checkpoint import WEIGHTS, write_weights
from mrsr.config import ExperimentConfig, save_config
from mrsr.errors import UserError
from mrsr.evaluation.clips import Clip
from mrsr.evaluation.evaluate import write_report
from mrsr.files import replaced
from mrsr.inference.jax_runtime import JaxRuntime
from mrsr.train.evaluate import Evaluation, check_measured, evaluate_run, mean_psnr, measure
from mrsr.train.gate import Gate
from mrsr.train.reporting import Reporter
from mrsr.train.stopping import better, stop_by_figures

HISTORY = "evaluations.json"
BEST = "best"


class Evaluator:
    """The evaluations of one run."""

    def __init__(
        self,
        config: ExperimentConfig,
        workdir: Path,
        held_out: Sequence[Clip],
        guarded: Sequence[Clip],
        reporter: Reporter,
    ) -> None:
        """Takes the clips to measure on, and those that must not get worse."""
        self._config, self._workdir, self._reporter = config, workdir, reporter
        self._held_out, self._guarded = held_out, guarded
        self._runtime: JaxRuntime | None = None
        self._history: list[dict[str, Any]] = []
        self._gate = Gate(config.gate, workdir) if guarded else None
        self._metric = config.stop.metric or "mean/psnr_y"

    def start(self, step: int, params: Any) -> None:
        """Takes up the history of the run as far as `step`, and measures what must not get worse where that is new.

        Raises:
          UserError: the history is damaged, or what was measured before the run is missing or damaged.
        """
        path = self._workdir / HISTORY
        if step and path.is_file():
            self._history = [record for record in _records(path) if record["step"] <= step]
            if self._history and self._history[-1]["step"] == step and self._history[-1]["best"]:
                # The process before this one may have been killed before it had kept them.
                self._keep_best(step, params)
        if self._gate and not self._gate.begun(step):
            self._gate.begin(step, mean_psnr(self._measured(params, self._guarded)))

    def evaluated(self, step: int) -> bool:
        """Whether the clips were measured at a step."""
        return any(record["step"] == step for record in self._history)

    def stop_reason(self) -> str | None:
        """Why the run ends by what was measured; None while it goes on."""
        metric = self._config.stop.metric
        return stop_by_figures(self._config.stop, [_figure(record, metric) for record in self._history])

    def evaluate(self, step: int, params: Any) -> None:
        """Measures averaged parameters on the held-out clips, and what follows from it.

        Raises:
          UserError: `stop.metric` is none of what was measured.
        """
        if self._held_out:
            picture = self._workdir / "pictures" / f"step_{step:07d}.png"
            evaluation = evaluate_run(self._config, self._loaded(params), self._held_out, picture)
            write_report(evaluation.report, self._workdir / "evaluation.json")
            self._reporter.picture(step, "held out", evaluation.picture)
            scalars = evaluation.scalars()
            check_measured(self._config.stop.metric, scalars)
            named = {f"evaluate/{name}": value for name, value in scalars.items()}
            self._reporter.figures(step, named, evaluation.summary())
        else:
            evaluation, scalars = None, {}
        passes = True
        if self._gate:
            passes = self._gate.look(step, mean_psnr(self._measured(params, self._guarded)))
            self._reporter.say(f"forgetting gate: {self._gate.words()}")
        if evaluation:
            self._remember(step, scalars, evaluation)
            best = passes and self._is_best()
            self._history[-1]["best"] = best
            with replaced(self._workdir / HISTORY) as beside:
                beside.write_text(json.dumps(self._history, indent=1) + "\n", encoding="utf-8")
            if best:
                self._keep_best(step, params)

    def _loaded(self, params: Any) -> JaxRuntime:
        if self._runtime is None:
            self._runtime = JaxRuntime(self._config, params)
        self._runtime.load(params)
        return self._runtime

    def _measured(self, params: Any, clips: Sequence[Clip]) -> dict[str, Any]:
        return measure(self._config, self._loaded(params), clips)

    def _remember(self, step: int, scalars: Mapping[str, float], evaluation: Evaluation) -> None:
        figures = {**scalars, "mean/psnr_y": mean_psnr(evaluation.report)}
        self._history = [record for record in self._history if record["step"] < step]
        self._history.append({"step": step, "figures": figures, "best": False})

    def _is_best(self) -> bool:
        """Whether the last evaluation is better than all that were best before it."""
        *before, last = self._history
        figure = _figure(last, self._metric)
        rivals = [_figure(record, self._metric) for record in before if record["best"]]
        return not math.isnan(figure) and all(better(self._metric, figure, rival) for rival in rivals)

    def _keep_best(self, step: int, params: Any) -> None:
        folder = self._workdir / BEST
        save_config(self._config, folder)
        write_weights(folder / WEIGHTS, params)
        with replaced(folder / "best.json") as beside:
            figure = _figure(self._history[-1], self._metric)
            beside.write_text(json.dumps({"step": step, self._metric: figure}) + "\n", encoding="utf-8")


def _records(path: Path) -> list[dict[str, Any]]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return [{"step": int(r["step"]), "figures": dict(r["figures"]), "best": bool(r["best"])} for r in known]
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{path}: damaged ({error!r}); remove it to go on without the evaluations so far, which decide what is best"
        ) from None


def _figure(record: Mapping[str, Any], metric: str) -> float:
    value = record["figures"].get(metric)
    return math.nan if value is None else float(value)
