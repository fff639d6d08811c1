"""The image that the launchers name: its base, its user, its entry, and that what it installs exists."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile in order, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "docker" / "Dockerfile").read_text(), flags=re.MULTILINE)
    joined = re.sub(r"\\\n\s*", "", text)
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in joined.splitlines() if line]


def test_it_runs_mrsr_on_a_slim_python_as_a_user_without_rights() -> None:
    found = dict(instructions())
    assert found["FROM"] == "python:3.12-slim"
    assert found["ENTRYPOINT"] == '["mrsr"]'
    assert "mrsr" in PROJECT["project"]["scripts"]
    assert found["USER"] == "${RUN_AS}"
    assert ("ARG", "RUN_AS=mrsr") in instructions()
    assert any(name == "RUN" and "useradd" in text and text.endswith("mrsr") for name, text in instructions())


def test_every_package_of_the_wheel_is_copied_into_it_and_all_that_is_copied_exists() -> None:
    copied = [word for name, text in instructions() if name == "COPY" for word in text.split()[:-1]]
    assert all((ROOT / path).exists() for path in copied)
    packages = {pattern.rstrip("*") for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert packages < {*copied}
    assert {"constraints.txt", PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]} < {*copied}


def test_each_accelerator_installs_extras_that_exist_with_the_pins() -> None:
    (install,) = [text for name, text in instructions() if name == "RUN" and "pip install" in text]
    extras = {kind: names.split(",") for kind, names in re.findall(r"(\w+)\) extras=(\S+) ;;", install)}
    assert {*extras} == {"cpu", "cuda", "tpu"}
    assert {name for names in extras.values() for name in names} <= {*PROJECT["project"]["optional-dependencies"]}
    assert all(kind in names for kind, names in extras.items() if kind != "cpu")
    assert "-c constraints.txt" in install
