"""Who is in which room: rooms and peers are counted, and refused when there are too many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from mrsr.streaming.limits import Limits
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.worker import Participant

_RETRY_MS = 5000


class Attendance:
    """The participants of one gateway. A room is there as long as someone is in it."""

    def __init__(self, limits: Limits, grown: Callable[[int], int] = lambda limit: limit) -> None:
        """Args:
        limits: of one worker.
        grown: a limit of one worker as one of all there are.
        """
        self._limits, self._grown = limits, grown
        self._rooms: dict[str, dict[str, Participant]] = {}
        self._came: dict[str, tuple[str, str]] = {}  # by peer: with which token, from where
        self._of_token: Counter[str] = Counter()
        self._of_address: Counter[str] = Counter()

    def enter(self, who: Participant, token: str = "", address: str = "") -> None:
        """Takes a participant in.

        Args:
          who: the participant.
          token: what is the same for all who come with its token.
          address: what its address counts as.

        Raises:
          ProtocolError: `full`: there are too many peers, rooms, peers in this room, publishers in it, or peers of the
            token or the address.
        """
        limits, room = self._limits, self._rooms.get(who.room, {})
        peers, rooms = self._grown(limits.peers), self._grown(limits.rooms)
        if self.peers >= peers:
            raise _full(f"{peers} peers are connected, no more are taken")
        if not room and self.rooms >= rooms:
            raise _full(f"{rooms} rooms are open, no more are")
        if len(room) >= limits.peers_per_room:
            raise _full(f"the room has {limits.peers_per_room} peers, no more are taken")
        if who.publishes and sum(other.publishes for other in room.values()) >= limits.publishers_per_room:
            raise _full(f"the room has {limits.publishers_per_room} publishers, no more are taken")
        if self._of_token[token] >= limits.peers_per_token:
            raise _full(f"{limits.peers_per_token} peers came with this token, no more are taken")
        if self._of_address[address] >= limits.peers_per_address:
            raise _full(f"{limits.peers_per_address} peers came from this address, no more are taken")
        self._rooms.setdefault(who.room, {})[who.peer] = who
        self._came[who.peer] = token, address
        self._of_token[token] += 1
        self._of_address[address] += 1

    def leave(self, who: Participant) -> bool:
        """Frees a participant's place; whether it had one."""
        room = self._rooms.get(who.room, {})
        if room.pop(who.peer, None) is None:
            return False
        if not room:
            del self._rooms[who.room]
        for count, key in zip((self._of_token, self._of_address), self._came.pop(who.peer), strict=True):
            count[key] -= 1
            if not count[key]:
                del count[key]
        return True

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


def _full(text: str) -> ProtocolError:
    return ProtocolError(Code.FULL, text, _RETRY_MS)
