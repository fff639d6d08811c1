"""A study as data: named variants of one config, the seeds and the budget they are trained with, and what is measured.

A file in `experiments/studies/` returns one from `get_study(arg)`; `mrsr study` runs it.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mrsr.config.changes import changed
from mrsr.config.schema import ExperimentConfig
from mrsr.errors import UserError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=-]*")


@dataclass(slots=True, kw_only=True)
class EvaluationConfig:
    """What every variant is measured on, as the options of `mrsr evaluate`.

    Attributes:
      videos: files and folders; () for the clips held out of the embedded sample.
      cutout: `W:H` of each video, px; "" for whole frames.
      routes: what is measured of those a variant is trained on; "" for all of them.
      degradations: of the inputs.
      frames: of each clip.
      state: what becomes of the recurrent state, as `mrsr evaluate --state`.
      temporal: whether to measure what takes optical flow, and consistency: slower.
      headline: the route that cost is held against quality on and pictures are of; "" for the one that enlarges most.
    """

    videos: tuple[str, ...] = ()
    cutout: str = ""
    routes: str = ""
    degradations: tuple[str, ...] = ("bicubic",)
    frames: int = 12
    state: str = "kept"
    temporal: bool = False
    headline: str = ""


@dataclass(slots=True, kw_only=True)
class Variant:
    """One thing a study tries: how its config differs from the base, or how it is measured differently.

    Attributes:
      name: of its run folders; letters, digits and `._+=-`.
      says: what it is, for the page.
      changes: dotted fields of the config and their values, such as `{"model.stages[0].hidden": 0}`.
      make: a pure function of the base config, applied before `changes`; for what takes more than values.
      of: another variant whose weights are measured: nothing is trained.
      measured: fields of the evaluation that differ, such as `{"state": "none"}`.
      group: several networks of one group stand on the page as one model, each on its own routes; "" for itself.
    """

    name: str
    says: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    make: Callable[[ExperimentConfig], ExperimentConfig] | None = None
    of: str = ""
    measured: dict[str, Any] = field(default_factory=dict)
    group: str = ""


@dataclass(slots=True, kw_only=True)
class Study:
    """Variants of a base config, each trained once a seed, measured alike and shown on one page.

    Attributes:
      name: what the page and the runs are called.
      question: what it is to show, one sentence.
      base: the config that variants change.
      variants: what is compared; the first is the one the others are held against.
      seeds: of `train.seed`: each variant is trained with every one of them.
      steps: of each run, its schedule included; 0 for what the base says.
      minutes: limit of each run, which makes its end depend on the machine; 0 for none.
      evaluation: what is measured.
      limits: what such a budget cannot show, a few sentences.
    """

    name: str
    question: str
    base: ExperimentConfig
    variants: tuple[Variant, ...]
    seeds: tuple[int, ...] = (0, 1)
    steps: int = 0
    minutes: float = 0.0
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    limits: str = ""

    def variant(self, name: str) -> Variant:
        """The variant of a name.

        Raises:
          UserError: there is none.
        """
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise UserError(f"variant {name!r}: expected one of {', '.join(one.name for one in self.variants)}")

    def budgeted(self) -> ExperimentConfig:
        """The base config with the study's budget: as many steps, a schedule that ends with them, the time limit."""
        config = self.base
        if self.steps:
            warmup = min(config.optimizer.warmup, self.steps // 10)
            config = dataclasses.replace(
                config,
                train=dataclasses.replace(config.train, steps=self.steps),
                optimizer=dataclasses.replace(config.optimizer, decay=self.steps, warmup=warmup),
            )
        if self.minutes:
            config = dataclasses.replace(config, train=dataclasses.replace(config.train, minutes=self.minutes))
        return config

    def config_of(self, variant: Variant, seed: int) -> ExperimentConfig:
        """The whole config of one run; of a variant that trains nothing, the one whose weights it measures.

        Raises:
          UserError: the variant names a field that is not there.
        """
        if variant.of:
            return self.config_of(self.variant(variant.of), seed)
        config = self.budgeted()
        try:
            if variant.make:
                config = variant.make(config)
            config = changed(config, {"name": f"{self.name}-{variant.name}"} | variant.changes | {"train.seed": seed})
        except UserError as error:
            raise UserError(f"variant {variant.name}: {error}") from None
        return config

    def evaluation_of(self, variant: Variant) -> EvaluationConfig:
        """What a variant is measured on.

        Raises:
          UserError: the variant names a field that is not there.
        """
        try:
            return changed(self.evaluation, variant.measured)
        except UserError as error:
            raise UserError(f"variant {variant.name}, measured: {error}") from None


def grid(fields: Mapping[str, Sequence[Any]], **shared: Any) -> tuple[Variant, ...]:
    """A variant for every combination of the values of some fields, the last field changing fastest.

    Args:
      fields: values by dotted field; a variant is named after the last word of each and its value.
      **shared: what all have, such as `group`.
    """
    variants = []
    for values in itertools.product(*fields.values()):
        changes = dict(zip(fields, values, strict=True))
        words = [f"{path.rpartition('.')[2]}={_in_a_name(value)}" for path, value in changes.items()]
        if len({word.partition("=")[0] for word in words}) < len(words):
            words = [f"{re.sub(r'[^A-Za-z0-9.]', '', path)}={_in_a_name(value)}" for path, value in changes.items()]
        variants.append(Variant(name="+".join(words), changes=changes, **shared))
    return tuple(variants)


def _in_a_name(value: Any) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", str(value)).strip("-")


def is_name(text: str) -> bool:
    """Whether a text can name a variant, whose run folders bear it."""
    return bool(_NAME.fullmatch(text)) and len(text) <= 80
