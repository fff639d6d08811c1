"""The log of a server's processes on stderr: lines for people, or one object of JSON a line for machines."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import TextIO

from mrsr.errors import UserError

FORMS = ("text", "json")
_FIELDS = ("room", "peer", "role", "worker")
# What they say at these levels is about single packets, or is said by us.
_QUIET = {"aioice": logging.WARNING, "aiortc": logging.WARNING, "jax": logging.WARNING, "absl": logging.WARNING}


def log_to(form: str, stream: TextIO | None = None) -> None:
    """Logs from here on in a form.

    Args:
      form: `text` or `json`.
      stream: where to; None for stderr.

    Raises:
      UserError: another form.
    """
    if form not in FORMS:
        raise UserError(f"log {form!r}: expected {', '.join(FORMS)}")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.getLogger("mrsr").setLevel(logging.INFO)
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)


class _Text(logging.Formatter):
    """Times of the machine's own zone; no line of a message can pass for another's."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        line = super().formatMessage(record)
        fields = [f"{name}={_of(record, name)}" for name in _FIELDS if _of(record, name)]
        return " ".join([line, *fields]).replace("\n", " ").replace("\r", " ")


class _Json(logging.Formatter):
    """`time` (UTC), `level`, `logger`, `event`; where known who it is about, and `error` with its trace."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        said: dict[str, object] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        said |= {name: _of(record, name) for name in _FIELDS if _of(record, name)}
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str)


def _of(record: logging.LogRecord, name: str) -> str:
    value = getattr(record, name, "")
    return value if isinstance(value, str) else ""
