"""When a run ends: steps, examples, time. One function a criterion; the first that holds gives the reason."""

from __future__ import annotations

from mrsr.config import TrainConfig


def stop_reason(config: TrainConfig, step: int, seconds: float) -> str | None:
    """Why a run that has done `step` steps, `seconds` of them in this process, ends here; None while it goes on.

    Source: "until a predetermined number of training examples have been processed", claim on stopping criteria.
    """
    if config.examples and step * config.batch_size >= config.examples:
        return f"{step * config.batch_size} examples processed (train.examples={config.examples})"
    if step >= config.steps:
        return f"{step} steps done (train.steps={config.steps})"
    if config.minutes and seconds >= 60 * config.minutes:
        return f"{seconds / 60:.1f} minutes trained (train.minutes={config.minutes})"
    return None


def steps_to_go(config: TrainConfig, step: int) -> int:
    """How many steps are left by the limits that count steps: what an estimate of the time is made from."""
    last = config.steps
    if config.examples:
        last = min(last, -(-config.examples // config.batch_size))
    return max(0, last - step)
