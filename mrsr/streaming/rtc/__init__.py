"""WebRTC by aiortc, mended: frames without build-up, a link that is not flooded, senders that outlive errors."""

from mrsr.streaming.leg import LegReport, LinkEstimate
from mrsr.streaming.rtc.patches import RemoteStreamTrack, RTCRtpReceiver, RTCRtpSender, mend
from mrsr.streaming.rtc.receiving import Arrived

__all__ = ["Arrived", "LegReport", "LinkEstimate", "RTCRtpReceiver", "RTCRtpSender", "RemoteStreamTrack", "mend"]
