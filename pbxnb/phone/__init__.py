"""Calls over WebRTC: the signalling of a leg, whoever has the microphone, a page or the kernel."""
