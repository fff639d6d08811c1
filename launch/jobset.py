"""A GKE JobSet of `mrsr train`: one pod a host of TPU slices or GPU nodes, started again when preempted."""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Sequence
from typing import Any

from launch.command import GRACE_SECONDS, PORT, Plan, check_reachable, check_training, parser_of, positive, run_main
from mrsr.errors import UserError
from mrsr.train.hosts import COORDINATOR, PROCESS_COUNT, PROCESS_ID
from mrsr.train.preemption import PREEMPTED

# GKE's label of each generation and how many sides its topologies have; four chips a host, but for smaller slices.
TPUS = {
    "v4": ("tpu-v4-podslice", 3),
    "v5e": ("tpu-v5-lite-podslice", 2),
    "v5p": ("tpu-v5p-slice", 3),
    "v6e": ("tpu-v6e-slice", 2),
}
_CHIPS_PER_HOST = 4
_JOB = "worker"
_CONTAINER = "mrsr"
# The processes that load data hand batches over in it; a container has 64 MB of it otherwise.
_SHARED_MEMORY = {"shared-memory": "/dev/shm"}
# A pod knows the number of its job (a slice) and its own within it.
_NUMBERED = f'export {PROCESS_ID}=$((JOB_INDEX * JOB_HOSTS + JOB_COMPLETION_INDEX)) && exec "$@"'


