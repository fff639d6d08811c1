"""The clips that faces are looked for in: of data sets, and of one that is made of the videos among the inputs."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_pipelines.build.build import Job, build
from data_pipelines.build.inputs import find_sources
from data_pipelines.build.output import beside, real
from data_pipelines.build.pool import usable_cores
from data_pipelines.build.prepare import VERSION, identity
from data_pipelines.store import CARD, ClipStore, splits_of
from mrsr.config import DatasetConfig
from mrsr.errors import UserError


@dataclass(frozen=True, slots=True)
class Clips:
    """What is looked at.

    Attributes:
      stores: one for each split of each data set.
      rejected: the videos that no clip is of: source, reason and detail, as the card of `mrsr data build` tells them.
    """

    stores: list[ClipStore]
    rejected: list[dict[str, Any]]


def refuse_output(inputs: Sequence[Path], output: Path) -> None:
    """Passes an output that no input is in.

    Raises:
      UserError: an input is the output, or inside.
    """
    for path in inputs:
        if real(path).is_relative_to(real(output)):
            raise UserError(f"{output}: the input {path} is in it; expected another folder to write to")


def open_clips(
    inputs: Sequence[Path],
    output: Path,
    licences: Mapping[str, str],
    work: Path,
    progress: Callable[[str, int, int], None] | None,
) -> Clips:
    """The clips of all inputs; videos are made into clips in `work`, once.

    Raises:
      UserError: an input is missing or none of its videos can be used, two data sets are the same, or a source is in
        both splits.
    """
    folders = [path for path in inputs if (path / CARD).is_file()]
    videos = tuple(path for path in inputs if path not in folders)
    rejected: list[dict[str, Any]] = []
    if videos:
        folders.append(_made(videos, output, licences, work, progress))
        rejected = _card(folders[-1])["rejected"]
    check_splits((one["source"], one["split"]) for folder in folders for one in _card(folder).get("sources", ()))
    stores, known = [], dict[tuple[str, ...], Path]()
    for folder in folders:
        of_folder = [ClipStore(folder, split) for split in splits_of(folder)]
        contents = tuple(store.fingerprint() for store in of_folder)
        if contents in known:
            raise UserError(f"{folder}: holds the same clips as {known[contents]}; expected each data set once")
        known[contents] = folder
        stores += of_folder
    return Clips(stores, rejected)


def check_splits(placed: Iterable[tuple[str, str]]) -> None:
    """Passes sources that are each in one split.

    Args:
      placed: names of sources, each with a split it is in.

    Raises:
      UserError: one is in both: what is trained on would be held out as well.
    """
    splits: dict[str, str] = {}
    for source, split in placed:
        if splits.setdefault(source, split) != split:
            raise UserError(f"{source}: is in train of one data set and in validation of another; expected one of them")


def _made(
    videos: tuple[Path, ...],
    output: Path,
    licences: Mapping[str, str],
    work: Path,
    progress: Callable[[str, int, int], None] | None,
) -> Path:
    """The data set made of videos, in a folder of `work` named by all that decides on it."""
    config, leave_out = DatasetConfig(), (output, work, beside(output, "part"))
    sources, others = find_sources(videos, leave_out)
    files = [(source.name, source.below, identity(source.path)) for source in sources]
    settings = dataclasses.asdict(config)
    decides = json.dumps([VERSION, settings, files, [dataclasses.astuple(one) for one in others], dict(licences)])
    clips = work / f"clips-{hashlib.sha256(decides.encode()).hexdigest()[:12]}"
    if not (clips / CARD).is_file():
        job = Job(videos, clips, config, dict(licences), "mrsr data build", usable_cores(), leave_out=leave_out)
        build(job, progress)
    return clips


def _card(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
    return card
