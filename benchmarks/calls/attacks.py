"""The hostile inputs: each is tried on a server and comes back with what the server did, in words.

`python -m benchmarks.calls.attacks NAME URL KEYS LOG` tries one and prints that as JSON: `benchmarks.calls.hostile` has
each in a process of its own, so that what an attacker computes is not taken for what the server loses.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from benchmarks.calls.group import taking_part
from mrsr.streaming.client.media import Media
from mrsr.streaming.client.record import Record
from mrsr.streaming.client.settings import ClientSettings
from mrsr.streaming.protocol import Control
from mrsr.streaming.tokens import Grant, Keys, issue

_WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Target:
    """A server, and how to knock at it.

    Attributes:
      url: where it listens.
      keys: the file of its keys.
      log: the file of what it writes.
    """

    url: str
    keys: Path
    log: Path

    def token(self, room: str = "attack", role: str = "both", **changes: Any) -> str:
        """A token that is right."""
        return issue(Keys.read(self.keys), Grant(room, role, "attacker", **changes), 600, time.time())

    def client(self, role: str, name: str, **changes: Any) -> ClientSettings:
        """The settings of a participant of the attackers' room."""
        return ClientSettings(self.url, "attack", role, name, token_key=str(self.keys), **changes)

    async def told(self, *messages: str | bytes, hello: bool = True, token: str | None = None) -> str:
        """What the server answers to messages behind a hello: the code of its error and the close code."""
        async with aiohttp.ClientSession() as http, http.ws_connect(f"{self.url}/api/ws") as socket:
            first = {"type": "hello", "token": token or self.token(), "role": "both", "session": "attack"}
            with contextlib.suppress(ConnectionError):
                if hello:
                    await socket.send_str(json.dumps(first))
                for message in messages:
                    await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_str(message))
            return await _outcome(socket)


async def _outcome(socket: aiohttp.ClientWebSocketResponse) -> str:
    code = ""
    try:
        async with asyncio.timeout(_WAIT_S):
            async for frame in socket:
                said = frame.json() if frame.type is aiohttp.WSMsgType.TEXT else {}
                if said.get("type") == "error":
                    code = f"{said['code']}: {said.get('text', '')}"
    except TimeoutError:
        return code or "still open"
    return f"{code or 'no message'}; closed with {socket.close_code}"


def _offer(sdp: str) -> str:
    return json.dumps({"type": "offer", "sdp": sdp})


