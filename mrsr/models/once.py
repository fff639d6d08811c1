"""Running what is run once: random initial values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax


def run_once(function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function gives for these pytrees of arrays, compiled in the shortest time.

    While JAX traces (under `jit` or `eval_shape`) it is a plain call. On CPU the compiler would spend far
    longer on optimising the draws than they take (tens of seconds).
    """
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(arguments)):
        return function(*arguments)
    options = {"xla_backend_optimization_level": 0} if jax.default_backend() == "cpu" else {}
    return jax.jit(function, compiler_options=options)(*arguments)
