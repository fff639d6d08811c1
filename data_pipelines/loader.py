"""The loader (Grain): which clip is drawn when, on which host, and the batches made of them ahead of the training step.

One order of clips stands for the whole job: example n follows from the config and n alone. Step s takes the examples
from s * batch_size on, and host h of H every H-th of them. So a position is a step, whatever the number of hosts and
workers; the checkpoint keeps it as its step, and a job goes on from there on another number of hosts with no clip
missed or seen twice.
"""

from __future__ import annotations

import functools
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from data_pipelines.batches import Batch, examples, joined
from data_pipelines.sources import ClipSource
from data_pipelines.unusable import UnusableClipError
from mrsr.config import ExperimentConfig, parse_sources
from mrsr.errors import UserError

_AHEAD, _MOST_THREADS, _TRIED = 2, 16, 64
_ENDLESS = 2**62
"""Where an order ends for Grain, which cannot take the length of one that has no end in batches of one clip."""

_log = logging.getLogger(__name__)


class Draw(NamedTuple):
    """One clip drawn: the number of its source in `data.sources`, and its own in that source."""

    source: int
    clip: int


class _Epochs:
    """Every clip of a source once an epoch, each epoch in an order of its own, without end: a source for Grain.

    Grain's own shuffle walks to an index in 2**16 steps over the number of clips: 4 ms for the eleven of the sample.
    """

    def __init__(self, source: int, clips: int, seed: int) -> None:
        self.source, self.clips, self.seed = source, clips, seed

    def __len__(self) -> int:
        return sys.maxsize

    def __getitem__(self, index: int) -> Draw:
        epoch, place = divmod(index, self.clips)
        return Draw(self.source, int(_order(self.seed, self.source, epoch, self.clips)[place]))


@functools.lru_cache(maxsize=16)
def _order(seed: int, source: int, epoch: int, clips: int) -> np.ndarray:
    """int64 [clips], a permutation."""
    return np.random.default_rng((seed, source, epoch)).permutation(clips)


class _Make:
    """Turns a `Draw` into examples; a clip that cannot be used gives way to the next one of its source, by name."""

    def __init__(self, config: ExperimentConfig, sources: Sequence[ClipSource]) -> None:
        self.config, self.sources = config, list(sources)
        self._told: set[str] = set()

    def __call__(self, draw: Draw, rng: np.random.Generator) -> Batch:
        source = self.sources[draw.source]
        tried = min(_TRIED, len(source))
        for step in range(tried):
            try:
                return examples(self.config, source, (draw.clip + step) % len(source), rng)
            except UnusableClipError as error:
                last = str(error)
                if last not in self._told:
                    self._told.add(last)
                    _log.warning("left out: %s", last)
        raise UserError(f"{last} (the last of {tried} clips in a row that cannot be used)")


def draws(config: ExperimentConfig, lengths: list[int]) -> Any:
    """The endless order of clips, a `grain.MapDataset` of `Draw`: each source shuffled anew every epoch, then mixed.

    Args:
      config: for its seed and the sources' weights.
      lengths: clips of each source.
    """
    import grain

    seed = config.train.seed
    orders = [grain.MapDataset.source(_Epochs(number, length, seed)) for number, length in enumerate(lengths)]
    return grain.MapDataset.mix(orders, [source.weight for source in parse_sources(config.data.sources)])


def of_host(order: Any, clips: int, start_step: int, host: int, hosts: int) -> Any:
    """The part of an order of clips that one of `hosts` draws from step `start_step` on, `clips` a step over all."""
    return order.slice(slice(start_step * clips + host, _ENDLESS, hosts))


def check_hosts(config: ExperimentConfig, hosts: int) -> int:
    """Clips a step draws over all hosts.

    Raises:
      UserError: they cannot be shared equally.
    """
    clips = config.train.batch_size // config.data.cutouts
    if clips % hosts:
        raise UserError(
            f"train.batch_size={config.train.batch_size}: with data.cutouts={config.data.cutouts} a step draws {clips} "
            f"clips; expected a multiple of the {hosts} hosts"
        )
    return clips


def training_batches(
    config: ExperimentConfig,
    sources: Sequence[ClipSource],
    start_step: int = 0,
    host: int = 0,
    hosts: int = 1,
) -> Iterator[Batch]:
    """The batches of step `start_step`, the next one, and so on without end: this host's part of each.

    They depend on the config, the clips and the step alone: not on `data.workers`, nor on where the iterator started.
    Closing the iterator ends its threads and processes; what goes wrong in one is raised to whoever asks for its batch.

    Args:
      config: the experiment.
      sources: of `open_sources`.
      start_step: training steps done.
      host: the number of this host.
      hosts: how many there are; they share the clips of every step.

    Raises:
      UserError: the hosts cannot share a batch; or, with a batch, many clips in a row cannot be used.
    """
    return _batches(config, sources, check_hosts(config, hosts), start_step, host, hosts)


def _batches(
    config: ExperimentConfig, sources: Sequence[ClipSource], clips: int, start_step: int, host: int, hosts: int
) -> Iterator[Batch]:
    import grain

    order = draws(config, [len(source) for source in sources])
    # Drawn before the order is shared out, so that a clip's random numbers follow from its place in the whole order.
    made = order.seed(config.train.seed).random_map(_Make(config, sources))
    mine = of_host(made, clips, start_step, host, hosts).batch(clips // hosts, batch_fn=joined)
    workers = config.data.workers
    threads = 1 if workers else max(1, min(_MOST_THREADS, len(os.sched_getaffinity(0)) // 2))
    batches = mine.to_iter_dataset(grain.ReadOptions(num_threads=threads, prefetch_buffer_size=max(_AHEAD, threads)))
    if workers:
        _mark_flags_as_parsed()
        options = grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=_AHEAD)
        batches = batches.mp_prefetch(options, worker_init_fn=_leave_signals_to_the_parent)
    iterator = iter(batches)
    try:
        yield from iterator
    finally:
        iterator.close()


def _leave_signals_to_the_parent(index: int, count: int) -> None:
    """A worker ends when its parent does, and not before: Ctrl-C reaches all of them, and the parent saves first."""
    del index, count
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _mark_flags_as_parsed() -> None:
    """Grain reads absl's flags, which nothing parses in a program that has none."""
    from absl import flags

    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()
