"""`mrsr train --preflight`: what a job takes on a TPU slice, as a table, before there is one."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mrsr.config import ExperimentConfig
from mrsr.errors import UserError
from mrsr.train.topology import parse_topology

_STEPS = 3
"""Steps whose clips are drawn on every host."""

_COMPILATIONS = 8


def add_preflight(parser: argparse.ArgumentParser) -> None:
    """Arguments that go with `--preflight`."""
    parser.add_argument(
        "--preflight", metavar="TOPOLOGY", help="compile the step for a TPU slice, such as v5e:2x2, and run nothing"
    )
    parser.add_argument(
        "--compilations",
        type=int,
        metavar="N",
        help=f"most that --preflight makes, minutes each ({_COMPILATIONS}); 0 for a lower bound of the memory alone",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what --preflight found as JSON")


def run_preflight(config: ExperimentConfig, slice_name: str, compilations: int | None, json: Path | None) -> int:
    """Prints the table and writes the JSON; the exit status is 1 where the config's batch does not fit.

    Raises:
      UserError: there is no such slice, it cannot share the batch, or there is no TPU compiler here.
      RunError: the compiler failed.
    """
    from mrsr.evaluation.evaluate import write_report
    from mrsr.train.preflight import check_split, preflight

    compilations = _COMPILATIONS if compilations is None else compilations
    if compilations < 0:
        raise UserError(f"--compilations {compilations}: expected 0 or more")
    if json and not json.absolute().parent.is_dir():
        raise UserError(f"--json {json}: its folder does not exist")
    topology = parse_topology(slice_name)
    check_split(config, topology)
    data = drawn(config, topology.hosts)
    # Each compilation takes minutes: a pipe is told of it at once, too.
    report = preflight(config, topology, compilations, partial(print, flush=True)) | {"data": data}
    Console().print(table(report))
    if json:
        write_report(report, json)
    return 1 if report["fits"] is False else 0


def drawn(config: ExperimentConfig, hosts: int) -> dict[str, Any]:
    """What the hosts draw in the first steps; with `not_drawn`, the reason, where the data are not on this machine.

    Raises:
      UserError: the hosts cannot share the clips of a step.
    """
    from data_pipelines.loader import check_hosts
    from data_pipelines.shares import shares_of_hosts
    from data_pipelines.sources import open_sources

    check_hosts(config, hosts)
    try:
        lengths = [len(source) for source in open_sources(config.data)]
    except UserError as error:
        return {"hosts": hosts, "not_drawn": str(error)}
    shares = shares_of_hosts(config, lengths, hosts, _STEPS)
    return {
        "hosts": hosts,
        "clips": lengths,
        "steps": shares.steps,
        "clips_a_step": shares.clips,
        "complete": shares.complete,
        "distinct": shares.distinct,
        "shared": shares.shared,
        "of_hosts": [" ".join(f"{source}:{clip}" for source, clip in taken) for taken in shares.of_hosts],
    }


def table(report: dict[str, Any]) -> Table:
    """The report as a table of two columns."""
    found = Table(title=f"{report['name']} on {report['topology']['name']}", show_header=False, title_justify="left")
    found.add_column()
    found.add_column(overflow="fold")
    for name, text in _rows(report):
        found.add_row(name, text)
    return found


def _rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    topology, batch, memory, largest = (report[name] for name in ("topology", "batch", "memory", "largest"))
    flop, held = report["flop"], report["state_bytes"]
    rows = [
        ("slice", f"chips: {topology['chips']}, hosts: {topology['hosts']}, devices: {topology['devices']}"),
        ("batch", f"{batch['batch_size']}: {batch['a_device']} a device, {batch['a_host']:g} a host"),
        *((f"parameters of {name}", f"{count:,}") for name, count in report["parameters"].items()),
        ("state", ", ".join(f"{name} {_size(size)}" for name, size in held.items() if size)),
        ("a step", "-" if flop["step"] is None else f"{flop['step'] / 1e12:.3f} TFLOP"),
        ("a step on a device", "-" if flop["a_device"] is None else f"{flop['a_device'] / 1e12:.3f} TFLOP"),
    ]
    rows.append(("memory of a device, at least", _size(report["least_bytes"])))
    if not largest["attempts"]:
        rows.append(("memory of a device", "not compiled"))
    elif memory is None:
        needed = largest["attempts"][0]["total"]
        rows.append(("memory of a device", f"does not fit{'' if needed is None else ': ' + _size(needed)}"))
    else:
        rows += [(f"{name}, a device", _size(memory[name])) for name in ("arguments", "outputs")]
        rows += [("of these reused", _size(memory["reused"]))]
        rows += [(f"{name}, a device", _size(memory[name])) for name in ("temporaries", "program")]
        share = memory["total"] / topology["device_bytes"]
        rows.append(
            ("memory of a device", f"{_size(memory['total'])}, {share:.0%} of {_size(topology['device_bytes'])}")
        )
        rows.append(("sent a step and device", _size(report["sent_bytes"])))
    return [*rows, ("largest batch", _largest(largest)), ("data", _data(report["data"]))]


def _largest(largest: dict[str, Any]) -> str:
    if not largest["attempts"]:
        return f"at most about {largest['at_most']}, by a line through two bounds"
    if not largest["batch_size"]:
        return f"below {largest['too_large']}"
    text = f"{largest['batch_size']}, {largest['a_device']} a device"
    if largest["certain"]:
        return text
    above = largest["too_large"]
    most = f"at most about {largest['at_most']}" if above is None else f"below {above}"
    return f"at least {text}, {most} (--compilations for more)"


def _data(data: dict[str, Any]) -> str:
    if "not_drawn" in data:
        return f"not drawn here: {data['not_drawn']}"
    total = data["steps"] * data["clips_a_step"]
    whole = "none left out, none twice" if data["complete"] else "NOT what one host alone would draw"
    again = f"; {data['shared']} clips come on two hosts, in different epochs" if data["shared"] else ""
    return f"{total} clips drawn in {data['steps']} steps on {data['hosts']} host(s): {whole}{again}"


def _size(size: float) -> str:
    return f"{size / 2**30:.2f} GiB" if size >= 2**29 else f"{size / 2**20:.1f} MiB"
