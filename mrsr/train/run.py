"""The steps of a run, in one process: steps, log, checkpoints, evaluations, until there is a reason to end."""

from __future__ import annotations

import time
from pathlib import Path

from mrsr.checkpoint import Store
from mrsr.config import ExperimentConfig
from mrsr.errors import RunError
from mrsr.train import forensics, resume
from mrsr.train.agreement import AT_EVALUATION, agreed, is_alone
from mrsr.train.ahead import Ahead, Placed
from mrsr.train.balance import Balance
from mrsr.train.devices import over_devices, parallel_step, replicate, unreplicate
from mrsr.train.evaluator import Evaluator
from mrsr.train.flight import Figures, Flight
from mrsr.train.goodput import Goodput
from mrsr.train.optimizer import learning_rate
from mrsr.train.preemption import Asked
from mrsr.train.profiling import Profile
from mrsr.train.reporting import Reporter
from mrsr.train.speed import utilisation_meter
from mrsr.train.state import TrainState, released
from mrsr.train.stopping import stop_reason

ASKED = "asked to stop"
"""The reason of a run that is to be started again."""

MOST_SPIKES = 20
"""Steps a run leaves out for spikes before it ends: more are no accident. Own choice."""


class Run:
    """One process's part of a run: what the steps are done with."""

    flight: Flight

    def __init__(
        self,
        config: ExperimentConfig,
        workdir: Path,
        store: Store,
        reporter: Reporter,
        evaluator: Evaluator,
        goodput: Goodput,
        profile: Profile,
    ) -> None:
        self.config, self.workdir = config, workdir
        self.store, self.reporter, self.evaluator = store, reporter, evaluator
        self.goodput, self.profile = goodput, profile
        with goodput.spent("start"):
            self.utilisation = utilisation_meter(config)
        self.schedule = learning_rate(config.optimizer)
        self.balance = Balance()
        self.saved = -1
        self.spikes = 0
        self.seconds = 0.0
        self.before = 0.0
        self.before = self._trained()
        self.logged, self.since = 0, time.monotonic()

    def steps(self, state: TrainState, source: Ahead, asked: Asked) -> str:
        """Steps until there is a reason to end; returns it, with the last state saved.

        Raises:
          RunError: a loss is not finite, or spikes too often; or the batches ran out.
        """
        limits = self.config.train
        self.saved = self.logged = step = int(state.step)
        one_step, release = parallel_step(self.config), over_devices(released, donate=(0,))
        self.flight = Flight(replicate(state), step, one_step, release, self._landed, self._refused)
        self.source, self.since = source, time.monotonic()
        reason = stop_reason(limits, step, 0.0)
        if reason is None and self._evaluation_due(step) and not self.evaluator.evaluated(step):
            # The process before this one was killed between the checkpoint and its evaluation.
            self._evaluate()
        reason = reason or agreed(self.evaluator.stop_reason(), AT_EVALUATION)
        while reason is None:
            try:
                with self.goodput.spent("data"):
                    batch = next(source)
            except StopIteration:
                if not asked.alone():
                    if is_alone():
                        self._save()
                    raise RunError(f"step {step}: the batches ran out; expected one for every step") from None
                reason = ASKED
                break
            except BaseException:
                # What was learnt must not be lost to a disk that is gone or a clip that is damaged. The other processes
                # of a job are at the next step already, and would not come to save.
                if is_alone():
                    self._save()
                raise
            with self.goodput.spent("step"), self.profile.step(step + 1, self.flight.land):
                self.flight.begin(batch)
            step = self.flight.step
            self.reporter.advance(step)
            self.goodput.advance(step)
            reason = ASKED if asked(step) else stop_reason(limits, step, self._time(step))
            if reason is None and (self._evaluation_due(step) or step % limits.checkpoint_every == 0):
                self._save()
            if reason is None and self._evaluation_due(step):
                self._evaluate()
                reason = agreed(self.evaluator.stop_reason(), AT_EVALUATION)
        self._save()
        self.reporter.say(f"ended at step {self.flight.step}: {reason}")
        if reason != ASKED and not self.evaluator.evaluated(self.flight.step):
            self._evaluate()
        return reason

    def _time(self, step: int) -> float:
        """Seconds of training; of several processes those of the first, which are asked for at the steps logged."""
        if is_alone() or (self.config.train.minutes and step % self.config.train.log_every == 0):
            self.seconds = agreed(self._trained())
        return self.seconds

    def _trained(self) -> float:
        """Seconds of training in this process: all from the first step's compilation on, but for evaluations."""
        return sum(self.goodput.seconds[part] for part in ("start", "step", "data", "checkpoint")) - self.before

    def _evaluation_due(self, step: int) -> bool:
        every = self.config.train.evaluate_every
        return every > 0 and step > 0 and step % every == 0

    def _save(self) -> None:
        """Saves the state after the last step, where that is not done yet."""
        with self.goodput.spent("step"):
            self.flight.land()
        if self.saved != self.flight.step:
            with self.goodput.spent("checkpoint"):
                resume.save(self.store, unreplicate(self.flight.state))
            self.saved = self.flight.step
            self.goodput.keep()

    def _evaluate(self) -> None:
        begun = time.monotonic()
        with self.goodput.spent("evaluation"):
            self.evaluator.evaluate(self.flight.step, unreplicate(self.flight.state.ema_params))
        self.since += time.monotonic() - begun

    def _landed(self, step: int, figures: Figures) -> None:
        """Takes the figures of a step."""
        for line in self.balance.watch(figures):
            self.reporter.say(f"step {step}: {line}")
        if step % self.config.train.log_every == 0:
            self._log(step, figures)

    def _refused(self, step: int, figures: Figures, batch: Placed, state: TrainState) -> None:
        """Keeps what a refused step was given; ends the run where the step was no spike, or there are too many."""
        folder, reason = forensics.keep(self.config, self.workdir, step, figures, batch, state)
        newest = self.store.latest()
        kept = "no checkpoint was made yet" if newest is None else f"the checkpoint of step {newest} is good"
        what = f"step {step}: {reason}; kept for mrsr train --replay {folder}"
        self.spikes += 1
        if not forensics.is_spike(figures):
            raise RunError(f"{what}; {kept}")
        if self.spikes > MOST_SPIKES:
            raise RunError(f"{what}; the {self.spikes}th spike of this process; {kept}")
        self.reporter.say(f"{what}; left out")

    def _log(self, step: int, figures: Figures) -> None:
        took = time.monotonic() - self.since
        seconds, waiting = took / (step - self.logged), self.source.waited / took
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
        if (share := self.utilisation(seconds)) is not None:
            speed["model_flop_utilisation"] = share
            summary += f"  {share:.1%} of the devices' peak"
        self.reporter.figures(step, figures | speed, summary)
        self.since, self.source.waited, self.logged = time.monotonic(), 0.0, step
        # So that the steps a kill loses are known to have been done.
        self.goodput.keep()
