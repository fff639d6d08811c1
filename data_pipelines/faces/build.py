"""From clips to a data set of faces: looks at every clip, keeps what passes, cuts it out and writes it.

It goes over the clips twice: detection, the slow part, is kept beside the output until the data set is there, so that a
run that was stopped goes on; then the crops are cut out, coded and written in one go.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from data_pipelines.build.output import NothingKeptError, check_output, no_space_named, work_folder
from data_pipelines.build.splits import SPLITS
from data_pipelines.build.write import write_dataset
from data_pipelines.faces.card import Looked, card_text, make_card
from data_pipelines.faces.contact import Entry, contact_sheet, frame_to_draw
from data_pipelines.faces.cut import crop, record
from data_pipelines.faces.detections import detections_of
from data_pipelines.faces.detector import FaceDetector
from data_pipelines.faces.find import judge, least_confidence, look_again
from data_pipelines.faces.inputs import check_splits, open_clips, refuse_output
from data_pipelines.faces.model import check_model, face_model, sha256
from data_pipelines.faces.segmenter import Segmenter
from data_pipelines.store import ClipStore, StoredClip, decode_frames
from mrsr.config import FacesConfig
from mrsr.ladder import Ladder

CONTACT = "contact.png"

Progress = Callable[[str, int, int], None]
"""Told of every video made into clips, then of every clip looked at: its source, how many were done, of how many."""

_SHOWN = 40
_LEAST_AT_SECOND = 0.1


@dataclass(frozen=True, slots=True)
class FacesJob:
    """What to make.

    Attributes:
      inputs: data sets of clips, and video files, folders and lists of them, which are made into one first.
      output: the folder of the data set.
      config: which faces are kept, and how.
      model: the detector's model file; None for the one `face_model` finds.
      command: what the card says it was made with.
      licences: of videos, by file; data sets know their own.
      overwrite: whether a data set that is there is replaced.
    """

    inputs: tuple[Path, ...]
    output: Path
    config: FacesConfig
    model: Path | None
    command: str
    licences: Mapping[str, str] = field(default_factory=dict)
    overwrite: bool = False


def build_faces(job: FacesJob, progress: Progress | None = None) -> dict[str, Any]:
    """Makes the data set and returns its card: faces are in the split their clip is in.

    Raises:
      UserError: an input or a model is missing or broken, a data set is given twice, no face is kept, the output exists
        or holds an input, or another build writes there.
      RunError: the detector's model cannot be fetched, or the disk is full.
    """
    output = check_output(job.output, job.overwrite)
    refuse_output(job.inputs, output)
    with ExitStack() as stack:
        segmentation = (
            Path(job.config.segmentation) if job.config.isolate == "mask" and job.config.segmentation else None
        )
        segmenter = stack.enter_context(Segmenter(segmentation)) if segmentation else None
        model = face_model(job.model)
        checked = check_model(model)
        detectors = [stack.enter_context(FaceDetector(model, least_confidence(job.config)))]
        if checked:
            detectors.append(stack.enter_context(FaceDetector(checked, _LEAST_AT_SECOND)))
        models = {"detection": _digests(model, checked), "segmentation": _digests(segmentation)}
        with no_space_named(output.parent), work_folder(output) as work:
            clips = open_clips(job.inputs, output, job.licences, work, progress)
            looked = list(_look(clips.stores, detectors, job.config, work, progress))
            check_splits((clip.source, clip.split) for clip in looked)
            card = make_card(looked, clips.rejected, job.config, models, job.command)
            return _write(job, output, card, clips.stores, looked, segmenter)


def _write(
    job: FacesJob,
    output: Path,
    card: dict[str, Any],
    stores: Sequence[ClipStore],
    looked: Sequence[Looked],
    segmenter: Segmenter | None,
) -> dict[str, Any]:
    kept = [clip for clip in looked if clip.findings.kept]
    if not kept:
        reasons = ", ".join(f"{count} {reason}" for reason, count in card["counts"]["discarded"].items())
        given = ", ".join(map(str, job.inputs))
        raise NothingKeptError(f"{given}: no face is kept of {len(looked)} clips ({reasons})")
    cut = partial(_cut, stores, isolate=job.config.isolate, segmenter=segmenter)
    splits = {}
    for split in SPLITS:
        if chosen := [clip for clip in kept if clip.split == split]:
            splits[split] = partial(cut, chosen)
    return write_dataset(
        card["name"],
        splits,
        output,
        card,
        readme=card_text,
        extras=partial(_draw, stores, looked, job.config, segmenter),
        overwrite=job.overwrite,
    )


def _digests(*paths: Path | None) -> dict[str, str]:
    """The digests of model files, by name."""
    return {path.name: sha256(path) for path in paths if path}


def _look(
    stores: Sequence[ClipStore],
    detectors: Sequence[FaceDetector],
    config: FacesConfig,
    work: Path,
    progress: Progress | None,
) -> Iterator[Looked]:
    """What is found in every clip by the first detector, and seen again by the second if there is one."""
    detector, checkers = detectors[0], detectors[1:]
    total, done, grid = sum(map(len, stores)), 0, Ladder().grid
    for number, store in enumerate(stores):
        decides = [store.split, store.fingerprint(), sha256(detector.model), least_confidence(config)]
        kept = work / f"{hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:24]}.detections"
        for index, (size, found) in enumerate(detections_of(store, detector, kept)):
            clip = store[index]
            findings = judge(found, size, config, grid)
            for checker in checkers:
                findings = look_again(findings, clip, checker) if findings.kept else findings
            done += 1
            if progress is not None:
                progress(clip.source, done, total)
            yield Looked(number, index, store.split, clip.source, clip.start, clip.licence, len(found), findings)


def _cut(
    stores: Sequence[ClipStore], looked: Sequence[Looked], isolate: str, segmenter: Segmenter | None
) -> Iterator[StoredClip]:
    """The kept faces of clips, as records."""
    for one in looked:
        clip = stores[one.store][one.index]
        frames = decode_frames(clip.frames)
        for face in one.findings.kept:
            yield record(clip, crop(frames, face, isolate, segmenter), face)


def _draw(
    stores: Sequence[ClipStore],
    looked: Sequence[Looked],
    config: FacesConfig,
    segmenter: Segmenter | None,
    folder: Path,
) -> None:
    """Writes the contact sheet: of clips in which something was found, evenly over the sources."""
    found = [one for one in looked if one.findings.kept or one.findings.discarded]
    found.sort(key=lambda one: (one.source, one.start))
    step = max(1.0, len(found) / _SHOWN)
    entries = []
    for one in (found[int(place * step)] for place in range(min(_SHOWN, len(found)))):
        frames = decode_frames(stores[one.store][one.index].frames)
        crops = crop(frames, one.findings.kept[0], config.isolate, segmenter) if one.findings.kept else None
        frame = frames[frame_to_draw(one.findings, len(frames))]
        entries.append(Entry(f"{one.source} {one.start}", frame, one.findings, crops))
    contact_sheet(entries).save(folder / CONTACT)
