"""From what `--model` says to what runs: a run folder, `bicubic`, `init:SIZE`, or what is there without it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from mrsr.checkpoint import WEIGHTS, has_checkpoint, load_model
from mrsr.config import SIZES, ExperimentConfig, model_size
from mrsr.errors import UserError
from mrsr.inference.jax_runtime import JaxRuntime
from mrsr.inference.runtime import BicubicRuntime, Runtime
from mrsr.models.step import init_params
from mrsr.remote import as_path

RUNTIMES = ("auto", "jax")
DEMO_RUN = Path("demo/run")
HOW_TO_GET_ONE = "`mrsr demo` trains one in minutes, or give --model RUN_FOLDER"

_LOG = logging.getLogger(__name__)


def find_model(name: str | None, otherwise: str = "bicubic") -> tuple[ExperimentConfig, Any]:
    """Config and parameters (float32; None for `bicubic`) of what `--model` names.

    That is a run folder, `bicubic`, or `init:tiny|small|base` (untrained). Without a name: the demo's run in the
    current folder, else `otherwise`, with a warning that says how to get a model.

    Raises:
      UserError: there is no such model.
    """
    if name is None and (has_checkpoint(DEMO_RUN) or (DEMO_RUN / WEIGHTS).is_file()):
        name = str(DEMO_RUN)
    if name is None:
        _LOG.warning("no model: taking %s; %s", otherwise, HOW_TO_GET_ONE)
        name = otherwise
    if name == "bicubic":
        return ExperimentConfig(name="bicubic", routes="all_seven"), None
    if name.startswith("init:"):
        config = ExperimentConfig(name=name, routes="all_seven", model=model_size(name.removeprefix("init:")))
        return config, init_params(config.ladder(), config.route_set(), config.model, 0)
    if name in SIZES and not Path(name).is_dir():
        raise UserError(f"--model {name}: no weights ship with this version; {HOW_TO_GET_ONE}")
    return load_model(as_path(name))


def runtime_of(config: ExperimentConfig, params: Any, runtime: str = "auto") -> Runtime:
    """A model, as `find_model` gives it, on the runtime `--runtime` names.

    Raises:
      UserError: there is no such runtime.
    """
    if runtime not in RUNTIMES:
        raise UserError(f"--runtime {runtime}: expected one of {', '.join(RUNTIMES)}")
    if params is None:
        return BicubicRuntime(config.ladder(), config.route_set())
    return JaxRuntime(config, params)


def load_runtime(model: str | None, runtime: str = "auto") -> Runtime:
    """What `--model` names, on the runtime `--runtime` names.

    Raises:
      UserError: there is no such model or runtime.
    """
    return runtime_of(*find_model(model), runtime)
