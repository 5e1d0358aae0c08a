"""The panels of a handle, each made by one call; their modules are loaded only then.

`Pbx` takes each function as a method. A panel made in a cell closes when that cell runs again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from pbxnb.arguments import check_text, helpful_keywords

if TYPE_CHECKING:
    from pbxnb.figures.timeline import Timeline
    from pbxnb.model.entities import Account
    from pbxnb.widgets.alerts import Alerts, Rule
    from pbxnb.widgets.badge import StatusBadge
    from pbxnb.widgets.call_list import CallList
    from pbxnb.widgets.command_bar import CommandBar
    from pbxnb.widgets.console import Console
    from pbxnb.widgets.dashboard import Dashboard
    from pbxnb.widgets.grid import ExtensionGrid
    from pbxnb.widgets.kpis import Kpis
    from pbxnb.widgets.queue_board import QueueBoard
    from pbxnb.widgets.softphone import Softphone
    from pbxnb.widgets.softphone.page_calls import PageCalls

    from ..phones.maker import Phones

Theme = Literal["auto", "light", "dark"]
Density = Literal["comfortable", "compact"]


class Closable(Protocol):
    """A panel, as far as its cell cares."""

    def close(self) -> None:
        """Take it off the page and out of memory."""


class HasTimeline(Protocol):
    """What keeps the timeline that was made last."""

    _timeline: Timeline | None


class HasPhones(Protocol):
    """What makes phones and keeps those whose calls are in a page, by extension and name."""

    user: str
    _phones: Phones
    _page_calls: dict[tuple[str, str], PageCalls]


P = TypeVar("P", bound=Closable)


@helpful_keywords
def grid(
    self: Any,
    *,
    kinds: Sequence[str] | Literal["all"] = ("extensions",),
    group_by: str | Callable[[Account], object] = "",
    text: Callable[[Account], object] | None = None,
    where: Callable[[Account], object] | None = None,
    selected: Sequence[str] = (),
    filter: str = "",  # noqa: A002 - the trait's name
    states: Sequence[str] = (),
    sort: Literal["number", "name", "state", "since"] = "number",
    view: Literal["boxes", "list"] = "boxes",
    preset: Literal["pbxnb", "vodia", "colour-blind"] = "pbxnb",
    height: str = "min(70vh, 900px)",
    theme: Theme = "auto",
    density: Density = "comfortable",
    wallboard: bool = False,
    layout: Any = None,
) -> ExtensionGrid:
    """One tile an account; the options are explained at `pbxnb.widgets.grid.ExtensionGrid`.

    Example:
        >>> grid = pbx.grid(group_by="department", sort="state")
    """
    options = locals()
    from pbxnb.widgets.grid import ExtensionGrid

    return _make(ExtensionGrid, options)


@helpful_keywords
def call_list(
    self: Any,
    *,
    selected: Sequence[str] = (),
    highlighted: Sequence[str] = (),
    phase: Literal["all", "ringing", "talking", "held", "parked", "queued"] = "all",
    filter: str = "",  # noqa: A002 - the trait's name
    ring_limit: float = 30.0,
    hold_limit: float = 120.0,
    linger: float = 8.0,
    height: str = "min(60vh, 720px)",
    theme: Theme = "auto",
    density: Density = "comfortable",
    wallboard: bool = False,
    layout: Any = None,
) -> CallList:
    """One row a conversation; the options are explained at `pbxnb.widgets.call_list.CallList`.

    Example:
        >>> calls = pbx.call_list(ring_limit=20)
    """
    options = locals()
    from pbxnb.widgets.call_list import CallList

    return _make(CallList, options)


@helpful_keywords
def queue_board(
    self: Any,
    *,
    queues: Sequence[str] = (),
    selected: Sequence[str] = (),
    armed: bool | None = None,
    height: str = "min(70vh, 900px)",
    theme: Theme = "auto",
    density: Density = "comfortable",
    wallboard: bool = False,
    layout: Any = None,
) -> QueueBoard:
    """Queues with agents, callers and the day; the options are explained at `pbxnb.widgets.queue_board.QueueBoard`.

    Args:
        queues: numbers of the queues to show; empty means all.
        selected: numbers of the queues and agents selected at first.
        armed: whether a press logs in and out; None arms it where the PBX is simulated.
        height: the greatest height as CSS.
        theme: ``auto`` (follow the host), ``light`` or ``dark``.
        density: ``comfortable`` or ``compact``.
        wallboard: read-only, for a screen on the wall.
        layout: of the widget.

    Example:
        >>> board = pbx.queue_board(queues=["600"])
    """
    options = locals()
    from pbxnb.widgets.queue_board import QueueBoard

    return _make(QueueBoard, options)


@helpful_keywords
def kpis(
    self: Any,
    *,
    names: Sequence[str] = ("service_level", "abandoned", "speed_of_answer", "longest_wait"),
    queues: Sequence[str] = (),
    within: float = 20.0,
    window: Literal["day", "hour"] = "day",
    thresholds: Mapping[str, tuple[float, float]] | None = None,
    theme: Theme = "auto",
    density: Density = "comfortable",
    wallboard: bool = False,
    layout: Any = None,
) -> Kpis:
    """Big cards of the day's numbers; they are explained at `pbxnb.widgets.kpis.Kpis`.

    Args:
        names: the cards, in this order.
        queues: numbers of the queues whose calls count; empty means every call from outside or through a queue.
        within: the limit of the service level, seconds.
        window: ``day``, since local midnight, or ``hour``, since the full hour.
        thresholds: by name, beyond which it is a warning and an alarm; the higher number first where more is better.
        theme: ``auto`` (follow the host), ``light`` or ``dark``.
        density: ``comfortable`` or ``compact``.
        wallboard: in large type, for a screen on the wall.
        layout: of the widget.

    Example:
        >>> cards = pbx.kpis(thresholds={"service_level": (0.8, 0.7), "longest_wait": (60, 120)})
    """
    options = locals()
    from pbxnb.widgets.kpis import Kpis

    return _make(Kpis, options)


@helpful_keywords
def command_bar(
    self: Any,
    grid: ExtensionGrid | None = None,
    calls: CallList | None = None,
    *,
    armed: bool | None = None,
    to: str = "",
    orbit: str = "",
    queue: str = "",
    text: str = "",
    frame: str = "",
    picked: str = "",
    when: Literal["all", "busy", "no_answer", "unregistered"] = "all",
    theme: Theme = "auto",
    density: Density = "comfortable",
    wallboard: bool = False,
    layout: Any = None,
) -> CommandBar:
    """Buttons for the selected call; follows the selection of ``grid`` and ``calls`` where given.

    Args:
        grid: gives the target of a transfer, and the account of DND and queues.
        calls: gives the call.
        armed: whether a press sends; None arms it where the PBX is simulated.
        to: the number that is typed at first.
        orbit: the orbit that is chosen at first.
        queue: the queue that is chosen at first.
        text: the chat message that is typed at first.
        frame: the free frame that is typed at first.
        picked: id of the second call, chosen at first.
        when: which calls are forwarded.
        theme: ``auto`` (follow the host), ``light`` or ``dark``.
        density: ``comfortable`` or ``compact``.
        wallboard: for a screen on the wall, read-only.
        layout: of ipywidgets.

    Example:
        >>> grid, calls = pbx.grid(), pbx.call_list()
        >>> bar = pbx.command_bar(grid, calls)
    """
    options = locals()
    from pbxnb.widgets.command_bar import CommandBar

    return _make(CommandBar, options)


@helpful_keywords
def timeline(
    self: HasTimeline,
    *,
    new: bool = False,
    height: int | None = None,
    window: float = 900.0,
    lane_by: Literal["extension", "call", "queue"] = "extension",
    filter: str = "",  # noqa: A002 - the trait's name
    sort: Literal["number", "name", "busy"] = "number",
    group_by: Literal["", "department", "type"] = "",
    collapse_idle: bool | None = None,
    most_lanes: int = 24,
    following: bool = True,
    selected: str = "",
    theme: Theme = "auto",
    density: Density = "comfortable",
    wallboard: bool = False,
    layout: Any = None,
) -> Timeline:
    """Calls over time, live; the options are explained at `pbxnb.figures.timeline.Timeline`.

    Args:
        new: make another panel; otherwise the one already open comes back, and options only count at its making.

    Example:
        >>> timeline = pbx.timeline(window=3600)
    """
    options = locals()
    del options["new"]
    from pbxnb.figures.timeline import Timeline

    panel = self._timeline
    if new or panel is None or panel.comm is None:
        self._timeline = panel = _make(Timeline, options)
    return panel


@helpful_keywords
def console(
    self: Any,
    grid: ExtensionGrid | None = None,
    *,
    direction: Literal["", "in", "out"] = "",
    kinds: Sequence[str] = (),
    account: str = "",
    call: str = "",
    filter: str = "",  # noqa: A002 - the trait's name
    paused: bool = False,
    theme: Theme = "auto",
    density: Density = "comfortable",
    wallboard: bool = False,
    layout: Any = None,
) -> Console:
    """The frames as they pass, explained; the options are explained at `pbxnb.widgets.console.Console`.

    Example:
        >>> console = pbx.console(kinds=["call-state"])
    """
    options = locals()
    from pbxnb.widgets.console import Console

    return _make(Console, options)


@helpful_keywords
def status_badge(
    self: Any,
    *,
    theme: Theme = "auto",
    density: Density = "comfortable",
    wallboard: bool = False,
    layout: Any = None,
) -> StatusBadge:
    """The state of the line in one badge.

    Example:
        >>> badge = pbx.status_badge()
    """
    options = locals()
    from pbxnb.widgets.badge import StatusBadge

    return _make(StatusBadge, options)


@helpful_keywords
def softphone(self: HasPhones, account: str | None = None, *, name: str | None = None) -> Softphone:
    """An extension as a phone in the page, with its microphone and speaker; see `pbxnb.widgets.softphone.Softphone`.

    The same call again, in a re-run cell or beside it, shows the same phone, and its call goes on.

    Args:
        account: the extension; ours without one.
        name: keeps deliberate siblings of one extension apart.

    Example:
        >>> phone = pbx.softphone("45")
    """
    from pbxnb.ui.handle import handle_of
    from pbxnb.widgets.softphone import Softphone
    from pbxnb.widgets.softphone.page_calls import PageCalls

    check_text("account", account := self.user if account is None else account)
    check_text("name", name := name or "")
    key = account, name
    calls = self._page_calls.get(key)
    if calls is None or calls.over:
        calls = self._page_calls[key] = PageCalls(handle_of(self), self._phones.socket(account, lines=2))
    return _make(Softphone, {"self": self, "calls": calls})


@helpful_keywords
def dashboard(
    self: Any,
    *,
    timeline: Closable | Callable[[], Closable] | Literal["own"] | None = "own",
    alerts: Alerts | Iterable[Rule] | None = None,
    kinds: Sequence[str] | Literal["all"] = ("extensions",),
    show_timeline: bool = True,
    show_console: bool = False,
    theme: Theme = "auto",
    density: Density = "comfortable",
    wallboard: bool = False,
    cycle: float = 0.0,
    layout: Any = None,
) -> Dashboard:
    """Everything on one page; the options are explained at `pbxnb.widgets.dashboard.Dashboard`.

    Args:
        timeline: a panel, or what makes one; by default a timeline of its own, None for none.

    Example:
        >>> board = pbx.dashboard(theme="dark")
    """
    options = locals()
    from pbxnb.figures.timeline import Timeline
    from pbxnb.widgets.dashboard import Dashboard

    if timeline == "own":
        own: Callable[..., Timeline] = Timeline
        options["timeline"] = functools.partial(own, self, most_lanes=12)
    return _make(Dashboard, options)


def live_badge(pbx: Any) -> dict[str, Any]:
    """A handle as its own badge: what IPython shows of it."""
    from pbxnb.widgets.badge import HandleBadge

    made = HandleBadge(pbx)._repr_mimebundle_()
    return dict(made[0] if isinstance(made, tuple) else made or {})


def _make(kind: Callable[..., P], options: dict[str, Any]) -> P:
    """A panel of ``self``; None leaves an option to the panel."""
    pbx = options.pop("self")
    return kind(pbx, **{name: value for name, value in options.items() if value is not None})
