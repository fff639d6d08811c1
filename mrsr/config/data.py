"""The schema of data: what a run is trained on, what its inputs go through, and how data sets are made.

Annotations are real types here, not text: config_flags reads them to parse the overrides of a command line.
"""

from dataclasses import dataclass, field
from typing import Any


def _bounds(low: float, high: float, *, within: tuple[float, float]) -> Any:
    """A field of the lowest and the highest of what is drawn; validation refuses what lies outside `within`."""
    return field(default=(low, high), metadata={"within": within})


@dataclass(slots=True, kw_only=True)
class DegradationConfig:
    """What the inputs of a clip go through and the truth does not, in this order; each with a share of clips.

    A clip draws apart whether it goes through each; every input rung draws its own strengths, within the bounds. What
    is a float is a share, from 0 to 1.

    Attributes:
      varying: share of clips whose strengths vary smoothly from frame to frame, where an operation allows it: all but
        the codecs at a held quality, and of the rates, which are held, that of `h264` alone.
      blur: share of clips out of focus.
      blur_sigma: standard deviation of the Gaussian, px of the input rung.
      low_light: share of clips taken in little light, amplified as a webcam does.
      light: photons a white pixel catches, drawn on a logarithmic scale; few make coarse noise.
      noise: share of clips with the noise of a sensor's electronics.
      noise_sigma: standard deviation, levels of 255.
      jpeg: share of clips that go through JPEG, as a webcam sends them.
      jpeg_quality: libjpeg's scale, 1 to 100.
      codec: share of clips that go through a video codec in low-delay settings.
      codecs: of which one is drawn: `h264`, `h265`, `vp8`, `vp9`; one named twice is drawn twice as often.
      h264_crf: constant rate factor, 0 to 51.
      h265_crf: constant rate factor, 0 to 51.
      vp8_q: quantizer, 4 to 63.
      vp9_q: quantizer, 4 to 63.
      bitrate: share of the coded clips whose rate, not whose quality, is held, as congestion control does.
      bits_per_pixel: that rate, in bits a pixel and frame, drawn on a logarithmic scale.
      lead: most frames that are coded before the clip, so that it does not begin with a key frame as no call does.
    """

    varying: float = 0.0
    blur: float = 0.0
    blur_sigma: tuple[float, ...] = _bounds(0.2, 1.0, within=(0, 10))
    low_light: float = 0.0
    light: tuple[float, ...] = _bounds(200.0, 2000.0, within=(10, 1e6))
    noise: float = 0.0
    noise_sigma: tuple[float, ...] = _bounds(1.0, 6.0, within=(0, 50))
    jpeg: float = 0.0
    jpeg_quality: tuple[int, ...] = _bounds(40, 95, within=(1, 100))
    codec: float = 0.0
    codecs: tuple[str, ...] = ("h264",)
    h264_crf: tuple[int, ...] = _bounds(20, 38, within=(0, 51))
    h265_crf: tuple[int, ...] = _bounds(22, 40, within=(0, 51))
    vp8_q: tuple[int, ...] = _bounds(10, 50, within=(4, 63))
    vp9_q: tuple[int, ...] = _bounds(20, 55, within=(4, 63))
    bitrate: float = 0.0
    bits_per_pixel: tuple[float, ...] = _bounds(0.02, 0.3, within=(0.001, 10))
    lead: int = 0


@dataclass(slots=True, kw_only=True)
class DataConfig:
    """What the network is trained on.

    Attributes:
      sources: where clips come from, separated by commas, each `KIND[:WHERE][=WEIGHT]`: `sample` (the photographs of
        scikit-image's wheel, in motion), `photos:FOLDER` (photographs, in motion), `clips:FOLDER` (a data set that
        `mrsr data build` or `mrsr data faces` made) and `tfds:NAME` (a data set of TensorFlow Datasets with videos or
        images). Clips are drawn in proportion to the weights, 1 where there is none.
      frames: frames in a clip.
      crop: side of a cut-out at the TOP rung, px; a multiple of the ladder's grid (6 by default).
      reductions: how many times smaller a cut-out of video is taken, one drawn among those a clip is large enough for.
      cutouts: cut-outs taken of every clip that is decoded; they are part of the same batch.
      flip: whether clips are flipped and transposed at random.
      workers: processes that prepare batches ahead of the training step; 0 for threads of the training process.
      degradation: what the inputs go through.
    """

    sources: str = "sample"
    frames: int = 5
    crop: int = 192
    reductions: tuple[float, ...] = (1.0, 1.25, 1.5)
    cutouts: int = 1
    flip: bool = True
    workers: int = 0
    degradation: DegradationConfig = field(default_factory=DegradationConfig)


@dataclass(slots=True, kw_only=True)
class DatasetConfig:
    """How `mrsr data build` makes clips of video files.

    Attributes:
      frames: frames in a clip; what is left of a scene is dropped.
      smallest: shortest side of a frame as stored, px; at least the cut-outs that will be taken of it.
      sharpness: how strong the finest detail of a frame must be at the size it is stored in, relative to its coarse
        detail and to a scene's own spectrum; 0 takes all. A source that holds less is reduced until it does. Cameras'
        photographs measure 0.4 to 0.7 at a third of their size, pictures enlarged by 2 0.1 to 0.24.
      reductions: the factors tried, ascending.
      motion: least mean absolute difference between frames of a clip, levels; below, it is static.
      detail: least mean absolute difference between neighbouring pixels, levels; below, there is nothing to see.
      validation: share of the source files held out of training, drawn by name.
      held_out: patterns of file names that are all held out; with any, `validation` is not used.
      quality: of the stored pictures, on their codec's scale.
      shard_megabytes: most of a shard; where there are several, they hold about half of it or more.
    """

    frames: int = 24
    smallest: int = 384
    sharpness: float = 0.28
    reductions: tuple[float, ...] = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0)
    motion: float = 0.3
    detail: float = 0.5
    validation: float = 0.1
    held_out: tuple[str, ...] = ()
    quality: int = 95
    shard_megabytes: int = 128


@dataclass(slots=True, kw_only=True)
class FacesConfig:
    """How `mrsr data faces` makes clips of faces.

    Their boxes lie on the grid of the default ladder (180, 360, 720, 1080: 6 px of the top rung), whichever ladder is
    trained on them.

    Attributes:
      confidence: least confidence of a detection, 0 to 1.
      smallest: shortest side of a face's crop, px of the top rung; smaller ones are discarded.
      margin: how far the crop reaches beyond the face on each side, as a share of the face's side.
      isolate: `crop` (the crop as it is) or `mask` (the background removed by a soft mask).
      segmentation: a segmentation model for the mask (MediaPipe's image segmenter, .tflite); "" for one drawn around
        the detector's keypoints.
      seen: share of a clip's frames a face must be detected in.
    """

    confidence: float = 0.6
    smallest: int = 96
    margin: float = 0.35
    isolate: str = "crop"
    segmentation: str = ""
    seen: float = 0.7
