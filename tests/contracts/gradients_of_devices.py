"""Raw gradients of one batch on one device and spread over four, in a process with four virtual devices.

`gradients_of_devices.py FILE` writes both to FILE (npz): leaves `one/...` and `four/...`.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from functools import partial

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import jax
import numpy as np
from phases import config_of
from small import leaves, lively

from mrsr.train.devices import check_batch, over_devices, parallel_step, replicate, shard, unreplicate
from mrsr.train.state import init_state
from mrsr.train.step import AXIS, gradients

if __name__ == "__main__":
    config = config_of("adversarial")
    config.train.batch_size = 4
    rng = np.random.default_rng(0)
    clips = {rung: rng.integers(0, 256, (4, 2, side, side, 3), np.uint8) for rung, side in ((180, 8), (360, 16))}
    batch = {"inputs": clips, "truth": {360: rng.integers(0, 256, clips[360].shape, np.uint8)}}
    state = init_state(config)
    params = lively(state.params)
    assert jax.device_count() == 4
    check_batch(4)
    one, metrics = jax.jit(partial(gradients, config))(params, batch, state.panel)
    # Raw, not as Adam has them, which would hide a factor.
    spread_gradients = over_devices(partial(gradients, config, axis=AXIS))
    four, spread = spread_gradients(replicate(params), shard(batch), replicate(state.panel))
    after, _ = parallel_step(config)(replicate(dataclasses.replace(state, params=params)), shard(batch))
    one, four = one._asdict(), unreplicate(four)._asdict()
    named = {"one" + name: leaf for name, leaf in leaves(one).items()} | {
        "four" + name: leaf for name, leaf in leaves(four).items()
    }
    losses = {"loss_one": np.asarray(metrics["loss"]), "loss_four": unreplicate(spread)["loss"]}
    copies = max(float(np.ptp(np.asarray(leaf), axis=0).max()) for leaf in jax.tree.leaves((after.params, after.panel)))
    np.savez(sys.argv[1], **named, **losses, difference_between_devices=copies)
