"""The config a command is given: what a file's `get_config()` returns, or defaults, with overrides, checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from absl import flags
from ml_collections import config_flags

from mrsr.config import ExperimentConfig, from_json, validate
from mrsr.errors import UserError
from mrsr.remote import as_path

Config = TypeVar("Config")


def read_config(file: str, overrides: list[str]) -> ExperimentConfig:
    """The experiment a file returns, with overrides such as `--config.train.steps=100`, validated.

    A `.json` file is a whole config as a run folder keeps it (`config.json`): with it the run is done again.

    Raises:
      UserError: the file, a field or a value is not what it should be.
    """
    if file.endswith(".json"):
        return read(None, overrides, _kept(file), validate)
    return read(file, overrides, ExperimentConfig(), validate)


def _kept(file: str) -> ExperimentConfig:
    path = as_path(file)
    if not path.is_file():
        raise UserError(f"--config {file}: expected a .py file with get_config(), or a config.json")
    try:
        return from_json(path.read_text())
    except (UserError, TypeError, ValueError) as error:
        raise UserError(f"--config {file}: {error}") from None


def read(file: str | None, overrides: list[str], default: Config, check: Callable[[Config], Config]) -> Config:
    """The config a file returns, or `default` without a file, with overrides, checked by `check`.

    Raises:
      UserError: the file, a field or a value is not what it should be.
    """
    path = Path(file.partition(":")[0]) if file else None
    if path and (path.suffix != ".py" or not path.is_file()):
        raise UserError(f"--config {path}: expected a .py file with get_config()")
    values = flags.FlagValues()
    # Without `sys_argv` overrides are looked for in the process's own command line, whatever is parsed here.
    arguments = ["mrsr", *([f"--config={file}"] if file else []), *overrides]
    named = f"--config {file}" if file else "--config"
    try:
        if file:
            holder = config_flags.DEFINE_config_file("config", flag_values=values, sys_argv=arguments)
        else:
            holder = config_flags.DEFINE_config_dataclass("config", default, flag_values=values, sys_argv=arguments)
        rest = values(arguments)
    except Exception as error:  # Whatever a config file does wrong is bad input.
        # What get_config() itself raises comes wrapped in a traceback, as text: its last line is the error.
        told = str(error.args[0] if isinstance(error, KeyError) and error.args else error).strip()
        if "Traceback (most recent call last)" in told:
            told = told.splitlines()[-1]
        raise UserError(f"{named}: {told}") from error
    if len(rest) > 1:
        raise UserError(f"unknown argument {rest[1]!r}; see --help")
    config = holder.value
    if not isinstance(config, type(default)):
        expected = type(default).__name__
        article = "an" if expected[0] in "AEIOU" else "a"
        raise UserError(f"{named}: get_config() gave {type(config).__name__}; expected {article} {expected}")
    return check(config)
