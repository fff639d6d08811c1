"""Which split a source is in: by its name alone, whatever else a data set is built of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fnmatch import fnmatchcase

from data_pipelines.build.inputs import Source
from mrsr.config import DatasetConfig
from mrsr.errors import UserError

SPLITS = ("train", "validation")


def split_of(source: Source, config: DatasetConfig) -> str:
    """`train` or `validation`: by the patterns held out, or by a hash of the source's name, the same everywhere."""
    if config.held_out:
        held_out = any(_matches(source, pattern) for pattern in config.held_out)
    else:
        drawn = int.from_bytes(hashlib.sha256(source.below.encode()).digest()[:8], "big") / 2**64
        held_out = drawn < config.validation
    return SPLITS[held_out]


def check_held_out(sources: Sequence[Source], config: DatasetConfig) -> None:
    """Passes patterns that each hold something out.

    Raises:
      UserError: a pattern matches no source: what was to be held out would be trained on.
    """
    for pattern in config.held_out:
        if not any(_matches(source, pattern) for source in sources):
            some = ", ".join(source.name for source in sources[:3])
            raise UserError(f"held_out={pattern!r}: matches none of {len(sources)} sources; expected names as {some}")


def _matches(source: Source, pattern: str) -> bool:
    return fnmatchcase(source.name, pattern) or fnmatchcase(source.below, pattern)
