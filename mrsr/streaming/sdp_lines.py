"""The lines of SDP that a call needs, each with the exact form it may have."""

from __future__ import annotations

import re

# By media: the name in rtpmap in lower case -> its usual writing.
CODECS = {
    "video": {"h264/90000": "H264/90000", "vp8/90000": "VP8/90000"},
    "audio": {"opus/48000/2": "opus/48000/2"},
}

# Below 2**32.
_NUMBER = (
    r"(?:0|[1-9]\d{0,8}|[1-3]\d{9}|4[01]\d{8}|42[0-8]\d{7}|429[0-3]\d{6}|4294[0-8]\d{5}|42949[0-5]\d{4}"
    r"|429496[0-6]\d{3}|4294967[01]\d\d|42949672[0-8]\d|429496729[0-5])"
)
_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_ADDRESS = rf"(?:{_BYTE}(?:\.{_BYTE}){{3}}|[0-9a-fA-F:]{{2,39}}|[A-Za-z0-9-]{{1,64}}\.local)"
_PORT = r"(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]?\d{1,4})"
_FORMAT = r"(?:1[01]\d|12[0-7]|[1-9]?\d)"
_PARAMETER = r"(?:(?:apt|max-fr|max-fs|maxplaybackrate|minptime|stereo|useinbandfec)=\d{1,9}"
_PARAMETER += r"|profile-level-id=[0-9a-fA-F]{6}"
_PARAMETER += r"|(?!(?:apt|max-fr|max-fs|maxplaybackrate|minptime|stereo|useinbandfec|profile-level-id)(?:=|;|$))"
_PARAMETER += r"[A-Za-z0-9/_-]{1,40}(?:=[A-Za-z0-9/_+.,-]{0,120})?)"

# Candidates that lead to no one machine.
MULTICAST_OR_NONE = re.compile(r"0\.0\.0\.0$|22[4-9]\.|23\d\.|255\.255\.255\.255$|::$|[fF][fF]")

# Attributes that a session may give for all of its sections.
SHARED_LINES = {
    "ice-ufrag": re.compile(r"[A-Za-z0-9+/]{4,256}"),
    "ice-pwd": re.compile(r"[A-Za-z0-9+/]{22,256}"),
    "fingerprint": re.compile(
        r"sha-256 [0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){31}|sha-384 [0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){47}"
        r"|sha-512 [0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){63}"
    ),
    "setup": re.compile(r"actpass|active|passive"),
}

SECTION_LINES = {
    **SHARED_LINES,
    "mid": re.compile(r"[A-Za-z0-9_.-]{1,32}"),
    "sendrecv": re.compile(""),
    "sendonly": re.compile(""),
    "recvonly": re.compile(""),
    "inactive": re.compile(""),
    "rtcp-mux": re.compile(""),
    "end-of-candidates": re.compile(""),
    "msid": re.compile(r"[\x21-\x7e]{1,64}(?: [\x21-\x7e]{1,64})?"),
    "extmap": re.compile(
        r"(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])(?:/(?:sendrecv|sendonly|recvonly|inactive))? [\x21-\x7e]{1,200}"
    ),
    "ssrc": re.compile(rf"{_NUMBER} (?:cname|msid|mslabel|label):[\x20-\x7e]{{0,200}}"),
    "ssrc-group": re.compile(rf"[A-Za-z-]{{1,16}}(?: {_NUMBER}){{1,8}}"),
    "rtpmap": re.compile(rf"{_FORMAT} [A-Za-z0-9_.-]{{1,40}}/\d{{1,6}}(?:/\d)?"),
    "rtcp-fb": re.compile(rf"(?:\*|{_FORMAT}) [A-Za-z0-9-]{{1,32}}(?: [A-Za-z0-9-]{{1,32}})?"),
    "fmtp": re.compile(rf"{_FORMAT} {_PARAMETER}(?:; ?{_PARAMETER}){{0,24}}"),
    "candidate": re.compile(
        rf"[A-Za-z0-9+/]{{1,32}} [12] (?:udp|tcp|UDP|TCP) {_NUMBER} {_ADDRESS} {_PORT} typ (?:host|srflx|prflx|relay)"
        rf"(?: raddr {_ADDRESS} rport {_PORT})?(?: tcptype (?:active|passive|so))?"
        r"(?: (?:generation|network-id|network-cost) \d{1,5}| ufrag [A-Za-z0-9+/]{4,256}){0,4}"
    ),
}


def parameters_of(text: str) -> dict[str, str]:
    """The parameters of a format: `apt=96;foo` is {"apt": "96", "foo": ""}."""
    pairs = (part.strip().partition("=") for part in text.split(";"))
    return {name: value for name, _, value in pairs}
