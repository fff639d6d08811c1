"""Recall and precision of the face detector against boxes drawn by eye on 40 frames of videos.

`python -m benchmarks.faces --data FOLDER [--face-model FILE] [--json FILE]`: `faces_by_eye.json` names files in FOLDER,
numbers of frames and boxes: top, left, bottom, right (px), hairline to chin and cheek to cheek, drawn before the
detector was run on them. `note` says what makes a face hard.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from data_pipelines.faces.boxes import overlaps
from data_pipelines.faces.detector import Detection, FaceDetector
from data_pipelines.faces.model import face_model, sha256
from mrsr.files import replaced
from mrsr.video.reader import open_video

BY_EYE = Path(__file__).with_name("faces_by_eye.json")
CONFIDENCES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
OVERLAPS = (0.5, 0.3)


def frames_of(data: Path, wanted: list[dict[str, Any]]) -> Iterator[np.ndarray]:
    """The frames wanted, uint8 [H, W, 3]; those of one file, in order, are read in one go."""
    for file, group in groupby(wanted, key=lambda frame: frame["file"]):
        numbers = [frame["frame"] for frame in group]
        with open_video(data / file) as reader:
            for number, frame in enumerate(islice(reader, max(numbers) + 1)):
                if number in numbers:
                    yield frame.image


def matched(found: list[Detection], boxes: np.ndarray, least: float) -> int:
    """How many boxes [N, 4] a detection overlaps by at least `least`: one each, the surest detection first."""
    free = list(range(len(boxes)))
    for detection in found:
        shares = overlaps(detection.box[None], boxes[free])[0] if free else np.zeros(0)
        if shares.size and shares.max() >= least:
            free.pop(int(shares.argmax()))
    return len(boxes) - len(free)


def measure(frames: list[dict[str, Any]], found: list[list[Detection]]) -> list[dict[str, Any]]:
    """A row for each confidence and overlap: faces, detections, hits, recall and precision; `plain` without notes."""
    rows = []
    for confidence in CONFIDENCES:
        for least in OVERLAPS:
            row: dict[str, Any] = {"confidence": confidence, "iou": least}
            for name, keep in (("all", lambda _: True), ("plain", lambda frame: "note" not in frame)):
                pairs = [
                    ([face for face in faces if face.confidence >= confidence], np.array(frame["boxes"]).reshape(-1, 4))
                    for frame, faces in zip(frames, found, strict=True)
                    if keep(frame)
                ]
                faces, detections = sum(len(boxes) for _, boxes in pairs), sum(len(kept) for kept, _ in pairs)
                hits = sum(matched(kept, boxes, least) for kept, boxes in pairs)
                row[name] = {"faces": faces, "detections": detections, "hits": hits}
                row[name] |= {"recall": round(hits / faces, 3), "precision": round(hits / max(1, detections), 3)}
            rows.append(row)
    return rows


def main() -> None:
    """Detects, compares, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="where the videos are")
    parser.add_argument("--face-model", metavar="FILE")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    frames = json.loads(BY_EYE.read_text())
    model = face_model(args.face_model)
    with FaceDetector(model, min(CONFIDENCES)) as detector:
        found = [detector.detect(image) for image in frames_of(args.data, frames)]
    rows = measure(frames, found)
    table = Table("confidence", "IoU", "recall", "precision", "recall, plain", "precision, plain")
    for row in rows:
        shares = [f"{row[name][key]:.2f}" for name in ("all", "plain") for key in ("recall", "precision")]
        table.add_row(str(row["confidence"]), str(row["iou"]), *shares)
    Console().print(table)
    missed = []
    for frame, faces in zip(frames, found, strict=True):
        boxes = np.array(frame["boxes"]).reshape(-1, 4)
        best = overlaps(boxes, np.array([face.box for face in faces]).reshape(-1, 4)).max(axis=1, initial=0)
        described = {"file": frame["file"], "frame": frame["frame"], "note": frame.get("note", "")}
        described |= {"iou": best.round(2).tolist(), "confidence": [round(face.confidence, 2) for face in faces]}
        if len(faces) != len(boxes) or (best < max(OVERLAPS)).any() or "note" in frame:
            missed.append(described)
            Console().print(described)
    if args.json:
        with replaced(args.json) as beside:
            report = {"model": model.name, "sha256": sha256(model), "frames": len(frames), "rows": rows, "odd": missed}
            beside.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