def manifest(args: argparse.Namespace, command: Sequence[str]) -> dict[str, Any]:
    """The JobSet as plain data, in the shape of its API (jobset.x-k8s.io/v1alpha2).

    Preemption (status 75, or the node going away) starts the whole job again without limit; any other failure at most
    `args.restarts` times.

    Raises:
      UserError: neither or both of TPU and GPU are asked for, a topology that cannot be, a run folder that is lost.
    """
    mounts = dict(mount(text) for text in args.mount)
    check_reachable(check_training(command), [*mounts.values()])
    jobs, hosts, resources, selector = machines(args)
    if args.spot:
        selector["cloud.google.com/gke-spot"] = "true"
    environment = [
        {"name": COORDINATOR, "value": f"{args.name}-{_JOB}-0-0.{args.name}:{PORT}"},
        {"name": PROCESS_COUNT, "value": str(jobs * hosts)},
        {"name": "JOB_HOSTS", "value": str(hosts)},
        {
            "name": "JOB_INDEX",
            "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['jobset.sigs.k8s.io/job-index']"}},
        },
    ]
    words = ["/bin/sh", "-c", _NUMBERED, "host", *command]
    container: dict[str, Any] = {
        "name": _CONTAINER,
        "image": args.image,
        # Kubernetes would put the value of a variable in the place of $(NAME).
        "command": [word.replace("$(", "$$(") for word in words],
        "env": environment,
        "ports": [{"containerPort": PORT}],
        "resources": {"limits": resources},
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in (_SHARED_MEMORY | mounts).items()],
    }
    if args.tpu:
        # The device files belong to root.
        container["securityContext"] = {"privileged": True, "runAsUser": 0}
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "nodeSelector": selector,
        "tolerations": [{"key": next(iter(resources)), "operator": "Exists", "effect": "NoSchedule"}],
        "containers": [container],
        "volumes": [
            *({"name": name, "emptyDir": {"medium": "Memory"}} for name in _SHARED_MEMORY),
            *({"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in mounts),
        ],
    }
    if args.service_account:
        pod["serviceAccountName"] = args.service_account
    preempted = [
        {"action": "FailJob", "onExitCodes": {"containerName": _CONTAINER, "operator": "In", "values": [PREEMPTED]}},
        {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    ]
    job = {
        "parallelism": hosts,
        "completions": hosts,
        "completionMode": "Indexed",
        "backoffLimit": 0,
        "podFailurePolicy": {"rules": preempted},
        "template": {"spec": pod},
    }
    again = {"action": "RestartJobSetAndIgnoreMaxRestarts", "onJobFailureReasons": ["PodFailurePolicy"]}
    metadata: dict[str, Any] = {"name": args.name, "namespace": args.namespace}
    if args.queue:
        metadata["labels"] = {"kueue.x-k8s.io/queue-name": args.queue}
    if jobs > 1:
        # One slice a job: its pods share a node pool with no other's.
        metadata["annotations"] = {"alpha.jobset.sigs.k8s.io/exclusive-topology": "cloud.google.com/gke-nodepool"}
    return {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": metadata,
        "spec": {
            "failurePolicy": {"maxRestarts": args.restarts, "rules": [again]},
            "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
            "replicatedJobs": [{"name": _JOB, "replicas": jobs, "template": {"spec": job}}],
        },
    }


def plan(args: argparse.Namespace, command: list[str]) -> Plan:
    """The manifest as YAML, for `kubectl create`."""
    import yaml

    return Plan(yaml.safe_dump(manifest(args, command), sort_keys=False, width=120), ("kubectl", "create", "-f", "-"))


def machines(args: argparse.Namespace) -> tuple[int, int, dict[str, int], dict[str, str]]:
    """Jobs, hosts of each, what a container is given, and the labels of its node.

    Raises:
      UserError: neither or both of TPU and GPU are asked for, or a topology that cannot be.
    """
    if (args.tpu is None) == (args.gpus is None):
        raise UserError("expected one of --tpu GENERATION (with --topology) and --gpus NUMBER (with --hosts)")
    if args.gpus is not None:
        labels = {"cloud.google.com/gke-accelerator": args.gpu_type} if args.gpu_type else {}
        return 1, args.hosts, {"nvidia.com/gpu": args.gpus}, labels
    label, sides = TPUS[args.tpu]
    if not re.fullmatch(rf"[1-9]\d*(x[1-9]\d*){{{sides - 1}}}", args.topology or ""):
        example = "x".join(["4"] * sides)
        raise UserError(f"--topology {args.topology}: expected {sides} sides for {args.tpu}, such as {example}")
    chips = math.prod(int(side) for side in args.topology.split("x"))
    hosts, rest = divmod(chips, _CHIPS_PER_HOST) if chips > _CHIPS_PER_HOST else (1, 0)
    if rest:
        raise UserError(f"--topology {args.topology}: {chips} chips; expected 1, 2 or a multiple of {_CHIPS_PER_HOST}")
    labels = {"cloud.google.com/gke-tpu-accelerator": label, "cloud.google.com/gke-tpu-topology": args.topology}
    return args.slices, hosts, {"google.com/tpu": chips // hosts}, labels


def mount(text: str) -> tuple[str, str]:
    """The claim and the folder of `CLAIM:/FOLDER`.

    Raises:
      UserError: it is not of that form.
    """
    claim, _, path = text.partition(":")
    if not claim or not path.startswith("/"):
        raise UserError(f"--mount {text}: expected CLAIM:/FOLDER, a PersistentVolumeClaim and where it appears")
    return claim, path


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `python -m launch.jobset --image I --tpu v5e --topology 4x4 -- mrsr train ...`."""
    parser = parser_of("jobset", __doc__)
    parser.add_argument("--image", required=True, help="the container image, made by docker/Dockerfile")
    parser.add_argument("--tpu", choices=[*TPUS], help="TPU generation")
    parser.add_argument("--topology", metavar="AxB", help="the slice's topology, such as 4x4")
    parser.add_argument("--slices", type=positive, default=1, metavar="N", help="TPU slices (default 1)")
    parser.add_argument("--gpus", type=positive, metavar="N", help="GPUs of a host, instead of a TPU")
    parser.add_argument("--gpu-type", help="GKE's name of the GPU, such as nvidia-h100-80gb")
    parser.add_argument("--hosts", type=positive, default=1, metavar="N", help="GPU hosts (default 1)")
    parser.add_argument("--mount", action="append", default=[], metavar="CLAIM:/FOLDER", help="shared storage")
    parser.add_argument("--namespace", default="default", help="Kubernetes namespace (default default)")
    parser.add_argument("--queue", help="Kueue's local queue")
    parser.add_argument("--service-account", help="Kubernetes service account that may use the storage")
    parser.add_argument("--spot", action="store_true", help="on spot nodes")
    parser.add_argument("--restarts", type=int, default=3, metavar="R", help="after failures, not preemptions (3)")
    return run_main(arguments, parser, plan)


if __name__ == "__main__":
    sys.exit(main())
