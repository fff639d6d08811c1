"""What TensorFlow Serving needs beside a SavedModel: its model config, its batching parameters, and a client.

Source: tensorflow.org/tfx/serving/serving_config (`ModelServerConfig`); tensorflow/serving, `batching/README.md` and
`servables/tensorflow/session_bundle_config.proto` (`BatchingParameters`); `model_servers/main.cc` (the flags).
"""

from __future__ import annotations

import inspect
from pathlib import Path

from mrsr.export import serving_client
from mrsr.files import replaced
from mrsr.inference.signatures import default_route, served_name
from mrsr.ladder import RouteSet
from mrsr.manifest import Manifest

MODELS = "models.config"
BATCHING = "batching_parameters.txt"
CLIENT = "client.py"
SERVER = "2.21.0"
"""The release whose TensorFlow the tests run; an older one may not read a newer program."""

_MODELS = """\
# TensorFlow Serving's model config. From the folder this file lies in:
#
#   docker run --rm -p 8500:8500 -p 8501:8501 -v "$PWD:/models" tensorflow/serving:{server} \\
#     --model_config_file=/models/{models} --xla_cpu_compilation_enabled=true
#   python {client} FRAME.png ... --output FOLDER
#
# The signatures are XLA programs. Without --xla_cpu_compilation_enabled=true a server refuses each request, and since
# it replays the warm-up requests as it loads, the model too. The published GPU images have no XLA compiler for CUDA
# linked in (github.com/tensorflow/serving/issues/2214): on a GPU it takes a server built with
# //tensorflow/compiler/jit:xla_gpu_jit, or TensorFlow itself, which has it.
#
# A program is compiled for each batch and frame size at its first request, which takes seconds. The warm-up requests do
# that for single streams at the 16:9 size of each rung; send one of every other size and batch before a call begins.
model_config_list {{
  config {{
    name: "{name}"
    base_path: "/models/{folder}"
    model_platform: "tensorflow"
    model_version_policy {{ latest {{ num_versions: 1 }} }}
  }}
}}
"""

_BATCHING = """\
# Batching across requests, off unless the server is started with
#   --enable_batching=true --batching_parameters_file=/models/{batching}
# It joins requests of one signature along the batch, and refuses those that differ in another axis: serve one frame
# size (and one length of clips) a server, or leave it off. A batch is filled up to an allowed size, so that a program
# is compiled for five sizes and no more.
max_batch_size {{ value: 16 }}
allowed_batch_sizes: 1
allowed_batch_sizes: 2
allowed_batch_sizes: 4
allowed_batch_sizes: 8
allowed_batch_sizes: 16
# A frame of a call at 30 Hz comes every 33 ms: it does not wait longer than 2 ms for others.
batch_timeout_micros {{ value: 2000 }}
max_enqueued_batches {{ value: 16 }}
num_batch_threads {{ value: 2 }}
"""


def write_serving_files(manifest: Manifest, folder: Path) -> None:
    """Writes `models.config`, `batching_parameters.txt` and `client.py` into the folder above the model's.

    Args:
      manifest: of the exported directory; the model lies in `folder / manifest.name`.
      folder: what a server sees as `/models`.
    """
    name, client = served_name(manifest.name), inspect.getsource(serving_client)
    usual = default_route(RouteSet.of(route for graph in manifest.graphs for route in graph.routes))
    files = {
        MODELS: _MODELS.format(models=MODELS, client=CLIENT, server=SERVER, name=name, folder=manifest.name),
        BATCHING: _BATCHING.format(batching=BATCHING),
        CLIENT: client.replace('MODEL = "tiny"', f'MODEL = "{name}"').replace(
            'ROUTE = "180:720"', f'ROUTE = "{usual}"'
        ),
    }
    for file, text in files.items():
        with replaced(folder / file) as beside:
            beside.write_text(text, encoding="utf-8")
