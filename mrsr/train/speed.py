"""How fast a run is against what its devices could do: FLOPs of a training step, and model FLOP utilisation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from mrsr.config import ExperimentConfig
from mrsr.train.agreement import is_first
from mrsr.train.state import abstract_state
from mrsr.train.step import train_step

PEAKS = {
    "TPU v4": 275e12,
    "TPU v5 lite": 197e12,
    "TPU v5e": 197e12,
    "TPU v5": 459e12,
    "TPU v5p": 459e12,
    "TPU v6 lite": 918e12,
    "TPU v6e": 918e12,
    "NVIDIA A100-SXM4-40GB": 312e12,
    "NVIDIA A100-SXM4-80GB": 312e12,
    "NVIDIA A100-PCIE-40GB": 312e12,
    "NVIDIA A100 80GB PCIe": 312e12,
    "NVIDIA H100 80GB HBM3": 989.4e12,
    "NVIDIA H100 PCIe": 756e12,
    "NVIDIA H100 NVL": 835e12,
    "NVIDIA H200": 989.4e12,
}
"""FLOP/s of one device by `device_kind`: dense bfloat16 products, as published, without sparsity.

A network in float32 is held against the same figure, which it cannot come near.

Source: Google Cloud, "TPU v4", "TPU v5e", "TPU v5p", "TPU v6e" (peak compute per chip, bf16); NVIDIA's data sheets of
A100, H100, H100 NVL and H200 (BFLOAT16 Tensor Core, half of what is given with sparsity).
"""


def abstract_batch(config: ExperimentConfig, clips: int) -> dict[str, dict[int, jax.ShapeDtypeStruct]]:
    """Shapes and dtypes of a batch: uint8 [clips, T, h, w, 3] by rung."""
    ladder, routes, data = config.ladder(), config.route_set(), config.data

    def cutout(rung: int) -> jax.ShapeDtypeStruct:
        side = int(data.crop / ladder.ratio(rung, ladder.top))
        return jax.ShapeDtypeStruct((clips, data.frames, side, side, 3), jnp.uint8)

    return {
        "inputs": {rung: cutout(rung) for rung in routes.inputs},
        "truth": {rung: cutout(rung) for rung in routes.outputs},
    }


def step_flops(config: ExperimentConfig) -> float | None:
    """FLOPs of one training step over the whole batch, 2 a multiply-add: forward, backward, update, discriminators.

    Counted by the compiler on the program before it is optimised, every frame for itself, for the count of a loop
    ignores its length; without what `model.remat` computes twice, which is no work of the model's (Chowdhery et al.
    2022, PaLM, appendix B).

    Returns:
      The figure, or None where the compiler gives no cost analysis, or JAX was told to use no CPU (`JAX_PLATFORMS`).
    """
    model = dataclasses.replace(config.model, remat=False, scan_unroll=config.data.frames)
    whole = dataclasses.replace(config, model=model)
    state, batch = abstract_state(whole), abstract_batch(whole, config.train.batch_size)
    try:
        cpu = jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        return None
    # Counted on the CPU's lowering: accelerators give no analysis of a program that is not compiled.
    with jax.default_device(cpu):
        cost = jax.jit(partial(train_step, whole)).lower(state, batch).cost_analysis()
    return None if cost is None else float(cost["flops"])


def utilisation(flops: float | None, seconds: float, devices: int, kind: str) -> float | None:
    """Model FLOP utilisation: what share of the devices' peak a step reaches, 0 to 1.

    Args:
      flops: of a step, over all devices.
      seconds: it takes.
      devices: that share it.
      kind: of each, as JAX names it.

    Returns:
      The share; None where the peak of the device is not known here, as of a CPU, or the FLOPs are not.
    """
    peak = PEAKS.get(kind)
    if peak is None or flops is None:
        return None
    return flops / seconds / devices / peak


def utilisation_meter(config: ExperimentConfig) -> Callable[[float], float | None]:
    """What turns the seconds of a training step into the utilisation of this job's devices, None where it is not known.

    The FLOPs are counted where the peak of the devices is known alone, and of several processes by the first, whose log
    they are for: it takes as long as tracing the step.
    """
    kind = jax.local_devices()[0].device_kind
    flops = step_flops(config) if kind in PEAKS and is_first() else None
    return lambda seconds: utilisation(flops, seconds, jax.device_count(), kind)
