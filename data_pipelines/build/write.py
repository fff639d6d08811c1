"""Writing a data set: shards, card and description beside their folder, which gets its name when all is there."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data_pipelines.build.output import beside, check_output, no_space_named
from data_pipelines.store import CARD
from mrsr.errors import RunError

README = "README.md"

_MEGABYTE = 1 << 20


def write_dataset(
    name: str,
    splits: Mapping[str, Any],
    output: Path,
    card: Mapping[str, Any],
    *,
    readme: Callable[[Mapping[str, Any]], str],
    shard_megabytes: int = 128,
    extras: Callable[[Path], None] | None = None,
    beam_options: Iterable[str] | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Writes a data set whole or not at all: what `tfds.builder_from_directory` and `ClipStore` open.

    Args:
      name: `mrsr_video` or `mrsr_faces`.
      splits: by split (`train`, `validation`) a function that yields its clips (`StoredClip`), none of them empty; with
        `beam_options`, a Beam transform that yields them keyed (`builders.keyed`).
      output: the folder it becomes.
      card: what is told of it; `counts` is what `ClipStore.describe` gives, `splits` is added: by split the number of
        clips, bytes, and by shard its SHA-256.
      readme: the text of README.md from the whole card.
      shard_megabytes: size of a shard aimed at.
      extras: writes further files into the folder it is given.
      beam_options: flags for the pipeline; None writes without Beam.
      overwrite: whether a data set that is there is replaced.

    Returns:
      The whole card, as JSON gives it.

    Raises:
      UserError: the folder cannot be written to, or exists.
      RunError: the disk is full.
    """
    output = check_output(output, overwrite)
    part = beside(output, "part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with no_space_named(output.parent):
            folder = _write_shards(name, splits, part, shard_megabytes, beam_options)
            text = json.dumps(
                dict(card) | {"splits": {split: _shards_of(folder, name, split) for split in splits}},
                indent=1,
                ensure_ascii=False,
            )
            whole: dict[str, Any] = json.loads(text)
            if extras is not None:
                extras(folder)
            (folder / README).write_text(readme(whole), encoding="utf-8")
            (folder / CARD).write_text(text + "\n", encoding="utf-8")
            _sync(folder)
            _take_name(folder, output)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return whole


def _write_shards(
    name: str, splits: Mapping[str, Any], part: Path, shard_megabytes: int, beam_options: Iterable[str] | None
) -> Path:
    """The folder the shards are in."""
    shard = shard_megabytes * _MEGABYTE
    with _hushed():
        from data_pipelines.build.builders import BUILDERS, tfds

        return _prepared(BUILDERS[name], tfds, dict(splits), part, shard, beam_options)


def _prepared(
    kind: Any, tfds: Any, splits: dict[str, Any], part: Path, shard: int, beam_options: Iterable[str] | None
) -> Path:
    tfds.disable_progress_bar()
    builder = kind(splits=splits, data_dir=str(part))
    options: dict[str, Any] = {}
    if beam_options is not None:
        from apache_beam.options.pipeline_options import PipelineOptions

        options["beam_options"] = PipelineOptions(list(beam_options))
    config = tfds.download.DownloadConfig(
        try_download_gcs=False, min_shard_size=shard // 2, max_shard_size=shard, **options
    )
    builder.download_and_prepare(download_dir=str(part / "downloads"), download_config=config)
    return Path(builder.data_dir)


@contextmanager
def _hushed() -> Iterator[None]:
    """TensorFlow Datasets greets on stdout and warns of clients for a cloud that nobody asked for."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def _shards_of(folder: Path, name: str, split: str) -> dict[str, Any]:
    from array_record.python.array_record_data_source import ArrayRecordDataSource

    files = sorted(folder.glob(f"{name}-{split}.array_record-*"))
    clips = len(ArrayRecordDataSource([str(file) for file in files]))
    told = json.loads((folder / "dataset_info.json").read_text(encoding="utf-8"))["splits"]
    wanted = next(sum(map(int, one["shardLengths"])) for one in told if one["name"] == split)
    if clips != wanted:
        raise RunError(f"{folder.name}: its split {split} holds {clips} clips of the {wanted} written to it")
    return {
        "clips": clips,
        "bytes": sum(file.stat().st_size for file in files),
        "shards": {file.name: _digest(file) for file in files},
    }


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    """Waits until the files are on the disk: a full one may only be found out then."""
    for file in folder.iterdir():
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _take_name(folder: Path, output: Path) -> None:
    old = beside(output, "old")
    shutil.rmtree(old, ignore_errors=True)
    if output.is_dir() and any(output.iterdir()):
        output.rename(old)
    folder.rename(output)
    shutil.rmtree(old, ignore_errors=True)
