"""From files to a data set: finds them, prepares each, splits by source, and writes what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from data_pipelines.build.card import Prepared, card_text, make_card
from data_pipelines.build.inputs import find_sources
from data_pipelines.build.licences import licence_of
from data_pipelines.build.output import NothingKeptError, beside, check_output, no_space_named, work_folder
from data_pipelines.build.pool import side_by_side
from data_pipelines.build.prepare import PART_SUFFIX, Task, prepare, read_clips, read_survey
from data_pipelines.build.splits import SPLITS, check_held_out, split_of
from data_pipelines.build.write import write_dataset
from data_pipelines.store import StoredClip
from mrsr.config import DatasetConfig
from mrsr.errors import UserError

Progress = Callable[[str, int, int], None]
"""Told of every source that is done: its name, how many are, and of how many."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to build.

    Attributes:
      inputs: folders, video files and lists.
      output: the folder of the data set.
      config: how clips are made.
      licences: licences by file.
      command: what the card says it was made with.
      workers: sources prepared side by side.
      beam_options: flags of the Beam pipeline that does the work; None for processes of this machine.
      overwrite: whether a data set that is there is replaced.
      leave_out: folders that are not searched, besides those that are written.
    """

    inputs: tuple[Path, ...]
    output: Path
    config: DatasetConfig
    licences: dict[str, str]
    command: str
    workers: int = 1
    beam_options: tuple[str, ...] | None = None
    overwrite: bool = False
    leave_out: tuple[Path, ...] = ()


def build(job: Job, progress: Progress | None = None) -> dict[str, Any]:
    """Builds the data set and returns its card.

    What has been prepared is kept in a folder beside the output until the data set is there: a build that was stopped
    goes on from there.

    Raises:
      UserError: an input is missing, nothing is kept, the output exists, or another build writes there.
      RunError: the disk is full.
    """
    output = check_output(job.output, job.overwrite)
    with no_space_named(output.parent), work_folder(output) as work:
        leave_out = (output, work, beside(output, "part"), *job.leave_out)
        sources, others = find_sources(job.inputs, leave_out)
        if not sources:
            raise UserError(f"{', '.join(map(str, job.inputs))}: no video file in it ({len(others)} other files)")
        check_held_out(sources, job.config)
        tasks = [Task.of(source, job.config, work) for source in sources]
        _prepare(job, work, tasks, progress)
        prepared = [_prepared(task, job) for task in tasks]
        card = make_card(prepared, others, job.config, job.command)
        splits = _splits(prepared, beam=job.beam_options is not None)
        if not splits:
            reasons = ", ".join(f"{count} {reason}" for reason, count in card["counts"]["rejected"].items())
            raise NothingKeptError(f"{', '.join(map(str, job.inputs))}: nothing is kept ({reasons})")
        return write_dataset(
            card["name"],
            splits,
            output,
            card,
            readme=card_text,
            shard_megabytes=job.config.shard_megabytes,
            beam_options=job.beam_options,
            overwrite=job.overwrite,
        )


def _prepare(job: Job, work: Path, tasks: Sequence[Task], progress: Progress | None) -> None:
    for part in work.glob(f"*{PART_SUFFIX}"):
        part.unlink()
    if job.beam_options is not None:
        from data_pipelines.build.beam import prepare_all

        prepare_all(tasks, job.beam_options)
        return
    for done, (index, _) in enumerate(side_by_side(prepare, tasks, job.workers), 1):
        if progress is not None:
            progress(tasks[index].source.name, done, len(tasks))


def _prepared(task: Task, job: Job) -> Prepared:
    source = task.source
    licence = licence_of(source.path, job.licences)
    return Prepared(source.name, read_survey(task.file), task.file, licence, split_of(source, job.config))


def _splits(prepared: Sequence[Prepared], beam: bool) -> dict[str, Any]:
    """By split that has any, what yields its clips."""
    splits = {}
    for split in SPLITS:
        chosen = [(one.file, one.licence) for one in prepared if one.split == split and one.survey.kept]
        if chosen and beam:
            from data_pipelines.build.beam import examples_of

            splits[split] = examples_of(chosen)
        elif chosen:
            splits[split] = partial(clips_of, chosen)
    return splits


def clips_of(chosen: Iterable[tuple[Path, str]]) -> Iterator[StoredClip]:
    """The clips of prepared sources, each a file and its licence."""
    for file, licence in chosen:
        yield from read_clips(file, licence)
