"""What is compared: models of ours, Lanczos, and networks of OpenCV's, with what tells their weights apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.methods import LanczosRuntime, peer_runtimes
from mrsr.errors import UserError
from mrsr.inference.models import find_model, load_runtime, runtime_of
from mrsr.inference.runtime import Runtime
from mrsr.ladder import Ladder, Route, RouteSet
from mrsr.manifest import FILE as MANIFEST


@dataclass(frozen=True, slots=True)
class Compared:
    """One method.

    Attributes:
      name: what the page calls it.
      runtime: that runs it.
      fingerprint: of its weights: figures of other weights are not taken for its own.
      ours: whether it is a model of ours.
    """

    name: str
    runtime: Runtime
    fingerprint: str
    ours: bool

    def described(self) -> dict[str, Any]:
        """What the report says of it."""
        return {
            "name": self.name,
            "model": self.runtime.model_name,
            "runtime": self.runtime.name,
            "config_hash": self.runtime.config_hash,
            "parameters": self.runtime.parameters if self.ours else None,
            "fingerprint": self.fingerprint,
            "ours": self.ours,
        }


def our_model(text: str) -> Compared:
    """A model by what `--model` takes, called by its folder's name, or as `NAME=MODEL` says.

    Raises:
      UserError: there is no such model, or it has no network.
    """
    name, equals, model = text.partition("=")
    name, model = (name, model) if equals else (Path(text).name, text)
    if (Path(model) / MANIFEST).is_file():
        fingerprint = hashlib.sha256((Path(model) / MANIFEST).read_bytes()).hexdigest()
        return Compared(name, load_runtime(model), fingerprint[:12], ours=True)
    config, params = find_model(model)
    if params is None:
        raise UserError(f"--model {text}: has no network; bicubic stands beside every method as it is")
    return Compared(name, runtime_of(config, params), _digest(params), ours=True)


def everything(models: Sequence[Compared], routes: RouteSet, peers: Path | None) -> list[Compared]:
    """The models, Lanczos, and the networks of a folder, for those of the routes that each can run.

    Raises:
      UserError: models stand on several ladders, names repeat, a route does not enlarge or is trained by none of them,
        or `peers` holds no network that can be read.
    """
    ladder = one_ladder(models)
    names = [model.name for model in models]
    if len(set(names)) < len(names):
        raise UserError(f"--model: {', '.join(names)} repeat; expected names of their own: NAME=DIR")
    for route in routes:
        if not route.enlarges:
            raise UserError(f"route {route}: expected routes that enlarge")
        if not any(route in model.runtime.routes for model in models):
            trained = ", ".join(f"{model.name}: {model.runtime.routes}" for model in models)
            raise UserError(f"route {route}: none of the models is trained on it; {trained}")
    others: list[Runtime] = [LanczosRuntime(ladder, routes)]
    others += peer_runtimes(peers, ladder, routes) if peers else []
    files = _digest_of_files(peers.glob("*.pb")) if peers else ""
    return [*models, *(Compared(one.model_name, one, files if one.name == "opencv" else "", False) for one in others)]


def one_ladder(models: Sequence[Compared]) -> Ladder:
    """The ladder all models stand on.

    Raises:
      UserError: there are several.
    """
    ladders = {model.runtime.ladder: model.name for model in models}
    if len(ladders) > 1:
        told = "; ".join(f"{name}: {', '.join(map(str, ladder.rungs))}" for ladder, name in ladders.items())
        raise UserError(f"--model: expected models of one ladder, got {told}")
    return next(iter(ladders))


def upscaling(models: Sequence[Compared]) -> RouteSet:
    """Every route that enlarges and that one of the models is trained on."""
    return RouteSet.of(route for model in models for route in model.runtime.routes if route.enlarges)


def routes_of(compared: Compared, routes: Iterable[Route]) -> list[Route]:
    """Those of the routes that a method can run."""
    return [route for route in routes if route in compared.runtime.routes]


def _digest(params: Any) -> str:
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        digest.update(jax.tree_util.keystr(path).encode())
        digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()[:12]


def _digest_of_files(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
