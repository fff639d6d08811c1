"""One source file to coded clips, kept in a file of its own until the data set is written: what a killed build resumes.

A source is read twice, once to measure and once to store: how far it is reduced is known only at its end, decoded
frames fill memory and disk (6 MB each at 1080p), and reading again costs a fraction of coding them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from data_pipelines.build.inputs import Source
from data_pipelines.build.survey import Candidate, Survey, survey
from data_pipelines.reduction import reduced
from data_pipelines.store import StoredClip, encode_frame
from mrsr.config import DatasetConfig
from mrsr.errors import RunError
from mrsr.files import replaced

SUFFIX = ".clips"

# Part of a prepared file's name: a change of what is measured or stored makes the files of before unusable.
_VERSION = 1
_INDEX_BYTES = 8


@dataclass(frozen=True, slots=True)
class Task:
    """A source to prepare, how, and the folder its clips are kept in meanwhile."""

    source: Source
    config: DatasetConfig
    work: Path

    def file(self) -> Path:
        """Where the clips are kept: named by the source's name, size and time of change, and what decides on them."""
        settings = dataclasses.asdict(self.config)
        decides = ("frames", "smallest", "sharpness", "reductions", "motion", "detail", "quality")
        try:
            status = self.source.path.stat()
            identity = [str(self.source.path.absolute()), status.st_size, status.st_mtime_ns]
        except OSError as error:
            identity = [str(self.source.path.absolute()), error.errno]
        key = json.dumps([_VERSION, self.source.name, identity, [settings[name] for name in decides]])
        return self.work / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}{SUFFIX}"


def prepare(task: Task) -> Path:
    """The file that holds a source's survey and clips, made unless it is there.

    Raises:
      OSError: it cannot be written.
      RunError: the source changed while it was read.
    """
    file = task.file()
    if file.is_file():
        return file
    found = survey(task.source.path, task.config)
    with replaced(file) as part, part.open("wb") as out:
        lengths = []
        for pictures in _coded(task.source.path, found, task.config):
            lengths.append([len(picture) for picture in pictures])
            out.writelines(pictures)
        index = {"name": task.source.name, "survey": dataclasses.asdict(found), "lengths": lengths}
        text = json.dumps(index).encode()
        out.write(text)
        out.write(len(text).to_bytes(_INDEX_BYTES, "big"))
    return file


def _coded(path: Path, found: Survey, config: DatasetConfig) -> Iterator[list[bytes]]:
    """The pictures of every clip that is kept."""
    if not found.kept:
        return
    from mrsr.video.reader import open_video

    with open_video(path) as reader:
        images = (frame.image for frame in reader)
        position = 0
        for start in found.kept:
            clip = islice(images, start - position, start - position + config.frames)
            pictures = [encode_frame(reduced(image, found.reduction), config.quality) for image in clip]
            if len(pictures) != config.frames:
                raise RunError(f"{path}: changed while it was read")
            position = start + config.frames
            yield pictures


def read_survey(file: Path) -> tuple[str, Survey]:
    """The name and the survey of a prepared source."""
    index = _index(file)
    values = dict(index["survey"])
    candidates = [Candidate(**one) for one in values.pop("candidates")]
    return index["name"], Survey(**values, candidates=candidates)


def read_clips(file: Path, licence: str) -> Iterator[StoredClip]:
    """The clips of a prepared source, one after the other."""
    name, found = read_survey(file)
    with file.open("rb") as opened:
        for start, lengths in zip(found.kept, _index(file)["lengths"], strict=True):
            frames = tuple(opened.read(length) for length in lengths)
            yield StoredClip(frames, name, start, found.fps, found.reduction, licence)


def _index(file: Path) -> dict:
    with file.open("rb") as opened:
        opened.seek(-_INDEX_BYTES, 2)
        length = int.from_bytes(opened.read(), "big")
        opened.seek(-_INDEX_BYTES - length, 2)
        return json.loads(opened.read(length))
