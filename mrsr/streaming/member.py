"""A participant of a room: what it said, its connection, its parts in the call; and who watches whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mrsr.streaming.peer import Peer
from mrsr.streaming.protocol import Want
from mrsr.streaming.publisher import Publisher
from mrsr.streaming.viewer import Viewer
from mrsr.streaming.worker import FromWorker, Participant


class Member:
    """A participant of a room with its connection and its parts in the call.

    Attributes:
      who: the participant.
      send: gives it a message.
      want: what it said last.
      peer: its connection; None before its first offer.
      publisher: its part as a source, None where it has none; likewise `viewer`.
    """

    def __init__(self, who: Participant, want: Want, send: Callable[[FromWorker], None]) -> None:
        self.who, self.want, self.send = who, want, send
        self.peer: Peer | None = None
        self.publisher: Publisher | None = None
        self.viewer: Viewer | None = None
        self.told_at = self.answered_at = float("-inf")


def publishers_of(members: Mapping[str, Member]) -> dict[str, Publisher]:
    """Those who publish, by peer id, the first to come first."""
    return {name: member.publisher for name, member in members.items() if member.publisher is not None}


def seat(members: Mapping[str, Member]) -> None:
    """Gives each viewer the publisher it asked for; else it keeps the one it has, or gets who came last."""
    publishers = publishers_of(members)
    for name, member in members.items():
        if member.viewer is None:
            continue
        feed = member.viewer.feed
        wished = member.want.source
        if wished is not None:
            feed.watch(publishers.get(wished))
            continue
        others = [publisher for other, publisher in publishers.items() if other != name]
        # Who is heard alone is watched where nobody is seen.
        others = [publisher for publisher in others if publisher.intake.shows] or others
        if feed.watched not in others:
            feed.watch(others[-1] if others else None)
        else:
            feed.watch(feed.watched)
