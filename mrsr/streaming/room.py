"""A room: members who come, offer, speak and leave, and the step that decides what everybody sends and gets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from mrsr.inference.engine import Engine
from mrsr.streaming.controller import Decision, Rule
from mrsr.streaming.encoder import RateLimits, VideoEncoder
from mrsr.streaming.media import Cut, SuperResolved
from mrsr.streaming.member import Member, publishers_of, seat
from mrsr.streaming.peer import Peer
from mrsr.streaming.protocol import Ack, Error, People, Person, Want
from mrsr.streaming.publisher import Publisher
from mrsr.streaming.refusals import Code
from mrsr.streaming.sdp import CheckedOffer
from mrsr.streaming.settings import WorkerSettings
from mrsr.streaming.viewer import Viewer
from mrsr.streaming.worker import FromWorker, Participant

_LOG = logging.getLogger(__name__)
STEP_S = 0.5
STATUS_S = 1.0
# An offer's connection that has not come about by then never will: its place is another's.
CONNECT_S = 30.0


class Room:
    """The members of one room; everything happens in the loop's thread but `Publisher.result`.

    Attributes:
      members: by peer id.
    """

    def __init__(
        self, name: str, engine: Engine, settings: WorkerSettings, clock: Callable[[], float], rule: Rule | None = None
    ) -> None:
        self.name = name
        self.members: dict[str, Member] = {}
        self._engine, self._settings, self._clock = engine, settings, clock
        self._rule = rule or Rule()
        self._began = clock()
        self._left: list[SuperResolved] = []

    def join(self, who: Participant, want: Want, send: Callable[[FromWorker], None]) -> None:
        """Another member, who has yet to make an offer."""
        self.members[who.peer] = Member(who, want, send)
        send(self._people(who.peer))

    async def offer(self, who: Participant, offer: CheckedOffer) -> str:
        """The answer to a member's offer, which takes the place of its connection before, if it had one.

        Raises:
          ProtocolError: `bad_sdp`: WebRTC does not take the offer.
          RunError: this machine cannot answer it.
        """
        member = self.members[who.peer]
        peer = Peer(lambda: self._lost(member, peer))
        try:
            answer = await peer.answer(offer)
        except BaseException:
            await peer.close()
            raise
        if self.members.get(who.peer) is not member:
            # Whoever lets the member go closes the connection it had: that must not be this one instead.
            await peer.close()
            return answer
        before, member.peer, member.answered_at = member.peer, peer, self._clock()
        try:
            await self._attach(member, offer, peer)
        finally:
            if before is not None:
                await before.close()
        seat(self.members)
        self._tell_people()
        return answer

    async def _attach(self, member: Member, offer: CheckedOffer, peer: Peer) -> None:
        who = member.who
        if offer.sends and who.publishes:
            if member.publisher is None:
                member.publisher = self._publisher(member)
            await member.publisher.intake.attach(peer)
        if offer.receives and who.subscribes and self.members.get(who.peer) is member:
            if member.viewer is None:
                routes, fps = self._engine.routes, self._settings.fps
                member.viewer = Viewer(who, member.want, routes, self._rule, fps, self._began)
            member.viewer.attach(peer)

    def heard(self, who: Participant, message: Want | Ack) -> None:
        """A member said something."""
        member = self.members[who.peer]
        if isinstance(message, Ack):
            if member.publisher is not None:
                member.publisher.acked(message, self._clock())
            return
        member.want = message
        if member.publisher is not None:
            member.publisher.heard(message)
        if member.viewer is not None:
            member.viewer.want = message
            seat(self.members)
        self.step(self._clock(), at_once=True)

    async def leave(self, who: Participant) -> None:
        """A member is gone; who watched it sees its last picture until there is another to watch."""
        member = self.members.pop(who.peer, None)
        if member is None:
            return
        if member.viewer is not None:
            member.viewer.feed.detach()
        if member.publisher is not None:
            await member.publisher.close()
            self._left.append(member.publisher.pictures)
        if member.peer is not None:
            await member.peer.close()
        if member.publisher is not None:
            seat(self.members)
            self._tell_people()

    async def close(self) -> None:
        """Everybody leaves."""
        for member in tuple(self.members.values()):
            await self.leave(member.who)
        for pictures in self._left:
            await pictures.close()

    @property
    def publishers(self) -> dict[str, Publisher]:
        """Those who publish, by peer id, the first to come first."""
        return publishers_of(self.members)

    # The step

    def step(self, now: float, at_once: bool = False) -> None:
        """Decides for everybody for whom it is time, and tells those who have not been told for a second."""
        viewers = [member.viewer for member in self.members.values() if member.viewer is not None]
        for publisher in self.publishers.values():
            own = [viewer for viewer in viewers if viewer.feed.watched is publisher]
            due = at_once or any(viewer.due(now, STEP_S) for viewer in own)
            if due or not own:
                self._decide(publisher, own, now)
        for member in tuple(self.members.values()):
            if now - member.told_at >= STATUS_S:
                member.told_at = now
                teller = member.viewer or member.publisher
                if teller is not None and member.peer is not None:
                    member.send(teller.status(now))
                if member.peer is not None and not member.peer.came_about and now - member.answered_at > CONNECT_S:
                    member.send(Error(str(Code.WORKER), f"no connection came about in {CONNECT_S:g} s", 500))

    def _decide(self, publisher: Publisher, viewers: list[Viewer], now: float) -> None:
        decisions: dict[str, Decision] = {}
        for viewer in viewers:
            decision = viewer.decide(now)
            if decision is not None:
                decisions[viewer.who.peer] = decision
        publisher.decide(decisions, now)
        rates: dict[Cut, float] = {}
        for viewer in viewers:
            if viewer.who.peer not in decisions:
                continue
            cut = viewer.cut(publisher.output(viewer.who.peer))
            viewer.feed.follow(cut)
            rates[cut] = min(rates.get(cut, float("inf")), decisions[viewer.who.peer].output_kbps)
        for cut, kbps in rates.items():
            publisher.pictures.rung(cut).bit_rate = 1000 * kbps  # type: ignore[assignment]

    def reap(self) -> None:
        """Lets go of the encoders that nobody watches any more."""
        for publisher in self.publishers.values():
            publisher.pictures.reap()
        for pictures in tuple(self._left):
            pictures.reap()
            if pictures.ended:
                self._left.remove(pictures)

    # Who is there

    def _publisher(self, member: Member) -> Publisher:
        settings = self._settings

        def encoder(cut: Cut) -> VideoEncoder:
            fps = cut.fps or settings.fps
            first = 1000 * self._rule.bitrates.needed_kbps(cut.format.lower(), cut.height, fps)
            return VideoEncoder(cut.format, RateLimits(first=round(first)), fps=fps)

        pictures = SuperResolved(encoder, self._clock, self._began)
        return Publisher(
            member.who, member.want, member.send, self._engine, settings, pictures, self._rule, self._clock()
        )

    def _people(self, you: str) -> People:
        there = [Person(name, publisher.who.name) for name, publisher in self.publishers.items()]
        return People(you, tuple(there))

    def _tell_people(self) -> None:
        for name, member in tuple(self.members.items()):
            member.send(self._people(name))

    def _lost(self, member: Member, peer: Peer) -> None:
        """A connection failed: the client joins again, with a new one."""
        if member.peer is peer and self.members.get(member.who.peer) is member:
            member.send(Error(str(Code.WORKER), "the connection was lost", 500))

    def statistics(self, now: float) -> dict[str, Any]:
        """The figures of everybody in the room, as JSON."""
        members = self.members
        return {
            "publishers": {name: m.publisher.statistics(now) for name, m in members.items() if m.publisher is not None},
            "viewers": {name: m.viewer.statistics(now) for name, m in members.items() if m.viewer is not None},
        }


async def closed_in_time(room: Room, seconds: float) -> None:
    """Closes a room; what does not end within `seconds` is left to the process's end."""
    try:
        async with asyncio.timeout(seconds):
            await room.close()
    except TimeoutError:
        _LOG.warning("room %s: not everybody could be let go of in %g s", room.name, seconds)
