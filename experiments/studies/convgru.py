"""Whether and where a recurrent state pays: `--config experiments/studies/convgru.py[:SOURCES]`."""

from __future__ import annotations

from experiments.studies.start import LIMITS, measured, study_base
from mrsr.config import Study, Variant


def get_study(arg: str = "sample") -> Study:
    at_180, at_360 = "model.stages[0].hidden", "model.stages[1].hidden"
    return Study(
        name="convgru",
        question="Does a recurrent state pay, and at which rung: at 180p, at 180p and 360p, or nowhere?",
        base=study_base(arg),
        variants=(
            Variant(name="both", says="a ConvGRU at 180p and one at 360p"),
            Variant(name="only-180", says="at 180p alone: an input of 360p has none", changes={at_360: 0}),
            Variant(name="off", says="none: every frame by itself", changes={at_180: 0, at_360: 0}),
            Variant(name="forgets", says="trained with both, its state zero at every frame", of="both",
                    measured={"state": "none"}),
        ),
        evaluation=measured("bicubic", "h264:28"),
        limits=LIMITS + " Clips of six frames teach a memory of six frames, and the sample's photographs move as a "
        "plane does: nothing is uncovered that a memory could have kept.",
    )  # fmt: skip
