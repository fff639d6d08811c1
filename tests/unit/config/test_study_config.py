"""A study as data: changes by dotted fields, grids, budgets, and what is refused by name."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
from pathlib import Path

import pytest
from small import two_rungs

from mrsr.config import (
    EvaluationConfig,
    Study,
    Variant,
    changed,
    differences,
    grid,
    study_to_json,
    validate,
    validate_study,
)
from mrsr.errors import UserError

STUDIES = Path(__file__).parents[3] / "experiments" / "studies"
SHARED = ("__init__.py", "start.py")
"""Files there that are no study."""


def study(*variants: Variant, **fields: object) -> Study:
    settings: dict = {"name": "s", "question": "?", "base": two_rungs(), "variants": variants or (Variant(name="a"),)}
    return Study(**settings | fields)


def test_a_change_touches_the_fields_named_and_no_others() -> None:
    base = two_rungs()
    new = changed(base, {"model.stages[0].hidden": 0, "optimizer.learning_rate": 0.5})
    assert differences(base, new) == {"model.stages[0].hidden": (2, 0), "optimizer.learning_rate": (0.01, 0.5)}
    assert base == two_rungs()


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("train.stepz", "train.stepz: no field stepz; there are steps, "),
        ("trian.steps", "trian.steps: no field trian; there are name, rungs"),
        ("model.stages[2].hidden", "no item 2; there are items 0 to 1"),
        ("rungs[0].hidden", "no field hidden; there are none"),
        ("train.steps[0]", "no item 0; there are no items"),
        ("train..steps", "no field of a config"),
    ],
)
def test_a_field_that_is_not_there_is_refused_by_name(path: str, told: str) -> None:
    with pytest.raises(UserError) as raised:
        changed(two_rungs(), {path: 1})
    assert told in str(raised.value)


def test_a_variant_with_a_mistyped_field_is_named() -> None:
    with pytest.raises(UserError, match=r"variant b: loss\.temproal: no field temproal; there are pixel, "):
        validate_study(study(Variant(name="a"), Variant(name="b", changes={"loss.temproal": 1.0})))


@pytest.mark.parametrize(
    ("variants", "fields", "told"),
    [
        ((Variant(name="a"), Variant(name="a")), {}, "variant 'a': expected a name of its own"),
        ((Variant(name="../up"),), {}, r"variant '\.\./up'"),
        ((Variant(name="a", changes={"train.steps": -1}),), {}, r"variant a: train\.steps=-1: expected above 0"),
        ((Variant(name="a"), Variant(name="b", of="c")), {}, "variant 'c': expected one of a, b"),
        ((Variant(name="a"), Variant(name="b", of="a", changes={"name": "x"})), {}, "with changes"),
        ((Variant(name="a", measured={"stat": "none"}),), {}, "variant a, measured: stat: no field stat"),
        ((Variant(name="a", measured={"frames": "2"}),), {}, r"measured\.frames='2': expected int"),
        ((), {"seeds": (1, 1)}, r"seeds=\(1, 1\)"),
        ((), {"evaluation": EvaluationConfig(routes="180:240")}, "rung 240"),
    ],
)
def test_what_a_study_cannot_be_is_refused(variants: tuple[Variant, ...], fields: dict, told: str) -> None:
    with pytest.raises(UserError, match=told):
        validate_study(study(*variants, **fields))


def test_a_grid_has_every_combination_under_a_name_of_its_own() -> None:
    made = grid({"model.stages[0].hidden": (0, 2), "optimizer.learning_rate": (0.1, 0.2)}, says="x")
    assert [variant.name for variant in made] == [
        "hidden=0+learning_rate=0.1", "hidden=0+learning_rate=0.2",
        "hidden=2+learning_rate=0.1", "hidden=2+learning_rate=0.2",
    ]  # fmt: skip
    assert made[2].changes == {"model.stages[0].hidden": 2, "optimizer.learning_rate": 0.1}
    same_word = grid({"model.stages[0].hidden": (0,), "model.stages[1].hidden": (0, 2)})
    assert len({variant.name for variant in same_word}) == 2
    assert all("stages1" in variant.name for variant in same_word)
    validate_study(study(*made, *same_word))


def test_the_budget_is_the_schedule_of_every_variant_and_a_variant_may_differ() -> None:
    made = study(Variant(name="a"), Variant(name="long", changes={"train.steps": 9}), steps=4, minutes=2.0)
    short, long = (made.config_of(variant, 7) for variant in made.variants)
    assert (short.train.steps, short.optimizer.decay, short.train.minutes, short.train.seed) == (4, 4, 2.0, 7)
    assert (long.train.steps, long.optimizer.decay) == (9, 4)
    assert short.optimizer.warmup == 0
    assert short.name == "s-a"


def test_a_function_makes_what_values_cannot() -> None:
    def halved(config):
        return dataclasses.replace(config, train=dataclasses.replace(config.train, steps=config.train.steps // 2))

    made = study(Variant(name="half", make=halved, changes={"loss.pixel": "l1"}))
    config = validate(made.config_of(made.variants[0], 0))
    assert (config.train.steps, config.loss.pixel) == (3, "l1")


def test_a_variant_of_another_has_its_network() -> None:
    made = study(Variant(name="a"), Variant(name="b", of="a", measured={"frames": 5}))
    assert made.config_of(made.variants[1], 3) == made.config_of(made.variants[0], 3)
    assert made.evaluation_of(made.variants[1]).frames == 5
    assert made.evaluation.frames == 12


@pytest.mark.parametrize(
    "file", [path for path in sorted(STUDIES.glob("*.py")) if path.name not in SHARED], ids=lambda path: path.stem
)
def test_every_study_of_the_repository_holds_and_is_json(file: Path) -> None:
    spec = importlib.util.spec_from_file_location(f"held_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = validate_study(module.get_study("sample"))
    record = json.loads(study_to_json(made))
    assert [variant["name"] for variant in record["variants"]] == [variant.name for variant in made.variants]
    assert made.question.endswith("?")
    assert made.limits


def test_the_example_of_the_documentation_is_a_study() -> None:
    text = (STUDIES.parents[1] / "docs" / "studies.md").read_text()
    code = text.partition("```python\n")[2].partition("```")[0]
    space: dict = {}
    exec(compile(code, "docs/studies.md", "exec"), space)
    made = validate_study(space["get_study"]())
    assert [variant.name for variant in made.variants] == [
        "none", "temporal=0.2", "temporal=0.5", "temporal=1.0", "forgets"
    ]  # fmt: skip
