"""Every module under benchmarks/ can be imported: nothing runs them in the tests, and what they import moves."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import benchmarks

MODULES = [module.name for module in pkgutil.walk_packages(benchmarks.__path__, "benchmarks.")]


@pytest.mark.parametrize("name", MODULES)
def test_it_imports(name: str) -> None:
    importlib.import_module(name)


def test_the_modules_are_found() -> None:
    assert {"benchmarks.storage", "benchmarks.accelerator.measure"} <= set(MODULES)
