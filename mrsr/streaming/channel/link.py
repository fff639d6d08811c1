"""One connection of a gateway to a worker: who is joined over it, what is asked and what comes back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from mrsr.streaming.channel.lines import ChannelError, Lines
from mrsr.streaming.channel.mailbox import Mailbox
from mrsr.streaming.channel.words import Json, error_of_json, said_of_json, who_to_json
from mrsr.streaming.protocol import Error
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.together import until_one_ends
from mrsr.streaming.worker import FromWorker, Participant

_LOG = logging.getLogger(__name__)
_BEAT_S = 1.0
_DEAD_S = 8.0
_MOST_CALLS = 512
AGAIN_MS = 500


class Link:
    """One connection, after its greeting.

    Attributes:
      ready: whether the worker takes participants.
      sends: what gives a message to a participant, by its peer id.
    """

    def __init__(self, lines: Lines) -> None:
        self.ready = False
        self.sends: dict[str, Callable[[FromWorker], None]] = {}
        self._lines = lines
        self._mailbox = Mailbox(2 * _MOST_CALLS)
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._heard = time.monotonic()

    async def run(self) -> None:
        """Speaks until it is over; ends with a ChannelError."""
        await until_one_ends(self._read(), self._mailbox.send(self._lines), self._beat())

    async def ask(self, do: str, who: Participant | None, **words: Any) -> Any:
        """The worker's answer to a call."""
        if len(self._asked) >= _MOST_CALLS:
            raise ProtocolError(Code.WORKER, "the worker is busy", 1000)
        self._number += 1
        number = self._number
        self._asked[number] = answer = asyncio.get_running_loop().create_future()
        self._mailbox.put({"call": number, "do": do, **({"who": who_to_json(who)} if who else {}), **words})
        try:
            return await answer
        finally:
            del self._asked[number]

    def lose(self) -> None:
        """Tells whoever waits and whoever is joined that it is over."""
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ProtocolError(Code.WORKER, "the worker was lost", AGAIN_MS))
        for send in tuple(self.sends.values()):
            send(Error(str(Code.WORKER), "the worker was lost", AGAIN_MS))
        self.sends.clear()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_S)
            self._mailbox.put({"beat": True}, "beat")
            if time.monotonic() - self._heard > _DEAD_S:
                raise ChannelError(f"the worker was silent for {_DEAD_S:g} s")

    async def _read(self) -> None:
        while True:
            line = await self._lines.read()
            self._heard = time.monotonic()
            if "ready" in line:
                self.ready = bool(line["ready"])
            elif "to" in line:
                self._told(str(line["to"]), line["message"])
            elif "answer" in line:
                self._answered(line)

    def _told(self, peer: str, message: Json) -> None:
        send = self.sends.get(peer)
        if send is None:
            return  # it has left
        try:
            send(said_of_json(message))
        except ProtocolError as error:
            # A fault of the worker's in one stream is none of the others.
            _LOG.warning("a message of the worker is not passed on: %s", error.text, extra={"peer": peer})

    def _answered(self, line: Json) -> None:
        answer = self._asked.get(line["answer"])
        if answer is None or answer.done():
            return  # it was given up
        if "error" in line:
            answer.set_exception(error_of_json(line["error"]))
        else:
            answer.set_result(line.get("value"))
