"""One network for six routes against six networks of one: `--config experiments/studies/routes.py[:SOURCES]`."""

from __future__ import annotations

from typing import Any

from experiments.studies.start import LIMITS, measured, study_base
from mrsr.config import Study, Variant

NARROW = {"width": 16, "growth": 8}
"""Of every stage of the small networks; six of them have as many parameters as the one (135,522 and 138,308)."""

NARROW_HIDDEN = 6


def get_study(arg: str = "sample") -> Study:
    base = study_base(arg)
    narrow: dict[str, Any] = {
        f"model.stages[{at}].{name}": value for at in range(len(base.model.stages)) for name, value in NARROW.items()
    }
    narrow |= {f"model.stages[{at}].hidden": NARROW_HIDDEN for at in (0, 1)}
    routes = [str(route) for route in base.route_set()]
    separate = [
        Variant(name=f"{group}-{route.replace(':', '-')}", group=group, says=says, changes={"routes": route} | changes)
        for group, says, changes in (
            ("same-cost", "a network a route, each as large as the one: as many FLOPs a frame", {}),
            ("same-total", "a network a route, together as many parameters as the one", narrow),
        )
        for route in routes
    ]
    return Study(
        name="routes",
        question="Is one network for six routes as good as a network for each, at the same cost of a route, and at the "
        "same number of parameters in all?",
        base=base,
        variants=(Variant(name="one", says="one network, six routes, six losses averaged"), *separate),
        evaluation=measured("bicubic", "h264:28"),
        limits=LIMITS + " Each network has as many steps as the one, so that the six together are trained on six times "
        "as many clips, each for one route.",
    )
