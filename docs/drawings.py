"""Draws the pictures of docs/architecture.md into docs/images: `python docs/drawings.py`."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

FOLDER = Path(__file__).parent / "images"
DATA, STEP, STATE, PLAIN = "#dbeafe", "#fde68a", "#dcfce7", "#f3f4f6"
LINE = 16
"""px from one line of text to the next."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its centre and size (px), its title, what stands under it, and its colour."""

    x: float
    y: float
    width: float
    height: float
    title: str
    text: tuple[str, ...] = ()
    colour: str = PLAIN

    def svg(self) -> str:
        """The rectangle and its lines of text."""
        top = self.y - LINE * len(self.text) / 2 + 4
        lines = [f'<text x="{self.x}" y="{top}" class="title">{escape(self.title)}</text>']
        lines += [
            f'<text x="{self.x}" y="{top + LINE * number}">{escape(line)}</text>'
            for number, line in enumerate(self.text, start=1)
        ]
        left, upper = self.x - self.width / 2, self.y - self.height / 2
        shape = (
            f'<rect x="{left}" y="{upper}" width="{self.width}" height="{self.height}" rx="6" fill="{self.colour}"/>'
        )
        return "\n".join([shape, *lines])


def arrow(
    *points: tuple[float, float], word: str = "", at: tuple[float, float] | None = None, dashed: bool = False
) -> str:
    """A line through the points with a head at the last, and a word at a place of its own."""
    path = " ".join(f"{x},{y}" for x, y in points)
    style = ' stroke-dasharray="5 4"' if dashed else ""
    drawn = f'<polyline points="{path}" marker-end="url(#head)"{style}/>'
    return drawn if at is None else f'{drawn}\n<text x="{at[0]}" y="{at[1]}" class="word">{escape(word)}</text>'


