"""An engine for what `--model` and `--runtime` name, on what is fastest on this machine: what a server opens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax

from mrsr.inference.engine import Engine
from mrsr.inference.models import HOW_TO_GET_ONE, find_model, load_runtime
from mrsr.inference.plan import asked
from mrsr.inference.streams import Event, Result


class NamedEngine(Engine):
    """An engine that can say what it runs.

    Attributes:
      model_name: what people are told the model is.
      runtime_name: what runs it, as of `--runtime`.
      precision: that it computes in.
      device: what it runs on, in words.
      warning: what is missing, in words; None where nothing is.
    """

    model_name: str
    runtime_name: str
    precision: str
    device: str
    warning: str | None


def open_engine(
    model: str | None = None,
    runtime: str = "auto",
    *,
    on_result: Callable[[Result], None],
    on_event: Callable[[Event], None] | None = None,
    routes: str | None = None,
    threads: int | None = None,
    **settings: Any,
) -> NamedEngine:
    """An engine that enlarges by what `--model` names, on the runtime `load_runtime` takes for it.

    Args:
      model: as of `--model`; None for the one that ships.
      runtime: as of `--runtime`.
      on_result: as of `Engine`, and likewise `on_event` and `settings`.
      on_event: called with every event.
      routes: what may be made, as of `--routes`; None for all the model enlarges by.
      threads: of a runtime on the CPU; None for every core.
      settings: of `Engine`.

    Raises:
      UserError: there is no such model or runtime, or a route the model does not have.
    """
    found = load_runtime(model, runtime)
    config, params = find_model(model)
    serves = asked(found.ladder, found.routes, routes)
    config = replace(config, routes=str(serves))
    if threads is not None and hasattr(found, "threads"):
        found.threads = threads
    if found.name == "jax":
        engine = NamedEngine(config, params, on_result=on_result, on_event=on_event, **settings)
    else:
        engine = NamedEngine(config, None, on_result=on_result, on_event=on_event, runtime=found, **settings)
    engine.model_name, engine.runtime_name, engine.precision = found.model_name, found.name, found.precision
    engine.device = jax.devices()[0].device_kind if found.name == "jax" else "cpu"
    engine.warning = None if found.parameters else f"no model: frames are enlarged by bicubic; {HOW_TO_GET_ONE}"
    return engine
