"""Removing what is behind a face: a soft mask per frame, and the one calm colour that takes the background's place."""

from __future__ import annotations

import numpy as np

from data_pipelines.faces.boxes import smoothed

# Half the head's width and height as shares of the detector's square, which reaches from the brows to the chin and from
# ear to ear: hair on all sides, the chin and a little of the neck are inside.
_HALF_WIDTH, _HALF_HEIGHT = 0.62, 0.85
# From the middle between eyes and mouth to the head's middle, in the same measure, towards the eyes.
_LIFT = 0.16
_FEATHER = 0.25
_OUTSIDE = 0.05
_DARKEST = 64.0


def head_masks(boxes: np.ndarray, keypoints: np.ndarray, height: int, width: int) -> np.ndarray:
    """Masks of a head by the detector's keypoints: float32 [T, height, width], 1 on the head, 0 on the background.

    An ellipse for every frame, upright along the line from the mouth to between the eyes, as large as the face's box;
    its edge falls off smoothly over a quarter of its radius.

    Args:
      boxes: [T, 4], the face's box in every frame, px of the crop.
      keypoints: [T, 6, 2], x and y, px of the crop (`KEYPOINTS`).
      height: of the crop, px.
      width: of the crop, px.

    Source: FIG. 3, "remove the background of the video frames"; the shape: own choice, no more than the detector tells.
    """
    points = smoothed(keypoints)
    eyes, mouth = points[:, :2].mean(axis=1), points[:, 3]
    up = eyes - mouth
    up /= np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-6)
    side = smoothed((boxes[:, 2:] - boxes[:, :2]).max(axis=1))[:, None]
    centres = (eyes + mouth) / 2 + up * side * _LIFT
    rows, columns = np.mgrid[:height, :width] + 0.5
    masks = np.empty((len(boxes), height, width), np.float32)
    for mask, (x, y), (up_x, up_y), length in zip(masks, centres, up, side[:, 0], strict=True):
        along = (columns - x) * up_x + (rows - y) * up_y
        across = (columns - x) * -up_y + (rows - y) * up_x
        radius = np.hypot(across / (_HALF_WIDTH * length), along / (_HALF_HEIGHT * length))
        outward = ((radius - 1) / _FEATHER).clip(0, 1)
        mask[:] = 1 - outward * outward * (3 - 2 * outward)
    return masks


def background_colour(frames: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The colour a clip uint8 [T, H, W, 3] gets in place of its background: float64 [3], levels of 255.

    The median of what its masks float32 [T, H, W] leave out in the upper half of all frames: no edge of an unusual
    brightness surrounds the face, nothing flickers, and it is not the colour of a shirt. A dark one is lightened to a
    luma of 64: black is what a fault looks like, and no room is. Of a crop that the face fills it is the median of the
    upper corners.

    Source: own choice.
    """
    upper = max(1, frames.shape[1] // 2)
    outside = frames[:, :upper][masks[:, :upper] < _OUTSIDE]
    if not len(outside):
        outside = frames[:, 0, [0, -1]].reshape(-1, 3)
    colour = np.median(outside, axis=0)
    luma = colour @ (0.299, 0.587, 0.114)
    return np.asarray(colour + max(0.0, _DARKEST - luma))


def isolated(frames: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The clip uint8 [T, H, W, 3] with what its masks float32 [T, H, W] leave out in `background_colour`."""
    colour = background_colour(frames, masks).astype(np.float32)
    blended = np.empty_like(frames)
    for result, frame, mask in zip(blended, frames, masks[..., None], strict=True):
        result[:] = np.round(frame * mask + colour * (1 - mask)).clip(0, 255)
    return blended


def relative_boxes(boxes: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Boxes [T, 4] of a frame in px of the crop that `box` cuts out of it."""
    top, left, _, _ = box
    return np.asarray(boxes - np.array([top, left, top, left]))
