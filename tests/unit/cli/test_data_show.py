"""`mrsr data show` draws the very batches a run trains on."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small import batches_of

from mrsr.cli.configs import read_config
from mrsr.cli.main import main

SMOKE = str(Path(__file__).parents[3] / "experiments" / "smoke.py")


def test_the_sheet_holds_the_pictures_of_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet, overrides = tmp_path / "sheet.png", ["--config.train.batch_size=1", "--config.data.crop=48"]
    assert main(["data", "show", "--config", SMOKE, "--output", str(sheet), "--examples", "2", *overrides]) == 0
    assert "2 examples of sample" in capsys.readouterr().out
    pixels = np.asarray(Image.open(sheet).convert("RGB"))
    made = batches_of(read_config(SMOKE, overrides))
    for batch in islice(made, 2):
        truth = batch["truth"][360][0, -1]
        # Drawn enlarged without interpolation: every colour of the truth stands on the sheet.
        wanted = {tuple(colour) for colour in truth.reshape(-1, 3).tolist()}
        drawn = {tuple(colour) for colour in np.unique(pixels.reshape(-1, 3), axis=0).tolist()}
        assert len(wanted - drawn) <= 0.05 * len(wanted)
    made.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/nowhere"], "/nowhere: holds no finished data set; expected a folder"),
        (["somewhere", "--config", SMOKE], "somewhere: expected a data set or --config, not both"),
        (["--examples", "0"], "--examples 0 --step 0: expected at least 1 and 0"),
        (["--config.data.crop=7"], "data.crop=7: expected a multiple of 6"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.png"
    assert main(["data", "show", "--output", str(sheet), *arguments]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert not list(tmp_path.iterdir())
