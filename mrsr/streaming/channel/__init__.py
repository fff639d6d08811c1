"""The gateway and a stream worker as two processes: `worker.Worker` spoken over a socket, on one machine or two."""

from mrsr.streaming.channel.remote import RemoteWorker
from mrsr.streaming.channel.server import serve_channel

__all__ = ["RemoteWorker", "serve_channel"]
