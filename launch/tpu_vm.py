"""A shell script of `mrsr train` on a TPU VM: makes it, runs a container on every host, starts again when preempted."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence

from launch.command import GRACE_SECONDS, PORT, Plan, check_reachable, check_training, parser_of, run_main
from mrsr.errors import UserError
from mrsr.train.hosts import COORDINATOR, PROCESS_COUNT, PROCESS_ID
from mrsr.train.preemption import PREEMPTED

# The system that Google Cloud documents for training with JAX on each generation.
RUNTIMES = {
    "v4": "tpu-ubuntu2204-base",
    "v5litepod": "v2-alpha-tpuv5-lite",
    "v5p": "v2-alpha-tpuv5",
    "v6e": "v2-alpha-tpuv6e",
}
_METADATA = "http://metadata.google.internal/computeMetadata/v1/instance/attributes"


def host_script(args: argparse.Namespace, command: Sequence[str]) -> str:
    """What every host runs: it asks the metadata server for its place, and starts the container with it.

    Endpoints are host names, or name:id:address.
    """
    registry = args.image.partition("/")[0]
    login = f"sudo gcloud auth configure-docker {registry} --quiet &&\n" if registry.endswith(".pkg.dev") else ""
    mounts = [word for folder in args.mount for word in ("--volume", f"{folder}:{folder}")]
    # The device files belong to root.
    run = ["sudo", "docker", "run", "--rm", f"--name={args.name}", "--privileged", "--user=root", "--net=host"]
    run += ["--ipc=host", f"--stop-timeout={GRACE_SECONDS}", *mounts]
    return f"""\
attribute() {{ curl -sf -H Metadata-Flavor:Google {_METADATA}/$1; }}
id=$(attribute agent-worker-number) && all=$(attribute worker-network-endpoints) || exit 1
first=${{all%%,*}}
count=$(echo "$all" | tr , '\\n' | wc -l)
sudo docker rm --force {args.name} >/dev/null 2>&1
{login}exec {shlex.join(run)} \\
  --env {COORDINATOR}=${{first##*:}}:{PORT} --env {PROCESS_ID}=$id --env {PROCESS_COUNT}=$count \\
  --entrypoint {shlex.join([command[0], args.image, *command[1:]])}
"""


def script(args: argparse.Namespace, command: Sequence[str]) -> str:
    """The script that runs here for as long as the job lasts.

    Raises:
      UserError: no runtime is known for the type, or the run folder would be lost with the container.
    """
    check_reachable(check_training(command), args.mount)
    runtime = args.version or RUNTIMES.get(args.accelerator_type.partition("-")[0])
    if runtime is None:
        known = ", ".join(RUNTIMES)
        raise UserError(f"--accelerator-type {args.accelerator_type}: expected {known} or a --version of the system")
    where = shlex.join([args.name, f"--zone={args.zone}", *([f"--project={args.project}"] if args.project else [])])
    create = shlex.join(
        [f"--accelerator-type={args.accelerator_type}", f"--version={runtime}", *(["--spot"] if args.spot else [])]
    )
    no_capacity = "sleep 60; continue" if args.spot else "exit 1"
    return f"""#!/usr/bin/env bash
tpu() {{ gcloud compute tpus tpu-vm "$1" {where} "${{@:2}}" --quiet </dev/null; }}
state() {{ tpu describe '--format=value(state)' 2>/dev/null; }}
while true; do
  case $(state) in
    READY) ;;
    CREATING | STARTING | RESTARTING | REPAIRING | DELETING) sleep 30; continue ;;
    '') tpu create {create} || {{ {no_capacity}; }} ;;
    PREEMPTED | TERMINATED) tpu delete || exit 1; continue ;;
    *) echo "{args.name} is $(state): expected READY, or no such TPU VM" >&2; exit 1 ;;
  esac
  tpu ssh --worker=all --command={shlex.quote(host_script(args, command))}
  status=$?
  if [ $status -eq 0 ]; then exit 0; fi
  if [ $status -eq {PREEMPTED} ]; then continue; fi
  # A machine that is taken away cuts the connection before its state says so.
  sleep 30
  if [ "$(state)" = READY ]; then exit $status; fi
done
"""


def plan(args: argparse.Namespace, command: list[str]) -> Plan:
    """The script, for bash."""
    return Plan(script(args, command), ("bash", "-s"))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `python -m launch.tpu_vm --zone Z --accelerator-type T --image I -- mrsr train ...`."""
    parser = parser_of("tpu_vm", __doc__)
    parser.add_argument("--zone", required=True, help="Google Cloud zone")
    parser.add_argument("--accelerator-type", required=True, help="such as v5litepod-16")
    parser.add_argument("--image", required=True, help="the container image, made by docker/Dockerfile")
    parser.add_argument("--version", help="system of the hosts (default: by the type)")
    parser.add_argument("--project", help="Google Cloud project (default: gcloud's)")
    parser.add_argument("--mount", action="append", default=[], metavar="/FOLDER", help="shared folder of the hosts")
    parser.add_argument("--spot", action="store_true", help="on spot capacity, asked for until there is some")
    return run_main(arguments, parser, plan)


if __name__ == "__main__":
    sys.exit(main())
