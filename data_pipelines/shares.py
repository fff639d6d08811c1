"""What each host of a job draws in its first steps, really drawn: whether a clip of a step goes to one host alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from data_pipelines.loader import Draw, check_hosts, draws, of_host
from mrsr.config import ExperimentConfig


@dataclass(frozen=True, slots=True)
class Shares:
    """The clips of a job's first steps, by host.

    Attributes:
      steps: steps that were drawn.
      clips: clips a step draws over all hosts; each gives `data.cutouts` examples.
      of_hosts: by host the clips it draws, in order, steps * clips / hosts each.
      complete: whether the hosts' clips together are those one host alone would draw, none left out and none twice.
      distinct: different clips among them; fewer than were drawn only where data have fewer clips than are drawn.
      shared: clips that two hosts draw: only ever in different epochs of their source.
    """

    steps: int
    clips: int
    of_hosts: tuple[tuple[Draw, ...], ...]
    complete: bool
    distinct: int
    shared: int


def shares_of_hosts(config: ExperimentConfig, lengths: Sequence[int], hosts: int, steps: int = 3) -> Shares:
    """Draws the clips of the first steps, on every host as it would and once for all.

    Args:
      config: the experiment.
      lengths: clips of each of its sources.
      hosts: how many share every step's clips.
      steps: how many steps to draw.

    Raises:
      UserError: the hosts cannot share the clips of a step equally.
    """
    clips = check_hosts(config, hosts)
    order = draws(config, list(lengths))
    each = steps * clips // hosts
    of_hosts = tuple(_first(of_host(order, clips, 0, host, hosts), each) for host in range(hosts))
    together = [draw for taken in of_hosts for draw in taken]
    seen_by = Counter(draw for taken in of_hosts for draw in set(taken))
    return Shares(
        steps=steps,
        clips=clips,
        of_hosts=of_hosts,
        complete=Counter(together) == Counter(_first(order, steps * clips)),
        distinct=len(set(together)),
        shared=sum(count > 1 for count in seen_by.values()),
    )


def _first(order: object, count: int) -> tuple[Draw, ...]:
    return tuple(order[index] for index in range(count))  # type: ignore[index]
