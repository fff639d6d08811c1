"""One source file to coded clips, kept in a file of its own until the data set is written: what a killed build resumes.

A source is read twice, once to measure and once to store: how far it is reduced is known only at its end, decoded
frames fill memory and disk (6 MB each at 1080p), and reading again costs a fraction of coding them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from data_pipelines.build.inputs import Source
from data_pipelines.build.survey import UNREADABLE, Candidate, Survey, survey, without_path
from data_pipelines.reduction import reduced
from data_pipelines.store import StoredClip, encode_frame
from mrsr.config import DatasetConfig
from mrsr.errors import RunError

SUFFIX, PART_SUFFIX = ".clips", ".part"

VERSION = 2
"""Part of a prepared file's name: a change of what is measured or stored makes the files of before unusable."""

CHANGED = "changed while read"
# Reasons that may be gone when the source is read again.
_PASSING = (UNREADABLE, CHANGED)
_DECIDES = ("frames", "smallest", "sharpness", "reductions", "motion", "detail", "quality")
_INDEX_BYTES = 8
_JPEG_BEGINS, _JPEG_ENDS = b"\xff\xd8", b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class Task:
    """A source to prepare, how, and the file its clips are kept in meanwhile."""

    source: Source
    config: DatasetConfig
    file: Path

    @classmethod
    def of(cls, source: Source, config: DatasetConfig, work: Path) -> Task:
        """The task whose file in `work` is named by the source, its size and time of change, and what decides on it."""
        settings = [getattr(config, name) for name in _DECIDES]
        key = json.dumps([VERSION, source.name, identity(source.path), settings])
        return cls(source, config, work / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}{SUFFIX}")


class _ChangedError(Exception):
    """The source is not, at the second reading, what it was at the first."""


def identity(path: Path) -> list[Any]:
    """What tells a file from another, and from itself before it was changed: its path, size (bytes), and time (ns)."""
    try:
        status = path.stat()
    except OSError as error:
        return [str(path.absolute()), error.errno]
    return [str(path.absolute()), status.st_size, status.st_mtime_ns]


def prepare(task: Task) -> Path:
    """The file that holds a source's survey and clips, made unless it is there, whole, and says for certain.

    A source that changes or vanishes meanwhile is one that is not kept; that is no error.

    Raises:
      OSError: the file cannot be written.
    """
    index = _index(task.file)
    if index is not None and index["survey"]["reason"] not in _PASSING:
        return task.file
    path, before = task.source.path, identity(task.source.path)
    found = survey(path, task.config)
    try:
        _write(task, found, _coded(path, found, task.config), before)
    except _ChangedError as error:
        found.reason, found.detail = CHANGED, str(error)
        _write(task, found, iter(()), None)
    return task.file


def _write(task: Task, found: Survey, clips: Iterator[list[bytes]], before: list[Any] | None) -> None:
    """The file, under its name when it is whole and the source still is what it was `before`."""
    # A name of its own: a Beam runner may give one source to two workers.
    part = task.file.with_name(f".{uuid.uuid4().hex}{PART_SUFFIX}")
    try:
        with part.open("wb") as out:
            lengths = []
            for pictures in clips:
                lengths.append([len(picture) for picture in pictures])
                out.writelines(pictures)
            if before is not None and identity(task.source.path) != before:
                raise _ChangedError("its size or its time of change is not what it was")
            index = {"name": task.source.name, "survey": dataclasses.asdict(found), "lengths": lengths}
            text = json.dumps(index).encode()
            out.write(text)
            out.write(len(text).to_bytes(_INDEX_BYTES, "big"))
        part.replace(task.file)
    finally:
        part.unlink(missing_ok=True)


def _coded(path: Path, found: Survey, config: DatasetConfig) -> Iterator[list[bytes]]:
    """The pictures of every clip that is kept.

    Raises:
      _ChangedError: the file cannot be read again, or holds less.
    """
    if not found.kept:
        return
    from mrsr.video.reader import open_video

    try:
        with open_video(path) as reader:
            images = (frame.image for frame in reader)
            position = 0
            for start in found.kept:
                clip = islice(images, start - position, start - position + config.frames)
                pictures = [encode_frame(reduced(image, found.reduction), config.quality) for image in clip]
                if len(pictures) != config.frames:
                    raise _ChangedError(f"no clip at frame {start} when it was read again")
                position = start + config.frames
                yield pictures
    except (OSError, ValueError, RunError) as error:
        raise _ChangedError(f"when it was read again: {without_path(str(error), path)}") from None


def read_survey(file: Path) -> Survey:
    """The survey of a prepared source.

    Raises:
      RunError: the file is damaged or gone.
    """
    return _survey_of(_whole_index(file))


def _survey_of(index: dict[str, Any]) -> Survey:
    values = dict(index["survey"])
    candidates = [Candidate(**one) for one in values.pop("candidates")]
    return Survey(**values, candidates=candidates)


def read_clips(file: Path, licence: str) -> Iterator[StoredClip]:
    """The clips of a prepared source, one after the other.

    Raises:
      RunError: the file is damaged or gone.
    """
    index = _whole_index(file)
    name, found = index["name"], _survey_of(index)
    with file.open("rb") as opened:
        for start, lengths in zip(found.kept, index["lengths"], strict=True):
            frames = tuple(opened.read(length) for length in lengths)
            if any(frame[:2] != _JPEG_BEGINS or frame[-2:] != _JPEG_ENDS for frame in frames):
                file.unlink(missing_ok=True)
                raise RunError(f"{file}: the clip of {name} at frame {start} is damaged; run the build again")
            yield StoredClip(frames, name, start, found.fps, found.reduction, licence)


def _whole_index(file: Path) -> dict[str, Any]:
    index = _index(file)
    if index is None:
        raise RunError(f"{file}: what was prepared is damaged or gone; run the build again")
    return index


def _index(file: Path) -> dict[str, Any] | None:
    """The index at the end of a prepared file; None where there is none that fits the file."""
    try:
        with file.open("rb") as opened:
            opened.seek(-_INDEX_BYTES, os.SEEK_END)
            length = int.from_bytes(opened.read(), "big")
            start = opened.seek(-_INDEX_BYTES - length, os.SEEK_END)
            index: dict[str, Any] = json.loads(opened.read(length))
        _survey_of(index)
        return index if start == sum(map(sum, index["lengths"])) else None
    except (OSError, ValueError, OverflowError, KeyError, TypeError):
        return None
