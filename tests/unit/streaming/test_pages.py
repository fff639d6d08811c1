"""The pages: what is served, how long a browser keeps it, and that nothing comes from elsewhere."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from mrsr.streaming.device import runtime
from mrsr.streaming.pages import FOLDER, add_pages

Client = TestClient[web.Request, web.Application]


def asked(test: Callable[[Client], Awaitable[None]]) -> None:
    async def run() -> None:
        app = web.Application()
        add_pages(app)
        async with TestClient(TestServer(app)) as client:
            await test(client)

    asyncio.run(run())


def test_the_page_to_join_holds_a_video_and_every_file_it_names_is_served() -> None:
    async def test(client: Client) -> None:
        answer = await client.get("/")
        text = await answer.text()
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "<video" in text
        for path in re.findall(r'(?:src|href)="(/[^"]+)"', text):
            assert (await client.get(path)).status == 200, path

    asked(test)


def test_a_page_is_asked_for_anew_and_sent_once() -> None:
    async def test(client: Client) -> None:
        first = await client.get("/static/app.js")
        assert first.headers["Content-Type"].startswith("text/javascript")
        assert first.headers["Cache-Control"] == "no-cache"
        again = await client.get("/static/app.js", headers={"If-None-Match": first.headers["ETag"]})
        assert again.status == 304

    asked(test)


@pytest.mark.parametrize(
    "path", ["/static/../pages.py", "/static/%2e%2e/pages.py", "/static//etc/passwd", "/static/no"]
)
def test_nothing_else_is_served(path: str) -> None:
    async def test(client: Client) -> None:
        assert (await client.get(path)).status == 404

    asked(test)


def test_what_browsers_enlarge_with_is_kept_for_good_and_sent_compressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = runtime.cache() / f"onnxruntime-web-{runtime.VERSION}"
    folder.mkdir(parents=True)
    for name in runtime.FILES:
        (folder / name).write_bytes(b"whole")
        (folder / f"{name}.gz").write_bytes(b"compressed")

    async def test(client: Client) -> None:
        for encoding, content in (("gzip", b"compressed"), ("identity", b"whole")):
            answer = await client.get(
                f"/static/{folder.name}/ort-wasm-simd-threaded.wasm",
                headers={"Accept-Encoding": encoding},
                auto_decompress=False,
            )
            assert answer.headers["Content-Type"] == "application/wasm"
            assert "immutable" in answer.headers["Cache-Control"]
            assert await answer.read() == content

    asked(test)


def test_the_pages_name_no_other_site() -> None:
    for path in FOLDER.iterdir():
        addresses = set(re.findall(r"https?://[\w.-]+", path.read_text(encoding="utf-8")))
        assert addresses <= {"http://www.w3.org"}, path.name


def test_the_page_has_nothing_inline_that_its_security_policy_would_stop() -> None:
    html = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html)
