"""People in a call, seen sharper: signalling, who may join, the controller of resolutions, WebRTC."""
