"""One stream through a runtime: state carried, handed over at a change of size, reset at cuts; an exact final size."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from mrsr.errors import UserError
from mrsr.inference.enlarger import Enlarger
from mrsr.inference.runtime import BicubicRuntime
from mrsr.ladder import Ladder

LADDER = Ladder()
ROUTES = LADDER.routes("six")
FACE, CUP = data.astronaut()[:90, 150:310], data.coffee()[100:190, 200:360]


class CountingRuntime(BicubicRuntime):
    """Bicubic with a state that counts the frames since zero, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(LADDER, ROUTES)
        self.ages: list[int] = []
        self.asked: list[tuple[str, tuple[int, ...]]] = []

    def init_state(self, routes, batch, height, width):
        del routes
        return {"age": 0, "size": (batch, height, width)}

    def hand_over(self, state, old, routes, batch, height, width):
        del old, routes
        return {**state, "size": (batch, height, width)}

    def step(self, routes, frames, state):
        assert state["size"] == frames.shape[:3]
        self.ages.append(state["age"])
        self.asked.append((str(routes), frames.shape))
        outputs, _ = super().step(routes, frames, {})
        return outputs, {**state, "age": state["age"] + 1}


def test_the_state_is_carried_from_frame_to_frame():
    runtime = CountingRuntime()
    enlarge = Enlarger(runtime, 180)
    for _ in range(4):
        assert enlarge(FACE).shape == (180, 320, 3)
    assert runtime.ages == [0, 1, 2, 3]


def test_the_state_starts_again_at_a_hard_cut():
    runtime = CountingRuntime()
    enlarge = Enlarger(runtime, 180)
    for frame in [FACE, FACE, CUP, CUP, CUP, FACE]:
        enlarge(frame)
    assert runtime.ages == [0, 1, 0, 1, 2, 0]
    assert enlarge.cuts == 2


def test_the_state_is_handed_over_when_the_size_changes():
    runtime = CountingRuntime()
    enlarge = Enlarger(runtime, 144)
    small = FACE[::2, ::2]
    sizes = {enlarge(frame).shape for frame in [FACE, FACE, small, small, FACE]}
    assert sizes == {(144, 256, 3)}
    assert runtime.ages == [0, 1, 2, 3, 4]


def test_the_frame_enters_at_its_own_size_by_one_route():
    runtime = CountingRuntime()
    Enlarger(runtime, 144)(FACE)
    assert runtime.asked == [("180:360", (1, 90, 160, 3))]


@pytest.mark.parametrize(("target", "ratio"), [(72, 2), (108, 4), (192, 6)])
def test_a_result_of_another_size_is_resized_bicubically(target, ratio):
    """Pillow's bicubic is the same kernel: Keys' with a = -0.5, widened when reducing; it rounds after each axis."""
    frame = np.ascontiguousarray(FACE[:45, :80])
    result = Enlarger(BicubicRuntime(LADDER, ROUTES), target)(frame)
    network = Image.fromarray(frame).resize((80 * ratio, 45 * ratio), Image.Resampling.BICUBIC)
    width = 2 * round(target * 80 / 45 / 2)
    expected = np.asarray(network.resize((width, target), Image.Resampling.BICUBIC))
    assert result.dtype == np.uint8
    assert np.abs(result.astype(int) - expected).max() <= 3


def test_portrait_frames_stay_portrait():
    assert Enlarger(BicubicRuntime(LADDER, ROUTES), 180)(FACE.transpose(1, 0, 2)).shape == (320, 180, 3)


def test_a_frame_that_is_large_enough_is_refused():
    with pytest.raises(UserError, match="target 90p"):
        Enlarger(BicubicRuntime(LADDER, ROUTES), 90)(FACE)
