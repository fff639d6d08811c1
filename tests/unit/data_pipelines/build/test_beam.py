"""An Apache Beam pipeline writes the same data set; `make test-beam` runs this where Beam is installed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Film

from data_pipelines.build.build import Job, build
from mrsr.config import DatasetConfig

pytest.importorskip("apache_beam", reason="Apache Beam is not installed: make test-beam")

# What Beam and its runner themselves use that is to go.
pytestmark = pytest.mark.filterwarnings("default")


def test_a_pipeline_writes_the_same_bytes(film: Film, tmp_path: Path, config: DatasetConfig) -> None:
    media = film("a.mp4", 13, "coffee.png").parent
    film("b.mp4", 12, "astronaut.png")
    film("validation/c.mp4", 12, "chelsea.png")
    (media / "broken.mp4").write_bytes(b"not a video")
    plain = Job((media,), tmp_path / "plain", config, {"a.mp4": "CC0"}, "mrsr data build media")
    build(plain)
    build(replace(plain, output=tmp_path / "beam", beam_options=("--direct_num_workers=1",)))
    one, other = ({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("plain", "beam"))
    assert one == other
