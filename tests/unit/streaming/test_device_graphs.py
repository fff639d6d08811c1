"""What browsers enlarge with: fetched once, of a known digest; graphs in float32 where made, else those that ship."""

from __future__ import annotations

import os
from pathlib import Path

import onnxruntime
import pytest

from mrsr.errors import RunError
from mrsr.shipped import folder
from mrsr.streaming.device import fetch, fetch_runtime, make_graphs, offered, runtime, runtime_folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return runtime.cache()


def npm_that(does: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An npm that runs a line of shell in the folder it is to pack into."""
    path.mkdir()
    (path / "npm").write_text(f"#!/bin/sh\n{does}\n")
    (path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{path}{os.pathsep}{os.environ['PATH']}")


def have_runtime(cache: Path) -> None:
    below = cache / f"onnxruntime-web-{runtime.VERSION}"
    below.mkdir(parents=True)
    for name in runtime.FILES:
        (below / name).write_bytes(b"")


def test_without_the_runtime_browsers_are_offered_nothing() -> None:
    assert runtime_folder() is None
    assert offered() is None


def test_a_package_of_another_digest_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm_that("echo other > onnxruntime-web.tgz", tmp_path / "bin", monkeypatch)
    with pytest.raises(RunError, match=r"digest sha512-.* expected sha512-"):
        fetch_runtime()
    assert runtime_folder() is None


def test_an_npm_that_fails_is_told_of_by_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    npm_that("echo 'npm error code ENOTFOUND' >&2; exit 1", tmp_path / "bin", monkeypatch)
    assert fetch.main() == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "ENOTFOUND" in line
    assert "enlarge on the server alone" in line


def test_without_npm_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunError, match="npm is not installed"):
        fetch_runtime()


@pytest.mark.slow
def test_the_graphs_that_ship_are_offered_until_there_are_better_ones(cache: Path) -> None:
    have_runtime(cache)
    found = offered()
    assert found is not None
    assert set(found.config["routes"]) == {"180:360", "180:720", "360:720"}
    graphs = [path for path in found.files.values() if path.suffix == ".onnx"]
    assert all(path.is_relative_to(folder("tiny")) for path in graphs)
    made = make_graphs()
    found = offered()
    assert found is not None
    assert all(path.parent == made for path in found.files.values() if path.suffix == ".onnx")


def test_each_address_leads_to_a_graph_with_the_inputs_it_says(cache: Path) -> None:
    have_runtime(cache)
    found = offered()
    assert found is not None
    for route in found.config["routes"].values():
        session = onnxruntime.InferenceSession(found.files[route["url"].removeprefix("/static/")])
        assert {each.name for each in session.get_inputs()} == {"frames", *route["states"]}
        assert {f"new_{name}" for name in route["states"]} < {each.name for each in session.get_outputs()}
