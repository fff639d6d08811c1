"""What a study measures is refused before anything is trained, by the variant that asks for it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_study import get_study

from mrsr.config import Variant
from mrsr.errors import UserError
from mrsr.study.check import check_measurable
from mrsr.study.plan import runs_of
from mrsr.study.run import run_study


def asked(**measured: Any) -> Any:
    """The tiny study with a last variant that is measured otherwise."""
    study = get_study()
    return dataclasses.replace(study, variants=(*study.variants, Variant(name="odd", of="gru", measured=measured)))


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        ({"degradations": ("h264:28", "h265")}, "h265"),
        ({"state": "kept@two"}, "--state 'kept@two'"),
        ({"state": "kept@2"}, "frames=2: expected more than 2, with state='kept@2'"),
        ({"state": "reset@1", "routes": "180:360", "frames": 4}, None),
        ({"videos": ("gone.mp4",)}, "gone.mp4"),
        ({"cutout": "8:8"}, "cutout='8:8': expected videos beside it"),
    ],
)
def test_a_measurement_that_could_not_begin_is_refused(
    measured: dict[str, Any], told: str | None, tmp_path: Path
) -> None:
    study = asked(**measured)
    if told is None:
        check_measurable(runs_of(study, tmp_path))
        return
    with pytest.raises(UserError, match="variant odd, measured: ") as refused:
        run_study(study, tmp_path / "w")
    assert told in str(refused.value)
    assert not (tmp_path / "w").exists()


def test_a_clip_that_is_too_small_for_a_route_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    for index in range(2):
        Image.fromarray(np.zeros((200, 300, 3), np.uint8)).save(tmp_path / "clip" / f"{index}.png")
    study = asked(videos=(str(tmp_path / "clip"),))
    with pytest.raises(UserError, match=r"variant odd, measured: clip.*180:360"):
        check_measurable(runs_of(study, tmp_path / "w"))
