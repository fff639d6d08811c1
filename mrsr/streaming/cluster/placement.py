"""Which worker carries which room: a room is on one worker, as long as someone is in it and the worker lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from mrsr.streaming.refusals import Code, ProtocolError

_RETRY_MS = 1000
_FULL_RETRY_MS = 5000


@dataclass(frozen=True, slots=True)
class Room:
    """A room's worker and who is in it, by the ids of their connections."""

    worker: str
    publishers: frozenset[str] = frozenset()
    viewers: frozenset[str] = frozenset()

    @property
    def streams(self) -> int:
        """What the room takes of its worker: a stream a publisher, and one that is kept for the first to come."""
        return max(1, len(self.publishers))

    def without(self, peer: str) -> Room:
        """The room when someone has left it."""
        return replace(self, publishers=self.publishers - {peer}, viewers=self.viewers - {peer})


@dataclass(frozen=True, slots=True)
class Placement:
    """A value: each method returns the next one, and this one stays as it is.

    Source: own choice. A room is not split: its people see the same source, which one pass enlarges for all of them. A
    new room goes where the most streams are free, which leaves each stream the most of its accelerator.
    """

    capacity: Mapping[str, int] = field(default_factory=dict)  # streams by worker
    rooms: Mapping[str, Room] = field(default_factory=dict)  # by name; with someone in each

    def __post_init__(self) -> None:
        object.__setattr__(self, "capacity", MappingProxyType(dict(self.capacity)))
        object.__setattr__(self, "rooms", MappingProxyType(dict(self.rooms)))

    def used(self, worker: str) -> int:
        """Streams that a worker's rooms take."""
        return sum(room.streams for room in self.rooms.values() if room.worker == worker)

    def free(self, worker: str) -> int:
        """Streams a worker can take more; negative where its capacity was lowered below what it carries."""
        return self.capacity[worker] - self.used(worker)

    def with_worker(self, worker: str, streams: int) -> Placement:
        """A worker is there, or has another capacity; the rooms stay where they are."""
        return replace(self, capacity={**self.capacity, worker: streams})

    def without_worker(self, worker: str) -> Placement:
        """A worker is gone, and what it carried with it: each of its rooms is placed anew when someone joins it."""
        return Placement(
            {other: streams for other, streams in self.capacity.items() if other != worker},
            {name: room for name, room in self.rooms.items() if room.worker != worker},
        )

    def entered(self, name: str, peer: str, publishes: bool) -> Placement:
        """Someone joined a room, on the worker `rooms[name].worker` of the result.

        Raises:
          ProtocolError: `worker`: there is none. `full`: no worker has a stream free for a new room, or the room's has
            none for one more publisher.
        """
        if not self.capacity:
            raise ProtocolError(Code.WORKER, "no worker is ready", _RETRY_MS)
        room = self.rooms.get(name)
        if room is None:
            worker = max(sorted(self.capacity), key=self.free)
            if self.free(worker) < 1:
                text = f"all {sum(self.capacity.values())} streams of {len(self.capacity)} workers are taken"
                raise ProtocolError(Code.FULL, text, _FULL_RETRY_MS)
            room = Room(worker)
        elif publishes and room.publishers and self.free(room.worker) < 1:
            text = f"all {self.capacity[room.worker]} streams of the room's worker are taken"
            raise ProtocolError(Code.FULL, text, _FULL_RETRY_MS)
        room = room.without(peer)
        room = (
            replace(room, publishers=room.publishers | {peer})
            if publishes
            else replace(room, viewers=room.viewers | {peer})
        )
        return replace(self, rooms={**self.rooms, name: room})

    def left(self, name: str, peer: str) -> Placement:
        """Someone left a room, or was not in it any more; an empty room is forgotten."""
        room = self.rooms.get(name)
        if room is None:
            return self
        room = room.without(peer)
        rooms = {other: kept for other, kept in self.rooms.items() if other != name}
        if room.publishers or room.viewers:
            rooms[name] = room
        return replace(self, rooms=rooms)
