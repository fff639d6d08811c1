"""A command line as a data set's card tells it: what makes the same again, without places of this machine."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path


def command_line(
    command: str, inputs: Sequence[Path], files: Mapping[str, Path | str | None], rest: Sequence[str]
) -> str:
    """The line, quoted for a shell; of files and folders only the names, as two machines keep them in different places.

    Args:
      command: such as `mrsr data build`.
      inputs: the files and folders it is given.
      files: by name the options that take a file, or `FILE:ARG`; None where one is not given.
      rest: all else that bears on the result, such as `--config.frames=12`.
    """
    words = [*command.split(), *(path.name or str(path) for path in inputs), "--output", "DIR"]
    for option, value in files.items():
        if value is not None:
            path, colon, argument = str(value).partition(":")
            words += [option, f"{Path(path).name}{colon}{argument}"]
    line = shlex.join([*words, *map(placeless, rest)])
    # The card is UTF-8; names of files may be any bytes.
    return os.fsencode(line).decode(errors="backslashreplace")


def placeless(word: str) -> str:
    """A word that is, or whose value is, the path of a file from the root, with the file's name alone."""
    name, equals, value = word.partition("=") if "=" in word else ("", "", word)
    return f"{name}{equals}{Path(value).name if Path(value).is_absolute() else value}"
