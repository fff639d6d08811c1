"""An offer checked before WebRTC sees it: written anew from the lines that are known, nothing else gets through."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from mrsr.streaming.limits import Limits
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.sdp_lines import CODECS, MULTICAST_OR_NONE, SECTION_LINES, SHARED_LINES, parameters_of
from mrsr.streaming.transport_feedback import URI

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_SECTION = re.compile(r"m=(audio|video) (\d{1,5}) UDP/TLS/RTP/SAVPF((?: \d{1,3}){1,64})")
_ORIGIN = re.compile(r"o=\S{1,64} (\d{1,20}) (\d{1,20}) IN IP[46] \S{1,64}")
_BUNDLE = re.compile(r"a=group:BUNDLE((?: [A-Za-z0-9_.-]{1,32}){1,8})")
_LINE = re.compile(r"[a-z]=[\x20-\x7e]{0,1022}")
_MOST_SECTIONS = 4
_MOST_CANDIDATES = 40
_MOST_SSRCS = 32
_NEEDED = ("ice-ufrag", "ice-pwd", "fingerprint", "setup")


@dataclass(frozen=True, slots=True)
class CheckedOffer:
    """An offer that may be given to WebRTC."""

    sdp: str
    sends: frozenset[str]  # kinds the client offers to send: audio, video
    receives: frozenset[str]  # kinds it is ready to receive


@dataclass(slots=True)
class _Section:
    kind: str
    port: int
    formats: list[int]
    lines: list[tuple[str, str]] = field(default_factory=list)  # attribute, value

    def values(self, attribute: str) -> list[str]:
        return [value for name, value in self.lines if name == attribute]


def checked_offer(sdp: str, limits: Limits, video: Collection[str] = ("H264", "VP8")) -> CheckedOffer:
    """The offer with audio and video alone, in H264, VP8 and Opus, over bundled, encrypted UDP.

    Browsers offer more than that: other codecs are taken out of a section, and attributes that are not known are left
    out. What is left is written anew, so that a parser behind this never sees a line that was not matched here.

    Args:
      sdp: the offer as the client made it.
      limits: of its bytes and lines.
      video: the codecs of video that may stay.

    Raises:
      ProtocolError: it is too long (`too_large`); or (`bad_sdp`) malformed, of other media, with no codec that is
        served, with two sections that send or receive the same kind, or without what encryption and ICE need.

    Source: RFC 8866 (SDP), RFC 8829 (JSEP) section 5, RFC 9143 (BUNDLE).
    """
    if len(sdp) > limits.sdp_bytes or len(sdp.encode("utf-8", "replace")) > limits.sdp_bytes:
        raise ProtocolError(Code.TOO_LARGE, f"offer: more than {limits.sdp_bytes} bytes")
    lines = sdp.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if len(lines) > limits.sdp_lines:
        raise ProtocolError(Code.TOO_LARGE, f"offer: {len(lines)} lines, at most {limits.sdp_lines} are taken")
    for number, line in enumerate(lines, 1):
        if not _LINE.fullmatch(line):
            raise _bad(f"line {number} is no line of SDP: {line[:40]!a}")
    first = next((i for i, line in enumerate(lines) if line.startswith("m=")), len(lines))
    head = lines[:first]
    origin = _ORIGIN.fullmatch(head[1]) if len(head) > 1 else None
    if origin is None or head[0] != "v=0":
        raise _bad("it does not start with v=0 and o=")
    sections = _sections(lines[first:])
    shared = [pair for line in head if (pair := _attribute(line, SHARED_LINES))]
    for section in sections:
        # What the session says holds for each of its sections; a parser need not know that.
        section.lines = [pair for pair in shared if not section.values(pair[0])] + section.lines
        _check_transport(section)
        _keep_own_estimate(section)
        _keep_served_codecs(section, video)
        if not any(name in DIRECTIONS for name, _ in section.lines):
            # The default, which aiortc does not know.
            section.lines.append((_direction(section), ""))
    mids = [section.values("mid")[0] for section in sections]
    if len(set(mids)) < len(mids):
        raise _bad("two sections have the same mid")
    bundles = [found.group(1).split() for line in head if (found := _BUNDLE.fullmatch(line))]
    if len(sections) > 1 and (len(bundles) != 1 or sorted(bundles[0]) != sorted(mids)):
        raise _bad("its sections are not one bundle (bundlePolicy max-bundle)")
    sends = _kinds(sections, ("sendrecv", "sendonly"), "send")
    receives = _kinds(sections, ("sendrecv", "recvonly"), "receive")
    start = ["v=0", f"o=- {origin.group(1)} {origin.group(2)} IN IP4 0.0.0.0", "s=-", "t=0 0"]
    group = [f"a=group:BUNDLE {' '.join(mids)}"]
    body = [line for section in sections for line in _written(section)]
    return CheckedOffer("\r\n".join(start + group + body) + "\r\n", sends, receives)


def _sections(lines: list[str]) -> list[_Section]:
    sections: list[_Section] = []
    for line in lines:
        if not line.startswith("m="):
            if pair := _attribute(line, SECTION_LINES):
                sections[-1].lines.append(pair)
            continue
        found = _SECTION.fullmatch(line)
        if not found or int(found.group(2)) > 65535:
            raise _bad(f"section {line[:40]!a}: expected audio or video over UDP/TLS/RTP/SAVPF")
        sections.append(_Section(found.group(1), int(found.group(2)), [int(text) for text in found.group(3).split()]))
    if not 1 <= len(sections) <= _MOST_SECTIONS:
        raise _bad(f"{len(sections)} sections of media, expected 1 to {_MOST_SECTIONS}")
    return sections


def _attribute(line: str, known: dict[str, re.Pattern[str]]) -> tuple[str, str] | None:
    """The name and value of an attribute that is known; None for others."""
    name, _, value = line[2:].partition(":")
    if not line.startswith("a=") or name not in known:
        return None
    if not known[name].fullmatch(value):
        raise _bad(f"attribute {name} is malformed: {value[:40]!a}")
    return name, value


def _check_transport(section: _Section) -> None:
    for attribute in (*_NEEDED, "mid", "rtcp-mux"):
        if not section.values(attribute):
            raise _bad(f"the {section.kind} section has no {attribute}")
    for attribute in ("mid", "ice-ufrag", "ice-pwd", "setup"):
        if len(section.values(attribute)) > 1:
            raise _bad(f"the {section.kind} section has two of {attribute}")
    for attribute, most in (("candidate", _MOST_CANDIDATES), ("ssrc", _MOST_SSRCS), ("fingerprint", 4), ("extmap", 32)):
        if len(section.values(attribute)) > most:
            raise _bad(f"the {section.kind} section has more than {most} of {attribute}")
    if len([name for name, _ in section.lines if name in DIRECTIONS]) > 1:
        raise _bad(f"the {section.kind} section has two directions")
    section.lines = [
        (name, value)
        for name, value in section.lines
        if name != "candidate" or (value.split()[2].lower() == "udp" and not MULTICAST_OR_NONE.match(value.split()[4]))
    ]


def _keep_own_estimate(section: _Section) -> None:
    """Who sends goes by the receiver's estimate (REMB): arrivals are told to the server, never by it."""
    if section.kind == "video" and _direction(section) == "recvonly":
        return
    section.lines = [
        (name, value)
        for name, value in section.lines
        if not (name == "extmap" and value.endswith(URI)) and not (name == "rtcp-fb" and "transport-cc" in value)
    ]


