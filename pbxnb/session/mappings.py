"""Live, read-only views of the model: a dictionary's manners, safe against the I/O lane that writes.

``len``, ``in`` and ``[key]`` read now; everything that walks works on a list taken atomically at its start.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, NoReturn, TypeVar

import msgspec

from pbxnb.arguments import check_function
from pbxnb.errors import CannotCopy, no_copy
from pbxnb.model.entities import Account, Call, Conversation, Orbit, Party, Queue
from pbxnb.model.store import Store
from pbxnb.shown import table_of

from .events.matching import check_fields, fits

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LiveMapping", "Mapped", "Rows", "mapped", "plain", "record"]

V = TypeVar("V", bound=msgspec.Struct)
D = TypeVar("D")


class Rows(list[V], Generic[V]):
    """Entities taken at one moment: a plain list that also makes tables.

    Args:
        entities: the rows.
        type_: their type; gives the columns even where there is no row.
        domain: their tenant, the first column of every table.
    """

    def __init__(self, entities: Iterable[V], type_: type[V], domain: str = "") -> None:
        super().__init__(entities)
        self._type = type_
        self._domain = domain

    def where(self, predicate: Callable[[V], object] | None = None, **fields: Any) -> Rows[V]:
        """Those for which ``predicate`` is true and every field given has the value given.

        Example:
            >>> talking = pbx.calls.where(state="connected")

        Raises:
            TypeError: a field that these entities do not have.
            ConfigError: a state, or another word of a fixed list, that is none; ``predicate`` is no plain function.
        """
        check_fields(fields, self._type.__name__, self._type)
        if predicate is not None:
            check_function("predicate", predicate, plain=True)
        kept = (e for e in self if fits(e, fields) and (predicate is None or predicate(e)))
        return Rows(kept, self._type, self._domain)

    def records(self) -> list[dict[str, Any]]:
        """One dictionary a row, of plain values, the tenant first; a party becomes two columns, number and name.

        ``domain`` is the connection's, so that the tables of two are told apart and go together.
        """
        return [{"domain": ""} | record(entity) | {"domain": self._domain} for entity in self]

    @property
    def df(self) -> pd.DataFrame:
        """A pandas table, one row each, the same columns always, ``domain`` first; it goes to Parquet, SQL, CSV, Excel.

        Times are UTC with their zone (without, in Excel), a party is two columns, and what holds more than one value
        (``extensions``, ``extra``, ``agents`` ...) is JSON text; `records` has lists and dictionaries instead.

        Example:
            >>> pbx.extensions.df["state"].value_counts().idxmax()
            'idle'

        Raises:
            MissingExtra: pandas is not installed.
        """
        from pbxnb.analysis.tables import flat_table

        columns = _columns(self._type)
        return flat_table(self.records(), columns, [name for name, type_ in columns.items() if type_ is datetime])

    def _repr_html_(self) -> str:
        return table_of(self, self._type.__struct_fields__, f"{self._type.__name__.lower()}s")


class LiveMapping(Generic[V]):
    """One collection of the model, as it is now. No `collections.abc.Mapping`: of one, polars makes columns.

    Args:
        name: what it is called, for texts.
        type_: the type of its entities.
        read: gives the dictionary the model writes.
        lock: held by the writer during one message.
        domain: the tenant, for tables.
        only: keeps the entities it accepts; None keeps all.
    """

    __reduce__: Any = no_copy

    def __init__(
        self,
        name: str,
        type_: type[V],
        read: Callable[[], Mapping[str, V]],
        lock: AbstractContextManager[Any],
        domain: str = "",
        only: Callable[[V], bool] | None = None,
    ) -> None:
        self._name = name
        self._type = type_
        self._read = read
        self._lock = lock
        self._domain = domain
        self._only = only

    def __getitem__(self, key: str) -> V:
        if isinstance(key, int):
            raise KeyError(f"{key} is an int, the keys are text: {self._name}[{str(key)!r}]")
        value = self._read()[key]
        if self._only is not None and not self._only(value):
            raise KeyError(key)
        return value

    def get(self, key: str, default: D | None = None) -> V | D | None:
        """The entity with this key, or ``default``."""
        try:
            return self[key]
        except KeyError:
            return default

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key) is not None

    def __eq__(self, other: object) -> bool:
        return self._now() == (other._now() if isinstance(other, LiveMapping) else other)

    __hash__: Final = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self._read()) if self._only is None else len(self._now())

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def keys(self) -> KeysView[str]:
        """The keys, taken now."""
        return self._now().keys()

    def values(self) -> ValuesView[V]:
        """The entities, taken now."""
        return self._now().values()

    def items(self) -> ItemsView[str, V]:
        """Keys and entities, taken now."""
        return self._now().items()

    def where(self, predicate: Callable[[V], object] | None = None, **fields: Any) -> Rows[V]:
        """The entities, taken now, that have these fields and for which ``predicate`` is true (see `Rows.where`)."""
        return self._rows().where(predicate, **fields)

    def records(self) -> list[dict[str, Any]]:
        """One dictionary of plain values an entity (see `Rows.records`)."""
        return self._rows().records()

    @property
    def df(self) -> pd.DataFrame:
        """A pandas table, one row an entity; needs the ``analysis`` extra (see `Rows.df`)."""
        return self._rows().df

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule interface: polars, pyarrow and DuckDB read the columns of `df`, each of one type always.

        Raises:
            MissingExtra: the ``analysis`` extra is not installed.
        """
        from pbxnb.analysis.tables import arrow_table

        return arrow_table(self.df, _columns(self._type)).__arrow_c_stream__(requested_schema)

    def __array__(self, dtype: object = None, copy: object = None) -> NoReturn:
        """No array: ``pandas.DataFrame(pbx.calls)`` would be one of keys.

        Raises:
            CannotCopy: always; it names `df`.
        """
        raise CannotCopy(f"The {self._name} are no array.", hint="Their table is .df, such as pbx.calls.df.")

    def __repr__(self) -> str:
        return f"<{self._name}: {len(self)}>"

    def _repr_html_(self) -> str:
        return table_of(self._now().values(), self._type.__struct_fields__, self._name)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._now())

    def _now(self) -> dict[str, V]:
        with self._lock:
            now = dict(self._read())
        return now if self._only is None else {k: v for k, v in now.items() if self._only(v)}

    def _rows(self) -> Rows[V]:
        return Rows(self._now().values(), self._type, self._domain)


