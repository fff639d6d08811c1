"""Trainings taken over from other studies: what was trained with the same config is not trained again."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from data_pipelines.sources import fingerprints, open_sources
from mrsr.checkpoint import has_checkpoint
from mrsr.config import DataConfig, ExperimentConfig, config_hash, load_config, save_config
from mrsr.config.serialise import FILE_NAME
from mrsr.errors import UserError
from mrsr.files import part_of, replaced
from mrsr.study.plan import BENCH, EVALUATION, MEASURED, STILLS, Run, keep_measured, measured_with, read_json
from mrsr.study.processes import is_busy
from mrsr.train.outcome import FILE as OUTCOME
from mrsr.train.resume import DATA

TAKEN = "taken_over.json"
"""In a run folder: where it was trained."""

Say = Callable[[str], None]


def take_over(runs: Sequence[Run], folders: Sequence[Path], say: Say) -> None:
    """Copies finished trainings into run folders that have none yet.

    One is taken over where its config says the same but for its name, and its data are what they were then. What was
    measured and timed of it comes along where this study measures the same.

    Args:
      runs: of this study; those begun already are left as they are.
      folders: of other studies, or run folders, the preferred first.
      say: where lines go.

    Raises:
      UserError: a folder holds no run.
    """
    found = [(folder, load_config(folder)) for whole in folders for folder in _finished(whole)]
    data = _Data()
    for run in runs:
        if run.variant.of or has_checkpoint(run.folder) or is_busy(run.log):
            continue
        for folder, config in found:
            if folder.resolve() != run.folder.resolve() and _says_the_same(config, run.config) and data.are_as(folder):
                _copy(folder, config, run)
                say(f"{run.name}: taken over from {folder}")
                break


def taken_from(run: Run) -> str:
    """The folder a run was taken over from; "" where it was trained here."""
    return str((read_json(run.folder / TAKEN) or {}).get("folder", ""))


def _finished(whole: Path) -> Iterator[Path]:
    """The run folders, of a study or the folder itself, whose training came to its end."""
    folders = [
        path.parent for path in (whole / FILE_NAME, *sorted(whole.glob(f"runs/*/{FILE_NAME}"))) if path.is_file()
    ]
    if not folders and not (whole / "configs").is_dir():  # A study that has only just begun has its configs.
        raise UserError(f"--reuse {whole}: expected the folder of a study or of a run")
    for folder in folders:
        if (read_json(folder / OUTCOME) or {}).get("status") == 0 and has_checkpoint(folder):
            yield folder


def _says_the_same(one: ExperimentConfig, other: ExperimentConfig) -> bool:
    return config_hash(dataclasses.replace(one, name=other.name)) == config_hash(other)


class _Data:
    """What the sources of configs hold now, read once for all."""

    def __init__(self) -> None:
        self._now: dict[str, dict[str, str]] = {}

    def are_as(self, folder: Path) -> bool:
        """Whether a run's data are those it was trained on, by fingerprint."""
        data = load_config(folder).data
        key = repr(data)
        if key not in self._now:
            self._now[key] = _held(data)
        return read_json(folder / DATA) == self._now[key]


def _held(data: DataConfig) -> dict[str, str]:
    return fingerprints(data, open_sources(data))


def _copy(folder: Path, config: ExperimentConfig, run: Run) -> None:
    """Makes a run folder of another one; whole or not at all."""
    beside = part_of(run.folder)
    shutil.rmtree(beside, ignore_errors=True)
    left_out = shutil.ignore_patterns(EVALUATION, MEASURED, STILLS, BENCH, TAKEN)
    shutil.copytree(folder, beside, ignore=lambda at, names: left_out(at, names) if Path(at) == folder else set())
    save_config(run.config, beside)
    first = str((read_json(folder / TAKEN) or {}).get("folder", folder))
    (beside / TAKEN).write_text(json.dumps({"folder": first}) + "\n", encoding="utf-8")
    if run.folder.is_dir():
        shutil.rmtree(run.folder)  # A start that ended before its first checkpoint.
    beside.rename(run.folder)
    _copy_figures(folder, config, run)


def _copy_figures(folder: Path, config: ExperimentConfig, run: Run) -> None:
    """Copies what was measured and timed of a run, where it is what this study asks."""
    report, bench = read_json(folder / EVALUATION), read_json(folder / BENCH)
    if report and read_json(folder / MEASURED) == measured_with(run) | {"config_hash": config_hash(config)}:
        shutil.copytree(folder / STILLS, run.folder / STILLS, dirs_exist_ok=True)
        report["model"] |= {"name": run.config.name, "config_hash": config_hash(run.config)}
        with replaced(run.folder / EVALUATION) as to_write:
            to_write.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        keep_measured(run)
    asked = {route.name for route in run.routes if route.enlarges}
    if bench and asked <= {row["route"] for row in bench["routes"]}:
        shutil.copy2(folder / BENCH, run.folder / BENCH)
