"""Checks a study before anything of it starts; every message names the variant, the field and what is accepted."""

from __future__ import annotations

import dataclasses
import json

from mrsr.config.checks import check_types
from mrsr.config.schema import ExperimentConfig
from mrsr.config.study import Study, Variant, is_name
from mrsr.config.validate import validate
from mrsr.errors import UserError


def validate_study(study: Study) -> Study:
    """The study, unchanged, once it and the config of every variant hold what the schema says.

    Raises:
      UserError: a name is taken twice, a variant changes a field that is not there, or its config is refused.
    """
    if not is_name(study.name):
        raise UserError(f"name={study.name!r}: expected letters, digits and ._+=-, 80 at most")
    if not study.variants:
        raise UserError("variants: expected one or more")
    if not study.seeds or len(set(study.seeds)) < len(study.seeds) or min(study.seeds) < 0:
        raise UserError(f"seeds={study.seeds!r}: expected one or more, 0 or above, each once")
    if study.steps < 0 or study.minutes < 0:
        raise UserError(f"steps={study.steps!r}, minutes={study.minutes!r}: expected 0 or above")
    names = [variant.name for variant in study.variants]
    for variant in study.variants:
        if not is_name(variant.name) or names.count(variant.name) > 1:
            raise UserError(
                f"variant {variant.name!r}: expected a name of its own, of letters, digits and ._+=-, 80 at most"
            )
        _check_variant(study, variant)
    for group in {variant.group for variant in study.variants} & set(names):
        raise UserError(f"group {group!r}: expected another name than that of a variant")
    return study


def study_to_json(study: Study) -> str:
    """A study as JSON: its variants by the fields they change."""
    record = {field.name: getattr(study, field.name) for field in dataclasses.fields(study) if field.name != "variants"}
    record["base"], record["evaluation"] = dataclasses.asdict(study.base), dataclasses.asdict(study.evaluation)
    record["variants"] = [
        {name: value for name, value in dataclasses.asdict(variant).items() if name != "make" and value}
        for variant in study.variants
    ]
    return json.dumps(record, indent=2) + "\n"


def _check_variant(study: Study, variant: Variant) -> None:
    if variant.of:
        if study.variant(variant.of).of:
            raise UserError(f"variant {variant.name}: of={variant.of!r} trains nothing; expected one that is trained")
        if variant.changes or variant.make:
            raise UserError(f"variant {variant.name}: of={variant.of!r} with changes; expected `measured` alone")
    try:
        config: ExperimentConfig = validate(study.config_of(variant, study.seeds[0]))
        evaluation = study.evaluation_of(variant)
        check_types(evaluation, "measured.")
        ladder = config.ladder()
        for text in (evaluation.routes, evaluation.headline):
            if text:
                ladder.routes(text)
        if evaluation.frames < 1 or not evaluation.degradations:
            raise UserError(f"evaluation: frames={evaluation.frames}, degradations={evaluation.degradations}")
    except UserError as error:
        told = str(error)
        raise UserError(told if told.startswith("variant ") else f"variant {variant.name}: {told}") from None
