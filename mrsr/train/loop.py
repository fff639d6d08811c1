"""The training loop, the only one: batches in, steps, log, checkpoints, evaluations, until a criterion ends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mrsr.checkpoint import Store
from mrsr.config import ExperimentConfig, validate
from mrsr.errors import RunError
from mrsr.evaluation.clips import Clip
from mrsr.evaluation.evaluate import write_report
from mrsr.evaluation.geometry import allowed_routes
from mrsr.inference.jax_runtime import JaxRuntime
from mrsr.train import resume
from mrsr.train.ahead import Ahead
from mrsr.train.devices import check_batch, parallel_step, replicate, unreplicate
from mrsr.train.evaluate import evaluate_run
from mrsr.train.optimizer import learning_rate, make_optimizer
from mrsr.train.preemption import PREEMPTED, preemption
from mrsr.train.reporting import Reporter
from mrsr.train.state import TrainState
from mrsr.train.stopping import steps_to_go, stop_reason

Batches = Callable[[int], Iterator[Mapping[str, Any]]]
"""The batches from a given step on: host arrays, uint8; the same step always gives the same batch."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: its reason, the steps done, and the exit status (75 where it is to be started again)."""

    reason: str
    step: int
    status: int


def train(
    config: ExperimentConfig,
    workdir: Path,
    batches: Batches,
    held_out: Sequence[Clip],
    data: Mapping[str, str] | None = None,
) -> Outcome:
    """Trains until a stopping criterion holds, or the process is asked to stop; the run folder keeps everything.

    Args:
      config: the experiment.
      workdir: the run folder; a run already in it is resumed.
      batches: where batches come from.
      held_out: clips to evaluate on; none, and no evaluation is made.
      data: what each source of the batches holds, by name, as a fingerprint: a run is resumed on the same only.

    Raises:
      UserError: the config contradicts itself, the folder, or the number of devices; or the data have changed.
      RunError: a loss is not finite; the batch is saved and the newest checkpoint is good.
    """
    validate(config)
    check_batch(config.train.batch_size)
    optimizer = make_optimizer(config.optimizer)
    for clip in held_out:
        allowed_routes(clip, config.route_set(), config.ladder())
    if data is not None:
        resume.check_data(data, workdir, print)
    resume.claim_workdir(config, workdir, print)
    if data is not None:
        resume.keep_data(data, workdir)
    with preemption() as asked, Store(workdir, config.train.keep) as store:
        state = resume.start(config, optimizer, store, print)
        step = int(state.step)
        total = step + steps_to_go(config.train, step)
        with Reporter(workdir, total, step) as reporter, Ahead(batches(step), asked.alone) as source:
            run = _Run(config, workdir, store, reporter, held_out)
            step, reason = run.steps(replicate(state), parallel_step(config, optimizer), source, asked)
    return Outcome(reason, step, PREEMPTED if reason == _ASKED else 0)


_ASKED = "asked to stop"


class _Run:
    """One process's part of a run: what the steps are done with."""

    def __init__(
        self, config: ExperimentConfig, workdir: Path, store: Store, reporter: Reporter, held_out: Sequence[Clip]
    ) -> None:
        self.config = config
        self.workdir = workdir
        self.store = store
        self.reporter = reporter
        self.held_out = held_out
        self.schedule = learning_rate(config.optimizer)
        self.runtime: JaxRuntime | None = None

    def steps(
        self,
        state: TrainState,
        one_step: Callable[..., tuple[TrainState, dict[str, jax.Array]]],
        source: Ahead,
        asked: Callable[[int], bool],
    ) -> tuple[int, str]:
        """Steps until there is a reason to end; returns the steps done and the reason, with the last state saved."""
        limits = self.config.train
        step = saved = logged = int(unreplicate(state.step))
        started = since = time.monotonic()
        evaluating = 0.0
        reason = stop_reason(limits, step, 0.0)
        while reason is None:
            try:
                batch = next(source)
            except StopIteration:
                reason = _ASKED
                break
            except BaseException:
                # What was learnt must not be lost to a disk that is gone or a clip that is damaged.
                if saved != step:
                    resume.save(self.store, unreplicate(state))
                raise
            state, metrics = one_step(state, batch.devices)
            step += 1
            figures = {name: float(value) for name, value in unreplicate(metrics).items()}
            self._check(figures, batch.host, step)
            self.reporter.advance(step)
            if step % limits.log_every == 0:
                took = time.monotonic() - since
                self._log(step, figures, took / (step - logged), source.waited / took)
                since, source.waited, logged = time.monotonic(), 0.0, step
            reason = _ASKED if asked(step) else stop_reason(limits, step, time.monotonic() - started - evaluating)
            evaluation_due = reason is None and limits.evaluate_every > 0 and step % limits.evaluate_every == 0
            if evaluation_due or (reason is None and step % limits.checkpoint_every == 0):
                resume.save(self.store, unreplicate(state))
                saved = step
            if evaluation_due:
                begun = time.monotonic()
                self._evaluate(step, state)
                evaluating += time.monotonic() - begun
                since += time.monotonic() - begun
        if saved != step:
            resume.save(self.store, unreplicate(state))
        self.reporter.say(f"ended at step {step}: {reason}")
        if reason != _ASKED:
            self._evaluate(step, state)
        return step, reason

    def _check(self, figures: dict[str, float], batch: Mapping[str, Any], step: int) -> None:
        """Ends the run where a figure is not finite, by the first term that is not; keeps the batch."""
        bad = [name for name, value in figures.items() if not np.isfinite(value)]
        if not bad:
            return
        named = next((name for name in bad if ":" in name), bad[0])
        path = self.workdir / f"not_finite_{step}.npz"
        arrays = {f"{part}_{rung}": clip for part, clips in batch.items() for rung, clip in clips.items()}
        np.savez_compressed(path, **arrays)
        newest = self.store.latest()
        kept = "no checkpoint was made yet" if newest is None else f"the checkpoint of step {newest} is good"
        raise RunError(f"step {step}: {named} is {figures[named]}; its batch is in {path}; {kept}")

    def _log(self, step: int, figures: dict[str, float], seconds: float, waiting: float) -> None:
        update = (step - 1) // self.config.optimizer.accumulate
        speed = {
            "learning_rate": float(self.schedule(update)),
            "examples_per_second": self.config.train.batch_size / seconds,
            "steps_per_second": 1 / seconds,
            "waiting_for_data": waiting,
        }
        summary = (
            f"loss {figures['loss']:.5f}  {speed['examples_per_second']:.1f} examples/s  {waiting:.0%} waiting for data"
        )
        self.reporter.figures(step, figures | speed, summary)

    def _evaluate(self, step: int, state: TrainState) -> None:
        if not self.held_out:
            return
        picture = self.workdir / "pictures" / f"step_{step:07d}.png"
        if self.runtime is None:
            self.runtime = JaxRuntime(self.config, unreplicate(state.ema_params))
        self.runtime.load(unreplicate(state.ema_params))
        evaluation = evaluate_run(self.config, self.runtime, self.held_out, picture)
        write_report(evaluation.report, self.workdir / "evaluation.json")
        self.reporter.picture(step, "held out", evaluation.picture)
        self.reporter.figures(step, evaluation.scalars(), evaluation.summary())
