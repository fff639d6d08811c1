"""What the launchers render: the same command everywhere, and a place for every process."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from rendering import COMMAND, IMAGE, LAUNCHERS, OPTIONS, container_of, refused, rendered, run_with

from launch import jobset, local, slurm, tpu_vm, xpk
from mrsr.train.hosts import COORDINATOR, PROCESS_COUNT, PROCESS_ID

# Instead of the programs of the engines: each prints its words, one a line, and the place it was given.
SHOW = f'#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done\necho "${COORDINATOR} ${PROCESS_ID} ${PROCESS_COUNT}"\n'


def test_a_pod_of_the_jobset_runs_the_command_under_its_own_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    container = container_of(yaml.safe_load(rendered("jobset", capsys)))
    given = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
    # Kubernetes reads $$ as $ and puts variables it knows in the place of $(NAME): none is left to replace.
    words = [word.replace("$$", "$") for word in container["command"]]
    assert not any(re.search(r"(?<!\$)\$\(", word) for word in container["command"])
    printed = run_with(tmp_path, {"mrsr": SHOW}, words, **given, JOB_INDEX="1", JOB_COMPLETION_INDEX="2")
    assert printed == [*COMMAND[1:], "mrsr-worker-0-0.mrsr:8482 6 8"]


def test_a_host_of_an_xpk_workload_runs_the_command_under_its_own_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = shlex.split(rendered("xpk", capsys))
    (script,) = [word.partition("=")[2] for word in words if word.startswith("--command=")]
    slices = {"MEGASCALE_SLICE_ID": "1", "MEGASCALE_NUM_SLICES": "2", "MEGASCALE_COORDINATOR_ADDRESS": "first:8080"}
    place = {"TPU_WORKER_HOSTNAMES": "a.x,b.x,c.x,d.x", "TPU_WORKER_ID": "3"}
    run = ["bash", "-c", script]
    assert run_with(tmp_path, {"mrsr": SHOW}, run, **place, **slices) == [*COMMAND[1:], "first:8482 7 8"]
    assert run_with(tmp_path, {"mrsr": SHOW}, run, **place) == [*COMMAND[1:], "a.x:8482 3 4"]


@pytest.mark.parametrize("endpoints", ["t1v-0,t1v-1", "unknown:unknown:10.0.0.2,unknown:unknown:10.0.0.3"])
def test_a_host_of_a_tpu_vm_runs_the_container_with_the_command_and_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], endpoints: str
) -> None:
    # gcloud runs the hosts' script here, once, as host 1; the metadata server is a program of that name.
    gcloud = """#!/bin/bash
    case "$4" in
      describe) echo READY ;;
      ssh) for word; do case $word in --command=*) exec sh -c "${word#--command=}" ;; esac; done ;;
    esac
    """
    curl = f'#!/bin/sh\ncase "$*" in */agent-worker-number) echo 1 ;; *) echo {endpoints} ;; esac\n'
    sudo = '#!/bin/sh\n[ "$1 $2" = "docker run" ] || exit 0\nfor word; do printf "%s\\n" "$word"; done\n'
    programs = {"gcloud": gcloud, "curl": curl, "sudo": sudo}
    words = run_with(tmp_path, programs, ["bash", "-c", rendered("tpu_vm", capsys)])
    first = endpoints.split(",")[0].split(":")[-1]
    assert [word for word in words if word.startswith("MRSR_")] == [
        f"{COORDINATOR}={first}:8482", f"{PROCESS_ID}=1", f"{PROCESS_COUNT}=2"
    ]  # fmt: skip
    at = words.index("--entrypoint")
    assert [words[at + 1], *words[at + 3 :]] == COMMAND
    assert words[at + 2] == IMAGE


def test_a_task_of_the_slurm_job_runs_the_command_under_its_own_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    srun = '#!/bin/bash\nwhile [ "${1#-}" != "$1" ]; do shift; done\nexport SLURM_PROCID=1\n"$@"\n'
    scontrol = '#!/bin/sh\n[ "$1 $2" = "show hostnames" ] && printf "%s\\n" node3 node4\n'
    job = {"SLURM_JOB_NODELIST": "node[3-4]", "SLURM_JOB_ID": "123456", "SLURM_NTASKS": "2"}
    programs = {"mrsr": SHOW, "srun": srun, "scontrol": scontrol}
    command = [*COMMAND[:5], "/shared/run", *COMMAND[6:]]
    run = ["bash", "-c", rendered("slurm", capsys, command=command)]
    assert run_with(tmp_path, programs, run, **job) == [*command[1:], "node3:23456 1 2"]
    apptainer = '#!/bin/sh\necho "$1 $2 $3"; shift 3; exec "$@"\n'
    run = ["bash", "-c", rendered("slurm", capsys, "--image=mrsr.sif", command=command)]
    printed = run_with(tmp_path, programs | {"apptainer": apptainer}, run, **job)
    assert printed == ["exec --nv mrsr.sif", *command[1:], "node3:23456 1 2"]


# Hosts of a slice and chips of each, as XPK 1.16 has them for these types.
@pytest.mark.parametrize(
    ("tpu", "topology", "label", "hosts", "chips"),
    [
        ("v5e", "2x4", "tpu-v5-lite-podslice", 2, 4),
        ("v5e", "16x16", "tpu-v5-lite-podslice", 64, 4),
        ("v6e", "1x1", "tpu-v6e-slice", 1, 1),
        ("v6e", "2x2", "tpu-v6e-slice", 1, 4),
        ("v5p", "2x2x2", "tpu-v5p-slice", 2, 4),
        ("v4", "2x2x4", "tpu-v4-podslice", 4, 4),
    ],
)
def test_a_slice_has_the_hosts_that_gke_gives_it(
    capsys: pytest.CaptureFixture[str], tpu: str, topology: str, label: str, hosts: int, chips: int
) -> None:
    manifest = yaml.safe_load(rendered("jobset", capsys, f"--tpu={tpu}", f"--topology={topology}"))
    job = manifest["spec"]["replicatedJobs"][0]
    assert job["replicas"] == 2
    assert (job["template"]["spec"]["parallelism"], job["template"]["spec"]["completions"]) == (hosts, hosts)
    selector = job["template"]["spec"]["template"]["spec"]["nodeSelector"]
    assert selector["cloud.google.com/gke-tpu-accelerator"] == label
    assert selector["cloud.google.com/gke-tpu-topology"] == topology
    assert container_of(manifest)["resources"] == {"limits": {"google.com/tpu": chips}}


def test_gpu_hosts_and_a_mounted_claim(capsys: pytest.CaptureFixture[str]) -> None:
    options = [f"--image={IMAGE}", "--gpus=8", "--hosts=3", "--mount=claim:/shared", "--dry-run", "--"]
    assert jobset.main([*options, "mrsr", "train", "--workdir=/shared/run"]) == 0
    manifest = yaml.safe_load(capsys.readouterr().out)
    job = manifest["spec"]["replicatedJobs"][0]["template"]["spec"]
    container = container_of(manifest)
    assert (job["parallelism"], container["resources"]) == (3, {"limits": {"nvidia.com/gpu": 8}})
    assert {"name": "claim", "mountPath": "/shared"} in container["volumeMounts"]
    volumes = job["template"]["spec"]["volumes"]
    assert {"name": "claim", "persistentVolumeClaim": {"claimName": "claim"}} in volumes
    assert {volume["name"] for volume in volumes} == {mount["name"] for mount in container["volumeMounts"]}


def test_a_run_folder_that_hosts_do_not_share_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    own = ["mrsr", "train", "--workdir", "runs/one"]
    for name in LAUNCHERS:
        assert "--workdir runs/one: expected gs://BUCKET/FOLDER or an absolute" in refused(name, capsys, command=own)
    unmounted = ["mrsr", "train", "--workdir", "/shared/run"]
    for name in ("jobset", "xpk", "tpu_vm"):
        assert "--workdir /shared/run: expected gs://" in refused(name, capsys, command=unmounted)
    assert "has no --workdir" in refused("slurm", capsys, command=["mrsr", "train"])


def test_bad_options_are_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert "expected mrsr train" in refused("xpk", capsys, command=["mrsr", "evaluate"])
    assert "--name Big_Job: expected" in refused("slurm", capsys, "--name=Big_Job")
    assert "--topology 4x4x4: expected 2 sides for v5e" in refused("jobset", capsys, "--topology=4x4x4")
    assert "--topology 3x3: 9 chips" in refused("jobset", capsys, "--topology=3x3")
    assert "expected one of --tpu" in refused("jobset", capsys, "--gpus=8")
    assert "--mount here: expected CLAIM:/FOLDER" in refused("jobset", capsys, "--mount=here")
    assert "--accelerator-type v9-8: expected v4" in refused("tpu_vm", capsys, "--accelerator-type=v9-8")
    assert "--nodes: 0: expected a whole number" in refused("slurm", capsys, "--nodes=0")


def test_an_engine_that_is_not_installed_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, program in {"jobset": "kubectl", "slurm": "sbatch"}.items():
        assert LAUNCHERS[name].main([*OPTIONS[name], "--", *COMMAND]) == 2
        assert f"launch: {program} is not installed here" in capsys.readouterr().err


@pytest.mark.parametrize("launcher", [jobset, local, slurm, tpu_vm, xpk])
def test_every_launcher_explains_itself(launcher: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        launcher.main(["--help"])
    assert "-- mrsr train --config FILE[:ARG] --workdir DIR" in capsys.readouterr().out
