"""The first reading of a video file: where its clips are, what is measured of them, and whether it is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from data_pipelines.build.sharpness import sharpness
from data_pipelines.reduction import reduced, reduced_size
from mrsr.config import DatasetConfig
from mrsr.errors import RunError

UNREADABLE = "unreadable"


@dataclass(slots=True)
class Candidate:
    """A clip that might be kept.

    Attributes:
      start: number of its first frame in the file.
      motion: mean absolute difference between successive frames, levels.
      detail: mean absolute difference between neighbouring pixels of its middle frame, levels.
      sharpness: of its middle frame at every reduction; None where that shows too little to tell.
      reason: why it is not kept, `static` or `flat`; "" where it is.
    """

    start: int
    motion: float
    detail: float
    sharpness: list[float | None]
    reason: str


@dataclass(slots=True)
class Survey:
    """What a reading of a source found.

    Attributes:
      height: of a frame, px.
      width: of a frame, px.
      fps: frames a second.
      frames: frames read.
      scenes: stretches between hard cuts.
      candidates: every stretch of a clip's length within a scene.
      sharpness: the median of its kept clips, by reduction; None where none could be measured.
      reduction: how many times smaller it is stored; 0 where it is not.
      reason: why it is not kept, a few words; "" where it is.
      detail: what there is to say of it besides: of a rejected source, and of one that is damaged.
    """

    height: int = 0
    width: int = 0
    fps: float = 0.0
    frames: int = 0
    scenes: int = 0
    candidates: list[Candidate] = field(default_factory=list)
    sharpness: list[float | None] = field(default_factory=list)
    reduction: float = 0.0
    reason: str = ""
    detail: str = ""

    @property
    def kept(self) -> list[int]:
        """The first frames of the clips that are stored."""
        return [] if self.reason else [one.start for one in self.candidates if not one.reason]

    def stored_size(self) -> tuple[int, int]:
        """Height and width of a stored frame, px."""
        return reduced_size(self.height, self.width, self.reduction)


def survey(path: Path, config: DatasetConfig) -> Survey:
    """Reads a file once through, a clip's frames at a time in memory, and decides on it.

    Whatever is wrong with the file becomes the survey's reason; where it is damaged, its clips before count.
    """
    from mrsr.video.reader import open_video

    found = Survey()
    try:
        with open_video(path) as reader:
            found.height, found.width, found.fps = reader.height, reader.width, float(reader.fps)
            if min(found.height, found.width) < config.smallest:
                found.reason = "too small"
                found.detail = f"{found.width}x{found.height} px; expected at least {config.smallest} px a side"
                return found
            for clip, start in _clips((frame.image for frame in reader), config.frames, found):
                found.candidates.append(_measured(clip, start, config))
    except (OSError, ValueError, RunError) as error:
        found.detail = without_path(str(error), path)
        if not found.frames:
            found.reason = UNREADABLE
            return found
    _decide(found, config)
    return found


def _clips(frames: Iterator[np.ndarray], length: int, found: Survey) -> Iterator[tuple[list[np.ndarray], int]]:
    """Every `length` frames of a scene, with the number of the first; what is left of a scene is dropped.

    Raises:
      ValueError: a frame is of another size than the first.
    """
    from mrsr.video.cuts import CutDetector

    cut = CutDetector()
    clip: list[np.ndarray] = []
    for index, image in enumerate(frames):
        if image.shape[:2] != (found.height, found.width):
            size = f"{image.shape[1]}x{image.shape[0]}"
            raise ValueError(f"frame {index} is {size} px, the first {found.width}x{found.height}; read up to there")
        found.frames += 1
        if cut(image) or not index:
            found.scenes += 1
            clip = []
        clip.append(image)
        if len(clip) == length:
            yield clip, index + 1 - length
            # Whoever took it is done with it, and holds the same list: 150 MB at 1080p that two clips need not take.
            clip.clear()


def _measured(clip: list[np.ndarray], start: int, config: DatasetConfig) -> Candidate:
    """Green stands in for luma, every second pixel for all of them: the figures only tell a clip from nothing."""
    small = [image[::2, ::2, 1].astype(np.int16) for image in clip]
    middle = clip[len(clip) // 2]
    steps = [float(np.abs(after - before).mean()) for before, after in pairwise(small)]
    motion = sum(steps) / len(steps) if steps else 0.0
    green = middle[..., 1].astype(np.int16)
    detail = float(np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean()) / 2
    reason = "flat" if detail < config.detail else "static" if len(clip) > 1 and motion < config.motion else ""
    fine = [] if reason else [sharpness(reduced(middle, reduction)) for reduction in config.reductions]
    return Candidate(start, round(motion, 3), round(detail, 3), [one and round(one, 3) for one in fine], reason)


def _decide(found: Survey, config: DatasetConfig) -> None:
    """Sets what is stored of a source, and at which reduction, or why nothing is.

    Source: own choice: one reduction a source, not a clip: a stretch of fast motion is blurred because it moves, and
    reducing or leaving out such clips would take fast motion out of the training material.
    """
    if not found.candidates:
        found.reason = "too short"
        longest = f"{found.frames} frames in {found.scenes} scenes, none of {config.frames} frames"
        found.detail = "; ".join(filter(None, [longest, found.detail]))
        return
    kept = [one for one in found.candidates if not one.reason]
    if not kept:
        reasons = Counter(one.reason for one in found.candidates)
        found.reason = reasons.most_common(1)[0][0]
        motion, detail = (max(getattr(one, name) for one in found.candidates) for name in ("motion", "detail"))
        told = f"at most {motion} levels from frame to frame and {detail} from pixel to pixel"
        found.detail = f"{told}; expected {config.motion} and {config.detail}"
        return
    for index in range(len(config.reductions)):
        measured = [one.sharpness[index] for one in kept if one.sharpness[index] is not None]
        found.sharpness.append(round(float(np.median(np.array(measured))), 3) if measured else None)
    enough = (
        reduction
        for reduction, sharp in zip(config.reductions, found.sharpness, strict=True)
        if sharp is not None and sharp >= config.sharpness
    )
    reduction = next(enough, 0.0)
    if not reduction or min(reduced_size(found.height, found.width, reduction)) < config.smallest:
        found.reason = "blurred or upscaled"
        smaller = f"sharp enough only {reduction:g} times smaller" if reduction else "at no reduction sharp enough"
        found.detail = (
            f"{found.width}x{found.height} px of sharpness {found.sharpness[0]}: {smaller}; expected "
            f"{config.sharpness} at {config.smallest} px a side or more"
        )
        return
    found.reduction = reduction


def without_path(message: str, path: Path) -> str:
    """A message without the file's place on this machine."""
    return " ".join(message.replace(f"{path}: ", "").replace(str(path), path.name).split())
