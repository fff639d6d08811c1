"""A `mrsr serve` of a benchmark's own: started, waited for, its processes named, ended with SIGTERM."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mrsr.errors import RunError
from mrsr.streaming.client.processes import Usage, usages
from mrsr.streaming.tokens import Grant, Keys, issue, new_key

START_S = 180.0
_STOP_S = 15.0
_URL = re.compile(r"https?://[\w.:\[\]-]+")


@dataclass(slots=True)
class Server:
    """A server that runs.

    Attributes:
      url: where it listens.
      process: the command.
      log: the file of what it writes.
      keys: file of its keys; None where it gives tokens itself.
    """

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    keys: Path | None

    def usages(self) -> list[Usage]:
        """What its processes take now: the gateway first."""
        return usages(self.process.pid)

    @property
    def worker(self) -> int:
        """The process id of its worker.

        Raises:
          RunError: it has none now.
        """
        found = [each.pid for each in self.usages() if "worker" in each.name]
        if not found:
            raise RunError(f"{self.url}: no worker among {[each.name for each in self.usages()]}")
        return found[0]

    def token(self, room: str, role: str, name: str = "guest") -> str | None:
        """A token signed with its key; None where it gives them itself."""
        if self.keys is None:
            return None
        return issue(Keys.read(self.keys), Grant(room, role, name), 3600, time.time())

    def ready(self) -> bool:
        """Whether it takes participants."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels, as Prometheus would read it."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if re.match(rf"{name}(?:{{| )", line))

    def written(self) -> str:
        """What it has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


@contextlib.contextmanager
def server(
    host: str = "127.0.0.1",
    options: Sequence[str] = (),
    *,
    signed: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """A server for the time of the block, on a free port.

    Args:
      host: where it listens.
      options: of `mrsr serve`.
      signed: whether tokens are signed with keys of its own; always so where it is not on loopback.
      environment: variables that its processes have besides this one's.

    Raises:
      RunError: it did not start.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "serve.log"
        keys = Path(folder) / "keys" if signed or host != "127.0.0.1" else None
        command = [sys.executable, "-m", "mrsr.cli", "serve", "--host", host, "--port", "0", *options]
        if keys is not None:
            keys.touch(0o600)
            keys.write_text(new_key() + "\n")
            command += ["--token-key", str(keys), "--allow-host", host, "--metrics", "here"]
        with log.open("wb") as out:
            variables = {**os.environ, **(environment or {})}
            process = subprocess.Popen(
                command, stdout=out, stderr=subprocess.STDOUT, env=variables, start_new_session=True
            )
        try:
            made = Server("", process, log, keys)
            _wait(made)
            yield made
        finally:
            _stop(process)


def _wait(made: Server) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        found = _URL.search(made.written())
        if found:
            made.url = found.group().rstrip("/")
            if made.ready():
                return
        if made.process.poll() is not None:
            raise RunError(f"mrsr serve ended with {made.process.returncode}: {made.written()[-500:]}")
        time.sleep(0.2)
    raise RunError(f"mrsr serve was not ready in {START_S:g} s: {made.written()[-500:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
