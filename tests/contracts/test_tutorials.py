"""The tutorials of additions: their diffs apply to the project as it is, and what they promise then happens."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from documents import ADDING, ROOT, blocks, name_of

PACKAGES = ("mrsr", "data_pipelines", "experiments", "docs/tutorials")
HELPERS = ("documents.py", "mrsr_commands.py", "small.py", "contracts/tutorials_process.py")
EDITED = [page for page in ADDING if blocks(page, "diff")]


def applied(diff: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`git apply` of a diff in a folder."""
    # No repository around the folder: it would apply nothing, silently.
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)}
    command = ["git", "apply", "--whitespace=error", *options]
    return subprocess.run(command, input=diff, cwd=folder, env=environment, text=True, capture_output=True, check=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages, as they are."""
    folder = tmp_path_factory.mktemp("project")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "weights"))
    for name in HELPERS:
        (folder / "tests").mkdir(exist_ok=True)
        shutil.copy(ROOT / "tests" / name, folder / "tests")
    return folder


@pytest.fixture(scope="module")
def found(project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came out of the copy with every addition."""
    for page in EDITED:
        for diff in blocks(page, "diff"):
            done = applied(diff, project)
            assert done.returncode == 0, done.stderr
    (text,) = [text for page in ADDING for text in blocks(page, "python")]
    (project / "experiments" / "rung_540.py").write_text(text)
    report = tmp_path_factory.mktemp("report") / "report.json"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (project, project / "tests")))}
    command = [sys.executable, "tests/tutorials_process.py", str(report)]
    done = subprocess.run(command, cwd=project, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, Any] = json.loads(report.read_text())
    return result


def test_four_things_can_be_added_and_three_of_them_with_a_diff() -> None:
    assert [page.stem for page in ADDING] == ["add-a-degradation", "add-a-loss", "add-a-rung", "add-a-runtime"]
    assert len(EDITED) == 3


@pytest.mark.parametrize("page", EDITED, ids=name_of)
def test_a_diff_applies_by_itself_and_its_lines_are_as_short_as_the_projects(page: Path, tmp_path: Path) -> None:
    for diff in blocks(page, "diff"):
        for file in re.findall(r"^--- a/(.+)$", diff, re.MULTILINE):
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, tmp_path / file)
        done = applied(diff, tmp_path)
        assert done.returncode == 0, done.stderr
        assert max(map(len, diff.splitlines())) <= 121


@pytest.mark.slow
def test_the_added_loss_trains_two_steps(found: dict[str, Any]) -> None:
    for metrics in found["steps"]:
        assert metrics["180:360/edges"] > 0
        summed = metrics["180:360/charbonnier"] + 0.1 * metrics["180:360/edges"]
        assert metrics["loss"] == pytest.approx(summed, rel=1e-5)
    assert found["steps"][0]["loss"] != found["steps"][1]["loss"]


def test_the_added_degradation_changes_what_a_network_sees(found: dict[str, Any]) -> None:
    with_it, without = found["sheet"]
    assert with_it != without


def test_540p_is_on_the_ladder_by_config_alone(found: dict[str, Any]) -> None:
    assert {"180:540/charbonnier", "360:540/charbonnier"} < set(found["rung"]["terms"])
    assert len(found["rung"]["terms"]) == 8
    # A stage without RRDBs and without a ConvGRU has no parameters of its own.
    assert found["rung"]["new"] == ["decoder_540", "upsample_540"]
    assert found["rung"]["same"]


def test_the_added_runtime_runs_a_graph_with_its_state(found: dict[str, Any]) -> None:
    assert found["runtime"] == [True, True, True]
