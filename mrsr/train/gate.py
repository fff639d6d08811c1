"""The forgetting gate: what a run must not get worse at while it learns something else, before and after.

Source: col. 12, fine-tuning on faces "at a lower learning rate", so that nothing is forgotten; own choice of measuring
it.
"""

from __future__ import annotations

import json
from pathlib import Path

from mrsr.config import GateConfig
from mrsr.errors import UserError
from mrsr.files import replaced

FILE = "gate.json"


class Gate:
    """What the guarded clips measured before the run and at its last evaluation, kept in `gate.json`."""

    def __init__(self, config: GateConfig, workdir: Path) -> None:
        self._config, self._path = config, workdir / FILE
        self._found: dict[str, float | int | bool | str] = {}

    def begun(self, step: int) -> bool:
        """Whether an earlier process of this run has measured what was there before it.

        Raises:
          UserError: the run is past its first step, and what was measured before it is missing or damaged.
        """
        if step:
            if not self._path.is_file():
                raise UserError(
                    f"{self._path}: missing, and the run is at step {step}; expected what the gate measured before it"
                )
            self._found = self._read()
        return bool(self._found)

    def _read(self) -> dict[str, float | int | bool | str]:
        try:
            found = dict(json.loads(self._path.read_text(encoding="utf-8")))
            float(found["before"])
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(
                f"{self._path}: damaged ({error!r}); expected what the gate measured before the first step"
            ) from None
        return found

    def begin(self, step: int, psnr: float) -> None:
        """Notes the mean PSNR (dB) before the run."""
        self._found = {"sources": self._config.sources, "allowed": self._config.allowed, "from": step, "before": psnr}
        self._write()

    def look(self, step: int, psnr: float) -> bool:
        """Notes the mean PSNR (dB) after `step` steps; whether it fell by no more than the config allows."""
        fell = float(self._found["before"]) - psnr
        self._found |= {"step": step, "after": psnr, "passes": fell <= self._config.allowed}
        self._write()
        return bool(self._found["passes"])

    def words(self) -> str:
        """The verdict as a line."""
        before, after = float(self._found["before"]), float(self._found["after"])
        allowed = f"gate.allowed={self._config.allowed:g}"
        verdict = f"passes ({allowed})" if self._found["passes"] else f"REFUSED ({allowed}), not marked best"
        return f"{self._config.sources}: {before:.2f} dB before, {after:.2f} now ({after - before:+.2f}): {verdict}"

    def _write(self) -> None:
        with replaced(self._path) as beside:
            beside.write_text(json.dumps(self._found, indent=1) + "\n", encoding="utf-8")
