"""The two errors a command turns into one line on stderr instead of a traceback."""

from __future__ import annotations


class UserError(ValueError):
    """What was asked cannot be done: a broken file, a wrong option, a config that contradicts itself.

    The message names the thing, the value got and what would be accepted. The command line exits with status 2.
    """


class RunError(RuntimeError):
    """What was asked is right but failed on the way: a non-finite loss, a disk that is full. Exit status 1."""
