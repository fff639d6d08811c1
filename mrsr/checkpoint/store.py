"""The checkpoints of one run (Orbax): saved behind the training's back, checked before they are loaded."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import orbax.checkpoint as ocp
from etils import epath

from mrsr.checkpoint.checksums import DamagedError, check, is_sealed, seal, unreadable
from mrsr.checkpoint.newest import Decided, newest_good
from mrsr.errors import RunError, UserError
from mrsr.remote import absolute, is_remote

CHECKPOINTS = "checkpoints"
ITEMS = ("model", "training")
COMMITTED = "commit_success.txt"
"""The last file Orbax writes of a step; it looks for it where folders cannot be renamed."""


def has_checkpoint(folder: Path) -> bool:
    """Whether a run folder holds a checkpoint that was saved to its end, damaged since or not."""
    saved = folder / CHECKPOINTS
    return saved.is_dir() and any(step.name.isdigit() and _is_finished(step) for step in saved.iterdir())


def _is_finished(step: Path) -> bool:
    """Whether a folder of that name is a finished save: in a bucket Orbax's mark says so, elsewhere the name itself."""
    return not is_remote(step) or (step / COMMITTED).is_file()


class Store:
    """The checkpoints of one run. A save is atomic: what a kill leaves half-written is never taken for a checkpoint."""

    def __init__(self, workdir: Path, keep: int = 2) -> None:
        options = ocp.CheckpointManagerOptions(max_to_keep=keep, create=True)
        self.folder = absolute(workdir) / CHECKPOINTS
        self._manager = ocp.CheckpointManager(self.folder, options=options, item_names=ITEMS)
        self._behind = ThreadPoolExecutor(1, "checksums")
        self._saving: tuple[int, Future[None]] | None = None

    def latest(self) -> int | None:
        """The newest step saved, or None."""
        return self._manager.latest_step()

    def save(self, step: int, model: Any, training: Any) -> None:
        """Saves two pytrees of host arrays under a step; returns once they are copied, and writes behind.

        Raises:
          RunError: the save before this one failed, or this step or a later one is there already.
        """
        self._finish()
        saves = self._manager.save(
            step,
            args=ocp.args.Composite(model=ocp.args.StandardSave(model), training=ocp.args.StandardSave(training)),
        )
        if not saves:
            raise RunError(f"{self.folder / str(step)}: not saved, for step {self.latest()} is there already")
        self._saving = step, self._behind.submit(self._seal, step)

    def restore(self, step: int, model: Any, training: Any) -> tuple[Any, Any]:
        """The two pytrees saved under a step, as host arrays, with the structure and the shapes of the abstract trees.

        Its files are checked first, where it has checksums.

        Raises:
          UserError: the checkpoint does not hold such trees, or is damaged.
        """
        self._finish()
        if is_sealed(self.folder / str(step)):
            check(self.folder / str(step))
        return self._load(step, model, training)

    def restore_newest(
        self, model: Any, training: Any, say: Callable[[str], None], decided: Decided = lambda decide: decide()
    ) -> tuple[int, Any, Any]:
        """The newest step that is whole, and its two pytrees as of `restore`; one step at least was saved.

        Newer ones that are damaged are told of and set aside as `damaged_STEP`: their steps can be saved again. Of
        several processes one checks and sets aside, by `decided` as of `newest_good`.

        Raises:
          UserError: all are damaged, each named, or of another model.
        """
        self._finish()
        load = lambda step: self._load(step, model, training)  # noqa: E731
        found = newest_good(self.folder, self._manager.all_steps(), load, say, decided)
        decided(lambda: self._set_aside(found.passed))
        # Orbax would go on counting what is set aside: no step up to the newest it knows of is saved.
        self._manager.reload()
        return found.step, *found.value

    def close(self) -> None:
        """Waits for what is being written.

        Raises:
          RunError: it could not be written.
        """
        try:
            self._finish()
        finally:
            self._behind.shutdown()
            # It waits as well, and would say again what `_finish` has said.
            with suppress(Exception):
                self._manager.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _seal(self, step: int) -> None:
        self._manager.wait_until_finished()
        if ocp.multihost.is_primary_host(0):
            seal(self.folder / str(step))

    def _finish(self) -> None:
        """Waits until the last save is on disk with its checksums."""
        if self._saving is None:
            return
        (step, future), self._saving = self._saving, None
        try:
            future.result()
        except Exception as error:
            raise RunError(f"{self.folder / str(step)}: not saved ({first_line(error)})") from error

    def _load(self, step: int, model: Any, training: Any) -> tuple[Any, Any]:
        args = ocp.args.Composite(model=ocp.args.StandardRestore(model), training=ocp.args.StandardRestore(training))
        restored = restored_items(self._manager, step, args)
        return restored["model"], restored["training"]

    def _set_aside(self, steps: tuple[int, ...]) -> None:
        folder = epath.Path(self.folder)
        for step in steps:
            (folder / f"damaged_{step}").rmtree(missing_ok=True)
            # In a bucket file by file: a step of which some are moved lacks them, and stays damaged.
            (folder / str(step)).rename(folder / f"damaged_{step}")


def restored_items(manager: ocp.CheckpointManager, step: int, args: ocp.args.Composite) -> Any:
    """What Orbax restores of a step, by item.

    Raises:
      DamagedError: a step without checksums cannot be restored.
      UserError: a step that was checked cannot be, for it is of another model; or the files of one cannot be read.
    """
    path = manager.directory / str(step)
    try:
        return manager.restore(step, args=args)
    except Exception as error:
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            raise unreadable(path, error) from error
        if is_sealed(path):
            raise UserError(f"{path}: of another model ({first_line(error)})") from error
        raise DamagedError(f"{path}: damaged, or of another model ({first_line(error)})") from error


def first_line(error: Exception) -> str:
    """What an error of a library says, in one line of 200 characters at most."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
