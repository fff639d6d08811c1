"""A command line of `mrsr` against its real parser, the config file it names, and the schema of what it overrides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from documents import ROOT

from mrsr.cli.configs import read
from mrsr.cli.main import parser_of
from mrsr.config import DatasetConfig, ExperimentConfig, FacesConfig, validate, validate_dataset, validate_faces

SCHEMAS: dict[str, tuple[Any, Any]] = {
    "train": (ExperimentConfig, validate),
    "build": (DatasetConfig, validate_dataset),
    "faces": (FacesConfig, validate_faces),
    "show": (ExperimentConfig, validate),
}


def check_mrsr(words: Sequence[str]) -> None:
    """Parses a command of `mrsr`, and reads the config it names with the fields it overrides."""
    args, rest = parser_of(words[0]).parse_known_args(list(words))
    rest = [word for word in rest if word != "..."]
    assert all(word.startswith("--config.") for word in rest), rest
    file = getattr(args, "config", None) or ""
    # A placeholder, or what a command before it writes.
    known = file if ".py" in file else None
    task = getattr(args, "task", args.command)
    if task not in SCHEMAS:
        assert known is None or (ROOT / known.partition(":")[0]).is_file(), known
        assert not rest or file, rest
        return
    schema, check = SCHEMAS[task]
    overrides = [word for word in rest if not word.startswith("--config.a.b")]
    read(str(ROOT / known) if known else None, overrides, schema(), check if known else lambda config: config)
