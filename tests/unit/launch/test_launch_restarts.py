"""Preemption starts the job again under every engine, and a failure does not, or not for ever."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from rendering import rendered


def test_the_jobset_is_started_again_after_preemption_without_limit_and_after_failures_with_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    manifest = yaml.safe_load(rendered("jobset", capsys, "--restarts=5"))
    policy = manifest["spec"]["failurePolicy"]
    (again,) = policy["rules"]
    assert (policy["maxRestarts"], again["action"]) == (5, "RestartJobSetAndIgnoreMaxRestarts")
    job = manifest["spec"]["replicatedJobs"][0]["template"]["spec"]
    status, disruption = job["podFailurePolicy"]["rules"]
    # A pod that fails by these fails its job for the reason the JobSet restarts on; any other by the backoff limit.
    assert again["onJobFailureReasons"] == ["PodFailurePolicy"]
    assert {status["action"], disruption["action"]} == {"FailJob"}
    assert status["onExitCodes"] == {"containerName": "mrsr", "operator": "In", "values": [75]}
    assert disruption["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
    assert job["backoffLimit"] == 0
    # The Kubernetes API refuses a pod failure policy with any other restart policy.
    assert job["template"]["spec"]["restartPolicy"] == "Never"


def test_xpk_restarts_on_the_status_of_preemption(capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(rendered("xpk", capsys))
    assert words[:3] == ["xpk", "workload", "create"]
    assert {"--restart-on-exit-codes=75", "--max-restarts=1000", "--tpu-type=v5litepod-16", "--num-slices=2"} < {*words}


def run_loop(folder: Path, script: str, gcloud: str) -> tuple[int, list[str]]:
    """The status of a TPU VM's script, and the words of gcloud that it ran; `gcloud` sees how often $1 came before."""
    log = folder / "log"
    count = f'seen() {{ grep -c "^$1" {log}; }}; echo "$4" >> {log}\n'
    for name, text in {"gcloud": count + gcloud, "sleep": ""}.items():
        (folder / name).write_text(f"#!/bin/bash\n{text}")
        (folder / name).chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-s"], input=script, env=environment, text=True, check=False, timeout=60)
    return done.returncode, [word for word in log.read_text().split() if word != "describe"]


def test_a_tpu_vm_is_made_once_and_the_job_started_again_after_75(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gcloud = """case $4 in
      describe) [ $(seen create) = 0 ] || echo READY ;;
      ssh) cat; [ $(seen ssh) = 3 ] || exit 75 ;;
    esac"""
    assert run_loop(tmp_path, rendered("tpu_vm", capsys), gcloud) == (0, ["create", "ssh", "ssh", "ssh"])


def test_a_tpu_vm_that_was_taken_away_is_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gcloud = """case $4 in
      describe) if [ $(seen delete) = 1 ] && [ $(seen create) = 0 ]; then exit 1; fi
        if [ $(seen ssh) = 1 ] && [ $(seen delete) = 0 ]; then echo PREEMPTED; else echo READY; fi ;;
      ssh) [ $(seen ssh) = 2 ] || exit 255 ;;
    esac"""
    assert run_loop(tmp_path, rendered("tpu_vm", capsys), gcloud) == (0, ["ssh", "delete", "create", "ssh"])


def test_a_failure_on_a_tpu_vm_ends_the_script_with_its_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gcloud = "case $4 in describe) echo READY ;; ssh) exit 2 ;; esac"
    assert run_loop(tmp_path, rendered("tpu_vm", capsys), gcloud) == (2, ["ssh"])


@pytest.mark.parametrize(("status", "restarts", "queued"), [(75, None, 1), (75, 2, 1), (75, 1, 0), (1, None, 0)])
def test_slurm_queues_the_job_again_on_75_alone_and_as_often_as_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int, restarts: int | None, queued: int
) -> None:
    log = tmp_path / "log"
    log.touch()
    programs = {"srun": f"exit {status}", "scontrol": f'[ "$1" = requeue ] && echo "$2" >> {log}'}
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    command = ["mrsr", "train", "--workdir=/shared/run"]
    more = [] if restarts is None else [f"--restarts={restarts}"]
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_RESTART_COUNT": "1", "SLURM_JOB_ID": "9"}
    script = rendered("slurm", capsys, *more, command=command)
    assert subprocess.run(["bash", "-c", script], env=environment, check=False).returncode == status
    assert log.read_text() == "9\n" * queued
    assert "#SBATCH --requeue" in script.splitlines()
