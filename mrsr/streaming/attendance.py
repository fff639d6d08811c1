"""Who is in which room: rooms and peers are counted, and refused when there are too many."""

from __future__ import annotations

from collections.abc import Iterator

from mrsr.streaming.limits import Limits
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.worker import Participant

_RETRY_MS = 5000


class Attendance:
    """The participants of one gateway. A room is there as long as someone is in it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._rooms: dict[str, dict[str, Participant]] = {}

    def enter(self, who: Participant) -> None:
        """Takes a participant in.

        Raises:
          ProtocolError: `full`: there are too many peers, rooms, peers in this room, or publishers in it.
        """
        limits, room = self._limits, self._rooms.get(who.room, {})
        if self.peers >= limits.peers:
            raise ProtocolError(Code.FULL, f"{limits.peers} peers are connected, no more are taken", _RETRY_MS)
        if not room and self.rooms >= limits.rooms:
            raise ProtocolError(Code.FULL, f"{limits.rooms} rooms are open, no more are", _RETRY_MS)
        if len(room) >= limits.peers_per_room:
            raise ProtocolError(Code.FULL, f"the room has {limits.peers_per_room} peers, no more are taken", _RETRY_MS)
        publishers = sum(other.publishes for other in room.values())
        if who.publishes and publishers >= limits.publishers_per_room:
            text = f"the room has {limits.publishers_per_room} publishers, no more are taken"
            raise ProtocolError(Code.FULL, text, _RETRY_MS)
        self._rooms.setdefault(who.room, {})[who.peer] = who

    def leave(self, who: Participant) -> bool:
        """Frees a participant's place; whether it had one."""
        room = self._rooms.get(who.room, {})
        was_there = room.pop(who.peer, None) is not None
        if not room:
            self._rooms.pop(who.room, None)
        return was_there

    @property
    def rooms(self) -> int:
        """Rooms with someone in them."""
        return len(self._rooms)

    @property
    def peers(self) -> int:
        """Participants in all rooms."""
        return sum(map(len, self._rooms.values()))

    def __iter__(self) -> Iterator[Participant]:
        return (who for room in self._rooms.values() for who in room.values())
