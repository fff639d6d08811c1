"""What a worker's process is told on its standard input when it starts: its settings, its secret, how it logs."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field

from mrsr.errors import UserError
from mrsr.streaming.logs import FORMS
from mrsr.streaming.settings import WorkerSettings

MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class WorkerStart:
    """One line of JSON; other users of the machine see a process' arguments, but not what it reads.

    Attributes:
      settings: of the worker.
      secret: of its channel; None with a name on this machine.
      log: the form of its log, `text` or `json`.
    """

    settings: WorkerSettings = WorkerSettings()  # noqa: RUF009 - frozen
    secret: str | None = field(default=None, repr=False)
    log: str = "text"

    def line(self) -> bytes:
        """The line, with its end."""
        return json.dumps(dataclasses.asdict(self)).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> WorkerStart:
        """What such a line says; what is left out has its default.

        Raises:
          UserError: it is none.
        """
        try:
            value = json.loads(line)
            start = cls(**{**value, "settings": WorkerSettings(**value.get("settings", {}))})
        except (ValueError, TypeError, AttributeError) as error:
            # Without the line itself: it may hold the secret.
            raise UserError('standard input: expected a line {"settings": {...}, "secret", "log"}') from error
        if start.log not in FORMS:
            raise UserError(f"log {start.log!r}: expected {', '.join(FORMS)}")
        return start
