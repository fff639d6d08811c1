"""`mrsr serve` in a process of its own, as a user starts it."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_STARTED_S = 60.0


@dataclass
class Server:
    """A server that runs.

    Attributes:
      url: of its page, without a slash at the end.
      process: its own.
      lines: what it has printed.
    """

    url: str
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def workers(self) -> list[int]:
        """The process ids of its stream workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(child) for child in children if b"worker" in Path(f"/proc/{child}/cmdline").read_bytes()]


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[Server]:
    """A server on a free port, stopped at the end by SIGTERM."""
    command = [sys.executable, "-m", "mrsr.cli", "serve", "--port", "0", *arguments]
    # Python writes to a pipe in blocks otherwise, and the URL would not come.
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    server, found = Server("", process), threading.Event()

    def read() -> None:
        assert process.stdout
        for line in process.stdout:
            server.lines.append(line)
            url = re.search(r"https?://[\w.\[\]:-]+", line)
            if url and not server.url:
                server.url = url.group()
                found.set()
        found.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        if not found.wait(_STARTED_S) or not server.url:
            pytest.fail("mrsr serve did not start: " + "".join(server.lines[-20:]))
        yield server
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join()
        if process.stdout:
            process.stdout.close()
