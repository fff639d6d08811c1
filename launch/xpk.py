"""The `xpk workload create` of `mrsr train` on TPU slices of a cluster that XPK made."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence

from launch.command import GRACE_SECONDS, PORT, Plan, check_reachable, check_training, parser_of, positive, run_main
from mrsr.train.hosts import COORDINATOR, PROCESS_COUNT, PROCESS_ID
from mrsr.train.preemption import PREEMPTED

# What GKE tells a pod of its slice (TPU_*) and of its slice among several (MEGASCALE_*); XPK runs it with bash.
_PLACED = (
    "IFS=, read -ra hosts <<< $TPU_WORKER_HOSTNAMES; first=${MEGASCALE_COORDINATOR_ADDRESS:-${hosts[0]}}; "
    f"export {COORDINATOR}=${{first%%:*}}:{PORT} "
    f"{PROCESS_COUNT}=$((${{#hosts[@]}} * ${{MEGASCALE_NUM_SLICES:-1}})) "
    f"{PROCESS_ID}=$((${{#hosts[@]}} * ${{MEGASCALE_SLICE_ID:-0}} + TPU_WORKER_ID)); exec "
)


def arguments_of(args: argparse.Namespace, command: Sequence[str]) -> list[str]:
    """The words of the xpk command line.

    XPK counts preemptions and dead hosts (75, 127 and above) to the restarts; any other status ends the job at once.

    Raises:
      UserError: the run folder is not on gs://, nor below a folder of a storage.
    """
    storages = dict(text.partition(":")[::2] for text in args.storage)
    check_reachable(check_training(command), [*filter(None, storages.values())])
    words = ["xpk", "workload", "create", f"--workload={args.name}", f"--cluster={args.cluster}"]
    words += [f"--{name}={value}" for name in ("project", "zone", "priority") if (value := getattr(args, name))]
    words += [f"--tpu-type={args.tpu_type}", f"--num-slices={args.slices}", f"--docker-image={args.image}"]
    words += [f"--storage={name}" for name in storages]
    words += [f"--max-restarts={args.restarts}", f"--restart-on-exit-codes={PREEMPTED}"]
    words += [f"--termination-grace-period-seconds={GRACE_SECONDS}"]
    words += ["--spot"] if args.spot else []
    return [*words, f"--command={_PLACED}{shlex.join(command)}"]


def plan(args: argparse.Namespace, command: list[str]) -> Plan:
    """The xpk command line, for the shell."""
    return Plan(f"{shlex.join(arguments_of(args, command))}\n", ("bash", "-s"))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `python -m launch.xpk --cluster C --tpu-type v5litepod-16 --image I -- mrsr train ...`."""
    parser = parser_of("xpk", __doc__)
    parser.add_argument("--cluster", required=True, help="the cluster that XPK made")
    parser.add_argument("--tpu-type", required=True, help="a slice's type, such as v5litepod-16")
    parser.add_argument("--image", required=True, help="the container image, made by docker/Dockerfile")
    parser.add_argument("--slices", type=positive, default=1, metavar="N", help="TPU slices (default 1)")
    parser.add_argument("--project", help="Google Cloud project (default: gcloud's)")
    parser.add_argument("--zone", help="zone (default: gcloud's)")
    parser.add_argument("--priority", choices=["very-low", "low", "medium", "high", "very-high"], help="XPK's priority")
    parser.add_argument("--storage", action="append", default=[], metavar="NAME:/FOLDER", help="an XPK storage")
    parser.add_argument("--spot", action="store_true", help="on spot nodes")
    parser.add_argument("--restarts", type=int, default=1000, metavar="R", help="preemptions included (default 1000)")
    return run_main(arguments, parser, plan)


if __name__ == "__main__":
    sys.exit(main())
