"""The two errors a command turns into one line on stderr instead of a traceback, and what it exits with."""

from __future__ import annotations


class UserError(ValueError):
    """What was asked cannot be done: a broken file, a wrong option, a config that contradicts itself.

    The message names the thing, the value got and what would be accepted. The command line exits with status 2.
    """


class RunError(RuntimeError):
    """What was asked is right but failed on the way: a non-finite loss, a disk that is full. Exit status 1."""


def status_of(error: BaseException) -> int:
    """The exit status of a command that an error ends: 2 for bad input, 130 for Ctrl-C, 1 for any other."""
    if isinstance(error, KeyboardInterrupt):
        return 130
    bad_input = (UserError, FileNotFoundError, IsADirectoryError, NotADirectoryError)
    return 2 if isinstance(error, bad_input) else 1
