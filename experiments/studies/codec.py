"""How far a network holds as the codec gets coarser: `--config experiments/studies/codec.py[:SOURCES]`."""

from __future__ import annotations

from experiments.studies.start import LIMITS, measured, study_base
from mrsr.config import DegradationConfig, Study, Variant, degradation


def get_study(arg: str = "sample") -> Study:
    h264 = DegradationConfig(codec=1.0, codecs=("h264",), lead=6)
    return Study(
        name="codec",
        question="How much above bicubic is a network at each level of H.264, by what it was trained on?",
        base=study_base(arg, "call"),
        variants=(
            Variant(name="call", says="inputs as in a live call, of four codecs"),
            Variant(name="h264", says="every input through H.264 at CRF 20 to 38", changes={"data.degradation": h264}),
            Variant(name="clean", says="no codec", changes={"data.degradation": degradation("clean")}),
        ),
        evaluation=measured("bicubic", "h264:18", "h264:23", "h264:28", "h264:33", "h264:38", "h264:43"),
        limits=LIMITS + " libx264 alone is measured, at one frame size.",
    )
