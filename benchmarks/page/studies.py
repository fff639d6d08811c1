"""The figures of studies, kept in the repository: `python -m benchmarks.page.studies runs/convgru [...]`.

Writes `docs/results/studies/NAME/figures.json`, a line for each row, and `page.md`, the study's page without pictures.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mrsr.errors import UserError, status_of
from mrsr.files import replaced
from mrsr.study.markdown import markdown_page

KEPT = Path("docs/results/studies")
_HEAD = ("name", "question", "limits", "command", "version", "device", "seeds", "budget", "evaluation", "headline")
_OF_A_MODEL = ("name", "says", "variants", "of", "routes", "parameters", "cost", "changes", "measured")
_DIGITS = 5


def keep(workdir: Path, under: Path, *, unfinished: bool = False) -> Path:
    """Keeps a study; returns the folder it is kept in.

    Args:
      workdir: of `mrsr study`.
      under: where the folder named after the study goes.
      unfinished: whether runs may be missing; the page names them.

    Raises:
      UserError: it is no study's folder, or not all of its runs are measured.
    """
    try:
        report = json.loads((workdir / "study.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{workdir}: expected the folder of a study ({' '.join(str(error).split())})") from None
    undone = [run["name"] for model in report["models"] for run in model["runs"] if run["status"] != "measured"]
    if undone and not unfinished:
        raise UserError(f"{workdir}: {', '.join(undone)} not measured; expected a study that is done, or --unfinished")
    folder = under / report["name"]
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"figures.json": figures(report), "page.md": markdown_page(report, {}, {}, workdir)}
    for name, text in texts.items():
        with replaced(folder / name) as beside:
            beside.write_text(text, encoding="utf-8")
    return folder


def figures(report: dict[str, Any]) -> str:
    """What the study was and what came out, as JSON: `models`, `summary` and `rows` with a line for each."""
    head = {name: report[name] for name in _HEAD}
    lists = {
        "models": [{name: model[name] for name in _OF_A_MODEL} for model in report["models"]],
        "summary": report["summary"],
        # Frame by frame there is much of it, and the page does not show it without its pictures.
        "rows": [{name: row[name] for name in row if name != "gain_by_frame"} for row in report["rows"]],
    }
    parts = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    for name, lines in lists.items():
        told = ",\n  ".join(json.dumps(rounded(line), allow_nan=False) for line in lines)
        parts.append(f" {json.dumps(name)}: [\n  {told}\n ]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def rounded(value: Any) -> Any:
    """The value with every number in it rounded; those below 1 keep as many digits that count."""
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if abs(value) < 1 else round(value, _DIGITS)
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Keeps the studies named; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page.studies", description=__doc__.partition("\n")[0])
    parser.add_argument("workdir", nargs="+", type=Path, metavar="DIR", help="folders of `mrsr study`")
    parser.add_argument("--output", type=Path, default=KEPT, metavar="DIR")
    parser.add_argument("--unfinished", action="store_true", help="keep what is there of a study that is not done")
    args = parser.parse_args(arguments)
    try:
        for workdir in args.workdir:
            print(keep(workdir, args.output, unfinished=args.unfinished))
    except (UserError, OSError) as error:
        print(f"benchmarks.page.studies: {' '.join(str(error).split())}", file=sys.stderr)
        return status_of(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
