"""The folder a data set becomes, and the hidden ones beside it that it is made in, each for one build at a time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_pipelines.store import CARD
from mrsr.errors import RunError, UserError

_LOCK = "lock"


class NothingKeptError(UserError):
    """Of all that was read nothing passes: there is nothing to go on from."""


def beside(output: Path, purpose: str) -> Path:
    """A hidden folder beside `output`, on the same disk: `part` until it is whole, `work` for what is resumed."""
    output = real(output)
    return output.with_name(f".{output.name}.{purpose}")


def real(path: Path) -> Path:
    """The path without links, whether it is there or not."""
    return Path(os.path.realpath(path))


def check_output(output: Path, overwrite: bool) -> Path:
    """Passes a folder that a data set can be written to, its parents made: its path without links.

    Raises:
      UserError: its parents cannot be made or written to, or it exists and holds something.
    """
    folder = real(output)
    if folder.is_symlink():
        raise UserError(f"{output}: is a link that leads nowhere; expected a folder to make")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{output}: its folder cannot be made ({error})") from None
    if not os.access(folder.parent, os.W_OK | os.X_OK):
        raise UserError(f"{output}: no permission to write to {folder.parent}")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{output}: is a file; expected a folder to make")
    if folder.is_dir() and any(folder.iterdir()):
        if not overwrite:
            raise UserError(f"{output}: exists; expected a new folder, or --overwrite")
        if not (folder / CARD).is_file():
            raise UserError(f"{output}: --overwrite replaces a data set, and this folder holds something else")
    return folder


@contextmanager
def work_folder(output: Path) -> Iterator[Path]:
    """The folder beside `output` that a build keeps what it has done in: its own, made unless it is there.

    It goes where the block ends well or with nothing kept. A build that is stopped leaves it to the next one, if there
    is anything in it.

    Raises:
      UserError: another build is writing to the same output.
    """
    work = beside(output, "work")
    lock = _locked(work, output)
    done = False
    try:
        yield work
        done = True
    except NothingKeptError:
        done = True
        raise
    finally:
        with contextlib.suppress(OSError):
            if done or [file.name for file in work.iterdir()] == [_LOCK]:
                shutil.rmtree(work)
        os.close(lock)


def _locked(work: Path, output: Path) -> int:
    """The descriptor of the locked file in `work`; the lock ends with the process, however that ends."""
    while True:
        work.mkdir(exist_ok=True)
        file = work / _LOCK
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise UserError(f"{output}: another build writes there; expected one at a time") from None
        except OSError as error:
            # Some network file systems have no locks: one build at a time is up to their users.
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL):
                os.close(descriptor)
                raise
        # The build that held it may have removed the folder since: then a lock on the file it was says nothing.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), file.stat()):
                return descriptor
        os.close(descriptor)


@contextmanager
def no_space_named(folder: Path) -> Iterator[None]:
    """Turns the errors of a full disk into one line that names the folder and the space.

    Raises:
      RunError: the disk was full.
    """
    try:
        yield
    except Exception as error:
        # The writers of the shards tell of it in words of their own.
        if "No space left" in str(error) or getattr(error, "errno", None) == errno.ENOSPC:
            free = shutil.disk_usage(folder).free / 1e6
            told = f"{free:.1f} MB are free once what was being written is removed"
            raise RunError(f"{folder}: the disk is full, no data set was written ({told})") from error
        raise
