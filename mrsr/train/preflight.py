"""Pre-flight: what a training job takes on a TPU slice, found out before there is one, and its largest batch."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mrsr.config import ExperimentConfig
from mrsr.config.serialise import config_hash
from mrsr.errors import UserError
from mrsr.train.topology import Topology
from mrsr.train.topology_compiler import TopologyCompiler

_USED = re.compile(r"Used ([\d.]+)([KMG]) of ([\d.]+)([KMG]) hbm")
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}


@dataclass(frozen=True, slots=True)
class Attempt:
    """The step compiled for one batch.

    Attributes:
      batch_size: examples over all devices.
      each: examples on one device.
      fits: whether the compiler found a way to run it in a device's memory.
      total: bytes one device needs; as the compiler told it where it does not fit, None where it did not tell.
      memory: the same by part; None where it does not fit.
      sent: bytes of the results of collective operations, a step and device; None where it does not fit.
      seconds: the compilation took.
    """

    batch_size: int
    each: int
    fits: bool
    total: int | None
    memory: dict[str, int] | None
    sent: int | None
    seconds: float


def preflight(
    config: ExperimentConfig,
    topology: Topology,
    compilations: int = 8,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Compiles the step of training for a slice, at the config's batch and at others up to the largest that fits.

    Args:
      config: the experiment.
      topology: the slice.
      compilations: most of them; each takes minutes. With 0 there is but a lower bound of the memory.
      say: is told of each.

    Returns:
      What `--json` writes: the slice, the batch and its split, parameters, bytes of the state, FLOP, the memory of one
      device (at the least, and as compiled), and `largest`: the largest batch seen to fit, the smallest seen not to,
      what no larger one than could fit, and every attempt.

    Raises:
      UserError: the batch does not split over the devices; or there is no TPU compiler here.
      RunError: the compiler failed.
    """
    check_split(config, topology)
    attempts: list[Attempt] = []
    with TopologyCompiler(config, topology) as compiler:
        described = compiler.described()
        asked_each = config.train.batch_size // topology.devices
        found = estimate(config, topology, compiler, described, say)
        each: int | None = asked_each
        while each is not None and len(attempts) < compilations:
            attempts.append(_attempt(compiler, each, topology))
            say(f"{topology.name}: compilation {len(attempts)} of at most {compilations}: {told(attempts[-1])}")
            each = next_batch(attempts, topology.device_bytes, found)
    asked = attempts[0] if attempts else None
    flop = described.pop("flop")
    lowest, lowest_not = bracket(attempts)
    return {
        "name": config.name,
        "config_hash": config_hash(config),
        "topology": {
            "name": topology.name,
            "chips": topology.chips,
            "hosts": topology.hosts,
            "devices": topology.devices,
            "device_bytes": topology.device_bytes,
        },
        "batch": {
            "batch_size": config.train.batch_size,
            "a_device": asked_each,
            "a_host": config.train.batch_size // topology.hosts,
            "frames": config.data.frames,
            "crop": config.data.crop,
        },
        **described,
        "flop": {"step": flop, "a_device": None if flop is None else flop / topology.devices},
        "least_bytes": found.at(asked_each),
        "memory": asked.memory if asked else None,
        # A lower bound can tell that a batch does not fit, never that it does.
        "fits": asked.fits if asked else (None if found.at(asked_each) <= topology.device_bytes else False),
        "sent_bytes": asked.sent if asked else None,
        "largest": {
            "batch_size": lowest * topology.devices,
            "a_device": lowest,
            "at_most": found.largest(topology.device_bytes) * topology.devices,
            "too_large": None if lowest_not is None else lowest_not * topology.devices,
            "certain": lowest_not == lowest + 1,
            "attempts": [asdict(attempt) for attempt in attempts],
        },
    }


@dataclass(frozen=True, slots=True)
class Least:
    """What a device needs at the least, bytes: a line over the examples it is given."""

    fixed: float
    an_example: float

    def at(self, each: int) -> int:
        """For so many examples."""
        return int(self.fixed + each * self.an_example)

    def largest(self, device_bytes: int, more: float = 1.0) -> int:
        """The most examples that have room, where temporaries take `more` times this."""
        return max(0, math.floor((device_bytes - self.fixed) / (self.an_example * more)))


