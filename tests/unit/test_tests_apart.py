"""Tests in a process of their own: one that never ran, because its process ended before, has not passed."""

from pathlib import Path

import pytest
from apart import _outcomes

ENDS = """
import pytest
from apart import apart

@apart
async def test_it_is_well():
    pass

@apart
async def test_it_fails():
    assert 1 == 2

@apart
async def test_it_ends_them_all():
    {end}

@apart
async def test_it_never_runs():
    assert 1 == 2
"""


@pytest.mark.parametrize("end", ["pytest.exit('ended')", "raise KeyboardInterrupt", "__import__('os')._exit(3)"])
def test_what_never_ran_has_not_passed(end: str, tmp_path: Path) -> None:
    file = tmp_path / "test_ends.py"
    file.write_text(ENDS.format(end=end))
    outcomes = _outcomes(str(file))
    well, *others = (
        outcomes.get(f"test_it_{name}", outcomes[""]) for name in ("is_well", "fails", "ends_them_all", "never_runs")
    )
    assert all(others)
    assert well is None or "_exit" in end
