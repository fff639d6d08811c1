"""What `launch.kuberay` renders has the fields of its APIs and no others, in KubeRay's case those of its pinned CRD.

The part of the APIs that is used: RayCluster of ray.io/v1 as in KubeRay's helm-chart/kuberay-operator/crds/
ray.io_rayclusters.yaml at commit 017710c, and Kubernetes' core/v1, apps/v1 and policy/v1. That file is 0.9 MB, nearly
all of it Kubernetes' pod template, time and again. It asks for `rayStartParams` no more; earlier ones do.
"""

from __future__ import annotations

import argparse
from typing import Any

import pytest
import yaml
from schema import Api, faults

from launch import kuberay
from mrsr.cli import serve

QUANTITY = (int, str)
API: Api = {
    "RayCluster": {"apiVersion!": {"ray.io/v1"}, "kind!": {"RayCluster"}, "metadata!": "Metadata",
                   "spec!": "RayClusterSpec"},
    "RayClusterSpec": {"headGroupSpec!": "HeadGroup", "workerGroupSpecs": ["WorkerGroup"], "rayVersion": str,
                       "suspend": bool, "enableInTreeAutoscaling": bool, "headServiceAnnotations": "Strings",
                       "managedBy": {"ray.io/kuberay-operator", "kueue.x-k8s.io/multikueue"}},
    "HeadGroup": {"template!": "PodTemplate", "rayStartParams!": "Strings", "enableIngress": bool,
                  "serviceType": {"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"}},
    "WorkerGroup": {"groupName!": str, "replicas": int, "minReplicas!": int, "maxReplicas!": int, "numOfHosts": int,
                    "idleTimeoutSeconds": int, "suspend": bool, "rayStartParams!": "Strings",
                    "template!": "PodTemplate"},
    "Strings": {"*": str},
    "Metadata": {"name!": str, "namespace": str, "labels": "Strings", "annotations": "Strings"},
    "PodTemplate": {"metadata": "PodMetadata", "spec!": "PodSpec"},
    "PodMetadata": {"labels": "Strings", "annotations": "Strings"},
    "PodSpec": {"containers!": ["Container"], "volumes": ["Volume"], "nodeSelector": "Strings",
                "tolerations": ["Toleration"], "hostNetwork": bool, "terminationGracePeriodSeconds": int,
                "dnsPolicy": {"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"},
                "securityContext": "PodSecurity", "serviceAccountName": str},
    "PodSecurity": {"runAsNonRoot": bool, "runAsUser": int, "runAsGroup": int, "fsGroup": int},
    "Toleration": {"key": str, "operator": {"Exists", "Equal"}, "value": str,
                   "effect": {"NoSchedule", "PreferNoSchedule", "NoExecute"}},
    "Volume": {"name!": str, "persistentVolumeClaim": "Claim", "secret": "SecretVolume"},
    "Claim": {"claimName!": str, "readOnly": bool},
    "SecretVolume": {"secretName": str, "items": ["KeyToPath"], "defaultMode": int, "optional": bool},
    "KeyToPath": {"key!": str, "path!": str, "mode": int},
    "Container": {"name!": str, "image": str, "command": [str], "args": [str], "env": ["Variable"], "ports": ["Port"],
                  "resources": "Resources", "volumeMounts": ["VolumeMount"], "securityContext": "Security",
                  "startupProbe": "Probe", "livenessProbe": "Probe", "readinessProbe": "Probe"},
    "Variable": {"name!": str, "value": str, "valueFrom": "ValueFrom"},
    "ValueFrom": {"secretKeyRef": "SecretKey"},
    "SecretKey": {"name": str, "key!": str, "optional": bool},
    "Port": {"containerPort!": int, "hostPort": int, "name": str, "protocol": {"TCP", "UDP", "SCTP"}},
    "Resources": {"limits": "Quantities", "requests": "Quantities"},
    "Quantities": {"*": QUANTITY},
    "VolumeMount": {"name!": str, "mountPath!": str, "readOnly": bool, "subPath": str},
    "Security": {"allowPrivilegeEscalation": bool, "capabilities": "Capabilities", "privileged": bool,
                 "runAsUser": int, "runAsNonRoot": bool, "readOnlyRootFilesystem": bool},
    "Capabilities": {"add": [str], "drop": [str]},
    "Probe": {"httpGet": "HttpGet", "tcpSocket": "TcpSocket", "initialDelaySeconds": int, "periodSeconds": int,
              "timeoutSeconds": int, "failureThreshold": int, "successThreshold": int},
    "HttpGet": {"path": str, "port!": QUANTITY, "host": str, "scheme": {"HTTP", "HTTPS"}},
    "TcpSocket": {"port!": QUANTITY, "host": str},
    "Deployment": {"apiVersion!": {"apps/v1"}, "kind!": {"Deployment"}, "metadata!": "Metadata",
                   "spec!": "DeploymentSpec"},
    "DeploymentSpec": {"replicas": int, "selector!": "Selector", "strategy": "Strategy", "template!": "PodTemplate"},
    "Selector": {"matchLabels": "Strings"},
    "Strategy": {"type": {"Recreate", "RollingUpdate"}},
    "Service": {"apiVersion!": {"v1"}, "kind!": {"Service"}, "metadata!": "Metadata", "spec!": "ServiceSpec"},
    "ServiceSpec": {"type": {"ClusterIP", "NodePort", "LoadBalancer"}, "selector": "Strings",
                    "ports": ["ServicePort"]},
    "ServicePort": {"port!": int, "targetPort": QUANTITY, "name": str, "protocol": {"TCP", "UDP"}},
    "PodDisruptionBudget": {"apiVersion!": {"policy/v1"}, "kind!": {"PodDisruptionBudget"}, "metadata!": "Metadata",
                            "spec!": "BudgetSpec"},
    "BudgetSpec": {"maxUnavailable": QUANTITY, "minAvailable": QUANTITY, "selector": "Selector"},
}  # fmt: skip

