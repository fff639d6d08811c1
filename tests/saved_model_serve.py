"""A process that serves a SavedModel where JAX is not: `python -m tests.saved_model_serve FOLDER RESULTS`.

FOLDER is what `tests.saved_model_export` wrote, RESULTS holds `cases.npz`: a clip uint8 [B, T, H, W, 3] by
"ROUTES HxWxB". Beside it come what the runtime, the signatures, the warm-up file and the client say of them.
"""

from __future__ import annotations

import base64
import concurrent.futures
import importlib.util
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from mrsr.errors import UserError
from mrsr.inference.exported import open_exported
from mrsr.inference.signatures import frames_name, signature_name, state_name
from mrsr.ladder import RouteSet
from mrsr.manifest import read_manifest


def in_runtime(runtime: Any, routes: RouteSet, clip: np.ndarray) -> dict[str, np.ndarray]:
    """The clip frame by frame through `SavedModelRuntime`: uint8 [B, T, h, w, 3] by route."""
    state = runtime.init_state(routes, clip.shape[0], *clip.shape[2:4])
    frames = []
    for frame in clip.swapaxes(0, 1):
        outputs, state = runtime.step(routes, frame, state)
        frames.append(outputs)
    return {route.name: np.stack([outputs[route] for outputs in frames], 1) for route in routes}


