"""`mrsr serve` on Kubernetes: a KubeRay RayCluster of stream workers, and the gateway that uses it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from launch.command import Plan, option, parser_of, positive, run_main
from launch.jobset import TPUS, machines, mount
from launch.kuberay_gateway import budget, deployment, service
from mrsr.errors import UserError

CLIENT_PORT = 10001
_GCS_PORT = 6379
# Fixed, so that a probe can ask whether Ray's process is there; on the host's network it also keeps a second worker pod
# off the node.
_RAYLET_PORT = 6380
_OWN = ("--cluster", "--host", "--port", "--token-key", "--tls-certificate", "--tls-key")
# KubeRay's labels of the pods it makes.
_CLUSTER, _TYPE = "ray.io/cluster", "ray.io/node-type"


def manifests(args: argparse.Namespace, command: Sequence[str]) -> list[dict[str, Any]]:
    """The objects as plain data: RayCluster, a PodDisruptionBudget of its workers, Deployment and Service.

    Media goes from a viewer's browser straight to a worker: its pods are on their hosts' networks.

    Raises:
      UserError: a TPU of several hosts or a topology that cannot be, an option that the launcher sets itself.
    """
    own = [name for name in _OWN if option(command, name) is not None]
    if own:
        raise UserError(f"the command has {', '.join(own)}: expected it without, the launcher says where and with what")
    return [
        ray_cluster(args),
        budget(args, {_CLUSTER: args.name, _TYPE: "worker"}),
        deployment(args, command, f"ray://{args.name}-head-svc:{CLIENT_PORT}", ray_token(args)),
        service(args),
    ]


def ray_cluster(args: argparse.Namespace) -> dict[str, Any]:
    """The RayCluster (ray.io/v1): a head that runs no stream, and a pod a host of accelerators."""
    mounts = dict(mount(text) for text in args.mount)
    hosts, resources, selector = _hosts(args)
    if args.spot:
        selector["cloud.google.com/gke-spot"] = "true"
    head: dict[str, Any] = {
        **_container(args, "ray-head", {"gcs": _GCS_PORT, "client": CLIENT_PORT}),
        "resources": {"requests": {"cpu": "1", "memory": "4Gi"}, "limits": {"memory": "4Gi"}},
        "readinessProbe": {"tcpSocket": {"port": CLIENT_PORT}, "periodSeconds": 5},
        "livenessProbe": {"tcpSocket": {"port": _GCS_PORT}, "initialDelaySeconds": 30, "failureThreshold": 12},
    }
    amounts = {"cpu": args.cpu, "memory": args.memory}
    worker: dict[str, Any] = {
        **_container(args, "ray-worker", {"raylet": _RAYLET_PORT}),
        "resources": {"requests": amounts | resources, "limits": amounts | resources},
        "readinessProbe": {"tcpSocket": {"port": _RAYLET_PORT}, "periodSeconds": 5},
        "livenessProbe": {"tcpSocket": {"port": _RAYLET_PORT}, "initialDelaySeconds": 60, "failureThreshold": 12},
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in mounts.items()],
    }
    user: dict[str, Any] = {"runAsNonRoot": True, "runAsUser": 1000}
    if args.tpu:
        # The device files belong to root.
        worker["securityContext"] = {"privileged": True, "runAsUser": 0}
    pod: dict[str, Any] = {
        # Media comes to random UDP ports of the host's own address, which is the one that workers give.
        "hostNetwork": True,
        "dnsPolicy": "ClusterFirstWithHostNet",
        "terminationGracePeriodSeconds": 30,
        "securityContext": {} if args.tpu else user,
        "nodeSelector": selector,
        "tolerations": [{"key": key, "operator": "Exists", "effect": "NoSchedule"} for key in resources],
        "containers": [worker],
        "volumes": [{"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in mounts],
    }
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayCluster",
        "metadata": {"name": args.name, "namespace": args.namespace, "labels": {"app.kubernetes.io/name": args.name}},
        "spec": {
            "headGroupSpec": {
                "serviceType": "ClusterIP",
                # No work is placed there: when a worker's machine dies, what places them has to live.
                "rayStartParams": {"num-cpus": "0", "num-gpus": "0", "include-dashboard": "false"},
                "template": {"spec": {"securityContext": user, "containers": [head]}},
            },
            "workerGroupSpecs": [
                {
                    "groupName": "stream",
                    "replicas": hosts,
                    "minReplicas": hosts,
                    "maxReplicas": hosts,
                    "rayStartParams": {"node-manager-port": str(_RAYLET_PORT)},
                    "template": {"spec": pod},
                }
            ],
        },
    }


def ray_token(args: argparse.Namespace) -> list[dict[str, Any]]:
    """The variables that let only those with the token of the Secret run anything on the cluster."""
    reference = {"name": args.secret, "key": "ray-token"}
    return [
        {"name": "RAY_AUTH_MODE", "value": "token"},
        {"name": "RAY_AUTH_TOKEN", "valueFrom": {"secretKeyRef": reference}},
    ]


def _container(args: argparse.Namespace, name: str, ports: dict[str, int]) -> dict[str, Any]:
    return {
        "name": name,
        "image": args.image,
        "env": ray_token(args),
        "ports": [{"name": of, "containerPort": port} for of, port in ports.items()],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }


def _hosts(args: argparse.Namespace) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Worker pods, the accelerators of each and the labels of its node; without accelerators CPUs do the work."""
    if args.gpus is None and args.tpu is None:
        return args.hosts, {}, {}
    slices, hosts, resources, selector = machines(args)
    if args.tpu and hosts > 1:
        raise UserError(f"--topology {args.topology}: {hosts} hosts a slice; expected one, a stream is on one chip")
    return slices * hosts, resources, selector


