"""Calls in which people are seen sharper: signalling, WebRTC peers, encoders and the control of resolution."""
