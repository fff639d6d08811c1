"""What the tests of the launchers share: a command hard to quote, options of each, and what they render of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from launch import jobset, slurm, tpu_vm, xpk

# Words that a shell, YAML and Kubernetes would each take for something else.
COMMAND = ["mrsr", "train", "--config", "experiments/base.py:six", "--workdir", "gs://bucket/run",
           "--config.name=it's \"a\" $HOME $(date) \\ & #"]  # fmt: skip
IMAGE = "europe-docker.pkg.dev/project/images/mrsr:tpu"
OPTIONS: dict[str, list[str]] = {
    "jobset": [f"--image={IMAGE}", "--tpu=v5e", "--topology=4x4", "--slices=2"],
    "xpk": [f"--image={IMAGE}", "--cluster=one", "--tpu-type=v5litepod-16", "--slices=2"],
    "tpu_vm": [f"--image={IMAGE}", "--zone=europe-west4-b", "--accelerator-type=v5litepod-16", "--spot"],
    "slurm": ["--nodes=2", "--gpus=8", "--time=1:00:00"],
}
LAUNCHERS = {"jobset": jobset, "xpk": xpk, "tpu_vm": tpu_vm, "slurm": slurm}


def rendered(name: str, capsys: pytest.CaptureFixture[str], *more: str, command: list[str] | None = None) -> str:
    assert LAUNCHERS[name].main([*OPTIONS[name], *more, "--dry-run", "--", *(command or COMMAND)]) == 0
    return capsys.readouterr().out


def refused(name: str, capsys: pytest.CaptureFixture[str], *more: str, command: list[str] | None = None) -> str:
    assert LAUNCHERS[name].main([*OPTIONS[name], *more, "--dry-run", "--", *(command or COMMAND)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    return line


def run_with(folder: Path, programs: dict[str, str], words: list[str], **variables: str) -> list[str]:
    """The lines printed by a command in an environment that has only these programs and the system's."""
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": "elsewhere", **variables}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()


def container_of(manifest: dict[str, Any]) -> dict[str, Any]:
    (job,) = manifest["spec"]["replicatedJobs"]
    (container,) = job["template"]["spec"]["template"]["spec"]["containers"]
    return dict(container)
