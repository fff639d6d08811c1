"""Settings of the whole suite, and networks that several files share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# The claims are about one arithmetic: an accelerator's reduced-precision products would need other tolerances. Tests of
# several devices start a process of their own: virtual devices for the whole suite would slow every other test, and a
# user's machine has one.
os.environ.setdefault("JAX_PLATFORMS", "cpu")

from small import lively, small_model

from mrsr.ladder import Ladder, RouteSet
from mrsr.models.step import init_params


def pytest_configure(config: pytest.Config) -> None:
    # ml_collections reads config files by a method of importlib that is to go; the call is not ours.
    config.addinivalue_line("filterwarnings", "ignore:the load_module:DeprecationWarning")


@pytest.fixture(scope="session")
def ladder() -> Ladder:
    return Ladder()


@pytest.fixture(scope="session")
def all_seven(ladder: Ladder) -> RouteSet:
    return ladder.routes("all_seven")


@pytest.fixture(scope="session")
def untrained(ladder: Ladder, all_seven: RouteSet) -> Any:
    """Parameters of the small network for all seven routes, as a run starts with them."""
    return init_params(ladder, all_seven, small_model(), 0)


@pytest.fixture(scope="session")
def params(untrained: Any) -> Any:
    """The same with nothing left at zero, as a trained network has them."""
    return lively(untrained)


@pytest.fixture(scope="session")
def gcs() -> Iterator[Any]:
    """A stand-in for Google Cloud Storage (GcsServer), for the whole session: its clients look for it once."""
    from gcs_server import gcs_server

    with gcs_server() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture
def bucket(gcs: Any) -> Path:
    """A bucket of its own, empty."""
    from mrsr.remote import as_path

    name = f"bucket-{len(gcs.objects)}"
    gcs.objects[name] = {}
    return as_path(f"gs://{name}")
