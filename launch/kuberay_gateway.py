"""The gateway of `launch.kuberay`: its Deployment and Service, and how many workers may be taken away at a time."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

PORT = 8080
_KEYS = "/etc/mrsr/keys"
_TLS = "/etc/mrsr/tls"


def deployment(
    args: argparse.Namespace, command: Sequence[str], address: str, ray_token: list[dict[str, Any]]
) -> dict[str, Any]:
    """The Deployment of the one gateway: it knows who is in which room, so that there is never a second.

    Args:
      args: the launcher's.
      command: `mrsr serve` with the options that are the user's.
      address: of the Ray cluster.
      ray_token: the variables with the cluster's token.
    """
    words = [*command, f"--cluster={address}", "--host=0.0.0.0", f"--port={PORT}", f"--token-key={_KEYS}/token-keys"]
    secrets = {"keys": (args.secret, _KEYS)}
    if args.tls_secret:
        words += [f"--tls-certificate={_TLS}/tls.crt", f"--tls-key={_TLS}/tls.key"]
        secrets["tls"] = (args.tls_secret, _TLS)
    scheme = "HTTPS" if args.tls_secret else "HTTP"
    alive = {"path": "/healthz", "port": PORT, "scheme": scheme}
    container = {
        "name": "gateway",
        "image": args.image,
        # Kubernetes would put the value of a variable in the place of $(NAME).
        "command": [word.replace("$(", "$$(") for word in words],
        "env": ray_token,
        "ports": [{"name": "web", "containerPort": PORT}],
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
        # Connecting to Ray comes first, and waits for its head.
        "startupProbe": {"httpGet": alive, "periodSeconds": 5, "failureThreshold": 60},
        "livenessProbe": {"httpGet": alive, "periodSeconds": 10},
        "readinessProbe": {"httpGet": {**alive, "path": "/readyz"}, "periodSeconds": 5},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": name, "mountPath": path, "readOnly": True} for name, (_, path) in secrets.items()],
    }
    items = [{"key": "token-keys", "path": "token-keys"}]
    volumes: list[dict[str, Any]] = [
        {"name": name, "secret": {"secretName": secret, **({"items": items} if name == "keys" else {})}}
        for name, (secret, _) in secrets.items()
    ]
    pod = {
        # Longer than the gateway takes to drain.
        "terminationGracePeriodSeconds": 30,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000},
        "containers": [container],
        "volumes": volumes,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(args),
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": _labels(args)},
            "template": {"metadata": {"labels": _labels(args)}, "spec": pod},
        },
    }


def service(args: argparse.Namespace) -> dict[str, Any]:
    """The Service of pages and signalling; media does not pass it."""
    port = {"name": "web", "port": 443 if args.tls_secret else 80, "targetPort": PORT}
    spec = {"type": args.service_type, "selector": _labels(args), "ports": [port]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(args), "spec": spec}


def budget(args: argparse.Namespace, workers: dict[str, str]) -> dict[str, Any]:
    """At most one worker pod is evicted at a time: its rooms find place on the others before the next one goes."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": f"{args.name}-workers", "namespace": args.namespace},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": workers}},
    }


def _metadata(args: argparse.Namespace) -> dict[str, Any]:
    return {"name": f"{args.name}-gateway", "namespace": args.namespace, "labels": _labels(args)}


def _labels(args: argparse.Namespace) -> dict[str, str]:
    return {"app.kubernetes.io/name": args.name, "app.kubernetes.io/component": "gateway"}
