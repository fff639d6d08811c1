"""The training step compiled for devices that are not here: its memory on one of them, and what it sends."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from mrsr.config import ExperimentConfig
from mrsr.ladder import RouteSet
from mrsr.models.flops import frame_sizes
from mrsr.models.step import abstract_params, step, step_state
from mrsr.train.devices import parallel_step
from mrsr.train.speed import abstract_batch, step_flops
from mrsr.train.state import abstract_state

_LEAST = re.compile(r"required for HLO temporaries \(([\d.]+)([KMG])\)")
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}
_REDUCED = re.compile(r"= (.*?) (?:all-reduce|all-reduce-start|reduce-scatter|all-gather)\(")
_ARRAY = re.compile(r"\b(pred|[a-z]+?(\d+)\w*)\[([\d,]*)\]")


@dataclass(frozen=True, slots=True)
class Memory:
    """What one device holds while a step runs, bytes.

    Attributes:
      arguments: the state and the batch.
      outputs: the new state and the metrics.
      reused: of the outputs, what takes the place of arguments.
      temporaries: activations, gradients and the like, at their largest.
      program: the compiled program itself.
    """

    arguments: int
    outputs: int
    reused: int
    temporaries: int
    program: int

    @property
    def total(self) -> int:
        """All of it, bytes."""
        return self.arguments + self.outputs - self.reused + self.temporaries + self.program


class TooLargeError(Exception):
    """The compiler found no way to run the step in a device's memory; the text is what it says."""


def compiled_memory(config: ExperimentConfig, devices: Sequence[jax.Device]) -> tuple[Memory, int]:
    """Compiles the step of a config for devices, with the batch split over them: the program that training runs.

    Args:
      config: the experiment; `train.batch_size` is a multiple of the number of devices.
      devices: of a slice, attached or described by `jax.experimental.topologies`; of several hosts too.

    Returns:
      The memory of one device, and the bytes one device brings to collective operations in a step.

    Raises:
      TooLargeError: the step does not fit.
    """
    return _memory(_lowered(config, devices))


def _memory(lowered: Any) -> tuple[Memory, int]:
    """The memory of one device and the bytes it sends, of a lowered program, compiled here."""
    try:
        program = lowered.compile()
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise TooLargeError(str(error)) from None
    found = program.memory_analysis()
    memory = Memory(
        arguments=found.argument_size_in_bytes,
        outputs=found.output_size_in_bytes,
        reused=found.alias_size_in_bytes,
        temporaries=found.temp_size_in_bytes,
        program=found.generated_code_size_in_bytes,
    )
    return memory, sent_bytes(program.as_text())


def compiled_frame_step(config: ExperimentConfig, routes: RouteSet, device: jax.Device) -> Memory:
    """Compiles the frozen step of one stream for one device: 16:9 frames at the input rung, the state's memory reused.

    Args:
      config: of the network.
      routes: of one pass.
      device: attached, or described by `jax.experimental.topologies`.

    Raises:
      TooLargeError: it does not fit.
    """
    ladder, sizes = config.ladder(), frame_sizes(routes)
    params = abstract_params(ladder, routes, config.model)
    state = jax.eval_shape(lambda: step_state(ladder, routes, config.model, 1, sizes))
    frames = {entry: jax.ShapeDtypeStruct((1, *size, 3), jnp.uint8) for entry, size in sizes.items()}
    on_it = jax.sharding.SingleDeviceSharding(device)
    placed = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=on_it), (params, frames, state)
    )
    return _memory(jax.jit(partial(step, ladder, routes, config.model), donate_argnums=(2,)).lower(*placed))[0]


def least_temporaries(config: ExperimentConfig, devices: Sequence[jax.Device]) -> int:
    """Bytes of temporaries a device needs at the least, from a compilation that is cut short: a tenth of its time.

    The compiler is told that there is next to no memory, and gives up with the figure before it writes any program. Its
    final figure has been some 13% higher: it is settled later how the temporaries lie in memory.

    Args:
      config: the experiment, as of `compiled_memory`.
      devices: of a slice.

    Returns:
      The figure; 0 where all of it has room on the chip itself.
    """
    try:
        _lowered(config, devices).compile({"xla_tpu_max_hbm_size_mib": "1"})
    except jax.errors.JaxRuntimeError as error:
        if found := _LEAST.search(str(error)):
            return int(float(found[1]) * _UNITS[found[2]])
        raise
    return 0


def _lowered(config: ExperimentConfig, devices: Sequence[jax.Device]) -> Any:
    config = as_on_accelerators(config)
    count = len(devices)

    def on_each(leaf: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((count, *leaf.shape), leaf.dtype)

    state = jax.tree.map(on_each, abstract_state(config))
    batch = jax.tree.map(on_each, abstract_batch(config, config.train.batch_size // count))
    return parallel_step(config, devices).lower(state, batch)  # type: ignore[attr-defined]


def description(config: ExperimentConfig) -> dict[str, Any]:
    """What the step of a config holds and computes, on whatever devices.

    Returns:
      `parameters` by network, `state_bytes` by part of the state, `example_bytes` of one example, and `flop`
      of a step over the whole batch.
    """
    state = abstract_state(config)
    generator = {"generator": _count(state.params)}
    return {
        "parameters": generator | {name: _count(judge["params"]) for name, judge in state.panel.items()},
        "state_bytes": {
            "parameters": _bytes(state.params),
            "their average": _bytes(state.ema_params),
            "optimizer": _bytes(state.opt_state),
            "discriminators": _bytes(state.panel),
            "their optimizers": _bytes(state.panel_opt_state),
        },
        "example_bytes": _bytes(abstract_batch(config, 1)),
        "flop": step_flops(config),
    }


def as_on_accelerators(config: ExperimentConfig) -> ExperimentConfig:
    """The config as it is traced on an accelerator: a scan left to itself is rolled there, and written out on a CPU."""
    model = dataclasses.replace(config.model, scan_unroll=config.model.scan_unroll or 1)
    return dataclasses.replace(config, model=model)


def sent_bytes(program: str) -> int:
    """Bytes of the results of all collective operations in the text of a compiled program (HLO)."""
    total = 0
    for results in _REDUCED.findall(program):
        # `f32[3,64]{1,0:T(8,128)}`: behind the shape stands how it lies in memory.
        for kind, bits, shape in _ARRAY.findall(re.sub(r"\{[^{}]*\}", "", results)):
            each = 1 if kind == "pred" else int(bits) // 8
            total += each * math.prod(int(side) for side in shape.split(",") if side)
    return total


def _count(tree: Any) -> int:
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


def _bytes(tree: Any) -> int:
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
