"""The resolved config of every experiment and the sizes of the networks, as text. Run as a script it writes the files.

A change of a default or a preset then shows in review: `python tests/golden/golden.py`, and look at the difference.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import math
from pathlib import Path
from types import ModuleType

import jax

from mrsr.config import SIZES, model_size, study_to_json, to_json, validate, validate_study
from mrsr.ladder import Ladder
from mrsr.models.step import abstract_params

FOLDER = Path(__file__).parent
EXPERIMENTS = FOLDER.parent.parent / "experiments"


def load(file: Path) -> ModuleType:
    """The module of an experiment's file."""
    spec = importlib.util.spec_from_file_location(f"golden_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def configs() -> dict[str, str]:
    """Every experiment with every argument it names, by `NAME.json` or `NAME-ARGUMENT.json`."""
    texts = {}
    for file in sorted(EXPERIMENTS.rglob("*.py")):
        if file.name == "__init__.py":
            continue
        module = load(file)
        if not hasattr(module, "get_config"):
            continue
        name = "-".join(file.relative_to(EXPERIMENTS).with_suffix("").parts)
        usual = inspect.signature(module.get_config).parameters["arg"].default
        for argument in getattr(module, "ARGUMENTS", getattr(module, "PHASES", (usual,))):
            config = module.get_config(argument)
            texts[f"{name}-{argument}.json" if argument else f"{name}.json"] = to_json(validate(config))
    return texts


def studies() -> dict[str, str]:
    """Every study on the embedded sample, by `NAME.json`: its base whole, its variants by what they change."""
    modules = {file.stem: load(file) for file in sorted((EXPERIMENTS / "studies").glob("*.py"))}
    return {
        f"{name}.json": study_to_json(validate_study(module.get_study("sample")))
        for name, module in modules.items()
        if hasattr(module, "get_study")
    }


def parameters() -> str:
    """How many numbers each size learns, for the six routes and for all seven, as JSON."""
    ladder = Ladder()
    counts: dict[str, dict[str, int]] = {}
    for size in SIZES:
        counts[size] = {}
        for routes in ("six", "all_seven"):
            shapes = jax.tree.leaves(abstract_params(ladder, ladder.routes(routes), model_size(size)))
            counts[size][routes] = sum(math.prod(leaf.shape) for leaf in shapes)
    return json.dumps(counts, indent=2) + "\n"


if __name__ == "__main__":
    (FOLDER / "configs").mkdir(exist_ok=True)
    for path in (FOLDER / "configs").glob("*.json"):
        path.unlink()
    for name, text in configs().items():
        (FOLDER / "configs" / name).write_text(text)
    (FOLDER / "studies").mkdir(exist_ok=True)
    for path in (FOLDER / "studies").glob("*.json"):
        path.unlink()
    for name, text in studies().items():
        (FOLDER / "studies" / name).write_text(text)
    (FOLDER / "parameters.json").write_text(parameters())
