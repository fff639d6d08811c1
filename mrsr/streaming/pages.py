"""The pages of a call: `/` and what it loads below `/static/`, each file known by name when the server starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from mrsr.streaming.device import offered

FOLDER = Path(__file__).parent / "web"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".onnx": "application/octet-stream",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
# Asked for anew each time, and answered 304 while the same: the modules of a page have to be of one version.
_ASK = "no-cache"
# Under addresses that hold a version or a digest.
_KEEP = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _Page:
    path: Path
    kept: bool


_PAGES: web.AppKey[Mapping[str, _Page]] = web.AppKey("pages", Mapping[str, _Page])


def add_pages(app: web.Application) -> None:
    """Adds them to an application. Only files that are there now are served: a path is looked up, never opened."""
    pages = {path.name: _Page(path, False) for path in FOLDER.iterdir() if path.suffix in _TYPES}
    device = offered()
    pages |= {name: _Page(path, True) for name, path in device.files.items()} if device else {}
    app[_PAGES] = pages
    app.router.add_get("/", _index)
    app.router.add_get("/static/{name:.+}", _static)


async def _index(request: web.Request) -> web.StreamResponse:
    return _file(request.app[_PAGES]["index.html"])


async def _static(request: web.Request) -> web.StreamResponse:
    page = request.app[_PAGES].get(request.match_info["name"])
    if page is None:
        raise web.HTTPNotFound
    return _file(page)


def _file(page: _Page) -> web.FileResponse:
    """The file with an ETag (aiohttp's, of size and time), its compressed twin where the browser takes that."""
    headers = {"Content-Type": _TYPES[page.path.suffix], "Cache-Control": _KEEP if page.kept else _ASK}
    return web.FileResponse(page.path, headers=headers)
