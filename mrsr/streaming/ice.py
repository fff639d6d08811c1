"""What browsers are told of STUN and TURN servers: the addresses of both, and credentials of a day for a relay."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mrsr.errors import UserError
from mrsr.streaming.turn import turn_credentials

_SECONDS = 24 * 3600
_URL = re.compile(r"(stun|turn|turns):[A-Za-z0-9_.:\[\]-]{1,255}(\?transport=(udp|tcp))?")


@dataclass(frozen=True, slots=True)
class IceServers:
    """The servers of one gateway; none where everybody reaches the worker's machine by UDP."""

    stun: tuple[str, ...] = ()
    turn: tuple[str, ...] = ()
    secret: str = field(default="", repr=False)  # the relay's static-auth-secret

    @classmethod
    def read(cls, stun: list[str], turn: list[str], secret_file: Path | None) -> IceServers:
        """The servers of the command line.

        Raises:
          UserError: an address is none, a relay comes without a secret or the other way round, or its file is not read.
        """
        for option, schemes, urls in (("--stun", ("stun",), stun), ("--turn", ("turn", "turns"), turn)):
            for url in urls:
                if not _URL.fullmatch(url) or url.partition(":")[0] not in schemes:
                    raise UserError(f"{option} {url!r}: expected {' or '.join(schemes)}:HOST:PORT")
        if bool(turn) != (secret_file is not None):
            raise UserError("TURN: expected both --turn and --turn-secret-file")
        secret = ""
        if secret_file is not None:
            try:
                secret = secret_file.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                why = getattr(error, "strerror", None) or "not UTF-8"
                raise UserError(f"--turn-secret-file {secret_file}: {why}") from error
            if not secret:
                raise UserError(f"--turn-secret-file {secret_file}: empty, expected the relay's static-auth-secret")
        return cls(tuple(stun), tuple(turn), secret)

    def of(self, name: str, now: float) -> list[dict[str, Any]]:
        """`iceServers` as RTCPeerConnection takes them.

        Args:
          name: of the user, for the relay's log.
          now: seconds since 1970.
        """
        servers: list[dict[str, Any]] = [{"urls": list(self.stun)}] if self.stun else []
        if self.turn:
            made = turn_credentials(self.secret, name, _SECONDS, now)
            servers.append({"urls": list(self.turn), "username": made.username, "credential": made.credential})
        return servers
