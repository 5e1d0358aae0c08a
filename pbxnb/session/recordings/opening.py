"""`pbxnb.open`."""

from __future__ import annotations

from pathlib import Path

from .recording import Recording

__all__ = ["open"]


def open(path: str | Path) -> Recording:  # noqa: A001 - the field's name, as `pbxnb.open`
    """Open a recording for reading, also while another process writes it.

    Args:
        path: a file such as ``monday.pbx``, or a folder of the files of one line, read as one in order of time.

    Raises:
        NotARecording: there is none, or it is something else.
        RecordingTooNew: a newer pbxnb wrote it.
        RecordingError: it cannot be read.
        ConfigError: it is no path; the folder holds recordings of more than one line.

    Example:
        >>> await pbx.record_to("monday.pbx")
        >>> _ = await pbx.wait_for("call.new")
        >>> await pbx.stop_recording()
        >>> with pbxnb.open("monday.pbx") as monday:
        ...     len(monday.frames) > 0, monday.coverage
        (True, 1.0)
    """
    return Recording(path)
