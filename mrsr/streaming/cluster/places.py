"""What a pool of workers is told of each, and by whom: where it runs, how many streams it takes, a connection to it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from mrsr.streaming.worker import Worker


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stream worker runs and how many streams it takes."""

    address: str  # HOST:PORT of its channel
    streams: int
    node: str = field(default="", compare=False)  # the machine, in words for the log
    process: int | None = field(default=None, compare=False)  # its number there


class Workers(Protocol):
    """Who starts workers and knows where they are."""

    async def places(self) -> Mapping[str, Place]:
        """The workers that run, by name; one that was started again keeps its name and may have moved.

        Raises:
          UserError: no worker can be what was asked.
        """

    async def restart(self, name: str) -> None:
        """Has a worker that hangs killed and started again."""


class Linked(Worker, Protocol):
    """A worker at the other end of a connection."""

    @property
    def lost_seconds(self) -> float:
        """For how long there has been no connection; 0 while there is one."""


Connection: TypeAlias = AbstractAsyncContextManager[Linked]
