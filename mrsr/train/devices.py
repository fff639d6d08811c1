"""The one place that knows how the step is spread over devices: `jax.pmap`, the batch split and the state copied."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from mrsr.config import ExperimentConfig
from mrsr.errors import UserError
from mrsr.train.objective import Batch
from mrsr.train.state import TrainState
from mrsr.train.step import AXIS, Metrics, train_step

PATIENCE = 24 * 3600
"""Seconds the devices of a split CPU wait for each other: a process that was suspended, or a busy machine, goes on. XLA
ends the process after 40 s otherwise."""


def split_cpu(count: int) -> None:
    """Makes JAX see the CPU as `count` devices; accelerators keep their own number.

    Without effect where XLA_FLAGS says how many, and once JAX has been used: then there are as many as there are.
    """
    if "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        with suppress(RuntimeError):
            jax.config.update("jax_num_cpu_devices", count)
    if count > 1:
        _add_flag("xla_cpu_collective_call_terminate_timeout_seconds", PATIENCE)


def sum_in_one_order() -> None:
    """Has a GPU add up in one order always, at a cost in speed; to be called before JAX is used. Others do so anyway.

    Source: XLA's `xla_gpu_deterministic_ops`: operations without a fixed order are replaced, and no kernel is chosen by
    its measured time.
    """
    _add_flag("xla_gpu_deterministic_ops", "true")


def _add_flag(name: str, value: object) -> None:
    """Sets a flag of XLA for JAX's start, unless the environment has it."""
    flags = os.environ.get("XLA_FLAGS", "")
    if name not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --{name}={value}".strip()


def over_devices(
    function: Callable[..., Any], donate: tuple[int, ...] = (), devices: Sequence[jax.Device] | None = None
) -> Callable[..., Any]:
    """A function of what one device holds, over every device: it may average over `AXIS`.

    Args:
      function: of arrays.
      donate: the arguments whose memory is reused.
      devices: to compile for, where they are others than those of this job.

    Returns:
      The same of arrays with a leading axis of devices, as `replicate` and `shard` make them.
    """
    return jax.pmap(function, axis_name=AXIS, donate_argnums=donate, devices=devices)


def parallel_step(
    config: ExperimentConfig, devices: Sequence[jax.Device] | None = None
) -> Callable[[TrainState, Batch], tuple[TrainState, Metrics]]:
    """`train_step` over every device of every process: takes and gives a replicated state, whose memory is reused."""
    return over_devices(partial(train_step, config, axis=AXIS), donate=(0,), devices=devices)


def replicate(tree: Any) -> Any:
    """A copy of every array on every local device, behind a leading axis of devices.

    Placed on the axis pmap itself returns the state on: placed otherwise, the second step would be compiled again.
    """
    count, placed = jax.local_device_count(), _over_devices()

    def copies(leaf: Any) -> Array:
        host = np.asarray(leaf)
        return jax.device_put(np.broadcast_to(host, (count, *host.shape)), placed)

    return jax.tree.map(copies, tree)


def unreplicate(tree: Any) -> Any:
    """The first device's copy, as host arrays."""
    return jax.tree.map(lambda leaf: np.asarray(leaf.addressable_shards[0].data)[0], tree)


def check_batch(batch_size: int) -> None:
    """Refuses a batch that does not split evenly over the devices of all processes.

    Raises:
      UserError: `train.batch_size` is not a multiple of the number of devices, or one process has more than another.
    """
    count, processes = jax.device_count(), jax.process_count()
    if count != jax.local_device_count() * processes:
        raise UserError(
            f"process {jax.process_index()} has {jax.local_device_count()} of the {count} devices of {processes} "
            "processes: expected as many on each"
        )
    if batch_size % count:
        raise UserError(f"train.batch_size={batch_size}: expected a multiple of the {count} devices")


def shard(batch: Any) -> Any:
    """Host arrays [B, ...] on the local devices, as [devices, B / devices, ...]: consecutive clips go to one device."""
    count, placed = jax.local_device_count(), _over_devices()

    def place(leaf: Any) -> Array:
        return jax.device_put(leaf.reshape(count, leaf.shape[0] // count, *leaf.shape[1:]), placed)

    return jax.tree.map(place, batch)


def _over_devices() -> NamedSharding:
    """One part of the leading axis on each local device, as pmap itself returns arrays."""
    return NamedSharding(Mesh(np.array(jax.local_devices()), (AXIS,)), PartitionSpec(AXIS))
