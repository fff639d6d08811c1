"""Training on clean inputs against those of a call: `--config experiments/studies/degradation.py[:SOURCES]`."""

from __future__ import annotations

from experiments.studies.start import LIMITS, measured, study_base
from mrsr.config import Study, Variant, degradation


def get_study(arg: str = "sample") -> Study:
    return Study(
        name="degradation",
        question="What does training on the inputs of a call (codec, noise, blur, JPEG) bring on such inputs, and what "
        "does it cost on clean ones?",
        base=study_base(arg, "clean"),
        variants=(
            Variant(name="clean", says="inputs reduced, nothing else"),
            Variant(name="call", says="inputs as in a live call", changes={"data.degradation": degradation("call")}),
            Variant(name="jpeg", says="inputs through JPEG", changes={"data.degradation": degradation("jpeg")}),
        ),
        evaluation=measured("bicubic", "jpeg:60", "h264:28", "h264:34"),
        limits=LIMITS + " Inputs of a call are the harder ones to learn from.",
    )
