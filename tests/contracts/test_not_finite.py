"""A loss that is not finite ends the run: it says which, keeps the batch, and leaves a good checkpoint."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from small import batches_of, leaves, two_rungs

from mrsr.checkpoint import load_model
from mrsr.errors import RunError
from mrsr.train.loop import train


def test_a_run_that_blows_up_names_route_and_term_and_keeps_what_was_good(tmp_path: Path) -> None:
    config = two_rungs(checkpoint_every=5, steps=12)
    # Three steps an update. The first has the rate 0; the second, at step 6, moves the decoders alone, since they start
    # at zero; the third, at step 9, everything: the parameters are finite still, their products in step 10 are not.
    config.optimizer.accumulate, config.optimizer.warmup, config.optimizer.learning_rate = 3, 1, 1e16
    with pytest.raises(RunError) as raised:
        train(config, tmp_path / "run", partial(batches_of, config), [])
    message = str(raised.value)
    found = re.fullmatch(
        r"step 10: (180:360|360:360)/charbonnier is (nan|inf); kept for mrsr train --replay (\S+); "
        r"the checkpoint of step 5 is good",
        message,
    )
    assert found, message
    source = batches_of(config, 9)
    batch = next(source)
    source.close()
    with np.load(Path(found[3]) / "batch_0.npz") as saved:
        for part in ("inputs", "truth"):
            for rung, clip in batch[part].items():
                np.testing.assert_array_equal(saved[f"{part}_{rung}"], clip)
    _, params = load_model(tmp_path / "run")
    assert all(np.isfinite(leaf).all() and np.abs(leaf).max() < 10 for leaf in leaves(params).values())


def test_parameters_out_of_range_end_the_run_before_they_are_saved(tmp_path: Path) -> None:
    config = two_rungs(checkpoint_every=1, steps=10)
    config.optimizer.warmup, config.optimizer.learning_rate = 1, 1e38
    with pytest.raises(RunError, match=r"step 2: parameter_norm is inf; .*; the checkpoint of step 1 is good"):
        train(config, tmp_path / "run", partial(batches_of, config), [])
    _, params = load_model(tmp_path / "run")
    assert all(np.abs(leaf).max() < 10 for leaf in leaves(params).values())