def estimate(
    config: ExperimentConfig,
    topology: Topology,
    compiler: TopologyCompiler,
    described: dict[str, Any],
    say: Callable[[str], None],
) -> Least:
    """The line through what two batches need at the least: that of the config, and four times as much."""
    few = config.train.batch_size // topology.devices
    many = 4 * few
    needed_by = {each: compiler.least_temporaries(each * topology.devices) for each in (few, many)}
    slope = (needed_by[many] - needed_by[few]) / (many - few)
    state = sum(described["state_bytes"].values())
    example = described["example_bytes"]
    found = Least(state + max(0.0, needed_by[few] - few * slope), slope + example)
    say(
        f"{topology.name}: at least {found.at(few) / 2**30:.2f} GiB a device for {few} examples, and room for "
        f"{found.largest(topology.device_bytes)} at most"
    )
    return found


def check_split(config: ExperimentConfig, topology: Topology) -> None:
    """Refuses a batch that training would refuse.

    Raises:
      UserError: `train.batch_size` is not a multiple of the devices.
    """
    batch, devices = config.train.batch_size, topology.devices
    if batch % devices:
        above = -(-batch // devices) * devices
        raise UserError(
            f"train.batch_size={batch}: expected a multiple of the {devices} devices of {topology.name}, "
            f"such as --config.train.batch_size={above}"
        )


def next_batch(attempts: Sequence[Attempt], device_bytes: int, least: Least) -> int | None:
    """Examples a device to try next; None where the largest that fits is known.

    Memory grows with the batch about linearly. The least it takes, times what the first compilation took more, says
    where to look; then a line through what is known; and from the fifth on what is left is cut in half.
    """
    lowest, lowest_not = bracket(attempts)
    if lowest_not == lowest + 1:
        return None
    guess = _line(attempts, device_bytes)
    if guess is None:
        seen = attempts[0].total or device_bytes
        guess = least.largest(device_bytes, max(1.0, seen / least.at(attempts[0].each)))
    if lowest_not is None:
        return min(max(lowest + 1, guess), 64 * lowest)
    if len(attempts) > 4:
        guess = (lowest + lowest_not) // 2
    return min(max(guess, lowest + 1), lowest_not - 1)


def bracket(attempts: Sequence[Attempt]) -> tuple[int, int | None]:
    """Examples a device: the most that were seen to fit, 0 for none, and the fewest that were seen not to."""
    fitting = [attempt.each for attempt in attempts if attempt.fits]
    others = [attempt.each for attempt in attempts if not attempt.fits]
    return max(fitting, default=0), min(others, default=None)


def told(attempt: Attempt) -> str:
    """An attempt in a line."""
    size = "" if attempt.total is None else f", {attempt.total / 2**30:.2f} GiB a device"
    return (
        f"batch {attempt.batch_size}, {attempt.each} a device: {'fits' if attempt.fits else 'does not fit'}{size} "
        f"({attempt.seconds:.0f} s)"
    )


def needed(message: str) -> int | None:
    """Bytes of a device's memory that a step which does not fit needs, from the compiler's message."""
    found = _USED.search(message)
    return None if found is None else int(float(found[1]) * _UNITS[found[2]])


def _attempt(compiler: TopologyCompiler, each: int, topology: Topology) -> Attempt:
    began = time.monotonic()
    size = each * topology.devices
    answer = compiler.compiled(size)
    memory = answer["memory"]
    total = needed(answer["said"]) if memory is None else memory["total"]
    return Attempt(size, each, memory is not None, total, memory, answer["sent"], time.monotonic() - began)


def _line(attempts: Sequence[Attempt], device_bytes: int) -> int | None:
    """The largest batch by the line through the two attempts next to the limit; None where there are not two."""
    known = sorted(
        ((attempt.each, attempt.total) for attempt in attempts if attempt.total is not None),
        key=lambda point: abs(point[1] - device_bytes),
    )
    if len(known) < 2:
        return None
    (one, at_one), (other, at_other) = known[:2]
    slope = (at_other - at_one) / (other - one)
    return None if slope <= 0 else math.floor((device_bytes - at_one + slope * one) / slope)
