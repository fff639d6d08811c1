"""The runs of a study: their folders, their configs as files, the commands that do them, and what of it is done."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrsr.checkpoint import has_checkpoint
from mrsr.config import EvaluationConfig, ExperimentConfig, Study, Variant, config_hash, differences, load_config
from mrsr.config.serialise import FILE_NAME, to_json
from mrsr.errors import UserError
from mrsr.files import replaced
from mrsr.ladder import RouteSet
from mrsr.train.outcome import FILE as OUTCOME
from mrsr.train.resume import MAY_CHANGE

EVALUATION = "evaluation.json"
BENCH = "bench.json"
MEASURED = "measured.json"
"""In a run folder: what `evaluation.json` was measured with. The training writes a file of that name too."""
STILLS = "stills"
BENCH_FRAMES = 20


@dataclass(frozen=True, slots=True)
class Run:
    """One variant with one seed.

    Attributes:
      variant: of the study.
      seed: of the training.
      config: of the network that is trained, or measured.
      evaluation: how it is measured.
      workdir: the study's folder.
    """

    variant: Variant
    seed: int
    config: ExperimentConfig
    evaluation: EvaluationConfig
    workdir: Path

    @property
    def name(self) -> str:
        """Of its folder and its log."""
        return f"{self.variant.name}-s{self.seed}"

    @property
    def folder(self) -> Path:
        """What is measured of the run lies here; its training too, where it trains."""
        return self.workdir / "runs" / self.name

    @property
    def model(self) -> Path:
        """The folder of the network that is measured."""
        return self.workdir / "runs" / f"{self.variant.of or self.variant.name}-s{self.seed}"

    @property
    def config_file(self) -> Path:
        """The config as the training is given it."""
        return self.workdir / "configs" / f"{self.name}.json"

    @property
    def log(self) -> Path:
        """What its commands print; beside the run folder, which a training takes empty only."""
        return self.workdir / "logs" / f"{self.name}.log"

    @property
    def routes(self) -> RouteSet:
        """Those measured: of the routes asked for, the ones the network is trained on.

        Raises:
          UserError: there are none.
        """
        return measured_routes(self.config, self.evaluation, self.variant.name)

    def train_command(self) -> list[str]:
        """The arguments of `mrsr` that train it."""
        return ["train", "--config", str(self.config_file), "--workdir", str(self.folder)]

    def evaluate_command(self) -> list[str]:
        """The arguments of `mrsr` that measure it."""
        asked = self.evaluation
        words = ["evaluate", "--model", str(self.model), *(["--videos", *asked.videos] if asked.videos else [])]
        words += ["--cutout", asked.cutout] if asked.cutout else []
        words += ["--routes", str(self.routes), "--degradation", ",".join(asked.degradations)]
        words += ["--frames", str(asked.frames), *(["--state", asked.state] if asked.state != "kept" else [])]
        words += ["--temporal" if asked.temporal else "--no-temporal"]
        return [*words, "--stills", str(self.folder / STILLS), "--json", str(self.folder / EVALUATION)]

    def bench_command(self, timed: bool) -> list[str] | None:
        """The arguments of `mrsr` that count and time it, a pass of each route; None where no route enlarges."""
        routes = ",".join(route.name for route in self.routes if route.enlarges)
        if not routes:
            return None
        words = ["bench", "--model", str(self.model), "--routes", routes, "--runtime", "jax"]
        words += ["--frames", str(BENCH_FRAMES)] if timed else ["--flops-only"]
        return [*words, "--json", str(self.folder / BENCH)]


def measured_routes(config: ExperimentConfig, evaluation: EvaluationConfig, name: str) -> RouteSet:
    """The routes of a network that are measured.

    Raises:
      UserError: none of those asked for is trained.
    """
    trained = config.route_set()
    asked = config.ladder().routes(evaluation.routes) if evaluation.routes else trained
    found = [route for route in asked if route in trained]
    if not found:
        raise UserError(f"variant {name}: trained on {trained}; expected some of the measured routes {asked}")
    return RouteSet.of(found)


def runs_of(study: Study, workdir: Path) -> list[Run]:
    """Every run, seed by seed, so that all variants have one before any has two; what trains comes before the rest.

    Raises:
      UserError: a variant is measured on none of its routes.
    """
    ordered = sorted(study.variants, key=lambda variant: bool(variant.of))
    runs = [
        Run(variant, seed, study.config_of(variant, seed), study.evaluation_of(variant), workdir)
        for seed in study.seeds
        for variant in ordered
    ]
    for run in runs:
        run.routes  # noqa: B018
    return runs


def write_config(run: Run) -> None:
    """Writes the config file of a run that trains."""
    run.config_file.parent.mkdir(parents=True, exist_ok=True)
    with replaced(run.config_file) as beside:
        beside.write_text(to_json(run.config), encoding="utf-8")


def check_unchanged(run: Run) -> None:
    """Passes a run folder that is new, or that this run can go on in.

    Raises:
      UserError: it holds a run with other settings.
    """
    if run.variant.of or not has_checkpoint(run.folder):
        return
    for path, (old, new) in differences(load_config(run.folder), run.config).items():
        if path not in MAY_CHANGE:
            raise UserError(
                f"variant {run.variant.name}: {run.folder} was trained with {path}={old!r}, the study now says "
                f"{new!r}; expected the same, another --workdir, or --anew {run.variant.name}"
            )


def is_trained(run: Run) -> bool:
    """Whether the run's training came to its end with this very config."""
    if run.variant.of:
        return True
    outcome = read_json(run.folder / OUTCOME)
    if outcome is None or outcome.get("status") != 0 or not (run.folder / FILE_NAME).is_file():
        return False
    return config_hash(load_config(run.folder)) == config_hash(run.config)


def is_measured(run: Run) -> bool:
    """Whether `evaluation.json` holds what the study measures of the run's network, as it is trained."""
    kept = read_json(run.folder / MEASURED)
    return kept == measured_with(run) and (run.folder / EVALUATION).is_file()


def is_timed(run: Run) -> bool:
    """Whether `bench.json` holds milliseconds, and not FLOPs alone."""
    return any(row["ms"] for row in (read_json(run.folder / BENCH) or {"routes": ()})["routes"])


def measured_with(run: Run) -> dict[str, Any]:
    """What a measurement depends on."""
    outcome = read_json(run.model / OUTCOME) or {}
    asked: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(run.evaluation)))
    asked.pop("headline")
    return {"config_hash": config_hash(run.config), "step": outcome.get("step"), "routes": str(run.routes)} | asked


def keep_measured(run: Run) -> None:
    """Notes that `evaluation.json` is whole."""
    with replaced(run.folder / MEASURED) as beside:
        beside.write_text(json.dumps(measured_with(run), indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any] | None:
    """An object from a file; None where there is none or it is no JSON."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
