"""Six losses averaged against fewer: `--config experiments/studies/losses.py[:SOURCES]`."""

from __future__ import annotations

from experiments.studies.start import LIMITS, study_base
from mrsr.config import EvaluationConfig, Study, Variant


def get_study(arg: str = "sample") -> Study:
    return Study(
        name="losses",
        question="Do losses at the lower outputs, averaged with its own, help the output at 1080p?",
        base=study_base(arg),
        variants=(
            Variant(name="six", says="a loss at every output of both inputs, averaged"),
            Variant(name="two", says="at 1080p alone, of both inputs", changes={"routes": "180:1080,360:1080"}),
            Variant(name="one", says="at 1080p alone, of the 180p input", changes={"routes": "180:1080"}),
        ),
        evaluation=EvaluationConfig(
            routes="180:1080,360:1080", degradations=("bicubic", "h264:28"), headline="180:1080"
        ),
        limits=LIMITS + " All run the same stages; with fewer losses a step is cheaper, which equal steps do not show.",
    )
