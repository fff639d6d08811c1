"""The JobSet has the fields of its API and no others: an unknown one would be dropped, or refused, by the cluster.

The part of the API that is used, from JobSet v1alpha2 and Kubernetes core/v1 and batch/v1.
"""

from __future__ import annotations

import pytest
import yaml
from rendering import rendered
from schema import Api, faults

API: Api = {
    "JobSet": {"apiVersion!": {"jobset.x-k8s.io/v1alpha2"}, "kind!": {"JobSet"}, "metadata!": "Metadata",
               "spec!": "JobSetSpec"},
    "Metadata": {"name!": str, "namespace": str, "labels": dict, "annotations": dict},
    "JobSetSpec": {"replicatedJobs!": ["ReplicatedJob"], "network": "Network", "failurePolicy": "FailurePolicy",
                   "suspend": bool, "ttlSecondsAfterFinished": int},
    "Network": {"enableDNSHostnames": bool, "subdomain": str, "publishNotReadyAddresses": bool},
    "FailurePolicy": {"maxRestarts": int, "rules": ["FailureRule"],
                      "restartStrategy": {"Recreate", "BlockingRecreate"}},
    "FailureRule": {
        "name": str, "action!": {"FailJobSet", "RestartJobSet", "RestartJobSetAndIgnoreMaxRestarts"},
        "onJobFailureReasons": [{"BackoffLimitExceeded", "DeadlineExceeded", "FailedIndexes",
                                 "MaxFailedIndexesExceeded", "PodFailurePolicy"}],
        "targetReplicatedJobs": [str],
    },
    "ReplicatedJob": {"name!": str, "template!": "JobTemplate", "replicas": int},
    "JobTemplate": {"metadata": "Metadata", "spec!": "JobSpec"},
    "JobSpec": {"parallelism": int, "completions": int, "completionMode": {"Indexed", "NonIndexed"},
                "backoffLimit": int, "activeDeadlineSeconds": int, "podFailurePolicy": "PodFailurePolicy",
                "template!": "PodTemplate"},
    "PodFailurePolicy": {"rules!": ["PodFailureRule"]},
    "PodFailureRule": {"action!": {"FailJob", "FailIndex", "Ignore", "Count"}, "onExitCodes": "OnExitCodes",
                       "onPodConditions": ["OnPodCondition"]},
    "OnExitCodes": {"containerName": str, "operator!": {"In", "NotIn"}, "values!": [int]},
    "OnPodCondition": {"type!": str, "status!": {"True", "False", "Unknown"}},
    "PodTemplate": {"metadata": "Metadata", "spec!": "PodSpec"},
    "PodSpec": {"containers!": ["Container"], "restartPolicy": {"Never", "OnFailure"}, "nodeSelector": dict,
                "tolerations": ["Toleration"], "volumes": ["Volume"], "terminationGracePeriodSeconds": int,
                "serviceAccountName": str},
    "Toleration": {"key": str, "operator": {"Exists", "Equal"}, "value": str,
                   "effect": {"NoSchedule", "PreferNoSchedule", "NoExecute"}},
    "Volume": {"name!": str, "emptyDir": "EmptyDir", "persistentVolumeClaim": "Claim"},
    "EmptyDir": {"medium": {"", "Memory"}, "sizeLimit": str},
    "Claim": {"claimName!": str, "readOnly": bool},
    "Container": {"name!": str, "image": str, "command": [str], "args": [str], "env": ["Variable"], "ports": ["Port"],
                  "resources": "Resources", "volumeMounts": ["VolumeMount"], "securityContext": "SecurityContext"},
    "Variable": {"name!": str, "value": str, "valueFrom": "ValueFrom"},
    "ValueFrom": {"fieldRef": "FieldRef"},
    "FieldRef": {"fieldPath!": str, "apiVersion": str},
    "Port": {"containerPort!": int, "name": str, "protocol": str},
    "Resources": {"limits": dict, "requests": dict},
    "VolumeMount": {"name!": str, "mountPath!": str, "readOnly": bool},
    "SecurityContext": {"privileged": bool, "runAsUser": int, "runAsNonRoot": bool},
}  # fmt: skip


SOME = ["--spot", "--queue=all", "--service-account=trainer", "--mount=claim:/shared"]


@pytest.mark.parametrize("more", [[], SOME, ["--tpu=v5p", "--topology=2x2x1"]])
def test_the_jobset_has_the_fields_of_its_api_and_no_others(
    more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert faults(yaml.safe_load(rendered("jobset", capsys, *more)), "JobSet", API) == []


def test_a_manifest_that_is_wrong_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    manifest = yaml.safe_load(rendered("jobset", capsys))
    manifest["spec"]["failurePolicy"]["rules"][0]["action"] = "Restart"
    job = manifest["spec"]["replicatedJobs"][0]["template"]["spec"]
    job["template"]["spec"]["containers"][0]["env"][0]["value"] = 8
    job["retries"] = 3
    del manifest["metadata"]["name"]
    assert len(faults(manifest, "JobSet", API)) == 4
