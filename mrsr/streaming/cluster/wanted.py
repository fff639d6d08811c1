"""How many stream workers a Ray cluster is to have: one an accelerator, or one for so many CPUs where there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ACCELERATORS = ("GPU", "TPU")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many workers, and what each is given of its machine, by Ray's names."""

    workers: int
    resources: Mapping[str, float]

    @property
    def options(self) -> dict[str, Any]:
        """The resources as `ray.remote` takes them."""
        rest = dict(self.resources)
        options = {"num_cpus": rest.pop("CPU", 0), "num_gpus": rest.pop("GPU", 0)}
        return options | ({"resources": rest} if rest else {})


def wanted(nodes: Sequence[Mapping[str, Any]], workers: int | None = None, cpus: int | None = None) -> Wanted:
    """The workers for a cluster's machines as they are now.

    Args:
      nodes: as `ray.nodes()` gives them: `Alive` and `Resources`, of which `GPU`, `TPU` and `CPU` are looked at. Where
        any machine has GPUs, those without run no worker; the same with TPUs.
      workers: how many there are to be, whatever there is: those that find no place wait for a machine. None: as many
        as there are accelerators.
      cpus: of a worker without an accelerator. None: all of the machine that has the fewest.

    Source: own choice. One process owns an accelerator: two on one would each hold a copy of the model and wait for the
    other's pass, where one joins its streams in a batch.
    """
    have = [dict(node.get("Resources", {})) for node in nodes if node.get("Alive")]
    for kind in ACCELERATORS:
        found = sum(int(resources.get(kind, 0)) for resources in have)
        if found:
            return Wanted(found if workers is None else workers, {kind: 1})
    counts = [int(resources["CPU"]) for resources in have if resources.get("CPU", 0) >= 1]
    share = cpus or min(counts, default=1)
    return Wanted(sum(count // share for count in counts) if workers is None else workers, {"CPU": share})
