"""A local stand-in for Google Cloud Storage: the part of its JSON protocol that gcsfs, TensorStore and ArrayRecord use.

Objects are kept in memory; an upload becomes an object when it is complete, as there. There are no folders and no
renames of them, as there.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import google_crc32c


class GcsServer(ThreadingHTTPServer):
    """Buckets of objects at `url`.

    Attributes:
      objects: bytes by bucket and name; change them to change what is stored.
      denied: buckets whose every request is answered 403.
      room: bytes that an upload may have.
      log: method and path of every request.
    """

    daemon_threads = True

    def __init__(self, *buckets: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, dict[str, bytes]] = {bucket: {} for bucket in buckets}
        self.denied: set[str] = set()
        self.room = sys.maxsize
        self.log: list[str] = []
        self.uploads: dict[str, tuple[str, str, bytearray]] = {}
        self.generations: dict[tuple[str, str], int] = {}
        self.counter = 0
        self.lock = threading.RLock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a client that was killed, or has read as much as it wanted."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """What points the three clients here: Python's, TensorStore's and the C++ one that ArrayRecord uses."""
        return {
            "STORAGE_EMULATOR_HOST": self.url,
            "TENSORSTORE_GCS_HTTP_URL": self.url,
            "CLOUD_STORAGE_EMULATOR_ENDPOINT": self.url,
            "GOOGLE_AUTH_TOKEN_FOR_TESTING": "none",
            "GOOGLE_CLOUD_PROJECT": "test",
            # Whether a bucket has folders is asked through gRPC, which this server does not speak.
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        }

    def put(self, bucket: str, name: str, data: bytes) -> dict[str, Any]:
        with self.lock:
            self.counter += 1
            self.objects[bucket][name] = bytes(data)
            self.generations[bucket, name] = self.counter
            return self.described(bucket, name)

    def described(self, bucket: str, name: str) -> dict[str, Any]:
        data = self.objects[bucket][name]
        return {
            "kind": "storage#object",
            "bucket": bucket,
            "name": name,
            "id": f"{bucket}/{name}",
            "size": str(len(data)),
            "generation": str(self.generations[bucket, name]),
            "metageneration": "1",
            "contentType": "application/octet-stream",
            "timeCreated": "2026-01-01T00:00:00.000Z",
            "updated": "2026-01-01T00:00:00.000Z",
            "crc32c": base64.b64encode(google_crc32c.Checksum(data).digest()).decode(),
            "mediaLink": f"{self.url}/download/storage/v1/b/{bucket}/o/{quote(name, safe='')}?alt=media",
        }


@contextmanager
def gcs_server(*buckets: str) -> Iterator[GcsServer]:
    """A running server with these buckets, empty."""
    with GcsServer(*buckets) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Error(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: GcsServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _answer(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            self.body = b"".join(iter(self._chunk, b""))
        self.server.log.append(f"{self.command} {self.path}")
        try:
            with self.server.lock:
                status, headers, content = self._handle(self.command, self.path)
        except _Error as error:
            told = {"error": {"code": error.status, "message": str(error), "errors": [{"message": str(error)}]}}
            status, headers, content = error.status, {"Content-Type": "application/json"}, json.dumps(told).encode()
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _chunk(self) -> bytes:
        data = self.rfile.read(int(self.rfile.readline(), 16))
        self.rfile.readline()
        return data

    def _handle(self, method: str, target: str) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if parts.path.startswith("/batch"):
            return self._batch()
        found = re.fullmatch(r"(?:/(?:upload|download|resumable)|)/storage/v1/b/([^/]+)(?:/o(?:/(.+))?)?/?", parts.path)
        if not found:  # The C++ client reads an object by its plain name.
            found = re.fullmatch(r"/([^/]+)/(.+)", parts.path)
            query = {"alt": "media"} | query
        if not found:
            raise _Error(400, f"no such request: {method} {target}")
        bucket, name = found[1], unquote(found[2] or "")
        if bucket in self.server.denied:
            raise _Error(403, f"anonymous caller does not have storage.objects.list access to {bucket}")
        if bucket not in self.server.objects:
            raise _Error(404, "The specified bucket does not exist.")
        if parts.path.startswith("/upload"):
            return self._upload(bucket, query)
        if parts.path.startswith("/resumable"):
            return self._continue(query["upload_id"])
        if moved := re.fullmatch(r"(.+)/(moveTo|rewriteTo/b/[^/]+|copyTo/b/[^/]+)/o/(.+)", unquote(name)):
            return self._copy(bucket, moved[1], moved[3], move=moved[2] == "moveTo")
        if not name:
            whole = parts.path.rstrip("/").endswith("/o")
            return _json(self._listed(bucket, query) if whole else {"kind": "storage#bucket", "name": bucket})
        if name not in self.server.objects[bucket]:
            raise _Error(404, f"No such object: {bucket}/{name}")
        if method == "DELETE":
            del self.server.objects[bucket][name]
            return 204, {}, b""
        return (
            self._content(bucket, name) if query.get("alt") == "media" else _json(self.server.described(bucket, name))
        )

    def _content(self, bucket: str, name: str) -> tuple[int, dict[str, str], bytes]:
        data = self.server.objects[bucket][name]
        described = self.server.described(bucket, name)
        headers = {
            "Content-Type": "application/octet-stream",
            "X-Goog-Generation": described["generation"],
            "X-Goog-Hash": f"crc32c={described['crc32c']}",
            "X-Goog-Stored-Content-Length": described["size"],
        }
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not asked:
            return 200, headers, data
        if asked[1]:
            start, end = int(asked[1]), min(int(asked[2] or len(data)) + 1, len(data))
        else:
            start, end = max(len(data) - int(asked[2]), 0), len(data)
        if start >= len(data):
            raise _Error(416, "range not satisfiable")
        return 206, headers | {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}, data[start:end]

    def _listed(self, bucket: str, query: dict[str, str]) -> dict[str, Any]:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        start, end = query.get("startOffset", ""), query.get("endOffset", "")
        items, folders = [], set()
        for name in sorted(self.server.objects[bucket]):
            if not name.startswith(prefix) or name < start or (end and name >= end):
                continue
            head, cut, rest = name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
            if cut and (rest or not query.get("includeTrailingDelimiter")):
                folders.add(prefix + head + cut)
            else:
                items.append(self.server.described(bucket, name))
        return {"kind": "storage#objects", "items": items, "prefixes": sorted(folders)}

    def _upload(self, bucket: str, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        kind = query.get("uploadType")
        if kind == "media":
            self._precondition(bucket, query["name"], query)
            return _json(self.server.put(bucket, query["name"], self.body))
        if kind == "multipart":
            boundary = b"--" + re.search(r'boundary="?([^";]+)', self.headers["Content-Type"])[1].encode()
            about, data = (part for part in self.body.split(boundary)[1:-1])
            name = json.loads(re.split(rb"\r?\n\r?\n", about, maxsplit=1)[1])["name"]
            content = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[1]
            self._precondition(bucket, name, query)
            return _json(self.server.put(bucket, name, content.removesuffix(b"\n").removesuffix(b"\r")))
        self.server.counter += 1
        name = query.get("name") or json.loads(self.body)["name"]
        upload = str(self.server.counter)
        self.server.uploads[upload] = bucket, name, bytearray()
        return 200, {"Location": f"{self.server.url}/resumable/storage/v1/b/{bucket}/o?upload_id={upload}"}, b""

    def _precondition(self, bucket: str, name: str, query: dict[str, str]) -> None:
        wanted = query.get("ifGenerationMatch")
        present = self.server.generations.get((bucket, name), 0) if name in self.server.objects[bucket] else 0
        if wanted is not None and int(wanted) != present:
            raise _Error(412, "At least one of the pre-conditions you specified did not hold.")

    def _continue(self, upload: str) -> tuple[int, dict[str, str], bytes]:
        bucket, name, data = self.server.uploads[upload]
        data += self.body
        if len(data) > self.server.room:
            raise _Error(400, "no room")
        total = self.headers.get("Content-Range", "").rpartition("/")[2]
        if total and total != str(len(data)):
            return 308, {"Range": f"bytes=0-{len(data) - 1}"}, b""
        del self.server.uploads[upload]
        return _json(self.server.put(bucket, name, bytes(data)))

    def _copy(self, bucket: str, source: str, target: str, *, move: bool) -> tuple[int, dict[str, str], bytes]:
        if source not in self.server.objects[bucket]:
            raise _Error(404, f"No such object: {bucket}/{source}")
        described = self.server.put(bucket, target, self.server.objects[bucket][source])
        if move:
            del self.server.objects[bucket][source]
            return _json(described)
        return _json({"done": True, "resource": described})

    def _batch(self) -> tuple[int, dict[str, str], bytes]:
        """Deletions, as gcsfs bundles them."""
        answers = ""
        for target in re.findall(rb"DELETE (\S+) HTTP", self.body):
            try:
                status = self._handle("DELETE", target.decode())[0]
            except _Error as error:
                status = error.status
            answers += f"--answer\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 {status} done\r\n\r\n"
        return 200, {"Content-Type": "multipart/mixed; boundary=answer"}, (answers + "--answer--").encode()


def _json(value: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()
