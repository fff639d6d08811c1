"""What encoders take: the bitrate got is that of the bytes coded, and every frame can be decoded."""

from __future__ import annotations

import pytest

from benchmarks.encoders import measured, table


@pytest.mark.parametrize("name", ["H264", "VP8"])
def test_a_row_has_the_times_of_each_stage_and_the_bitrate(name: str) -> None:
    row = measured(name, 360, 5)
    assert all(row[f"{stage}_ms"] > 0 for stage in ("to_i420", "encode", "decode"))
    assert row["asked_kbps"] == 800
    # Five frames of which one is a key frame: above the rate of its buffer they cannot be for long.
    assert 0 < row["got_kbps"] < 4 * row["asked_kbps"]
    head, rule, line = table([row])
    assert head.count("|") == rule.count("|") == line.count("|") == 7
    assert line.startswith(f"| {row['encoder']} | 360p |")