def plan(args: argparse.Namespace, command: list[str]) -> Plan:
    """The manifests as YAML, for `kubectl apply`."""
    import yaml

    # A value that stands in two places would be written once, with a reference: through JSON each is its own.
    objects = json.loads(json.dumps(manifests(args, command)))
    text = yaml.safe_dump_all(objects, sort_keys=False, width=120)
    return Plan(text, ("kubectl", "apply", "-f", "-"))


def check_serving(command: Sequence[str]) -> None:
    """Refuses a command that is no server.

    Raises:
      UserError: the command is not `mrsr serve`.
    """
    if list(command[:2]) != ["mrsr", "serve"]:
        raise UserError(f"command {' '.join(command[:2])}: expected mrsr serve")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `python -m launch.kuberay --image I --gpus 4 --hosts 2 --secret S -- mrsr serve ...`."""
    parser = parser_of("kuberay", __doc__, "mrsr serve --model NAME --allow-host HOST ...")
    parser.add_argument("--image", required=True, help="the container image, made with EXTRAS=serve,cluster")
    parser.add_argument("--secret", required=True, help="the Secret with token-keys (a key file) and ray-token")
    parser.add_argument("--tls-secret", help="a Secret of kind kubernetes.io/tls: the gateway itself speaks TLS")
    parser.add_argument("--gpus", type=positive, metavar="N", help="GPUs of a host: one stream worker each")
    parser.add_argument("--gpu-type", help="GKE's name of the GPU, such as nvidia-l4")
    parser.add_argument("--tpu", choices=[*TPUS], help="TPU generation, instead of GPUs")
    parser.add_argument("--topology", metavar="AxB", help="the slice's topology, of one host, such as 2x2")
    parser.add_argument("--slices", type=positive, default=1, metavar="N", help="TPU slices (default 1)")
    parser.add_argument("--hosts", type=positive, default=1, metavar="N", help="hosts of GPUs or CPUs (default 1)")
    parser.add_argument("--cpu", default="8", help="CPUs of a worker pod (default 8)")
    parser.add_argument("--memory", default="16Gi", help="memory of a worker pod (default 16Gi)")
    parser.add_argument("--mount", action="append", default=[], metavar="CLAIM:/FOLDER", help="storage with a model")
    parser.add_argument("--spot", action="store_true", help="workers on spot nodes")
    parser.add_argument("--namespace", default="default", help="Kubernetes namespace (default default)")
    parser.add_argument("--service-type", choices=["ClusterIP", "LoadBalancer"], default="ClusterIP")
    return run_main(arguments, parser, plan, check_serving)


if __name__ == "__main__":
    sys.exit(main())
