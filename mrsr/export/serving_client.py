"""A client of a model in TensorFlow Serving: enlarges the frames of a clip, by REST or by gRPC.

    python client.py FRAME.png ... --output FOLDER                 REST: the files as they are, PNG or JPEG
    python client.py FRAME.png ... --output FOLDER --grpc          gRPC: frame after frame, the state with the client

REST needs nothing but Python. gRPC needs numpy, pillow, and `pip install grpcio tensorflow-serving-api`.
"""

from __future__ import annotations

import argparse
import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

MODEL = "tiny"
ROUTE = "180:720"


def enlarge_files(files: Iterable[Path], address: str, model: str, route: str) -> list[bytes]:
    """The frames of one clip by REST, from image files of one size to PNG files.

    An image file is a string to the server, which REST carries as base64; an array would be a list of numbers as text.

    Args:
      files: the frames in order, PNG or JPEG.
      address: `host:port` of the REST interface.
      model: its name.
      route: `"180:720"`.

    Raises:
      SystemExit: the server refused, with its reason.
    """
    entry, output = route.split(":")
    clip = [{"b64": base64.b64encode(file.read_bytes()).decode()} for file in files]
    asked = {"signature_name": f"image_{entry}_{output}", "inputs": {"images": [clip]}}
    found = post(f"http://{address}/v1/models/{model}:predict", asked)["outputs"]
    return [base64.b64decode(image["b64"]) for image in found[0]]


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """The server's answer to a JSON request.

    Raises:
      SystemExit: the server refused, with its reason.
    """
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{url}: {error.code} {error.read().decode()}") from None


def enlarge_stream(frames: Iterable[Any], address: str, model: str, route: str) -> Iterator[Any]:
    """Frame after frame by gRPC; the client holds the state and sends it with the next frame.

    Args:
      frames: uint8 [H, W, 3], all of one size.
      address: `host:port` of the gRPC interface.
      model: its name.
      route: `"180:720"`.

    Yields:
      uint8 [h, w, 3].
    """
    import grpc
    from google.protobuf.message import Message
    from tensorflow.core.framework import tensor_pb2, types_pb2
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    entry, output = route.split(":")
    # The state of one 720p stream takes more than the 4 MB that gRPC allows by itself.
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(address, options) as channel:
        service = prediction_service_pb2_grpc.PredictionServiceStub(channel)

        def predict(kind: str, inputs: dict[str, Message]) -> dict[str, Message]:
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = model, f"{kind}_{entry}_{output}"
            for name, tensor in inputs.items():
                request.inputs[name].CopyFrom(tensor)
            return dict(service.Predict(request).outputs)

        state: dict[str, Message] | None = None
        for frame in frames:
            sent = tensor_pb2.TensorProto(dtype=types_pb2.DT_UINT8, tensor_content=frame.tobytes())
            for side in (1, *frame.shape):
                sent.tensor_shape.dim.add(size=side)
            if state is None:
                state = first_state(predict, sent)
            state = predict("stream", {"frames": sent, **state})
            yield pixels(state.pop(f"frames_{output}"))


def first_state(predict: Any, frame: Any) -> dict[str, Any]:
    """The state before the first frame; none where the route has no recurrent stage, hence no such signature."""
    import grpc

    try:
        return predict("zero", {"frames": frame})
    except grpc.RpcError as error:
        if "zero_" in error.details():
            return {}
        raise


def pixels(tensor: Any) -> Any:
    """uint8 [h, w, 3] of a TensorProto [1, h, w, 3]: a server sends its bytes, or one number a value."""
    import numpy as np

    shape = [dim.size for dim in tensor.tensor_shape.dim]
    values = np.frombuffer(tensor.tensor_content, np.uint8) if tensor.tensor_content else np.array(tensor.int_val)
    return values.astype(np.uint8).reshape(shape)[0]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frames", nargs="+", type=Path, metavar="FRAME", help="image files of one size, in order")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="where the PNG files go")
    parser.add_argument("--route", default=ROUTE, help="(default: %(default)s)")
    parser.add_argument("--model", default=MODEL, help="(default: %(default)s)")
    parser.add_argument("--host", default="localhost", help="(default: %(default)s)")
    parser.add_argument("--port", type=int, help="(default: 8501 for REST, 8500 for gRPC)")
    parser.add_argument("--grpc", action="store_true", help="gRPC in place of REST")
    args = parser.parse_args()
    places = [args.output / file.with_suffix(".png").name for file in args.frames]
    if taken := [place for number, place in enumerate(places) if place.exists() or place in places[:number]]:
        parser.error(
            f"{taken[0]}: is there, or would be written twice; expected an empty folder, and names of their own"
        )
    args.output.mkdir(parents=True, exist_ok=True)
    if not args.grpc:
        images = enlarge_files(args.frames, f"{args.host}:{args.port or 8501}", args.model, args.route)
        for place, image in zip(places, images, strict=True):
            place.write_bytes(image)
        return
    import numpy as np
    from PIL import Image

    frames = (np.asarray(Image.open(file).convert("RGB")) for file in args.frames)
    address = f"{args.host}:{args.port or 8500}"
    for place, frame in zip(places, enlarge_stream(frames, address, args.model, args.route), strict=True):
        Image.fromarray(frame).save(place)


if __name__ == "__main__":
    main()
