"""The state when the input's resolution changes: `--config experiments/studies/hand_over.py[:SOURCES]`."""

from __future__ import annotations

from experiments.studies.start import LIMITS, measured, study_base
from mrsr.config import Study, Variant

AT = 8
"""The frame at which the input changes; so many before it, and as many behind it are measured."""


def get_study(arg: str = "sample") -> Study:
    def otherwise(name: str, says: str, state: str) -> Variant:
        return Variant(name=name, says=says, of="handed-over", measured={"state": state})

    return Study(
        name="hand_over",
        question="When the input of a stream changes between 180p and 360p, is the state of the shared stage worth "
        "handing over, or is a start from zero as good?",
        base=study_base(arg),
        variants=(
            Variant(name="handed-over", says=f"the input changes at frame {AT}, the state is handed over"),
            otherwise("reset", "the same, the state starts at zero", f"reset@{AT}"),
            otherwise("no-change", "the input was the same all along", f"kept@{AT}"),
            otherwise("no-state", "the state is zero at every frame", f"none@{AT}"),
        ),
        evaluation=measured("bicubic", "h264:28", frames=2 * AT, state=f"handed_over@{AT}", routes="180:720,360:720"),
        limits=LIMITS + " 180:720 is an input that falls from 360p, 360:720 one that rises from 180p. No training clip "
        "changes its input: the hand-over is not learnt.",
    )
