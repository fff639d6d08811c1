"""A study of minutes: whether the ConvGRU is felt after a few steps, on the sample's photographs."""

from __future__ import annotations

import dataclasses

from experiments.studies.start import measured, study_base
from mrsr.config import Study, Variant


def get_study(arg: str = "sample") -> Study:
    base = study_base(arg, "clean")
    data = dataclasses.replace(base.data, frames=3, crop=48, cutouts=1)
    train = dataclasses.replace(base.train, batch_size=2, log_every=2, checkpoint_every=5, evaluate_frames=1)
    return Study(
        name="smoke",
        question="Does a study run, end to end?",
        base=dataclasses.replace(base, routes="180:360,180:720", data=data, train=train),
        variants=(
            Variant(name="both", says="ConvGRU at 180p and at 360p"),
            Variant(name="off", says="no ConvGRU", changes={"model.stages[0].hidden": 0, "model.stages[1].hidden": 0}),
        ),
        seeds=(0, 1),
        steps=20,
        evaluation=measured("bicubic", frames=2),
        limits="Twenty steps show that everything works, and nothing else.",
    )
