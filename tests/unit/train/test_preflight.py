"""Pre-flight: the search for the largest batch, what is read off a compiled program, and the real thing for a slice."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from small import shapes_of, two_rungs

from mrsr.config.serialise import to_json
from mrsr.errors import UserError
from mrsr.train.ahead_of_time import description, sent_bytes
from mrsr.train.preflight import Attempt, Least, bracket, check_split, needed, next_batch
from mrsr.train.topology import parse_topology
from mrsr.train.topology_compiler import TopologyCompiler, libtpu_is_here

GIB = 2**30
WITHOUT_LIBTPU = "no TPU compiler: neither the package libtpu nor TPU_LIBRARY_PATH"


def attempt(each: int, total: int, limit: int) -> Attempt:
    fits = total <= limit
    return Attempt(4 * each, each, fits, total, {"total": total} if fits else None, 0 if fits else None, 1.0)


@pytest.mark.parametrize("largest", [1, 2, 3, 7, 36, 200])
@pytest.mark.parametrize("curve", [1.0, 1.15, 0.9])
def test_the_search_ends_at_the_largest_batch_that_fits(largest: int, curve: float) -> None:
    def total(each: int) -> int:
        return int(0.3 * GIB + 0.4 * GIB * each**curve)

    limit, least = (total(largest) + total(largest + 1)) // 2, Least(0.1 * GIB, 0.35 * GIB)
    attempts: list[Attempt] = []
    each: int | None = 2
    while each is not None:
        assert each not in [past.each for past in attempts]
        attempts.append(attempt(each, total(each), limit))
        each = next_batch(attempts, limit, least)
    assert bracket(attempts) == (largest, largest + 1)
    assert len(attempts) <= 12


def test_a_step_that_never_fits_is_found_out() -> None:
    attempts = [attempt(1, 20 * GIB, 16 * GIB)]
    assert next_batch(attempts, 16 * GIB, Least(0.0, GIB)) is None
    assert bracket(attempts) == (0, 1)


def test_what_a_step_needs_is_read_off_the_compilers_message() -> None:
    message = "RESOURCE_EXHAUSTED: XLA:TPU compile permanent error. Used 20.50G of 15.75G hbm. Exceeded hbm capacity"
    assert needed(message) == int(20.5 * GIB)
    assert needed("RESOURCE_EXHAUSTED: something else") is None


def test_bytes_sent_are_those_of_the_results_of_collective_operations() -> None:
    program = """
      %all-reduce.3 = (f32[3]{0:T(128)S(1)}, bf16[3,3,4]{2,1,0:T(4,128)}) all-reduce(%a, %b), replica_groups={{0,1}}
      %get = f32[3]{0} get-tuple-element(%all-reduce.3), index=0
      %all-reduce.4 = pred[] all-reduce(%c), to_apply=%and
    """
    assert sent_bytes(program) == 3 * 4 + 36 * 2 + 1


def test_a_batch_that_does_not_split_is_refused_with_one_that_does() -> None:
    with pytest.raises(UserError, match="batch_size=256"):
        check_split(two_rungs(batch_size=8), parse_topology("v5e:16x16"))


def test_parameters_and_state_are_those_of_the_network() -> None:
    config = two_rungs()
    count = sum(leaf.size for leaf in jax.tree.leaves(shapes_of(config)))
    found = description(config)
    assert found["parameters"] == {"generator": count}
    assert found["state_bytes"]["parameters"] == found["state_bytes"]["their average"] == 4 * count
    # uint8, 2 frames: an input at 8 and 16 px a side, the truth at 16.
    assert found["example_bytes"] == 2 * 3 * (8**2 + 16**2 + 16**2)


def test_without_a_tpu_compiler_it_is_named() -> None:
    if libtpu_is_here():
        pytest.skip("there is a TPU compiler")
    with pytest.raises(UserError, match=re.escape("mrsr[tpu]")):
        TopologyCompiler(two_rungs(), parse_topology("v5e:2x2"))


@pytest.mark.slow
@pytest.mark.skipif(not libtpu_is_here(), reason=WITHOUT_LIBTPU)
def test_the_real_step_compiles_for_a_slice_that_is_not_here(tmp_path: Path) -> None:
    config, file = two_rungs(batch_size=4), tmp_path / "preflight.json"
    source = tmp_path / "tiny.py"
    source.write_text(
        "from mrsr.config.serialise import from_json\n"
        f"def get_config(arg=''):\n    return from_json({to_json(config)!r})\n"
    )
    command = [sys.executable, "-m", "mrsr.cli", "train", f"--config={source}", "--preflight=v5e:2x2"]
    done = subprocess.run(
        [*command, "--compilations=1", f"--json={file}"], capture_output=True, text=True, env=os.environ, timeout=600
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_text())
    count = sum(leaf.size for leaf in jax.tree.leaves(shapes_of(config)))
    assert found["parameters"] == {"generator": count}
    # The gradients of every parameter, and the loss with a term of each of the two routes.
    assert found["sent_bytes"] == 4 * (count + 3)
    memory = found["memory"]
    assert memory["arguments"] > sum(found["state_bytes"].values()) + found["example_bytes"]
    assert found["fits"]
    assert found["data"]["complete"]
    assert found["batch"]["a_device"] == 1
