"""One stream worker an accelerator, whatever the machines are; without accelerators one for so many CPUs."""

from __future__ import annotations

from typing import Any

from mrsr.streaming.cluster.wanted import wanted


def node(alive: bool = True, **resources: float) -> dict[str, Any]:
    return {"Alive": alive, "Resources": {"memory": 1e9, "node:192.0.2.7": 1.0, **resources}}


HEAD = node(CPU=0)


def test_there_is_one_worker_a_gpu_of_the_machines_that_live() -> None:
    found = wanted([HEAD, node(CPU=16, GPU=4), node(CPU=8, GPU=1), node(False, CPU=16, GPU=4)])
    assert (found.workers, found.options) == (5, {"num_cpus": 0, "num_gpus": 1})


def test_a_machine_without_accelerator_runs_none_beside_those_with() -> None:
    assert wanted([node(CPU=64), node(CPU=8, GPU=2)]).workers == 2


def test_there_is_one_worker_a_tpu_chip() -> None:
    found = wanted([HEAD, node(CPU=24, TPU=4, **{"TPU-v5litepod-4-head": 1})])
    assert (found.workers, found.options) == (4, {"num_cpus": 0, "num_gpus": 0, "resources": {"TPU": 1}})


def test_without_accelerators_each_machine_has_one() -> None:
    found = wanted([HEAD, node(CPU=8), node(CPU=8), node(CPU=16)])
    assert (found.workers, found.resources) == (4, {"CPU": 8})
    assert wanted([HEAD, node(CPU=8), node(CPU=8)]).workers == 2


def test_a_worker_is_given_as_many_cpus_as_are_asked_for() -> None:
    found = wanted([node(CPU=8), node(CPU=6)], cpus=4)
    assert (found.workers, found.options) == (3, {"num_cpus": 4, "num_gpus": 0})


def test_a_number_that_is_asked_for_waits_for_its_machines() -> None:
    assert wanted([HEAD], workers=3).workers == 3
    assert wanted([HEAD, node(GPU=8)], workers=3).options["num_gpus"] == 1
    assert wanted([HEAD]).workers == 0
