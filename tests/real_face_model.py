"""The face detector's models for tests of the real detector, or the reason why there are none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from data_pipelines.faces.model import cached_model, is_cached


def model_or_skip() -> Path:
    """The detector's model; without it a test is skipped, and fails where `CI` is set: no check passes unseen."""
    if not is_cached():
        told = f"no face model at {cached_model()}: run make setup online"
        if os.environ.get("CI"):
            pytest.fail(f"{told}; where CI is set the tests of the real detector are not skipped")
        pytest.skip(told)
    return cached_model()
