"""The PBX inside: accounts, calls and virtual time of one tenant. It knows no frame and no socket."""