def svg(width: int, height: int, title: str, parts: list[str]) -> str:
    """A picture on white, for light pages and dark ones."""
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>{escape(title)}</title>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path d="M0,0 L8,4 L0,8 z" fill="#374151"/></marker></defs>
<style>
text {{ font: 12px sans-serif; text-anchor: middle; fill: #111827 }}
.title {{ font-weight: bold; font-size: 13px }}
.word {{ font-style: italic; fill: #4b5563 }}
rect {{ stroke: #374151 }}
polyline {{ fill: none; stroke: #374151 }}
</style>
<rect width="{width}" height="{height}" style="fill: #ffffff; stroke: none"/>
{chr(10).join(parts)}
</svg>
"""


def data_flow() -> str:
    """Training on the left, what runs a trained network on the right, the step that both call between them."""
    boxes = [
        Box(
            130,
            50,
            220,
            66,
            "video files, photographs",
            ("mrsr data build, faces", "data_pipelines/build, faces"),
            DATA,
        ),
        Box(
            130,
            150,
            220,
            66,
            "samples, uint8 by rung",
            ("cut-outs of the top rung, reduced", "data_pipelines/sources, loader"),
            DATA,
        ),
        Box(130, 250, 220, 66, "degradations", ("inputs alone, never the truth", "data_pipelines/degradations"), DATA),
        Box(
            130,
            360,
            220,
            66,
            "unroll: nn.scan over the clip",
            ("zero state at its first frame", "mrsr/models/unroll.py"),
        ),
        Box(
            130,
            460,
            220,
            66,
            "losses, averaged over routes",
            ("pixel, temporal, adversarial ...", "mrsr/train/objective.py, mrsr/losses"),
        ),
        Box(
            130,
            560,
            220,
            66,
            "update, over all devices",
            ("Adam, average, discriminators", "mrsr/train/step.py, devices.py"),
        ),
        Box(430, 560, 220, 66, "parameter store", ("checkpoints with checksums", "mrsr/checkpoint"), STATE),
        Box(
            430,
            360,
            230,
            100,
            "one step",
            (
                "(frames, state)",
                "-> (outputs, state)",
                "mrsr/models/network.py, in floats",
                "mrsr/models/step.py, in uint8",
            ),
            STEP,
        ),
        Box(430, 150, 220, 66, "evaluation", ("every route, bicubic beside it", "mrsr/evaluation, mrsr/metrics")),
        Box(730, 560, 220, 66, "export, past the parity gate", ("SavedModel, ONNX, Triton", "mrsr/export")),
        Box(
            730,
            460,
            220,
            66,
            "runtimes, one protocol",
            ("JAX, OpenVINO, ONNX Runtime, ...", "mrsr/inference/runtime.py"),
        ),
        Box(730, 250, 220, 66, "files", ("decode, enlarge, encode", "mrsr/inference/files.py")),
        Box(
            730,
            150,
            220,
            66,
            "engine: many streams",
            ("slots of state, batches, deadlines", "mrsr/inference/engine.py"),
        ),
        Box(730, 50, 220, 66, "streaming", ("a call in the browser: not here yet",), "#ffffff"),
    ]
    arrows = [
        arrow((130, 83), (130, 117)),
        arrow((130, 183), (130, 217)),
        arrow((130, 283), (130, 327), word="inputs, truth", at=(180, 309)),
        arrow((130, 393), (130, 427)),
        arrow((130, 493), (130, 527)),
        arrow((240, 350), (315, 350), word="a frame", at=(277, 342)),
        arrow((315, 372), (240, 372)),
        arrow((240, 562), (320, 562), word="saves", at=(280, 577)),
        arrow((430, 527), (430, 410), word="parameters", at=(470, 470)),
        arrow((540, 560), (620, 560), word="weights", at=(580, 552)),
        arrow((730, 527), (730, 493), word="graphs", at=(757, 514)),
        arrow((545, 400), (620, 445), word="run by JAX", at=(620, 412)),
        arrow((545, 340), (580, 340), (580, 150), (620, 150), word="its program", at=(618, 205)),
        arrow((730, 427), (730, 283)),
        arrow(
            (620, 480), (560, 480), (560, 165), (540, 165), dashed=True, word="measured in any runtime", at=(486, 232)
        ),
        arrow((730, 117), (730, 83), dashed=True),
        arrow((320, 135), (280, 135), (280, 540), (240, 540), dashed=True, word="stops a run", at=(318, 260)),
    ]
    return svg(
        860, 620, "Data flow of mrsr: training, the step, and what runs it", [*arrows, *(box.svg() for box in boxes)]
    )


def network() -> str:
    """The network of one frame on the default ladder: encoders, stages with their state, upsampling, decoders."""
    parts: list[str] = []
    for number, rung in enumerate((180, 360, 720, 1080)):
        x = 130 + 220 * number
        if number < 3:
            taken = ("frame in", f"encoder_{rung}")
            parts += [Box(x, 60, 150, 56, f"{rung}p", taken, DATA).svg(), arrow((x, 88), (x, 142), dashed=number == 2)]
        parts += [
            Box(
                x, 180, 150, 76, f"stage_{rung}", ("RRDBs, then ConvGRU",) if number < 2 else ("RRDBs or none",), STEP
            ).svg(),
        ]
        if number:
            parts += [
                arrow((x, 218), (x, 332)),
                Box(x, 360, 150, 56, f"{rung}p out", (f"decoder_{rung} + bicubic",), DATA).svg(),
            ]
        if number < 2:
            parts += [
                Box(x + 45, 268, 84, 40, "state", (f"IN@{rung}",), STATE).svg(),
                arrow((x + 30, 218), (x + 30, 248)),
                arrow((x + 60, 248), (x + 60, 218)),
            ]
        if number:
            parts.append(arrow((x - 145, 180), (x - 75, 180), word="upsample", at=(x - 110, 172)))
            parts.append(f'<text x="{x - 110}" y="196" class="word">_{rung}</text>')
    for line, words in enumerate(
        (
            "A frame enters at its rung, climbs to the highest output asked for, and stops there: no more is traced.",
            "Inputs that meet at a stage are joined along the batch axis, each with its own state: 180@360, 360@360.",
        )
    ):
        parts.append(f'<text x="460" y="{425 + 18 * line}" class="word">{words}</text>')
    return svg(920, 460, "The network for one frame: encoders, stages, states, decoders", parts)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "data_flow.svg").write_text(data_flow())
    (FOLDER / "network.svg").write_text(network())
