"""What a device can do at most, measured: a matrix product's FLOP/s and a copy's bytes/s, to hold a network against."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

_ROUNDS = 7


def ceilings(side: int = 2048, megabytes: int = 256) -> dict[str, float]:
    """The best of several rounds on JAX's first device.

    Args:
      side: of the square matrices.
      megabytes: that are copied.

    Returns:
      `float32_gflops` and `bfloat16_gflops` of a matrix product, 2 a multiply-add; `copy_gbs`, bytes read and written
      in GB/s.
    """
    found = {}
    for name, dtype in (("float32", jnp.float32), ("bfloat16", jnp.bfloat16)):
        square = jnp.full((side, side), 1 / side, dtype)
        product = jax.jit(lambda a: jnp.matmul(a, a, precision="highest" if a.dtype == jnp.float32 else None))
        found[f"{name}_gflops"] = 2 * side**3 / _best(product, square) / 1e9
    block = jnp.zeros((megabytes * 2**18,), jnp.float32)
    found["copy_gbs"] = 2 * block.nbytes / _best(jax.jit(lambda a: a + 1), block) / 1e9
    return found


def _best(function: Callable[[Any], Any], argument: Any) -> float:
    """Seconds of the fastest call, the first one, which compiles, left out."""
    function(argument).block_until_ready()
    took = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        function(argument).block_until_ready()
        took.append(time.perf_counter() - began)
    return min(took)
