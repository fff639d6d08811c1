"""The way in: from a token and a wish to a participant that the worker knows, and out again."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mrsr.streaming.attendance import Attendance
from mrsr.streaming.figures import Figures
from mrsr.streaming.ice import IceServers
from mrsr.streaming.limits import Buckets, Limits
from mrsr.streaming.metrics import GatewayMetrics
from mrsr.streaming.nonces import UsedOnce
from mrsr.streaming.origin import Places
from mrsr.streaming.protocol import Caps, Want
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.sdp import checked_offer
from mrsr.streaming.tokens import Keys, verify
from mrsr.streaming.worker import FromWorker, Participant, Worker

_LOG = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(slots=True)
class Gate:
    """One gateway's state: who is there, what they have used up, and the worker behind."""

    worker: Worker
    keys: Keys
    limits: Limits = field(default_factory=Limits)
    places: Places = field(default_factory=Places)
    open: bool = False  # tokens are given to whoever asks
    hsts: bool = False  # browsers are told to come by HTTPS alone from now on
    ice: IceServers = field(default_factory=IceServers)
    device: dict[str, Any] | None = None  # what browsers may enlarge with, as `GET /api/config` says it
    draining: bool = False
    workers: Callable[[], int] = lambda: 1  # that are behind it now
    metrics: GatewayMetrics = field(default_factory=GatewayMetrics)
    figures: Figures = field(init=False)
    attendance: Attendance = field(init=False)
    once: UsedOnce = field(init=False)
    requests: Buckets = field(init=False)  # by address
    joins: Buckets = field(init=False)  # by address
    messages: Buckets = field(init=False)  # by socket
    _most_workers: int = field(default=1, init=False)

    def __post_init__(self) -> None:
        limits = self.limits
        self.figures = Figures(self.worker)
        self.metrics.registry.register(self.figures)
        self.attendance = Attendance(limits, self.grown)
        self.once = UsedOnce(limits.single_use_tokens)
        self.requests = Buckets(limits.requests_per_second, limits.request_burst, limits.addresses)
        self.joins = Buckets(limits.joins_per_minute / 60, limits.join_burst, limits.addresses)
        self.messages = Buckets(limits.messages_per_second, limits.message_burst, limits.addresses)

    @property
    def ready(self) -> bool:
        """Whether participants are taken now."""
        return not self.draining and self.worker.ready

    def grown(self, limit: int) -> int:
        """A limit of one worker, as many times as there have been workers at once: nobody goes where one is lost."""
        self._most_workers = max(self._most_workers, self.workers())
        return limit * self._most_workers

    def admit(
        self, token: str, role: str | None, room: str | None, caps: Caps, address: str = "unknown"
    ) -> Participant:
        """A participant for a token, its place in the room taken.

        Args:
          token: as the client sent it.
          role: the role it takes, or None for the token's.
          room: the room it joins, or None for the token's.
          caps: what it takes at most.
          address: what its address counts as (`address_key`).

        Raises:
          ProtocolError: the server is going down or not up, the token is not valid or used up, of another room or role,
            or there is no place.
        """
        if self.draining:
            raise ProtocolError(Code.DRAINING, "the server is going down", 1000)
        if not self.worker.ready:
            raise ProtocolError(Code.WORKER, "no worker is ready", 1000)
        grant = verify(self.keys, token, self.limits)
        if room not in (None, grant.room):
            raise ProtocolError(Code.ROOM, "the token is of another room")
        if role is not None and grant.role not in (role, "both"):
            raise ProtocolError(Code.ROOM, f"the token's role is {grant.role}")
        allowed = caps.within(grant.caps).within(Caps(max_fps=self.limits.fps))
        if not allowed.codecs:
            raise ProtocolError(Code.ROOM, "the token allows none of the client's codecs")
        who = Participant(secrets.token_hex(8), grant.room, role or grant.role, grant.name, allowed)
        self.attendance.enter(who, grant.digest, address)
        try:
            # After the room: where there is no place the token can be used again.
            self.once.use(grant)
        except ProtocolError:
            self.attendance.leave(who)
            raise
        return who

    async def join(self, who: Participant, want: Want, send: Callable[[FromWorker], None]) -> None:
        """Tells the worker of a participant that was admitted; where that fails, its place is free again.

        Raises:
          ProtocolError: `worker`: it failed or took too long.
        """
        try:
            await self.asked(self.worker.join(who, want, send), "join")
            _LOG.info("%s joins", who.name, extra=_fields(who))
        except BaseException:
            await self.leave(who, "join failed")
            raise

    async def offer(self, who: Participant, sdp: str) -> str:
        """The worker's answer to an offer, which is checked first.

        Raises:
          ProtocolError: the offer is not one that is served, or sends or receives what the role does not, or the worker
            failed.
        """
        offer = checked_offer(sdp, self.limits, who.caps.codecs)
        if (offer.sends and not who.publishes) or (offer.receives and not who.subscribes):
            text = f"the offer sends {_words(offer.sends)}, receives {_words(offer.receives)}; the role is {who.role}"
            raise ProtocolError(Code.ROOM, text)
        return await self.asked(self.worker.offer(who, offer), "offer")

    async def leave(self, who: Participant, reason: str) -> None:
        """Frees a participant's place and tells the worker, once; a worker that fails at that is logged."""
        if not self.attendance.leave(who):
            return
        _LOG.info("%s leaves: %s", who.name, reason, extra=_fields(who))
        try:
            await self.asked(self.worker.leave(who, reason), "leave", self.limits.leave_seconds)
        except ProtocolError as error:
            _LOG.warning("%s", error)

    async def asked(self, answer: Awaitable[T], what: str, seconds: float | None = None) -> T:
        """The worker's answer, awaited for so many seconds (`offer_seconds`) at most.

        Raises:
          ProtocolError: `worker`: it failed, which is logged, or took too long.
        """
        try:
            async with asyncio.timeout(seconds or self.limits.offer_seconds):
                return await answer
        except ProtocolError:
            raise
        except Exception as error:
            _LOG.exception("worker: %s failed", what)
            raise ProtocolError(Code.WORKER, f"the worker failed at {what}", 1000) from error


def _fields(who: Participant) -> dict[str, str]:
    return {"room": who.room, "peer": who.peer, "role": who.role}


def _words(kinds: frozenset[str]) -> str:
    return " and ".join(sorted(kinds)) or "nothing"
