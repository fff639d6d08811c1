"""Folders in a bucket of Google Cloud Storage (`gs://BUCKET/FOLDER`), used as those of a disk are."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import Any, cast

from mrsr.errors import UserError

_SCHEME = "gs://"


def as_path(text: str | Path) -> Path:
    """The file or folder of that name: a `pathlib.Path`, or of `gs://BUCKET/FOLDER` a path that is used like one.

    The bucket is asked once, so that what is wrong with it is told before anything is done. Code that is given a path
    need not know which of the two it has, but for this: a bucket has no folders (an empty one does not exist), no
    renaming of them, and no adding to a file; a file in it appears whole or not at all.

    Raises:
      UserError: the bucket cannot be used, or the name begins with another scheme.
    """
    name = os.fspath(text)
    if "://" not in name:
        return Path(name)
    bucket, _, inside = name.removeprefix(_SCHEME).partition("/")
    if not name.startswith(_SCHEME) or not bucket:
        raise UserError(f"{name}: expected a folder of this machine or gs://BUCKET/FOLDER")
    _ask(name, bucket, inside)

    from etils import epath

    return cast(Path, epath.Path(name))


def upload(here: Path, path: Path) -> None:
    """Puts a file of this machine into a bucket; nothing is there, or what was before, until all of it is.

    Raises:
      OSError: it could not be put there.
    """
    try:
        _client().put_file(os.fspath(here), os.fspath(path))
    except Exception as error:
        raise OSError(f"{path}: not written ({_in_short(error)})") from error


def move_into(here: Path, folder: Path) -> None:
    """Moves the files of a folder of this machine, and of those below it, into one of a bucket.

    Raises:
      OSError: one could not be put there.
    """
    for file in sorted(path for path in here.rglob("*") if path.is_file()):
        upload(file, folder / file.relative_to(here).as_posix())
    shutil.rmtree(here)


def is_remote(path: Path) -> bool:
    """Whether a path is in a bucket."""
    return os.fspath(path).startswith(_SCHEME)


def absolute(path: Path) -> Path:
    """A path from the root; one in a bucket is."""
    return path if is_remote(path) else path.absolute()


def _ask(name: str, bucket: str, inside: str) -> None:
    """Lists one file at most of the folder."""
    try:
        _client().call("GET", "b/{}/o", bucket, prefix=inside, maxResults=1)
    except ImportError:
        raise UserError(f"{name}: needs the package gcsfs: pip install 'mrsr[gcs]'") from None
    except FileNotFoundError:
        raise UserError(f"{name}: there is no bucket {bucket!r}") from None
    except Exception as error:  # Of credentials, of the connection, of the answer: each library has its own.
        raise UserError(
            f"{name}: cannot be reached ({_in_short(error)}); expected what `gcloud storage ls gs://{bucket}` lists, "
            "with credentials of `gcloud auth application-default login` or of the machine's service account"
        ) from None


def _in_short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _client() -> Any:
    """The client that etils has for paths too, with the settings it gives it."""
    import fsspec

    # It logs what it raises, too, with a traceback.
    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)
    # Checkpoints are written by another client: what this one remembers of a folder may be old.
    fsspec.config.conf["gcs"] = fsspec.config.conf.get("gcs", {}) | {"use_listings_cache": False}
    return fsspec.filesystem("gcs", finalize_on_close=True)
