"""Ring 1, sans-IO: bytes to messages, commands to frames, parties, times. No loop, no socket, no UI."""