class Mapped(NamedTuple):
    """The collections of a model, as they are now."""

    accounts: LiveMapping[Account]
    extensions: LiveMapping[Account]
    calls: LiveMapping[Call]
    conversations: LiveMapping[Conversation]
    queues: LiveMapping[Queue]
    orbits: LiveMapping[Orbit]


def mapped(store: Callable[[], Store], lock: AbstractContextManager[Any], domain: str) -> Mapped:
    """The collections of the model that a function gives.

    Args:
        lock: held by its writer.
    """
    return Mapped(
        LiveMapping("accounts", Account, lambda: store().accounts, lock, domain),
        LiveMapping(
            "extensions", Account, lambda: store().accounts, lock, domain, lambda account: account.type == "extensions"
        ),
        LiveMapping("calls", Call, lambda: store().calls, lock, domain),
        LiveMapping("conversations", Conversation, lambda: store().conversations, lock, domain),
        LiveMapping("queues", Queue, lambda: store().queues, lock, domain),
        LiveMapping("orbits", Orbit, lambda: store().orbits, lock, domain),
    )


def _columns(type_: type[msgspec.Struct]) -> dict[str, type]:
    """The columns of a table, each with the type of what stands in it; what is more than one value is text."""
    columns: dict[str, type] = {"domain": str}
    for field in msgspec.structs.fields(type_):
        if field.type is Party:
            stem = field.name.rstrip("_")
            columns |= {f"{stem}_number": str, f"{stem}_name": str}
        else:
            known = (one for one in (bool, int, float, datetime) if field.type in (one, one | None))
            columns[field.name] = next(known, str)
    return columns


def record(entity: msgspec.Struct) -> dict[str, Any]:
    """One entity; nested ones too."""
    record: dict[str, Any] = {}
    for name in entity.__struct_fields__:
        value = getattr(entity, name)
        if value is msgspec.UNSET:
            continue  # the message did not say
        if isinstance(value, Party):
            stem = name.rstrip("_")
            record[f"{stem}_number"], record[f"{stem}_name"] = value.number, value.name
        else:
            record[name] = plain(value)
    return record


def plain(value: Any) -> Any:
    """Any value: string enums become text, mappings and sequences become dicts and lists, times stay times."""
    if value is None or type(value) in (str, int, float, bool, datetime):
        return value
    if isinstance(value, str):
        return str(value)  # a string enum becomes its text
    if isinstance(value, msgspec.Struct):
        return record(value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(item) for item in value]
    return value
