"""What the gateway counts for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from mrsr.streaming.refusals import Code


class GatewayMetrics:
    """Counters and gauges of one gateway, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("mrsr_http_requests", "HTTP requests", ["route", "status"], registry=self.registry)
        self.refusals = Counter("mrsr_refusals", "Clients refused, by why", ["code"], registry=self.registry)
        self.messages = Counter("mrsr_messages", "Messages of the protocol", ["type", "way"], registry=self.registry)
        self.sockets = Gauge("mrsr_sockets", "Open WebSockets", registry=self.registry)
        self.rooms = Gauge("mrsr_rooms", "Rooms with someone in them", registry=self.registry)
        self.peers = Gauge("mrsr_peers", "Participants in all rooms", registry=self.registry)
        self.ready = Gauge("mrsr_ready", "1 where the server takes participants", registry=self.registry)
        self.closed = Counter(
            "mrsr_connections_closed", "Connections closed for being too many", registry=self.registry
        )
        for code in Code:
            self.refusals.labels(str(code))
