"""Tests that need a process of their own: aiortc does not survive a process in which TensorFlow was imported first."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

_CHILD = "MRSR_TESTS_APART"
_TESTS = Path(__file__).parent


def apart(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """A coroutine without fixtures as a test; all such tests of a file run together in one process of their own."""

    def claim() -> None:
        if os.environ.get(_CHILD):
            asyncio.run(asyncio.wait_for(test(), 60))  # type: ignore[arg-type]
            return
        outcomes = _outcomes(inspect.getfile(test))
        failure = outcomes.get(test.__name__, outcomes[""])
        if failure is not None:
            pytest.fail(failure, pytrace=False)

    claim.__name__, claim.__doc__, claim.__module__ = test.__name__, test.__doc__, test.__module__
    return claim


@functools.cache
def _outcomes(path: str) -> dict[str, str | None]:
    """What became of each test of a file in the other process: None, or why it failed; by "" why one never ran."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", path]
        where = os.pathsep.join([str(_TESTS), str(_TESTS.parent), str(Path(path).parent), *sys.path])
        environment = {**os.environ, _CHILD: "1", "PYTHONPATH": where}
        child = subprocess.run(command, env=environment, cwd=_TESTS.parent, capture_output=True, text=True, timeout=300)
        # Where it ended before all had run, its report has a case without a name, or there is none.
        cases = ElementTree.parse(report).getroot().iter("testcase") if report.exists() else ()
        outcomes = {name: _failure(case) for case in cases if (name := case.get("name"))}
        return {"": f"it did not run:\n{child.stdout}{child.stderr}"} | outcomes


def _failure(case: ElementTree.Element) -> str | None:
    broken = [child for child in case if child.tag in ("failure", "error", "skipped")]
    return broken[0].text or broken[0].get("message") or "failed" if broken else None