def handed_over(runtime: Any, clip: np.ndarray) -> np.ndarray:
    """Half of the clip in one pass, the other in another that takes its state: the last frame of 180:720."""
    both, one = RouteSet.parse("180:360,180:720"), RouteSet.parse("180:720")
    batch, count, height, width, _ = clip.shape
    state = runtime.init_state(both, batch, height, width)
    for time in range(count):
        if time == count // 2:
            state = runtime.hand_over(state, both, one, batch, height, width)
        outputs, state = runtime.step(both if time < count // 2 else one, clip[:, time], state)
    return outputs[one.routes[0]]


def in_stream(loaded: Any, graph: Any, clip: np.ndarray) -> dict[str, np.ndarray]:
    """The same through the signatures alone, as a client would: the zero state, then frame by frame."""
    import tensorflow as tf

    step = loaded.signatures[signature_name("stream", graph.routes)]
    zero = loaded.signatures.get(signature_name("zero", graph.routes), lambda **_: {})
    state = zero(frames=tf.constant(clip[:, 0]))
    assert set(state) == {state_name(key) for key in graph.states}
    found = []
    for frame in clip.swapaxes(0, 1):
        state = step(frames=tf.constant(frame), **state)
        found.append({route.name: state.pop(frames_name(route)).numpy() for route in graph.routes})
    return {name: np.stack([outputs[name] for outputs in found], 1) for name in found[0]}


def in_clip(loaded: Any, graph: Any, clip: np.ndarray) -> dict[str, np.ndarray]:
    """The same in one call."""
    import tensorflow as tf

    found = loaded.signatures[signature_name("clip", graph.routes)](frames=tf.constant(clip))
    return {route.name: found[frames_name(route)].numpy() for route in graph.routes}


def platforms(place: Path) -> list[list[str]]:
    """What each serialized program is lowered for."""
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((place / "saved_model.pb").read_bytes())
    nodes = [
        node
        for graph in saved.meta_graphs
        for function in graph.graph_def.library.function
        for node in function.node_def
    ]
    return [[name.decode() for name in node.attr["platforms"].list.s] for node in nodes if node.op == "XlaCallModule"]


def replay(loaded: Any, place: Path) -> dict[str, dict[str, list[int]]]:
    """The shapes of the outputs of every request of the warm-up file, by signature."""
    import tensorflow as tf

    from mrsr.export.warmup import FILE, prediction_log_class

    try:
        from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
    except ImportError:
        PredictionLog = prediction_log_class()  # noqa: N806
    shapes = {}
    for record in tf.data.TFRecordDataset(str(place / FILE)).as_numpy_iterator():
        request = PredictionLog.FromString(record).predict_log.request
        tensors = {name: tf.make_ndarray(parsed(tensor)) for name, tensor in request.inputs.items()}
        inputs = {
            name: tf.constant(array.tolist() if array.dtype == object else array) for name, array in tensors.items()
        }
        found = loaded.signatures[request.model_spec.signature_name](**inputs)
        shapes[request.model_spec.signature_name] = {name: tensor.shape.as_list() for name, tensor in found.items()}
    return shapes


def parsed(tensor: Any) -> Any:
    """A TensorProto of TensorFlow's own class."""
    from tensorflow.core.framework import tensor_pb2

    return tensor_pb2.TensorProto.FromString(tensor.SerializeToString())


def rest_server(loaded: Any) -> ThreadingHTTPServer:
    """What tensorflow.org/tfx/serving/api_rest says of Predict, column format: JSON, base64 for bytes."""
    import tensorflow as tf

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != "/v1/models/init-small:predict" or asked["signature_name"] not in loaded.signatures:
                return self.send_error(404)
            inputs = {
                name: tf.constant([[base64.b64decode(item["b64"]) for item in row] for row in value])
                for name, value in asked["inputs"].items()
            }
            found = loaded.signatures[asked["signature_name"]](**inputs)
            columns = {
                name: [[{"b64": base64.b64encode(item).decode()} for item in row] for row in tensor.numpy()]
                for name, tensor in found.items()
            }
            # "If there is only one named output, we omit the name."
            body = json.dumps({"outputs": columns if len(columns) > 1 else next(iter(columns.values()))}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)
            return None

        def log_message(self, *args: Any) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def grpc_server(loaded: Any) -> tuple[Any, int]:
    """The service of `apis/prediction_service.proto`, Predict alone: the server and its port."""
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):  # type: ignore[misc]
        def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802
            name = request.model_spec.signature_name
            if name not in loaded.signatures:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f'Serving signature key "{name}" not found.')
            inputs = {key: tf.constant(tf.make_ndarray(tensor)) for key, tensor in request.inputs.items()}
            answer = predict_pb2.PredictResponse()
            for key, tensor in loaded.signatures[name](**inputs).items():
                answer.outputs[key].CopyFrom(tf.make_tensor_proto(tensor))
            return answer

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def main(folder: Path, results: Path) -> None:
    """Everything, into `outputs.npz`, `facts.json` and `rest/`."""
    manifest = read_manifest(folder)
    runtime: Any = open_exported("saved_model", manifest, folder)
    place = folder / "saved_model" / manifest.name / "1"
    # Not loaded a second time: what is compiled belongs to what was loaded.
    loaded = runtime._loaded
    arrays = {}
    for case, clip in np.load(results / "cases.npz").items():
        graph = manifest.graph(RouteSet.parse(case.split()[0]))
        for way, found in {
            "runtime": in_runtime(runtime, graph.routes, clip),
            "stream": in_stream(loaded, graph, clip),
            "clip": in_clip(loaded, graph, clip),
        }.items():
            arrays |= {f"{way} {case} {route}": output for route, output in found.items()}
        if len(graph.routes) > 1:
            arrays["handed over"] = handed_over(runtime, clip)
    np.savez(results / "outputs.npz", **arrays)
    try:
        open_exported("saved_model", manifest, results)
        damage = "none"
    except UserError as error:
        damage = str(error)
    facts = {
        "signatures": {name: sorted(function.structured_outputs) for name, function in loaded.signatures.items()},
        "platforms": platforms(place),
        "replayed": replay(loaded, place),
        "grpc": importlib.util.find_spec("tensorflow_serving") is not None,
        "damage": damage,
        "jax": sorted(name for name in sys.modules if name.partition(".")[0] in ("jax", "flax") and sys.modules[name]),
    }
    (results / "facts.json").write_text(json.dumps(facts))
    with rest_server(loaded) as server:
        client(folder, results, "720:1080", results / "rest", server.server_port)
    if facts["grpc"]:
        server, port = grpc_server(loaded)
        for route in ("180:720", "720:1080"):
            client(folder, results, route, results / f"grpc {route}", port, "--grpc")
        server.stop(None)


def client(folder: Path, results: Path, route: str, output: Path, port: int, *options: str) -> None:
    """The client beside the model, in a process of its own as a user starts it."""
    files = map(str, sorted((results / "frames").iterdir()))
    address = ["--output", str(output), "--host", "127.0.0.1", "--port", str(port), "--route", route, *options]
    subprocess.run([sys.executable, str(folder / "saved_model" / "client.py"), *files, *address], check=True)


if __name__ == "__main__":
    assert "jax" not in sys.modules
    sys.modules.update({"jax": None, "flax": None})  # type: ignore[dict-item]
    main(Path(sys.argv[1]), Path(sys.argv[2]))
