"""What an installation holds and needs: its packages, its pins, light imports, and no trace of one machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from setuptools import find_packages

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
IMPORT_PACKAGES = ("mrsr", "data_pipelines", "experiments", "launch")
SYSTEM_PACKAGES = ("libgl1", "libegl1", "libgles2", "libglib2.0-0")
# In brackets, so that the pattern does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w./-])[/](?:home|root|work|Users)/")


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout: nothing says which files are the project's")
    return [path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def modules_after(statement: str) -> set[str]:
    """Top-level names a fresh interpreter has imported once `statement` has run."""
    code = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def pins() -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def test_the_wheel_holds_every_folder_with_modules() -> None:
    discovered = set(find_packages(str(ROOT), include=PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]))
    folders = {path.parent for name in IMPORT_PACKAGES for path in (ROOT / name).rglob("*.py")}
    assert discovered == {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert discovered >= set(IMPORT_PACKAGES)


def test_the_licence_is_apache_2_in_full() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert [number for number in range(1, 10) if re.search(rf"^ +{number}\. [A-Z]", text, re.MULTILINE)] == [
        *range(1, 10)
    ]
    assert "The mrsr authors" in text


@pytest.mark.parametrize("package", [*IMPORT_PACKAGES, "benchmarks"])
def test_every_module_says_on_its_first_line_what_it_is_for(package: str) -> None:
    silent = []
    for path in sorted((ROOT / package).rglob("*.py")):
        source = path.read_text()
        if not ast.get_docstring(ast.parse(source)) or not source.startswith(('"""', 'r"""')):
            silent.append(str(path.relative_to(ROOT)))
    assert silent == []


def test_no_tracked_file_names_a_folder_of_one_machine() -> None:
    found = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in MACHINE_PATH.finditer(text)]
    assert found == []


@pytest.mark.parametrize("name", ["constraints.txt", "pyproject.toml", "Makefile", ".ci/run"])
def test_no_package_index_is_named(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|--trusted-host|\bfile:", text)


def test_every_pin_is_one_exact_version_and_the_file_is_sorted() -> None:
    for requirements in pins().values():
        for requirement in requirements:
            (specifier,) = requirement.specifier
            assert specifier.operator == "=="
            assert not requirement.url
            assert not requirement.extras
    assert [*pins()] == sorted(pins())


def test_pins_satisfy_what_the_project_asks() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    asked = [*PROJECT["project"]["dependencies"], *(line for name in made_extras() for line in extras[name])]
    for requirement in map(Requirement, asked):
        (pin,) = pins()[canonicalize_name(requirement.name)]
        (specifier,) = pin.specifier
        assert requirement.specifier.contains(specifier.version), f"{requirement}: pinned to {specifier.version}"


def made_extras() -> list[str]:
    match = re.search(r"^EXTRAS := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert match
    return match.group(1).split(",")


@pytest.mark.parametrize("name", ["README.md", "Makefile", ".ci/run"])
def test_system_packages_are_the_same_everywhere(name: str) -> None:
    text = (ROOT / name).read_text()
    assert [package for package in SYSTEM_PACKAGES if package not in text] == []


def test_ladder_and_config_import_no_jax() -> None:
    assert modules_after("import mrsr.ladder, mrsr.config") & {"jax", "jaxlib", "flax", "orbax"} == set()


def test_no_command_imports_what_only_the_extras_bring() -> None:
    everything = "import pkgutil, importlib, mrsr.cli; [importlib.import_module('mrsr.cli.' + m.name) for m in "
    everything += "pkgutil.iter_modules(mrsr.cli.__path__) if m.name != '__main__']"
    assert modules_after("import mrsr.cli.main") & {"jax", "cv2", "mediapipe", "tensorflow"} == set()
    assert modules_after(everything) & {"cv2", "mediapipe", "tensorflow", "grain", "aiortc", "openvino"} == set()
