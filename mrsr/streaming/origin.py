"""Where a request comes from: the page it was made by, the name it was made to, and the address behind a proxy."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from mrsr.streaming.refusals import Code, ProtocolError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Places:
    """What a gateway is called, which other pages may use it, and which proxies stand before it."""

    hosts: frozenset[str] = LOOPBACK  # names in the Host header, without port; "*" takes any
    origins: frozenset[str] = frozenset()  # pages of other sites that may call, such as https://team.example
    proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()


def check_host(host: str | None, places: Places) -> None:
    """Refuses a Host that is not this server's name: a page elsewhere whose name was made to resolve to us.

    Args:
      host: the Host header, such as `example.org:8080`.
      places: with the names it may be.

    Raises:
      ProtocolError: `origin`: no Host, a malformed one, or another.
    """
    name, _ = _host_and_port(f"//{host or ''}")
    if name is None or (name not in places.hosts and "*" not in places.hosts):
        raise ProtocolError(Code.ORIGIN, f"host {(host or '')[:40]!a}: not a name of this server (option --allow-host)")


def is_loopback(host: str | None) -> bool:
    """Whether a Host header names this machine itself, as `localhost:8443` does."""
    return _host_and_port(f"//{host or ''}")[0] in LOOPBACK


def check_origin(origins: list[str], host: str | None, places: Places) -> None:
    """Refuses a page of another site. A request without Origin is no browser's: the token alone decides.

    Args:
      origins: the Origin headers, such as [`https://example.org`].
      host: the Host header: a page from there may call.
      places: with the other pages that may.

    Raises:
      ProtocolError: `origin`: another page's, `null` (a sandboxed one's), or several.
    """
    if not origins:
        return
    origin = origins[0].lower()
    name, port = _host_and_port(origin)
    scheme = origin.partition("://")[0]
    if len(origins) == 1 and name is not None and scheme in _PORTS:
        # Behind a proxy that ends TLS the scheme of this server is not the one of its pages.
        own, own_port = _host_and_port(f"//{host or ''}")
        if origin in places.origins or (name == own and (port or _PORTS[scheme]) == (own_port or _PORTS[scheme])):
            return
    raise ProtocolError(Code.ORIGIN, f"origin {origin[:40]!a}: pages of that site may not call (option --allow-origin)")


def client_address(peer: str | None, forwarded: list[str], places: Places) -> str | None:
    """The address of the client: of X-Forwarded-For the last one that is no proxy of ours, else the socket's own.

    Args:
      peer: the address of the socket's other end.
      forwarded: the X-Forwarded-For headers; a client can write in them what it likes, before what proxies add.
      places: with the networks of the proxies; without one that `peer` is in, the headers are not believed.
    """
    chain = [part.strip() for header in forwarded for part in header.split(",")]
    address = peer
    while chain and address and is_inside(address, places.proxies):
        address = chain.pop()
    return address if _is_address(address) else peer


def _host_and_port(url: str) -> tuple[str | None, int | None]:
    try:
        parts = urlsplit(url)
        if parts.path or parts.query or parts.fragment or parts.username is not None:
            return None, None
        return parts.hostname, parts.port
    except ValueError:
        return None, None


def is_inside(address: str, networks: Collection[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    """Whether an address is in one of the networks; what is no address is in none."""
    return _is_address(address) and any(ipaddress.ip_address(address) in network for network in networks)


def _is_address(address: str | None) -> bool:
    try:
        ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return True
