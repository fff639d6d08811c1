"""The command line of `mrsr serve` as settings, each option checked."""

from __future__ import annotations

import argparse
import ipaddress
import re
from typing import Any, Literal
from urllib.parse import urlsplit

from mrsr.errors import UserError
from mrsr.streaming.gateway import EVERY_ADDRESS, Listen, tls_of
from mrsr.streaming.ice import IceServers
from mrsr.streaming.limits import Limits
from mrsr.streaming.origin import Places
from mrsr.streaming.serving import HERE, Serving
from mrsr.streaming.settings import WorkerSettings
from mrsr.streaming.tokens import Keys

_RANGES = {
    "port": (0, 65535),
    "fps": (1, 60),
    "least_fps": (1, 60),
    "most_streams": (1, 1000),
    "threads": (1, 1024),
    "workers": (1, 10_000),
    "worker_cpus": (1, 1024),
    "peers_per_token": (1, 10_000),
    "peers_per_address": (1, 10_000),
}


def serving_of(args: argparse.Namespace) -> Serving:
    """The settings of a command line.

    Raises:
      UserError: an option is not as it has to be, or two do not go together.
    """
    for name, (low, high) in _RANGES.items():
        value = getattr(args, name)
        if value is not None and not low <= value <= high:
            raise UserError(f"--{name.replace('_', '-')} {value}: expected {low} to {high}")
    listen = Listen(args.host, args.port, args.tls_certificate, args.tls_key)
    if tls_of(listen) is None and args.hsts:
        raise UserError("--hsts: expected --tls-certificate and --tls-key; a proxy that ends TLS says it itself")
    return Serving(
        listen,
        _worker(args),
        Keys.read(args.token_key) if args.token_key else None,
        args.open,
        _places(args),
        IceServers.read(args.stun, args.turn, args.turn_secret_file),
        _limits(args),
        args.hsts,
        _metrics(args),
        log=args.log,
        cluster=_cluster(args),
    )


def _worker(args: argparse.Namespace) -> WorkerSettings:
    return WorkerSettings(
        model=args.model,
        runtime=args.runtime,
        routes=args.routes,
        most_streams=args.most_streams,
        fps=args.fps,
        least_fps=min(args.least_fps, args.fps),
        threads=args.threads,
    )


def _limits(args: argparse.Namespace) -> Limits:
    # Each has a page's requests beside its socket.
    connections = max(Limits().connections_per_address, 2 * args.peers_per_address)
    return Limits(
        peers_per_token=args.peers_per_token,
        peers_per_address=args.peers_per_address,
        connections_per_address=connections,
    )


def _metrics(args: argparse.Namespace) -> Listen | Literal["here"] | None:
    if args.metrics is None:
        return None
    if args.metrics == HERE:
        return HERE
    host, _, port = args.metrics.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UserError(f"--metrics {args.metrics!r}: expected HOST:PORT, or {HERE}")
    return Listen(host.strip("[]"), int(port))


def _places(args: argparse.Namespace) -> Places:
    hosts = set(Places().hosts) | ({args.host.lower()} - {*EVERY_ADDRESS})
    for name in args.allow_host:
        if name != "*" and not re.fullmatch(r"[A-Za-z0-9_.:-]{1,253}", name):
            raise UserError(f"--allow-host {name!r}: expected a name without port, or *")
        hosts.add(name.lower())
    for url in args.allow_origin:
        if not _is_site(url):
            raise UserError(f"--allow-origin {url!r}: expected https://NAME, or https://NAME:PORT")
    return Places(
        frozenset(hosts), frozenset(url.lower() for url in args.allow_origin), tuple(map(_network, args.trust_proxy))
    )


def _is_site(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # reading it is what finds one out of range
    except ValueError:
        return False
    rest = parts.path or parts.query or parts.fragment or parts.username
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not rest


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise UserError(f"--trust-proxy {text!r}: expected an address, or a network like 10.0.0.0/8") from error


def _cluster(args: argparse.Namespace) -> Any:
    if args.cluster is None:
        if args.workers is not None or args.worker_cpus is not None:
            raise UserError("--workers, --worker-cpus: are of a cluster, expected --cluster ADDRESS")
        return None
    from mrsr.streaming.cluster.ray_cluster import ClusterSettings

    return ClusterSettings(args.cluster, args.workers, args.worker_cpus)
