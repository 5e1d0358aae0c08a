"""The extension grid: one tile per account, as boxes or a list, live. Knows a `Handle`; sends no command itself."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final

import traitlets

from pbxnb.errors import ConfigError
from pbxnb.model.changes import Changes
from pbxnb.model.entities import Account, AccountState, Call
from pbxnb.protocol.commands import keys
from pbxnb.signals import Signal
from pbxnb.text import clean
from pbxnb.ui.handle import Handle
from pbxnb.ui.live_panel import LivePanel
from pbxnb.ui.static import table
from pbxnb.ui.text import party_text, title_of

from .kinds import Kinds, is_of
from .tiles import Tile, columns, department, make_tile

__all__ = ["ACTIONS", "ExtensionGrid"]

ACTIONS = frozenset({"why", "drop", *(name for _, name, _ in keys())})
"""What a key or a drop on a tile may ask for."""

STATES = (*(str(state) for state in AccountState), "dnd")
_WORDS = {"busy": "in call", "held": "on hold", "offline": "not registered"}

AccountFunction = Callable[[Account], object]


def _group_to_json(value: object, _grid: object) -> object:
    return "function" if callable(value) else value


def _group_from_json(value: object, grid: ExtensionGrid) -> object:
    return grid._group_function or "" if value == "function" else value  # noqa: SLF001 - its own serialiser


class ExtensionGrid(LivePanel):
    """A tile per account: number, name, reachable or not, doing what, with whom, since when, and what its owner wishes.

    Args:
        handle: the PBX.
        traits: any attribute below.

    Attributes:
        kinds: types of accounts that have tiles, such as ``("extensions", "acds")``, or ``"all"``; queues, orbits and
            the like are accounts too. An account whose type the PBX does not tell counts as an extension.
        selected: numbers of the selected tiles, in order of selection; set it or link it.
        filter: words to look for in number, name, group, text and other party.
        states: states to show, ``dnd`` among them; empty shows all.
        sort: ``number``, ``name``, ``state`` (what wants attention first) or ``since`` (longest in state first).
        view: ``boxes`` or ``list``.
        preset: colours: ``pbxnb``, ``vodia`` or ``colour-blind``.
        height: the greatest height as CSS; the tiles scroll, the legend stays.
        group_by: ``""``, ``"department"``, ``"type"``, ``"state"``, or a function of the account giving its group.
        group_name: what the page calls a grouping by a function; set by the panel.
        text: a function of the account giving one more line for its tile.
        where: a predicate of the account; those it is false for are left out.

    Example:
        >>> grid = pbx.grid(group_by="department", sort="state")
        >>> grid.observe(lambda change: print(change.new), "selected")
    """

    scripts: ClassVar[tuple[str, ...]] = (
        "ui/clipboard.js",
        "ui/menu.js",
        "ui/table_copy.js",
        "widgets/grid/grid_rows.js",
        "widgets/grid/grid_layout.js",
        "widgets/grid/grid_tile.js",
        "widgets/grid/grid_drop.js",
        "widgets/grid/grid.js",
    )
    sheets: ClassVar[tuple[str, ...]] = ("widgets/grid/grid.css",)

    kinds: Final = Kinds().tag(sync=True)
    selected = traitlets.List(traitlets.Unicode(), maxlen=10_000).tag(sync=True)
    filter: Final = traitlets.Unicode("").tag(sync=True)
    states: Final = traitlets.List(traitlets.Enum(STATES)).tag(sync=True)
    sort: Final = traitlets.Enum(("number", "name", "state", "since"), "number").tag(sync=True)
    view: Final = traitlets.Enum(("boxes", "list"), "boxes").tag(sync=True)
    preset: Final = traitlets.Enum(("pbxnb", "vodia", "colour-blind"), "pbxnb").tag(sync=True)
    height: Final = traitlets.Unicode("min(70vh, 900px)").tag(sync=True)
    group_by: Final = traitlets.Any("").tag(sync=True, to_json=_group_to_json, from_json=_group_from_json)
    group_name = traitlets.Unicode("").tag(sync=True, derived=True)
    text: Final = traitlets.Any(None)
    where: Final = traitlets.Any(None)

    def __init__(self, handle: Handle, **traits: Any) -> None:
        self._index: dict[str, int] = {}
        self._sent: dict[str, Tile] = {}  # what every page has, where that is certain
        self._group_function: AccountFunction | None = None
        self._actions: Signal[tuple[str, str, str]] = Signal(self.report)
        super().__init__(handle, **traits)

    @traitlets.validate("group_by")
    def _check_group_by(self, proposal: Any) -> object:
        value = proposal["value"]
        if callable(value):
            self._group_function = value
            self.group_name = clean(getattr(value, "__name__", "function").strip("<>"), 30)
        elif value not in ("", "department", "type", "state"):
            raise ConfigError(
                f"The grid cannot group by {value!r}.",
                hint='Give "department", "type", "state", "" or a function of the account.',
            )
        return value

    @traitlets.validate("text", "where")
    def _check_function(self, proposal: Any) -> object:
        value = proposal["value"]
        if value is not None and not callable(value):
            raise ConfigError("A tile's text and the choice of tiles are functions of the account.", hint="Or None.")
        return value

    @traitlets.observe("text", "where", "group_by")
    def _function_changed(self, change: Any) -> None:
        if change["name"] != "group_by" or callable(change["new"]):
            self.refresh()

    @traitlets.observe("kinds")
    def _kinds_changed(self, _change: Any) -> None:
        self.refresh()

    def shows(self, number: str) -> bool:
        """Return whether an account has a tile: it is known, of our `kinds`, and ``where`` does not leave it out."""
        account = self._handle.accounts.get(number)
        return account is not None and self._chosen(account)

    def on_action(self, fn: Callable[[str, str, str], object]) -> Callable[[], None]:
        """Call ``fn(action, number, call)`` when a key on a tile or a dropped call asks for something.

        Args:
            fn: runs on the UI lane; ``action`` is one of `ACTIONS`, ``call`` the id of a dropped call or empty.

        Returns:
            A function that unsubscribes.
        """
        return self._actions.add(lambda asked: fn(*asked))

    # What the base calls.

    def _mark(self, changes: Changes) -> Iterable[str]:
        if not changes.calls:
            return changes.accounts
        # A call that changed its party or its recording shows on the tiles of its extensions.
        calls = self._handle.calls
        found = (calls.get(id_) for id_ in changes.calls)
        return changes.accounts.union(*(call.extensions for call in found if call is not None))

    def _state(self) -> dict[str, Any]:
        model = self._handle.snapshot()
        self._sent = {
            number: self._tile(account, model.calls, model.accounts)
            for number, account in model.accounts.items()
            if is_of(account, self.kinds)
        }
        self._index = {number: index for index, number in enumerate(self._sent)}
        entries = ((index, row, None) for index, row in enumerate(self._sent.values()))
        return {"numbers": list(self._index), "keys": keys(), **columns(entries, self._now(), indexed=False)}

    def _unsure(self) -> None:
        self._sent.clear()

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        entries: list[tuple[int, Tile, Tile | None]] = []
        accounts, calls = self._handle.accounts, self._handle.calls
        for number in keys:
            account, index = accounts.get(number), self._index.get(number)
            if account is not None and not is_of(account, self.kinds):
                account = None
            if (account is None) != (index is None):  # an account came or went: the page needs the new list
                self.refresh()
                return None
            if account is None or index is None:
                continue
            row = self._tile(account, calls, accounts)
            old = self._sent.get(number)
            if whole or old != row:
                entries.append((index, row, None if whole else old))
                self._sent[number] = row
        entries.sort(key=lambda entry: entry[0])
        return columns(entries, self._now()) if entries else None

    def _receive(self, message: dict[str, Any]) -> None:
        match message:
            case {"action": str(action), "number": str(number)} if action in ACTIONS and number in self._index:
                call = message.get("call")
                self._actions((action, number, call[:200] if isinstance(call, str) else ""))

    def _tile(self, account: Account, calls: Mapping[str, Call], accounts: Mapping[str, Account]) -> Tile:
        group = self._answer("group_by", self._group_function, account) if callable(self.group_by) else ""
        text = clean(self._answer("text", self.text, account)) if self.text is not None else ""
        return make_tile(account, calls, accounts, group=clean(group, 60), text=text, out=self._left_out(account))

    def _left_out(self, account: Account) -> bool:
        return self.where is not None and not self._answer("where", self.where, account, failed=True)

    def _chosen(self, account: Account) -> bool:
        return is_of(account, self.kinds) and not self._left_out(account)

    def _answer(self, name: str, fn: AccountFunction | None, account: Account, *, failed: object = "") -> object:
        """Call a function of the user; its error is shown once in the strip, and ``failed`` stands for its answer."""
        try:
            return fn(account) if fn is not None else ""
        except BaseException as error:  # the user's function; one bad account must not empty the board
            if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
                raise  # somebody interrupts the cell that makes the board
            self.report(f"{name} failed: {type(error).__name__}: {error}")
            return failed

    def _plain(self) -> str:
        accounts = list(filter(self._chosen, self._handle.snapshot().accounts.values()))
        states = Counter(str(account.state) for account in accounts)
        extensions = sum(is_of(account, ("extensions",)) for account in accounts)
        rest = len(accounts) - extensions
        others = f" and {rest} other account{'s' * (rest > 1)}" if rest else ""
        counts = "".join(f", {count} {_WORDS.get(state, state)}" for state, count in states.most_common())
        return f"Extension grid of {title_of(self._handle)}: {extensions} extensions{others}{counts}"

    def _static(self) -> str:
        model = self._handle.snapshot()
        calls, rows = model.calls, []
        for account in filter(self._chosen, model.accounts.values()):
            state = str(account.state)
            first = next((calls[id_] for id_ in account.calls if id_ in calls), None)
            other = (
                "" if first is None else party_text(first.to if first.from_.number == account.number else first.from_)
            )
            rows.append(
                (
                    clean(account.number, 40),
                    clean(account.name),
                    _WORDS.get(state, state) + (", do not disturb" if account.dnd else ""),
                    other,
                    department(account),
                )
            )
        return table(("Number", "Name", "State", "With", "Department"), rows)
