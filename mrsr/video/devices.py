"""Cameras by name: how FFmpeg opens `camera:N` on each system, and which ones there are."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

import av
import av.device

from mrsr.errors import UserError

PREFIX = "camera:"
"""What an input's name begins with where it is a camera and no file."""

_FORMS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
_EXPECTED = {
    "v4l2": "camera:N or camera:/dev/videoN",
    "avfoundation": "camera:N or camera:NAME",
    "dshow": "camera:N or camera:NAME",
}


@dataclass(frozen=True, slots=True)
class Device:
    """A camera as FFmpeg opens it.

    Attributes:
      name: what it was called, such as `camera:0`.
      form: FFmpeg's input device.
      url: of the camera, as that device takes it.
      options: of that device.
    """

    name: str
    form: str
    url: str
    options: dict[str, str] = field(default_factory=dict)


def camera_device(name: str, size: tuple[int, int] | None = None, platform: str = sys.platform) -> Device:
    """The camera of a name: `camera:N`, and `camera:/dev/videoN` or `camera:NAME` where the system has such.

    Args:
      name: what was asked for.
      size: of the frames to ask the camera for (height, width; px); None: the camera's own.
      platform: as of `sys.platform`.

    Raises:
      UserError: this is no name of a camera, or cameras cannot be had on this system.
    """
    form = _FORMS.get(platform)
    if form is None:
        raise UserError(f"{name}: no cameras on {platform}; expected Linux, macOS or Windows, or a video file")
    rest = name.removeprefix(PREFIX)
    number = rest.isascii() and rest.isdecimal()
    if not rest or (form == "v4l2" and not (number or rest.startswith("/"))):
        raise UserError(f"{name}: expected {_EXPECTED[form]}; {there(form)}")
    options = {} if size is None else {"video_size": f"{size[1]}x{size[0]}"}
    if form == "v4l2":
        return Device(name, form, f"/dev/video{rest}" if number else rest, options)
    if form == "avfoundation":
        # Its own default, 29.97, is a rate that most cameras refuse.
        return Device(name, form, f"{rest}:none", options | {"framerate": "30"})
    found = cameras(form)
    if number and int(rest) >= len(found):
        raise UserError(f"{name}: no such camera; {there(form)}")
    return Device(name, form, f"video={found[int(rest)][0] if number else rest}", options)


def cameras(form: str) -> list[tuple[str, str]]:
    """The cameras there are: what FFmpeg calls them, and what people do. Empty where they cannot be listed."""
    try:
        found = av.device.enumerate_input_devices(form)
    except (av.FFmpegError, ValueError):
        return []
    return [(each.name, each.description) for each in found if "video" in each.media_types or not each.media_types]


def there(form: str) -> str:
    """Which cameras there are, in words."""
    names = []
    for index, (name, people) in enumerate(cameras(form)):
        short = name.removeprefix("/dev/video") if form == "v4l2" else str(index)
        names.append(f"{PREFIX}{short} ({people})")
    return f"there are {', '.join(names)}" if names else "there is no camera here"
