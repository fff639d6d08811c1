"""What the hosts of a job draw."""

from __future__ import annotations

import pytest
from small import two_rungs

from data_pipelines.loader import draws
from data_pipelines.shares import shares_of_hosts
from mrsr.errors import UserError


def test_four_hosts_draw_every_clip_of_a_step_once() -> None:
    config = two_rungs(batch_size=8)
    shares = shares_of_hosts(config, [1000], hosts=4, steps=3)
    assert shares.complete
    assert shares.shared == 0
    assert shares.distinct == 24
    assert [len(taken) for taken in shares.of_hosts] == [6, 6, 6, 6]
    order = draws(config, [1000])
    for host, taken in enumerate(shares.of_hosts):
        assert list(taken) == [order[place] for place in range(host, 24, 4)]


def test_data_of_fewer_clips_than_are_drawn_come_again_in_the_next_epoch() -> None:
    shares = shares_of_hosts(two_rungs(batch_size=8), [5], hosts=2, steps=2)
    assert shares.complete
    assert shares.distinct == 5
    assert shares.shared > 0


def test_hosts_that_cannot_share_a_step_equally_are_refused() -> None:
    with pytest.raises(UserError, match="multiple of the 3 hosts"):
        shares_of_hosts(two_rungs(batch_size=8), [100], hosts=3)
