"""The wire side of the embedded PBX: frames, sockets, requests, REST and logins on one port."""
