"""`scrubber`, which `Pbx` and `Recording` take as a method; its modules are loaded only then."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from pbxnb.arguments import helpful_keywords

from .shown import replay_of

if TYPE_CHECKING:
    from pbxnb.widgets.alerts import Alerts, Rule
    from pbxnb.widgets.scrubber import Scrubber

__all__ = ["scrubber"]


@helpful_keywords
def scrubber(
    self: Any,
    *,
    alerts: Alerts | Iterable[Rule] | None = None,
    kind: Literal["call.new", "call.changed", "call.ended", "account.changed", "gap", "alert"] = "call.new",
    theme: Literal["auto", "light", "dark"] = "auto",
    density: Literal["comfortable", "compact"] = "comfortable",
    wallboard: bool = False,
    layout: Any = None,
) -> Scrubber:
    """The time of a recording, to be moved; the options are explained at `pbxnb.widgets.scrubber.Scrubber`.

    Of a replayed handle it moves that one. Of a line that records, and of a recording, it moves a replay of its own,
    which begins paused, is `Scrubber.pbx`, and ends with the panel.

    Raises:
        ConfigError: the line records nothing.
        RecordingError: the recording cannot be read.

    Example:
        >>> await pbx.record_to("monday.pbx")
        >>> _ = await pbx.wait_for("call.new", timeout=60)
        >>> scrubber = pbx.scrubber()
        >>> calls = scrubber.pbx.call_list()
        >>> scrubber.jump(-1)
        >>> scrubber.close()
        >>> await pbx.stop_recording()
    """
    options = {name: value for name, value in locals().items() if name != "self" and value is not None}
    from pbxnb.widgets.scrubber import Scrubber

    return Scrubber(replay_of(self), **options)
