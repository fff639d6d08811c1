"""One gateway connected to a worker: its calls are answered by number, and whom it joined leave when it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any

from mrsr.errors import RunError, UserError
from mrsr.streaming.channel.lines import ChannelError, Lines
from mrsr.streaming.channel.mailbox import Mailbox
from mrsr.streaming.channel.words import Json, error_to_json, offer_of_json, said_of_json, said_to_json, who_of_json
from mrsr.streaming.protocol import People, Status
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.together import until_one_ends
from mrsr.streaming.worker import FromWorker, Participant, Worker

_LOG = logging.getLogger(__name__)
BEAT_S = 0.25
DEAD_S = 8.0
_MOST_WAITING = 4096  # lines for the gateway
_MOST_CALLS = 512
_LEAVE_S = 5.0


class Session:
    """A connection after its greeting; `run` ends with a ChannelError."""

    def __init__(self, worker: Worker, lines: Lines) -> None:
        self._worker, self._lines = worker, lines
        self._mailbox = Mailbox(_MOST_WAITING)
        self._joined: dict[str, Participant] = {}
        self._calls: dict[asyncio.Task[None], str] = {}  # with the peer that each is about
        self._heard = time.monotonic()

    async def run(self) -> None:
        """Answers until the connection is over, then lets everybody leave.

        Raises:
          ChannelError: why it is over.
        """
        try:
            await until_one_ends(self._read(), self._mailbox.send(self._lines), self._beat())
        finally:
            for task in self._calls:
                task.cancel()
            await asyncio.gather(*self._calls, return_exceptions=True)
            leaving = [self._leave(who, "the gateway is gone") for who in tuple(self._joined.values())]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LEAVE_S):
                    await asyncio.gather(*leaving, return_exceptions=True)

    async def _beat(self) -> None:
        """Says whether the worker is ready, again and again: both sides notice a machine that is gone."""
        while True:
            self._mailbox.put({"ready": self._worker.ready}, "ready")
            if time.monotonic() - self._heard > DEAD_S:
                raise ChannelError(f"the gateway was silent for {DEAD_S:g} s")
            await asyncio.sleep(BEAT_S)

    async def _read(self) -> None:
        while True:
            line = await self._lines.read()
            self._heard = time.monotonic()
            if "do" not in line:
                continue
            number, do = line.get("call"), str(line["do"])
            if len(self._calls) >= _MOST_CALLS:
                self._answer(number, ProtocolError(Code.WORKER, "the worker is busy", 1000))
                continue
            peer = str(line.get("who", {}).get("peer", ""))
            task = asyncio.create_task(self._call(number, do, line))
            self._calls[task] = peer
            task.add_done_callback(self._calls.pop)

    async def _call(self, number: Any, do: str, line: Json) -> None:
        try:
            work = self._work(do, line)
            if do != "leave" and not self._worker.ready:
                work.close()
                raise ProtocolError(Code.WORKER, "no worker is ready", 1000)
            answer: Any = await work
        except ProtocolError as error:
            answer = error
        except (RunError, UserError) as error:
            _LOG.warning("%s: %s", do, error)
            answer = ProtocolError(Code.WORKER, str(error), 1000)
        except Exception:
            _LOG.exception("%s failed", do)
            answer = ProtocolError(Code.WORKER, f"the worker failed at {do}", 1000)
        self._answer(number, answer)

    async def _work(self, do: str, line: Json) -> Any:
        if do == "statistics":
            return await self._worker.statistics()
        who = who_of_json(line["who"])
        if do == "join":
            self._joined[who.peer] = who
            await self._worker.join(who, said_of_json(line["want"], ("want",)), self._send_to(who.peer))
        elif do == "offer":
            return await self._worker.offer(who, offer_of_json(line["offer"]))
        elif do == "heard":
            await self._worker.heard(who, said_of_json(line["message"], ("want", "ack")))
        elif do == "leave":
            await self._leave(who, str(line["reason"]))
        else:
            raise ProtocolError(Code.WORKER, f"{do[:20]!a}: the worker knows no such call")
        return None

    async def _leave(self, who: Participant, reason: str) -> None:
        """Once for each that was joined; what it still asks for is of no use any more."""
        if self._joined.pop(who.peer, None) is None:
            return
        own = asyncio.current_task()
        for task in [task for task, peer in self._calls.items() if peer == who.peer and task is not own]:
            task.cancel()
        await self._worker.leave(who, reason)

    def _send_to(self, peer: str) -> Any:
        def send(message: FromWorker) -> None:
            if peer in self._joined:
                # Of these the newest tells all.
                instead = (peer, type(message)) if isinstance(message, Status | People) else None
                self._mailbox.put({"to": peer, "message": said_to_json(message)}, instead)

        return send

    def _answer(self, number: Any, answer: Any) -> None:
        failed = isinstance(answer, ProtocolError)
        self._mailbox.put({"answer": number} | ({"error": error_to_json(answer)} if failed else {"value": answer}))
