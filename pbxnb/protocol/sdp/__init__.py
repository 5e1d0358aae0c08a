"""What a PBX says of its media, before a media stack sees it: SDP and ICE candidates of one call."""

from .candidates import CandidateGate, IceCandidate, read_candidates
from .description import Codec, Kind, Sdp, read

__all__ = ["CandidateGate", "Codec", "IceCandidate", "Kind", "Sdp", "read", "read_candidates"]
