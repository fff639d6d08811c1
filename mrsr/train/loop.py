"""The training loop, the only one: what a run needs around its steps, from the claim of its folder to its outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from mrsr.checkpoint import Store
from mrsr.config import ExperimentConfig, validate
from mrsr.config.serialise import FILE_NAME
from mrsr.errors import RunError
from mrsr.evaluation.clips import Clip
from mrsr.evaluation.geometry import allowed_routes
from mrsr.train import resume
from mrsr.train.agreement import introduce, is_first, meet
from mrsr.train.ahead import Ahead
from mrsr.train.devices import check_batch
from mrsr.train.evaluate import check_metric
from mrsr.train.evaluator import Evaluator
from mrsr.train.goodput import Goodput
from mrsr.train.outcome import Outcome, forget_outcome, keep_outcome
from mrsr.train.preemption import PREEMPTED, preemption
from mrsr.train.profiling import Profile
from mrsr.train.reporting import Reporter
from mrsr.train.run import ASKED, Run
from mrsr.train.stopping import steps_to_go

Batches = Callable[[int], Iterator[Mapping[str, Any]]]
"""The batches from a given step on: host arrays, uint8; the same step always gives the same batch."""


def train(
    config: ExperimentConfig,
    workdir: Path,
    batches: Batches,
    held_out: Sequence[Clip],
    data: Mapping[str, str] | None = None,
    guarded: Sequence[Clip] = (),
    profiled: int = 0,
) -> Outcome:
    """Trains until a stopping criterion holds, or the process is asked to stop; the run folder keeps everything.

    Args:
      config: the experiment.
      workdir: the run folder; a run already in it is resumed.
      batches: where batches come from.
      held_out: clips to evaluate on; none, and no evaluation is made. Of several processes the first evaluates.
      data: what each source of the batches holds, by name, as a fingerprint: a run is resumed on the same only.
      guarded: clips of the forgetting gate.
      profiled: steps that are traced, of the first process.

    Raises:
      UserError: the config contradicts itself, the folder, or the number of devices; the data have changed; or
        `stop.metric` is none of what is measured.
      RunError: a loss is not finite, or spikes too often; what the step was given is kept, and the newest checkpoint is
        good. Or the batches ran out, or the processes of the job do not see one run folder.
    """
    validate(config)
    check_batch(config.train.batch_size)
    for clip in (*held_out, *guarded):
        allowed_routes(clip, config.route_set(), config.ladder())
    check_metric(config, held_out)
    introduce()
    if is_first():
        _claim(config, workdir, data)
    meet("the run folder is made")
    if not (workdir / FILE_NAME).is_file():
        raise RunError(f"{workdir}: not the run folder that process 0 has made: expected one folder for all")
    goodput = Goodput(workdir if is_first() else None)
    with preemption() as asked, Store(workdir, config.train.keep) as store:
        with goodput.spent("start"):
            state = resume.start(config, store, print if is_first() else _nothing)
        step = int(state.step)
        asked.begin(step)
        goodput.resumed(step)
        total = step + steps_to_go(config.train, step)
        log = Reporter(workdir if is_first() else None, total, step)
        with log as reporter, Ahead(batches(step), asked.alone) as source:
            measured = (held_out, guarded) if is_first() else ((), ())
            evaluator = Evaluator(config, workdir, *measured, reporter)
            with goodput.spent("evaluation"):
                evaluator.start(step, state.ema_params)
            with closing(Profile(workdir, profiled, reporter.say, is_first())) as profile:
                run = Run(config, workdir, store, reporter, evaluator, goodput, profile)
                reason = run.steps(state, source, asked)
            outcome = Outcome(reason, run.flight.step, PREEMPTED if reason == ASKED else 0)
            reporter.say(f"time: {goodput.line()}")
    if is_first():
        keep_outcome(outcome, goodput.figures(), workdir)
    goodput.keep()
    return outcome


def _claim(config: ExperimentConfig, workdir: Path, data: Mapping[str, str] | None) -> None:
    """Makes the run folder, or checks that it is this run's and that the data are."""
    if data is not None:
        resume.check_data(data, workdir, print)
    resume.claim_workdir(config, workdir, print)
    if data is not None:
        resume.keep_data(data, workdir)
    forget_outcome(workdir)


def _nothing(line: str) -> None:
    """Takes the lines of a process that says nothing."""
