"""A camera is never behind and counts what it misses. FFmpeg's test picture stands in, through the same code."""

import av
import numpy as np
import pytest

from mrsr.errors import RunError, UserError
from mrsr.video import camera as camera_module
from mrsr.video.camera import Camera
from mrsr.video.devices import Device, camera_device, cameras, there

RATE = 1000


def endless() -> Device:
    return Device("camera:0", "lavfi", f"testsrc=size=64x48:rate={RATE},realtime")


def wait_for(camera: Camera, frames: int) -> int:
    """Until the camera has given so many more; how many it has then."""
    wanted = camera.captured + frames
    with camera._changed:
        assert camera._changed.wait_for(lambda: camera.captured >= wanted, 30)
    return camera.captured


def test_the_frame_taken_is_the_newest_and_every_other_is_counted_as_missed():
    with Camera(endless()) as camera:
        shots = camera.shots(lambda: False)
        assert next(shots).pts == 0
        first = camera.captured
        for taken in (2, 3, 4):
            given = wait_for(camera, 7)
            # A frame a millisecond: its time says how many the camera had given before it.
            assert next(shots).pts >= given - first
            # One may have come since, and waits.
            assert camera.captured - camera.missed - taken in (0, 1)


def test_what_came_before_shots_are_asked_for_is_no_part_of_them():
    with Camera(endless()) as camera:
        wait_for(camera, 20)
        shot = next(camera.shots(lambda: False))
        assert shot.pts == 0
        assert camera.captured < 20


def test_its_picture_is_the_one_ffmpeg_makes():
    with Camera(Device("camera:0", "lavfi", "color=c=0x3060C0:size=64x48:rate=50,realtime,format=yuv420p")) as camera:
        assert (camera.width, camera.height, camera.fps, camera.pixel_aspect) == (64, 48, 50, 1)
        image = next(camera.shots(lambda: False)).image
    assert image.shape == (48, 64, 3)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - (0x30, 0x60, 0xC0)).max() <= 3


def test_it_ends_when_it_is_told_to_and_when_the_device_goes():
    with Camera(endless()) as camera:
        assert list(camera.shots(lambda: True)) == []
        assert camera.ended is None
    with Camera(Device("camera:0", "lavfi", "testsrc=size=64x48:rate=100:duration=0.2,realtime")) as camera:
        assert 1 <= len(list(camera.shots(lambda: False))) <= 20
        assert camera.ended == "it ended"


def test_a_silent_camera_fails(monkeypatch):
    monkeypatch.setattr(camera_module, "SILENT_S", 0.01)
    with Camera(Device("camera:0", "lavfi", "testsrc=size=64x48:rate=2:duration=2,realtime")) as camera:
        shots = camera.shots(lambda: False)
        with pytest.raises(RunError, match="camera:0: gave no frame"):
            next(shots)


@pytest.mark.parametrize(
    ("platform", "name", "size", "expected"),
    [
        ("linux", "camera:2", None, ("v4l2", "/dev/video2", {})),
        ("linux", "camera:/dev/video7", (360, 640), ("v4l2", "/dev/video7", {"video_size": "640x360"})),
        ("darwin", "camera:0", None, ("avfoundation", "0:none", {"framerate": "30"})),
        ("win32", "camera:Integrated Camera", None, ("dshow", "video=Integrated Camera", {})),
    ],
)
def test_a_camera_is_opened_as_each_system_does(platform, name, size, expected):
    device = camera_device(name, size, platform)
    assert (device.form, device.url, device.options) == expected
    assert device.name == name


def test_a_number_is_the_place_in_the_list_where_the_system_has_names_alone(monkeypatch):
    listed = [
        av.device.DeviceInfo("@mic", "Microphone", False, ["audio"]),
        av.device.DeviceInfo("@front", "Front Camera", False, ["video"]),
        av.device.DeviceInfo("@back", "Back Camera", False, []),
    ]
    monkeypatch.setattr(av.device, "enumerate_input_devices", lambda _: listed)
    assert camera_device("camera:1", platform="win32").url == "video=@back"
    assert cameras("dshow") == [("@front", "Front Camera"), ("@back", "Back Camera")]
    with pytest.raises(UserError, match=r"camera:2: no such camera; there are camera:0 \(Front Camera\), camera:1"):
        camera_device("camera:2", platform="win32")


def test_cameras_of_linux_are_named_by_their_numbers(monkeypatch):
    listed = [av.device.DeviceInfo("/dev/video4", "Webcam", False, ["video"])]
    monkeypatch.setattr(av.device, "enumerate_input_devices", lambda _: listed)
    assert there("v4l2") == "there are camera:4 (Webcam)"


@pytest.mark.parametrize("name", ["camera:", "camera:front", "camera:-1", "camera:²"])
def test_what_names_no_camera_is_refused_in_one_line(name):
    with pytest.raises(UserError, match=r"expected camera:N or camera:/dev/videoN; there") as caught:
        camera_device(name, platform="linux")
    assert "\n" not in str(caught.value)


def test_a_system_without_cameras_is_named():
    with pytest.raises(UserError, match="no cameras on aix"):
        camera_device("camera:0", platform="aix")


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (Device("camera:9", "v4l2", "/dev/video999"), r"camera:9: cannot be opened \(No such file.*\); there"),
        (Device("camera:9", "v4l2", "/dev/null"), "camera:9: cannot be opened"),
        (Device("camera:9", "none", "0"), "camera:9: cannot be opened"),
        (Device("camera:9", "lavfi", "testsrc=duration=0.0001:rate=1,trim=end=0"), "camera:9: gives no picture"),
        (Device("camera:9", "lavfi", "testsrc,format=gbrp10le"), "camera:9: 10-bit video"),
    ],
)
def test_a_camera_that_cannot_be_had_is_refused_in_one_line(device, words):
    with pytest.raises(UserError, match=words) as caught:
        Camera(device)
    assert "\n" not in str(caught.value)
