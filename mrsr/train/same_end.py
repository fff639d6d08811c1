"""Whether two runs ended the same: every array of their last checkpoints, bit for bit, and their evaluations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mrsr.checkpoint import Store
from mrsr.config import load_config
from mrsr.errors import RunError
from mrsr.train import resume
from mrsr.train.evaluator import HISTORY


def compare_runs(one: Path, other: Path) -> int:
    """How many arrays the last checkpoints of two run folders hold, which are the same bit for bit.

    Raises:
      RunError: they are not, or their evaluations are not; the first difference is named.
    """
    (step, state), (other_step, other_state) = _last_state(one), _last_state(other)
    if step != other_step:
        raise RunError(f"resume check: the runs end at step {step} and at step {other_step}")
    found = first_difference(state, other_state)
    if found:
        raise RunError(f"resume check: NOT the same after {step} steps: {found}{_advice(one)}")
    if _evaluations(one) != _evaluations(other):
        raise RunError(f"resume check: the checkpoints are the same, the evaluations ({HISTORY}) are not")
    return len(jax.tree.leaves(state))


def first_difference(one: Any, other: Any) -> str | None:
    """The first array of two pytrees whose bits differ, in a line; None where all are the same."""
    left, right = (dict(jax.tree_util.tree_leaves_with_path(tree)) for tree in (one, other))
    for path in [*left, *(path for path in right if path not in left)]:
        name = jax.tree_util.keystr(path).lstrip(".")
        if path not in left or path not in right:
            return f"{name} is in one run alone"
        here, there = np.asarray(left[path]), np.asarray(right[path])
        if (here.shape, here.dtype) != (there.shape, there.dtype):
            return f"{name} is {here.dtype} {here.shape} in one run and {there.dtype} {there.shape} in the other"
        if here.tobytes() != there.tobytes():
            bits = [np.ascontiguousarray(array).reshape(-1, 1).view(np.uint8) for array in (here, there)]
            differing = np.count_nonzero((bits[0] != bits[1]).any(axis=1))
            most = np.max(np.abs(here.astype(np.float64) - there.astype(np.float64)))
            return f"{name}: {differing} of {here.size} values differ, by {most:.3g} at most"
    return None


def _last_state(workdir: Path) -> tuple[int, Any]:
    with Store(workdir) as store:
        step = store.latest()
        if step is None:
            raise RunError(f"resume check: {workdir} holds no checkpoint")
        return step, resume.restore(load_config(workdir), store, step)


def _evaluations(workdir: Path) -> Any:
    path = workdir / HISTORY
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _advice(workdir: Path) -> str:
    """What may help: an accelerator sums in no fixed order unless it is told to."""
    if jax.default_backend() == "cpu" or load_config(workdir).train.deterministic:
        return ""
    return " (train.deterministic=True has an accelerator sum in one order)"