async def malformed_sdp(target: Target) -> dict[str, str]:
    """Offers that are none, or are of what is not served."""
    media = Media(target.client("publish", "x"), Record(), [])
    try:
        good = await media.offer()
    finally:
        await media.close()
    cases = {
        "empty": "",
        "no SDP": "hello",
        "cut in half": good[: len(good) // 2],
        "port 99999": good.replace("m=video 9", "m=video 99999").replace("m=video ", "m=video 9", 1),
        "data channel": good.replace("m=video", "m=application"),
        "NUL in a line": good.replace("a=mid", "a=\0mid"),
        "10,000 candidates": good + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 10_000,
        "no fingerprint": "\r\n".join(line for line in good.split("\r\n") if "fingerprint" not in line),
        "codec unknown": good.replace("H264", "H999"),
    }
    return {name: await target.told(_offer(sdp)) for name, sdp in cases.items()}


async def oversize_and_binary(target: Target) -> dict[str, str]:
    """Messages that are too long, binary, nested, no JSON, or of types that a client has not."""
    cases: dict[str, str | bytes] = {
        "1 MB of text": "x" * (1 << 20),
        "70 KB of JSON": json.dumps({"type": "bye", "reason": "x" * 70_000}),
        "binary": b"\0\1\2",
        "nested 10,000 deep": "[" * 10_000,
        "no JSON": "{",
        "a status from a client": json.dumps({"type": "status", "sr": "on"}),
        "infinity": '{"type": "ack", "seq": 1e999, "ok": true}',
    }
    return {name: await target.told(message) for name, message in cases.items()}


async def tokens(target: Target) -> dict[str, str]:
    """Tokens used twice, forged, run out, and of another room or role."""
    once = target.token(once=True, nonce="only-one")
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{target.url}/api/ws") as socket:
        await socket.send_json({"type": "hello", "token": once, "role": "both", "session": "attack"})
        first = (await socket.receive_json(timeout=_WAIT_S))["type"]
        again = await target.told(token=once)
    forged = issue(Keys({"mine": "m" * 40}), Grant("attack", "both"), 600, time.time())
    stale = issue(Keys.read(target.keys), Grant("attack", "both"), 1, time.time() - 100)
    head, body, _ = target.token().split(".")
    return {
        "once, the first time": first,
        "once, replayed": again,
        "of a key of the attacker's": await target.told(token=forged),
        "signature taken off": await target.told(token=f"{head}.{body}."),
        "run out": await target.told(token=stale),
        "of another room": await target.told(token=target.token(room="other")),
        "of another role": await target.told(token=target.token(role="subscribe")),
    }


async def slow_loris(target: Target) -> dict[str, Any]:
    """Connections that send a byte of a header every second, and sockets that never say hello."""
    address = urlsplit(target.url)

    async def drip() -> float:
        began = time.monotonic()
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
            while time.monotonic() - began < 30:
                writer.write(b"a")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    if not await asyncio.wait_for(reader.read(1000), 1):
                        break
        except ConnectionError:
            pass
        finally:
            writer.close()
        return time.monotonic() - began

    lasted = await asyncio.gather(*(drip() for _ in range(60)))
    silent = await asyncio.gather(*(target.told(hello=False) for _ in range(10)))
    return {
        "60 dripping connections, closed after s": [round(min(lasted), 1), round(max(lasted), 1)],
        "10 sockets without a hello": dict(Counter(silent)),
    }


async def flood(target: Target) -> dict[str, Any]:
    """A thousand messages at once on a socket, and a hundred joins at once."""
    want = json.dumps({"type": "want", "policy": "link"})
    messages = await target.told(*[want] * 1000)
    joins = await asyncio.gather(*(target.told("{") for _ in range(100)), return_exceptions=True)
    return {"1,000 messages": messages, "100 joins": dict(Counter(str(each)[:120] for each in joins))}


async def huge_picture(target: Target) -> dict[str, Any]:
    """A publisher of 2560x1440, above what a frame may have."""
    return await _published(target, size=(2560, 1440), fps=5)


async def _published(target: Target, **settings: Any) -> dict[str, Any]:
    publisher = target.client("publish", "attacker", **settings)
    watcher = target.client("subscribe", "beside")
    async with taking_part(publisher, watcher) as (_, viewer):
        await asyncio.sleep(8)
        seen = Counter(f"{shown.width}x{shown.height}" for shown in viewer.record.shown)
        last = viewer.record.statuses[-1][1] if viewer.record.statuses else None
    logged = [line for line in target.log.read_text(errors="replace").splitlines() if "refused" in line or "px" in line]
    return {
        "a viewer of it sees": dict(seen),
        "and is told": f"{last.sr}: {last.reason}" if last else "nothing",
        "log": logged[-1][-160:] if logged else "",
    }


async def sudden_sizes(target: Target) -> dict[str, Any]:
    """A publisher whose picture has another size every fifth of a second."""
    publisher = target.client("publish", "attacker", size=(1280, 720), fps=15)
    watcher = target.client("subscribe", "beside", fps=15)
    async with taking_part(publisher, watcher) as (one, viewer):
        for number in range(40):
            await asyncio.sleep(0.2)
            if one.media is not None:
                one.media.obey(Control(0, (1.0, 4.0, 2.0, 7.3, 1.37)[number % 5], 2_000_000))
        seen = Counter(f"{shown.width}x{shown.height}" for shown in viewer.record.shown)
    return {"a viewer of it sees": dict(seen), "frames": sum(seen.values())}


ATTACKS: dict[str, Callable[[Target], Awaitable[Any]]] = {
    "malformed_sdp": malformed_sdp,
    "oversize_and_binary": oversize_and_binary,
    "tokens": tokens,
    "slow_loris": slow_loris,
    "huge_picture": huge_picture,
    "sudden_sizes": sudden_sizes,
    "flood": flood,
}


def main() -> None:
    """Tries one of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calls.attacks", description=__doc__)
    parser.add_argument("name", choices=ATTACKS)
    parser.add_argument("url", help="of the server")
    parser.add_argument("keys", type=Path, help="file of its keys")
    parser.add_argument("log", type=Path, help="file of what it writes")
    args = parser.parse_args()
    print(json.dumps(asyncio.run(ATTACKS[args.name](Target(args.url, args.keys, args.log)))))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
