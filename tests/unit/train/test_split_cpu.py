"""How many devices the CPU is split into, and the batches that do not spread over them, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]

BEGIN = """
import json
import os
import jax
from mrsr.errors import UserError
from mrsr.train.devices import check_batch, split_cpu, sum_in_one_order
"""

PROGRAMS = {
    "before": """
split_cpu(2)
found = [jax.device_count()]
split_cpu(3)
found.append(jax.device_count())
refusals = {}
for size in (1, 2, 3, 4):
    try:
        check_batch(size)
    except UserError as error:
        refusals[size] = str(error)
print(json.dumps({"found": found, "refusals": refusals}))
""",
    "after": """
found = [jax.device_count()]
split_cpu(2)
found.append(jax.device_count())
print(json.dumps({"found": found}))
""",
    "told": """
split_cpu(2)
sum_in_one_order()
sum_in_one_order()
print(json.dumps({"found": [jax.device_count()], "flags": os.environ["XLA_FLAGS"]}))
""",
}


@pytest.fixture(scope="module")
def said() -> dict[str, dict[str, Any]]:
    """What each program prints; they run side by side."""
    bare = {name: value for name, value in os.environ.items() if name not in ("XLA_FLAGS", "JAX_NUM_CPU_DEVICES")}
    bare |= {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    flags = {"told": {"XLA_FLAGS": "--xla_force_host_platform_device_count=3"}}
    running = {
        name: subprocess.Popen(
            [sys.executable, "-c", BEGIN + program],
            env=bare | flags.get(name, {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, program in PROGRAMS.items()
    }
    printed = {name: process.communicate(timeout=300) for name, process in running.items()}
    for name, process in running.items():
        assert process.returncode == 0, printed[name][1]
    return {name: json.loads(out) for name, (out, _) in printed.items()}


def test_before_jax_is_used_the_cpu_is_split(said: dict[str, dict[str, Any]]) -> None:
    assert said["before"]["found"][0] == 2


def test_once_jax_is_used_the_number_stays(said: dict[str, dict[str, Any]]) -> None:
    assert said["before"]["found"] == [2, 2]
    assert said["after"]["found"] == [1, 1]


def test_xla_flags_have_the_last_word(said: dict[str, dict[str, Any]]) -> None:
    assert said["told"]["found"] == [3]


def test_a_batch_that_does_not_spread_evenly_is_refused_by_name(said: dict[str, dict[str, Any]]) -> None:
    refusals = said["before"]["refusals"]
    assert set(refusals) == {"1", "3"}
    assert refusals["3"] == "train.batch_size=3: expected a multiple of the 2 devices"


def test_the_order_of_sums_is_asked_for_once_and_other_flags_stay(said: dict[str, dict[str, Any]]) -> None:
    flags = said["told"]["flags"].split()
    assert flags[0] == "--xla_force_host_platform_device_count=3"
    assert flags[1:] == [
        "--xla_cpu_collective_call_terminate_timeout_seconds=86400",
        "--xla_gpu_deterministic_ops=true",
    ]