def _keep_served_codecs(section: _Section, video: Collection[str]) -> None:
    """Leaves the formats of codecs that are served, and those that resend them, with their attributes."""
    names = dict(value.split(" ", 1) for value in section.values("rtpmap"))
    parameters = {value.partition(" ")[0]: parameters_of(value.partition(" ")[2]) for value in section.values("fmtp")}
    known = CODECS[section.kind]
    if section.kind == "video":
        known = {key: name for key, name in known.items() if name.partition("/")[0] in video}
    served = {text for text in map(str, section.formats) if names.get(text, "").lower() in known}
    served = {text for text in served if 96 <= int(text) <= 127 or 35 <= int(text) <= 63}
    if not served:
        wanted = " or ".join(name.split("/")[0] for name in known.values())
        raise _bad(f"the {section.kind} section has no {wanted}")
    resent = {text for text in map(str, section.formats) if names.get(text, "").lower() == "rtx/90000"}
    served |= {text for text in resent if parameters.get(text, {}).get("apt") in served}
    section.formats = [number for number in dict.fromkeys(section.formats) if str(number) in served]
    section.lines = [
        (name, value)
        for name, value in section.lines
        if name not in ("rtpmap", "fmtp", "rtcp-fb") or value.partition(" ")[0] in served
    ]


def _kinds(sections: list[_Section], directions: tuple[str, ...], verb: str) -> frozenset[str]:
    counts = Counter(section.kind for section in sections if _direction(section) in directions)
    for kind, count in counts.items():
        if count > 1:
            raise _bad(f"{count} sections {verb} {kind}, one may")
    return frozenset(counts)


def _direction(section: _Section) -> str:
    return next((name for name, _ in section.lines if name in DIRECTIONS), "sendrecv")


def _written(section: _Section) -> list[str]:
    formats = " ".join(map(str, section.formats))
    attributes = [f"a={name}:{value}" if value else f"a={name}" for name, value in section.lines]
    return [f"m={section.kind} {section.port} UDP/TLS/RTP/SAVPF {formats}", "c=IN IP4 0.0.0.0", *attributes]


def _bad(text: str) -> ProtocolError:
    return ProtocolError(Code.BAD_SDP, f"offer: {text}")
