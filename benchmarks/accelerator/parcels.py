"""Files small enough to carry: a file above the limit is cut in parts, a checkpoint is one tar."""

from __future__ import annotations

import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from mrsr.checkpoint import CHECKPOINTS
from mrsr.config.serialise import FILE_NAME
from mrsr.errors import UserError
from mrsr.files import replaced
from mrsr.train.resume import DATA

PART = 16_600_000
"""Most bytes of a file: below 16 MiB."""
RESUME = "resume.tar"
LOG = "metrics.jsonl"
"""Where a run keeps its figures."""


def put(path: Path, folder: Path) -> None:
    """Copies a file into a folder: as it is, or as `NAME.00`, `NAME.01`, ... of at most `PART` bytes."""
    for stale in parts(folder, path.name):
        stale.unlink()
    with path.open("rb") as source:
        pieces = iter(lambda: source.read(PART), b"")
        split = path.stat().st_size > PART
        for number, piece in enumerate(pieces):
            name = f"{path.name}.{number:02d}" if split else path.name
            with replaced(folder / name) as beside:
                beside.write_bytes(piece)


def parts(folder: Path, name: str) -> list[Path]:
    """The file of that name in a folder, or its parts in order; nothing where there is neither."""
    whole = folder / name
    return [whole] if whole.is_file() else sorted(folder.glob(f"{name}.[0-9][0-9]"))


def take(folder: Path, name: str, output: Path) -> None:
    """Puts a file together again, whole or not at all.

    Raises:
      UserError: the folder has neither the file nor its parts, or one of the parts is missing.
    """
    found = parts(folder, name)
    numbers = [int(part.suffix[1:]) for part in found if part.name != name]
    if not found or numbers != list(range(len(numbers))):
        raise UserError(f"{folder}: no {name}, or a part of it is missing; expected what a slice of training wrote")
    with replaced(output) as beside, beside.open("wb") as target:
        for part in found:
            target.write(part.read_bytes())


def put_resume(workdir: Path, step: int, folder: Path, limit: int) -> bool:
    """Puts a run's state at a step into a folder: config, log, what its data held, checkpoint.

    Returns:
      Whether it did; not where the checkpoint is above `limit` bytes.
    """
    checkpoint = workdir / CHECKPOINTS / str(step)
    for stale in parts(folder, RESUME):
        stale.unlink()
    if sum(file.stat().st_size for file in checkpoint.rglob("*") if file.is_file()) > limit:
        return False
    packed = workdir / RESUME
    with tarfile.open(packed, "w") as tar:
        # The config comes last: a tar that was cut between two files reads as a whole one, but for what is missing.
        for path in (checkpoint, workdir / LOG, workdir / DATA, workdir / FILE_NAME):
            if path.exists():
                tar.add(path, path.relative_to(workdir))
    put(packed, folder)
    packed.unlink()
    return True


def take_resume(folder: Path, workdir: Path) -> None:
    """Makes the run folder that `put_resume` was given: beside first, then renamed.

    Raises:
      UserError: parts are missing or damaged, or the run folder is there and not empty.
    """
    if workdir.exists() and (not workdir.is_dir() or any(workdir.iterdir())):
        raise UserError(f"--workdir {workdir}: not empty and no run folder; expected a new folder or a run")
    parent = workdir.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=parent, prefix=f".{workdir.name}_") as beside:
        packed, run = Path(beside) / RESUME, Path(beside) / "run"
        take(folder, RESUME, packed)
        try:
            with tarfile.open(packed) as tar:
                tar.extractall(run, filter="data")
            if not (run / FILE_NAME).is_file():
                raise tarfile.ReadError("its end is missing")
        except (tarfile.TarError, EOFError) as error:
            raise UserError(f"{folder / RESUME}: damaged ({error}); expected what a slice of training wrote") from None
        run.replace(workdir)
