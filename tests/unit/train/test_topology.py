"""Slices of TPUs by name."""

from __future__ import annotations

import pytest

from mrsr.errors import UserError
from mrsr.train.topology import GENERATIONS, parse_topology


def test_a_slice_of_256_chips_has_64_hosts() -> None:
    topology = parse_topology("v5e:16x16")
    assert (topology.chips, topology.hosts, topology.devices, topology.name) == (256, 64, 256, "v5e:16x16")


def test_a_chip_of_the_seventh_generation_is_two_devices_that_share_its_memory() -> None:
    topology = parse_topology("tpu7x:2x2x1")
    assert (topology.chips, topology.hosts, topology.devices) == (4, 1, 8)
    assert topology.device_bytes == 96 * 2**30


def test_slices_of_one_chip_have_one_host() -> None:
    topology = parse_topology("v6e:1x1")
    assert (topology.chips, topology.hosts, topology.host_bounds) == (1, 1, (1, 1, 1))
    assert topology.device_bytes == 32 * 2**30


def test_every_slice_of_several_chips_splits_into_whole_hosts() -> None:
    for name, generation in GENERATIONS.items():
        for shape in generation.shapes:
            topology = parse_topology(f"{name}:{shape}")
            assert topology.chips == 1 or topology.chips == 4 * topology.hosts
            assert topology.chips <= 256


@pytest.mark.parametrize(
    ("text", "named"),
    [("v9:2x2", "v5e, v5p, v6e, tpu7x"), ("", "GENERATION:SHAPE"), ("v5e:3x3", "1x1, 2x2, 2x4"), ("v5p", "2x2x1")],
)
def test_what_is_no_slice_is_refused_with_what_is(text: str, named: str) -> None:
    with pytest.raises(UserError, match=named) as caught:
        parse_topology(text)
    assert repr(text) in str(caught.value)
