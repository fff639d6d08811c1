"""What the gateway asks of a stream worker: the process that owns peers, recurrent state and encoders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from mrsr.streaming.protocol import Ack, Bye, Caps, Control, Error, People, Status, Want
from mrsr.streaming.sdp import CheckedOffer

FromWorker: TypeAlias = Control | Status | People | Error | Bye
"""After an `Error` or a `Bye` the participant is gone; an `Error` says when to join again."""


@dataclass(frozen=True, slots=True)
class Participant:
    """Someone admitted to a room: what they may do is already the least of token, client and server."""

    peer: str  # an id of this connection
    room: str
    role: str
    name: str
    caps: Caps

    @property
    def publishes(self) -> bool:
        """Whether they may send."""
        return self.role in ("publish", "both")

    @property
    def subscribes(self) -> bool:
        """Whether they may receive."""
        return self.role in ("subscribe", "both")


class Worker(Protocol):
    """One accelerator's worker. A failure of any call is answered with `worker`: the client joins again."""

    @property
    def ready(self) -> bool:
        """Whether it takes participants now."""

    async def join(self, who: Participant, want: Want, send: Callable[[FromWorker], None]) -> None:
        """A participant is there.

        Args:
          who: with a peer id that has not been used before.
          want: what it would like.
          send: gives it a message, at once, never waiting; of several `Status` that wait the newest is sent. After a
            `Bye` or an `Error` the participant is gone, and `leave` is called.
        """

    async def offer(self, who: Participant, offer: CheckedOffer) -> str:
        """The answer (SDP) to a participant's offer."""

    async def heard(self, who: Participant, message: Want | Ack) -> None:
        """A participant said something."""

    async def leave(self, who: Participant, reason: str) -> None:
        """A participant is gone; called once for each `join` that was begun, also where that failed."""

    async def statistics(self) -> dict[str, Any]:
        """How the worker and its streams are doing, as JSON.

        Returns:
          `worker`: one object of what it is and what it has: `id`, `model`, `runtime`, `device`, `streams`, `capacity`,
            `uptimeS`, `memoryMib`, `threads`, `descriptors`. `counters`: numbers by name, which only grow. `rooms`: by
            name `{"publishers": {PEER: {...}}, "viewers": {PEER: {...}}}`.
        """
