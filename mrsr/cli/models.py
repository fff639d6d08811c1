"""`mrsr models`: the weights that ship, and the card of each."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from mrsr.shipped import card, card_text, folder, shipped

_PLAIN_WIDTH = 150
_SHOWN = (("180:720", "bicubic"), ("180:720", "h264:28"), ("360:720", "bicubic"), ("360:720", "h264:28"))
"""Route and degradation of the gains in the list."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mrsr models`."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="show the card of this model")


def run(args: argparse.Namespace, rest: list[str]) -> None:
    """Lists the models, or shows a card; as Markdown where the output is no terminal.

    Raises:
      UserError: no such model ships.
    """
    del rest
    console = Console()
    if args.name is not None:
        text = card_text(args.name)
        if console.is_terminal:
            console.print(Markdown(text))
        else:
            sys.stdout.write(text)
        return
    console = console if console.is_terminal else Console(width=_PLAIN_WIDTH)
    console.print(_table())
    console.print("`mrsr models NAME` shows its data with their licences, its recipe, figures and limits.")


def _table() -> Table:
    table = Table(title="models that ship; gain over bicubic in dB of PSNR on luma", title_justify="left")
    for heading in ("name", "parameters", "kB", "routes"):
        table.add_column(heading, overflow="fold")
    for route, degradation in _SHOWN:
        table.add_column(f"{route} {'clean' if degradation == 'bicubic' else degradation}", justify="right")
    for name in shipped():
        record = card(name)
        gains = {(row["route"], row["degradation"]): row["gain"] for row in record["evaluation"]["means"]}
        size = sum(path.stat().st_size for path in folder(name).glob("weights*"))
        figures = [f"{gains[key]:+.2f}" if gains.get(key) is not None else "-" for key in _SHOWN]
        routes = record["routes"].replace(",", ", ")
        table.add_row(name, f"{record['parameters']:,}", f"{size / 1000:.0f}", routes, *figures)
    return table
