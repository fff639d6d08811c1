"""How a SavedModel names what it serves: TensorFlow allows no colon, comma or @ in a name.

For the routes `180:360,180:720` these signatures are there, with uint8 frames and float32 states:

    clip_180_360_720    `frames` [B, T, H, W, 3] -> `frames_360` and `frames_720` [B, T, h, w, 3], from zero state
    stream_180_360_720  `frames` [B, H, W, 3] and every state -> `frames_360`, `frames_720` and every state
    zero_180_360_720    `frames` [B, H, W, 3], of which the shape alone is read -> every state before the first frame
    image_180_360_720   `images` [B, T], each a PNG or JPEG file -> `images_360_bytes`, ... [B, T], each a PNG file

The state `180@360` is called `state_180_360`, [B, h, w, channels]. Routes without a recurrent stage have no
`zero_` signature, and their `stream_` takes frames alone. `serving_default` is the clip signature of 180:720 where
that is exported, else of the lowest input's highest output.
"""

from __future__ import annotations

import re

from mrsr.ladder import Route, RouteSet

KINDS = ("clip", "stream", "zero", "image")
FRAMES = "frames"
IMAGES = "images"
DEFAULT = "serving_default"


def signature_name(kind: str, routes: RouteSet) -> str:
    """`"stream_180_360_720"` for the routes 180:360 and 180:720 of one input; `kind` is one of `KINDS`."""
    return f"{kind}_{routes.slug}"


def state_name(key: str) -> str:
    """`"state_180_360"` for the key `"180@360"`."""
    return "state_" + key.replace("@", "_")


def frames_name(route: Route) -> str:
    """`"frames_720"` for the route 180:720."""
    return f"{FRAMES}_{route.output}"


def images_name(route: Route) -> str:
    """`"images_720_bytes"` for the route 180:720: REST sends an output as base64 where its name ends so."""
    return f"{IMAGES}_{route.output}_bytes"


def default_route(routes: RouteSet) -> Route:
    """The route `serving_default` takes: 180:720, else the lowest input to its highest output."""
    entry = routes.inputs[0]
    usual = Route(180, 720)
    return usual if usual in routes else Route(entry, routes.outputs_of(entry)[-1])


def served_name(name: str) -> str:
    """A model's name in requests and folders, where `/` and `:` have a meaning of their own: `"init-tiny"`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip(".") or "model"
