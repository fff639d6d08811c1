"""What clips are drawn from, as the config names it: the embedded sample, or a folder of videos and photographs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_pipelines import sample
from data_pipelines.crops import liveliness, turn
from data_pipelines.folder import held_out_folder, held_out_videos, open_folder
from data_pipelines.motion import Photo, photo_clip
from data_pipelines.sample import HeldOutClip
from data_pipelines.videos import Video, video_clip
from mrsr.config import DataConfig, ExperimentConfig
from mrsr.errors import UserError

_ATTEMPTS = 4
_DULL = 0.5


@dataclass(frozen=True, slots=True)
class Material:
    """Photographs, which are set in motion, and videos."""

    photos: tuple[Photo, ...] = ()
    videos: tuple[Video, ...] = ()


def open_material(data: DataConfig) -> Material:
    """The photographs and videos the config names, without those that are too small for its cut-outs.

    Raises:
      UserError: the folder does not exist, or nothing can be used.
    """
    if data.source == "folder":
        return Material(*open_folder(data))
    photos = sample.training_photos()
    large = tuple(photo for photo in photos if photo.holds(data.crop))
    if not large:
        largest = max(min(photo.size()) for photo in photos)
        raise UserError(f"data.crop={data.crop}: expected at most {largest - 2} with data.source 'sample'")
    return Material(photos=large)


def _from_videos(videos: tuple[Video, ...], data: DataConfig, rng: np.random.Generator, step: int) -> np.ndarray:
    """A cut-out of one video; of another one where nothing is to be seen, such as in a fade from black."""
    areas = np.array([video.height * video.width for video in videos], np.float64)
    for _ in range(_ATTEMPTS):
        video = videos[rng.choice(len(areas), p=areas / areas.sum())]
        clip = video_clip(video, rng, data.frames, data.crop, step)
        if liveliness(clip) >= _DULL:
            break
    return clip


def draw_clip(material: Material, data: DataConfig, rng: np.random.Generator, step: int) -> np.ndarray:
    """A cut-out of the top rung: uint8 [T, crop, crop, 3].

    Photographs are drawn alike, videos in proportion to the area of their frames, so that cut-outs cover both evenly.
    """
    from_photo = rng.random() < data.photos
    if material.photos and (from_photo or not material.videos):
        photo = material.photos[rng.integers(len(material.photos))]
        clip = photo_clip(photo, rng, data.frames, data.crop)
    else:
        clip = _from_videos(material.videos, data, rng, step)
    return turn(clip, rng) if data.flip else clip


def held_out_clips(config: ExperimentConfig) -> list[HeldOutClip]:
    """The clips a run is evaluated on, none of them trained on: at most `train.evaluate_frames` frames of each.

    For a folder: the videos of the folder `validation` beside it. Without one, and for the sample: its held-out
    photographs.
    """
    frames = config.train.evaluate_frames
    if config.data.source == "folder" and (folder := held_out_folder(config.data)):
        clips = held_out_videos(folder, frames, config.ladder().grid)
        if clips:
            return clips
    return sample.held_out_clips(frames)
