"""`mrsr train --replay`: a step that was refused, done again, and what it was refused for as a table."""

from __future__ import annotations

import math
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mrsr.config import load_config


def replay(folder: Path) -> int:
    """Does the step kept in a folder again; the exit status is 1 where it does not come out as it was recorded."""
    from mrsr.train.devices import split_cpu

    split_cpu(load_config(folder).train.cpu_devices)
    from mrsr.train.forensics import replay as done_again

    again = done_again(folder)
    console = Console()
    table = Table("module", "gradient's norm", "then", title=f"step {again.recorded.step}: {again.recorded.reason}")
    for name, norm in again.found.norms.items():
        style = None if math.isfinite(norm) else "bold red"
        table.add_row(name, f"{norm:.4g}", f"{again.recorded.norms.get(name, math.nan):.4g}", style=style)
    console.print(table)
    figures = Table("figure", "now", "then")
    for name, value in again.found.figures.items():
        style = None if math.isfinite(value) else "bold red"
        figures.add_row(name, f"{value:.6g}", f"{again.recorded.figures.get(name, math.nan):.6g}", style=style)
    console.print(figures)
    if again.difference:
        print(f"{folder}: not reproduced: {again.difference}")
        return 1
    print(f"{folder}: reproduced: {again.found.reason}")
    return 0
