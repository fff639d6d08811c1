"""What the demo opens with: the model that ships on a face no training has seen, clean and after a video codec."""

from __future__ import annotations

from pathlib import Path

from data_pipelines.sample import held_out_clips
from mrsr.demo.picture import face_picture
from mrsr.evaluation.clips import Clip, clip_from_array
from mrsr.evaluation.compare import Comparison
from mrsr.evaluation.degradation import Degradation
from mrsr.evaluation.evaluate import evaluate
from mrsr.evaluation.picture import save_picture
from mrsr.inference.runtime import Runtime
from mrsr.ladder import Route
from mrsr.metrics.fidelity import psnr_y

ROUTE = Route(360, 1080)
DEGRADATIONS = {"clean": Degradation(), "H.264": Degradation("h264", 28)}
FRAMES = 8


def opening(runtime: Runtime, picture: Path) -> str:
    """Draws the picture; returns a line that says what is to be seen in it.

    Args:
      runtime: of the model that ships, on the default ladder.
      picture: the PNG to write.
    """
    held_out = held_out_clips(FRAMES)[0]
    clip = clip_from_array(held_out.name, held_out.frames, held_out.fps, cutout=True)
    shots: dict[Degradation, Comparison] = {}

    def on_frame(_: Clip, degradation: Degradation, by_route: dict[Route, Comparison]) -> None:
        shots[degradation] = by_route[ROUTE]

    evaluate(runtime, [clip], list(DEGRADATIONS.values()), [ROUTE], FRAMES, on_frame)
    rows = [(ROUTE, shots[degradation], name) for name, degradation in DEGRADATIONS.items()]
    title = f"{clip.name}: frame {FRAMES} of a clip held out of training, {runtime.parameters:,} parameters"
    save_picture(face_picture(runtime.ladder, rows, held_out.frames[-1], title), picture)
    gains = {
        name: psnr_y(shots[one].truth, shots[one].ours) - psnr_y(shots[one].truth, shots[one].bicubic)
        for name, one in DEGRADATIONS.items()
    }
    return f"{picture}: the model that ships on a face it has not seen, {ROUTE}: " + ", ".join(
        f"{gain:+.2f} dB over bicubic ({name})" for name, gain in gains.items()
    )