IMAGE = "europe-docker.pkg.dev/project/images/mrsr:cuda"
COMMAND = ["mrsr", "serve", "--model", "tiny", "--allow-host", "call.example.org"]
GPUS = ["--gpus=4", "--hosts=3", "--gpu-type=nvidia-l4"]
MORE = ["--tls-secret=certificate", "--mount=claim:/models", "--spot", "--service-type=LoadBalancer"]


def rendered(capsys: pytest.CaptureFixture[str], *more: str, command: list[str] | None = None) -> list[dict[str, Any]]:
    words = [f"--image={IMAGE}", "--name=call", "--secret=call-secrets", *more, "--dry-run", "--"]
    assert kuberay.main([*words, *(COMMAND if command is None else command)]) == 0
    return list(yaml.safe_load_all(capsys.readouterr().out))


def by_kind(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one["spec"] for one in manifests}


@pytest.mark.parametrize("more", [[], GPUS, GPUS + MORE, ["--tpu=v5e", "--topology=2x2", "--slices=2"]])
def test_the_manifests_have_the_fields_of_their_apis_and_no_others(
    more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    manifests = rendered(capsys, *more)
    assert [one["kind"] for one in manifests] == ["RayCluster", "PodDisruptionBudget", "Deployment", "Service"]
    assert [fault for one in manifests for fault in faults(one, one["kind"], API)] == []


def test_a_cluster_that_is_wrong_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    (cluster, *_) = rendered(capsys)
    (group,) = cluster["spec"]["workerGroupSpecs"]
    group["replica"] = group.pop("replicas")
    group["rayStartParams"]["node-manager-port"] = 6380
    group["template"]["spec"]["hostNetwork"] = "yes"
    del group["minReplicas"]
    del cluster["spec"]["headGroupSpec"]
    assert len(faults(cluster, "RayCluster", API)) == 5


def test_a_host_has_a_worker_pod_with_all_its_accelerators_on_its_own_network(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (group,) = by_kind(rendered(capsys, *GPUS))["RayCluster"]["workerGroupSpecs"]
    assert (group["replicas"], group["minReplicas"], group["maxReplicas"]) == (3, 3, 3)
    pod = group["template"]["spec"]
    assert (pod["hostNetwork"], pod["dnsPolicy"]) == (True, "ClusterFirstWithHostNet")
    assert pod["nodeSelector"] == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    (container,) = pod["containers"]
    for amounts in container["resources"].values():
        assert amounts == {"cpu": "8", "memory": "16Gi", "nvidia.com/gpu": 4}
    (group,) = by_kind(rendered(capsys, "--tpu=v5e", "--topology=2x2", "--slices=2"))["RayCluster"]["workerGroupSpecs"]
    (container,) = group["template"]["spec"]["containers"]
    assert (group["replicas"], container["resources"]["limits"]["google.com/tpu"]) == (2, 4)


def test_a_node_takes_one_worker_pod_and_its_probe_asks_the_port_that_ray_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On the host's network Kubernetes makes each container port one of the host, which it gives out once a node."""
    (group,) = by_kind(rendered(capsys, *GPUS))["RayCluster"]["workerGroupSpecs"]
    (container,) = group["template"]["spec"]["containers"]
    port = int(group["rayStartParams"]["node-manager-port"])
    assert [one["containerPort"] for one in container["ports"]] == [port]
    assert {container[probe]["tcpSocket"]["port"] for probe in ("livenessProbe", "readinessProbe")} == {port}


def test_no_secret_stands_in_a_manifest_and_every_ray_process_gets_the_token(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = by_kind(rendered(capsys, *GPUS, *MORE))
    head, (group,) = found["RayCluster"]["headGroupSpec"], found["RayCluster"]["workerGroupSpecs"]
    for template in (head["template"], group["template"], found["Deployment"]["template"]):
        (container,) = template["spec"]["containers"]
        given = {one["name"]: one.get("value", one.get("valueFrom")) for one in container["env"]}
        assert given["RAY_AUTH_MODE"] == "token"
        assert given["RAY_AUTH_TOKEN"] == {"secretKeyRef": {"name": "call-secrets", "key": "ray-token"}}


def test_the_gateway_is_one_and_is_sent_traffic_when_a_worker_is_ready(capsys: pytest.CaptureFixture[str]) -> None:
    found = by_kind(rendered(capsys, *GPUS, *MORE))
    gateway = found["Deployment"]
    assert (gateway["replicas"], gateway["strategy"]["type"]) == (1, "Recreate")
    (container,) = gateway["template"]["spec"]["containers"]
    assert container["command"][: len(COMMAND)] == COMMAND
    assert "--cluster=ray://call-head-svc:10001" in container["command"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": 8080, "scheme": "HTTPS"}
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    volumes = {volume["name"]: volume["secret"]["secretName"] for volume in gateway["template"]["spec"]["volumes"]}
    assert volumes == {"keys": "call-secrets", "tls": "certificate"}
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    files = [word.partition("=")[2] for word in container["command"] if word.partition("=")[2].startswith("/")]
    assert {str(file).rpartition("/")[0] for file in files} == {*mounted.values()}
    assert found["Service"]["selector"].items() <= gateway["template"]["metadata"]["labels"].items()
    assert found["Service"]["ports"][0]["targetPort"] == container["ports"][0]["containerPort"]


def test_the_gateways_command_is_one_that_mrsr_serve_takes(capsys: pytest.CaptureFixture[str]) -> None:
    (container,) = by_kind(rendered(capsys, *GPUS, *MORE))["Deployment"]["template"]["spec"]["containers"]
    parser = argparse.ArgumentParser(allow_abbrev=False)
    serve.add_arguments(parser)
    args = parser.parse_args(container["command"][2:])
    assert (args.cluster, args.host, args.port) == ("ray://call-head-svc:10001", "0.0.0.0", 8080)
    assert (str(args.token_key), args.model) == ("/etc/mrsr/keys/token-keys", "tiny")


def test_what_cannot_be_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*more: str, command: list[str] = COMMAND) -> str:
        assert kuberay.main([f"--image={IMAGE}", "--secret=s", *more, "--dry-run", "--", *command]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        return said.err

    assert "expected mrsr serve" in refused(command=["mrsr", "train"])
    assert "the command has --cluster, --port" in refused(command=[*COMMAND, "--port=1", "--cluster", "auto"])
    assert "expected one of --tpu" in refused("--gpus=1", "--tpu=v5e")
    assert "--topology 4x4: 4 hosts a slice; expected one" in refused("--tpu=v5e", "--topology=4x4")
    assert "--mount here: expected" in refused("--mount=here")
