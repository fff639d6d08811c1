"""An sbatch script of `mrsr train`: one process a node, queued again when the tasks saved and ended preempted."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence

from launch.command import GRACE_SECONDS, Plan, check_training, parser_of, positive, run_main
from mrsr.train.hosts import COORDINATOR, PROCESS_COUNT, PROCESS_ID
from mrsr.train.preemption import PREEMPTED

_NUMBERED = f'export {PROCESS_ID}=$SLURM_PROCID && exec "$@"'


def script(args: argparse.Namespace, command: Sequence[str]) -> str:
    """The batch script.

    Slurm tells the tasks to save (SIGTERM) before the time limit; preempted by another job, or by a node's failure, the
    job is queued again by Slurm itself.

    Raises:
      UserError: the run folder is not one that every node shares.
    """
    check_training(command)
    options = {
        "job-name": args.name,
        "nodes": args.nodes,
        "ntasks-per-node": 1,
        "cpus-per-task": args.cpus,
        "gpus-per-node": args.gpus,
        "partition": args.partition,
        "account": args.account,
        "time": args.time,
        "chdir": args.directory,
        "output": args.output,
        "open-mode": "append",
        "signal": f"TERM@{GRACE_SECONDS}",
    }
    lines = [f"#SBATCH --{name}={value}" for name, value in options.items() if value is not None]
    inside = ["apptainer", "exec", *(["--nv"] if args.gpus else []), args.image] if args.image else []
    task = ["srun", "--label", "--kill-on-bad-exit=0", "--wait=60", "bash", "-c", _NUMBERED, "host", *inside, *command]
    limit = f' && [ "${{SLURM_RESTART_COUNT:-0}}" -lt {args.restarts} ]' if args.restarts is not None else ""
    return f"""#!/bin/bash
{chr(10).join([*lines, "#SBATCH --requeue"])}

first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
# Jobs that share a node must not share a port.
export {COORDINATOR}=$first:$((20000 + SLURM_JOB_ID % 10000)) {PROCESS_COUNT}=$SLURM_NTASKS
# The shell outlives a signal that the tasks save on; the others have a minute to follow the first that ends.
trap : TERM
{shlex.join(task)}
status=$?
if [ $status -eq {PREEMPTED} ]{limit}; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit $status
"""


def plan(args: argparse.Namespace, command: list[str]) -> Plan:
    """The script, for sbatch."""
    return Plan(script(args, command), ("sbatch",))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `python -m launch.slurm --nodes 2 --gpus 8 -- mrsr train ...`."""
    parser = parser_of("slurm", __doc__)
    parser.add_argument("--nodes", type=positive, default=1, metavar="N", help="nodes (default 1)")
    parser.add_argument("--gpus", type=positive, metavar="N", help="GPUs of a node")
    parser.add_argument("--cpus", type=positive, metavar="N", help="cores of a node")
    parser.add_argument("--partition", help="Slurm's partition")
    parser.add_argument("--account", help="Slurm's account")
    parser.add_argument("--time", metavar="D-HH:MM:SS", help="time limit of one start")
    parser.add_argument("--directory", metavar="DIR", help="where the command runs (default: where it is submitted)")
    parser.add_argument("--output", default="%x-%j.log", metavar="FILE", help="the log (default %(default)s)")
    parser.add_argument("--image", metavar="FILE.sif", help="run inside this image, with apptainer")
    parser.add_argument("--restarts", type=int, metavar="R", help="most requeues after status 75 (default: no limit)")
    return run_main(arguments, parser, plan)


if __name__ == "__main__":
    sys.exit(main())
