"""The sound of calls: WebRTC connections in a child process, so that no busy cell of a notebook is heard in a call."""
