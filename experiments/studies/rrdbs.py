"""How many RRDBs a path is worth: `--config experiments/studies/rrdbs.py[:SOURCES]`."""

from __future__ import annotations

from experiments.studies.start import LIMITS, measured, study_base
from mrsr.config import Study, Variant

COUNTS = (1, 0, 2, 4)
"""RRDBs at 180p and at 360p; the first is the base's."""


def get_study(arg: str = "sample") -> Study:
    return Study(
        name="rrdbs",
        question="What does another residual-in-residual dense block at 180p and at 360p bring, and cost?",
        base=study_base(arg),
        variants=tuple(
            Variant(
                name=f"rrdbs-{count}",
                says=f"{count} at each of the two rungs",
                changes={"model.stages[0].rrdbs": count, "model.stages[1].rrdbs": count},
            )
            for count in COUNTS
        ),
        evaluation=measured("bicubic", "h264:28"),
        limits=LIMITS + " Deeper networks take longer to learn: that they are not worth it here does not say so of a "
        "longer training.",
    )
