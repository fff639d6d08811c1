"""Makes a training run a model that ships: `python -m benchmarks.ship NAME --runs ... --data ... --evaluation ...`.

Writes `mrsr/weights/NAME/`: config, weights, the card, and graphs in 8 bits behind the parity gate. The last run is the
one whose averaged parameters ship, the ones before it are what it went on from. A TABLE is Markdown with the columns
file, class, origin and licence evidence; `TABLE=CARD.json` takes of it the files alone that the data set of that card
trains on, `TABLE=PREFIX` those whose name begins so.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.model_card import text_of
from mrsr.checkpoint import WEIGHTS, load_model, write_weights
from mrsr.cli.export import FRAMES, calibration_clips, parity_clips
from mrsr.config import config_hash, load_config, save_config
from mrsr.evaluation.table import gain, means
from mrsr.export.export import Wanted, export
from mrsr.files import replaced
from mrsr.inference.plan import asked
from mrsr.manifest import FILE as MANIFEST
from mrsr.manifest import checksums_of, write_manifest
from mrsr.shipped import CARD, CARD_TEXT, folder

FORM = "onnx/int8"
"""What OpenVINO runs by itself on a CPU; everything else runs the weights."""

LIMITS = (
    "Trained on few people: it says nothing about faces in general, and must not be used to tell who somebody is.",
    "It draws likely detail, not true detail: what it makes is no evidence of what was there.",
    "Text of a few pixels, strong noise, interlaced or enlarged sources and codecs at very low rates stay poor.",
)
INTENDED = "Enlarging video calls and other camera video, live or from files, in place of bicubic interpolation."


def main() -> None:
    """Writes the folder, and prints where it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("name")
    parser.add_argument("--runs", nargs="+", type=Path, required=True)
    parser.add_argument("--data", nargs="+", required=True, metavar="TABLE[=CARD.json|=PREFIX]")
    parser.add_argument("--evaluation", nargs="+", type=Path, required=True, help="of `mrsr evaluate --json`")
    parser.add_argument("--dtype", choices=("float16", "float32"), default="float16", help="the weights are stored in")
    args = parser.parse_args()
    config, params = load_model(args.runs[-1])
    place = folder(args.name)
    save_config(config, place)
    write_weights(place / WEIGHTS, params, np.dtype(args.dtype))
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in args.evaluation]
    rows = [row for report in reports for row in report["routes"]]
    record = {
        "name": args.name,
        "summary": f"The size `{config.model.name}`, trained on what a video call sends.",
        "intended": INTENDED,
        "limits": LIMITS,
        "licence": "Apache-2.0, as the code; trained on the data below, to whose authors their licences give credit",
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(params)),
        "config_hash": config_hash(config),
        "routes": str(config.route_set()),
        "dtype": args.dtype,
        "recipe": [_recipe(run) for run in args.runs],
        "data": [row for text in args.data for row in _files(text)],
        "evaluation": {"rows": [_short(row) for row in rows], "means": [_short(row) for row in means(rows)]},
    }
    for name, text in ((CARD, json.dumps(record, indent=1, ensure_ascii=False) + "\n"), (CARD_TEXT, text_of(record))):
        with replaced(place / name) as beside:
            beside.write_text(text, encoding="utf-8")
    add_graphs(place, record["licence"])
    print(f"{place}: {sum(path.stat().st_size for path in place.rglob('*') if path.is_file()):,} bytes")


def add_graphs(place: Path, licence: str) -> None:
    """Makes the folder an exported directory: graphs in 8 bits of its own weights, past the gate, and the manifest."""
    config, params = load_model(place)
    routes = asked(config.ladder(), config.route_set(), None)
    clips = parity_clips(config.ladder(), routes, FRAMES, None)
    ranges = calibration_clips(config.ladder(), routes, ())
    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary) / "made"
        wanted = Wanted(routes, (FORM,), (), licence, {})
        manifest = export(config, params, wanted, clips, made, print, ranges)
        shutil.rmtree(place / "onnx", ignore_errors=True)
        shutil.copytree(made / "onnx", place / "onnx")
    (place / MANIFEST).unlink(missing_ok=True)
    write_manifest(dataclasses.replace(manifest, checksums=checksums_of(place)), place)


def table_of(file: Path) -> list[dict[str, str]]:
    """The rows of the first table of a Markdown file, by heading."""
    lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip().startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], row, strict=False)) for row in cells[2:]]


def _files(text: str) -> Iterator[dict[str, str]]:
    """The data a `TABLE[=CARD.json|=PREFIX]` names."""
    table, _, which = text.partition("=")
    taken = None
    if which.endswith(".json"):
        sources = json.loads(Path(which).read_text(encoding="utf-8"))["sources"]
        taken = {source["source"] for source in sources if source["split"] == "train" and source["clips"]}
    for row in table_of(Path(table)):
        if "held out" in row.get("content", "") or (taken is not None and row["file"] not in taken):
            continue
        if taken is None and not row["file"].startswith(which):
            continue
        yield {name: row[name] for name in ("file", "class", "origin")} | {"licence": row["licence evidence"]}


def _recipe(run: Path) -> dict[str, Any]:
    """How a run was trained: what differs from its experiment stands in its config, which the command names."""
    config = load_config(run)
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = max(record["step"] for record in records)
    every = config.train.log_every
    seconds = sum(every / record["steps_per_second"] for record in records if "steps_per_second" in record)
    size, decay = config.model.name, config.optimizer.decay
    part = ",finish" if decay < 10_000 else ""
    # An earlier run may be one of `experiments/calls.py`, named after its preset.
    file = f"shipped.py:{size}{part}" if config.name == size else f"{config.name.replace('-', '.py:', 1)}"
    words = ["mrsr", "train", "--config", f"experiments/{file}", "--workdir", f"runs/{run.name}"]
    words += [f"--config.data.sources={config.data.sources}", f"--config.train.steps={steps}"]
    words += [f"--config.optimizer.decay={decay}"] if config.name != size else []
    words += [f"--config.train.init_from={config.train.init_from}"] if config.train.init_from else []
    return {
        "command": shlex.join(words),
        "steps": steps,
        "examples": steps * config.train.batch_size,
        "minutes": seconds / 60,
    }


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: row[name] for name in ("route", "degradation", "clip", "clips", "frames", "cutout") if name in row}
    figures = {"psnr_y": row["psnr_y"], "ssim_y": row["ssim_y"], "gain": gain(dict(row), "psnr_y")}
    return kept | {name: None if figure is None else round(figure, 4) for name, figure in figures.items()}


if __name__ == "__main__":
    main()
