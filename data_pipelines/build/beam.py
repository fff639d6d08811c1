"""The same work as a Beam pipeline, for any runner whose workers share the output's file system."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data_pipelines.build.prepare import Task, prepare, read_clips
from mrsr.errors import UserError


def prepare_all(tasks: Sequence[Task], options: Sequence[str]) -> None:
    """Prepares every source: a worker each, as the runner has them.

    Raises:
      UserError: Apache Beam is not installed.
    """
    try:
        import apache_beam as beam
    except ImportError:
        raise UserError("--beam: Apache Beam is not installed; expected the extra beam, as in .venv-beam") from None
    from apache_beam.options.pipeline_options import PipelineOptions

    with beam.Pipeline(options=PipelineOptions(list(options))) as pipeline:
        sources = pipeline | "sources" >> beam.Create(list(tasks)) | beam.Reshuffle()
        _ = sources | "prepare" >> beam.Map(_prepared)


def _prepared(task: Task) -> str:
    return prepare(task).name


def examples_of(chosen: Sequence[tuple[Path, str]]) -> Any:
    """A transform that yields the keyed examples of prepared sources, each a file and its licence."""
    import apache_beam as beam

    return beam.Create(list(chosen)) | beam.Reshuffle() | beam.FlatMap(_examples)


def _examples(chosen: tuple[Path, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    from data_pipelines.build.builders import keyed

    return keyed(read_clips(*chosen))
