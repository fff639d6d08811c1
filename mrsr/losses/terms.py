"""The terms that hold an output against the truth, by the field of `LossConfig` that is their weight."""

from __future__ import annotations

from collections.abc import Callable

from jax import Array

from mrsr.losses.temporal import temporal_loss

Term = Callable[[Array, Array], Array]
"""Output and truth, float32 [B, T, H, W, 3] in [0, 1] (the output not clipped), to float32 []."""

TERMS: dict[str, Term] = {"temporal": temporal_loss}
"""Those beside the pixel term; what needs more than these two arrays stands in the objective by itself."""
