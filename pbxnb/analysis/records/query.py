"""The SQL that makes calls of call records: one view a step, each made of what a `Source` says."""
# ruff: noqa: S608 - whatever is not written here goes through `_text`

from __future__ import annotations

from collections.abc import Mapping

from ..values import OUTCOME_OF
from .sources import FIELDS, Field, Source

__all__ = ["DROPPED", "REPAIRED", "calls_of", "columns_of", "legs_of", "linking", "steps"]

TIMES = ("start", "answer", "end")
LENGTHS = ("duration", "wait", "talk", "hold")
_UNSET = "('0', '0.0', '-1', '0000-00-00 00:00:00', '1970-01-01 00:00:00')"
_ZONED = r"'.*:\d\d(\.\d+)?\s*(Z|[+-]\d\d(:?\d\d)?)'"
_EPOCHS = ((r"\d{8,11}(\.\d+)?", "1e6"), (r"\d{12,14}(\.\d+)?", "1e3"), (r"\d{15,17}", "1"))  # s, ms, µs since 1970
_SECOND_OF_DAY = r"'\d+-\d+-\d+ \d{1,5}'"
_CLOCK = r"'(\d+):(\d\d):(\d\d(?:\.\d+)?)'"
_WEEK = 7 * 86_400_000

DROPPED = {
    "another number of fields than the others": "bad IS NOT NULL",
    "no call record": "NOT record",
    "no time of beginning": "begun IS NULL",
    "a time of beginning that cannot be read": '"start" IS NULL',
    "an impossible date": "\"start\" NOT BETWEEN TIMESTAMP '1971-01-01' AND TIMESTAMP '2200-01-01'",
    "a negative length": "least(duration, wait, talk, hold) < 0",
    "it ends before it begins": '"end" < "start"',
    "it is answered before it begins or after it has ended": (
        '"answer" < "start" - INTERVAL 1 SECOND OR "answer" > "end" + INTERVAL 1 SECOND'
    ),
    "it lasts longer than a week": (
        f'greatest(duration, wait, talk, hold) > {_WEEK} OR "end" - "start" > INTERVAL 7 DAY'
    ),
}
"""Why a row is no call: a condition on the view ``whole``; the first that holds counts."""
REPAIRED = {
    "it ended after midnight, on the next day": "midnight",
    "in an hour that its zone has twice: taken for the second": "twice",
    "in an hour that its zone skips: taken for the one after it": "skipped",
    "a time of answer or end that cannot be read: left out": "unread",
    "a length that is no number: left out": "no_number",
}
"""What was mended: a column of the view ``whole``."""


def columns_of(source: Source) -> tuple[str, ...]:
    """The columns that a source reads, each once."""
    fields = [field for name in source.fields if (field := source.field(name)) is not None]
    return tuple(dict.fromkeys([*(column for field in fields for column in field.columns), *source.only]))


def steps(source: Source, there: Mapping[str, str], tz: str, domain: str) -> list[str]:
    """Statements that make the table ``leg`` of the table ``raw``: texts, values, whole calls, judged, legs.

    Args:
        source: what the columns mean.
        there: which of its columns there are, and what they are called in ``raw``.
        tz: the zone of clock times.
        domain: the tenant, where the records do not say it.
    """
    reasons = " ".join(f"WHEN {test} THEN {_text(why)}" for why, test in DROPPED.items())
    return [
        f"CREATE VIEW said AS SELECT n, bad, {_record(source, there)} AS record, {_fields(source, there)} FROM raw",
        f"CREATE VIEW known AS SELECT n, bad, record, {_values(source)} FROM said",
        _whole(_text(tz), clock="false" if source.zone else "NOT coalesce(instant, false)"),
        f"CREATE TABLE judged AS SELECT *, CASE {reasons} END AS why FROM whole",
        _leg(source, domain),
    ]


def linking(*, others: bool) -> tuple[list[str], str]:
    """Statements that make the table ``label``: the call of each leg.

    Args:
        others: legs name each other; the second result is then a step, to be taken until ``label`` stays as it is.
            Else what has no link is a call by itself, also where an id is used again.
    """
    if not others:
        return [
            """CREATE TABLE label AS SELECT n, coalesce(link, CASE WHEN count(*) OVER again = 1 THEN call
            ELSE call || '#' || row_number() OVER (again ORDER BY n) END) AS conversation
            FROM leg WINDOW again AS (PARTITION BY call, link)"""
        ], ""
    return (
        [
            """CREATE TABLE pair AS SELECT leg.n AS one, met.n AS two FROM leg JOIN leg AS met ON met.call = leg.other
        UNION SELECT met.n, leg.n FROM leg JOIN leg AS met ON met.call = leg.other""",
            "CREATE TABLE label AS SELECT n, call AS conversation FROM leg",
        ],
        """CREATE OR REPLACE TABLE label AS
        SELECT label.n, least(any_value(label.conversation), min(met.conversation)) AS conversation
        FROM label LEFT JOIN pair ON pair.one = label.n LEFT JOIN label AS met ON met.n = pair.two GROUP BY label.n""",
    )


def legs_of(tz: str) -> str:
    """A row a leg."""
    return _table(_lengths(), tz, caller="ext = '' AND (direction = 'in' OR queue <> '')")


def calls_of(tz: str) -> str:
    """A row a call: from its first leg's beginning to its last one's end, for the extension that answered first."""

    def first(column: str, which: str = "true", order: str = "started_at, n") -> str:
        return f"first({column} ORDER BY {order}) FILTER ({which})"

    joined = f"""SELECT conversation, min(n) AS n, {
        ", ".join(f"{first(column)} AS {column}" for column in ("domain", "call", "direction", "from_num", "to_num"))
    },
        min(started_at) AS started_at, min(answered_at) AS answered_at, bool_or(served) AS served,
        CASE WHEN count(ended_at) = count(*) THEN max(ended_at) END AS ended_at,
        CASE WHEN count(word) = count(*) AND count(DISTINCT word) = 1 THEN min(word) END AS word,
        coalesce({first("ext", "served AND ext <> ''", "answered_at, started_at, n")}, {
        first("ext", "ext <> ''")
    }, '') AS ext,
        coalesce({first("queue", "queue <> ''")}, '') AS queue,
        CASE WHEN count(*) = 1 THEN min(wait_ms)
            ELSE epoch_ms(coalesce(min(answered_at), max(ended_at))) - epoch_ms(min(started_at)) END AS wait_ms,
        CASE WHEN count(*) FILTER (served) < 2 THEN min(talk_ms) ELSE epoch_ms(max(ended_at) FILTER (served))
            - epoch_ms(min(answered_at)) - coalesce(sum(hold_ms), 0) END AS talk_ms,
        sum(hold_ms) AS hold_ms FROM ({_lengths()}) GROUP BY conversation"""
    return _table(joined, tz, caller="direction = 'in' OR queue <> ''")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _record(source: Source, there: Mapping[str, str]) -> str:
    tests = [
        f"regexp_matches(coalesce({there[column]}, ''), {_text(pattern)})"
        for column, pattern in source.only.items()
        if column in there
    ]
    return " AND ".join(tests) or "true"


def _fields(source: Source, there: Mapping[str, str]) -> str:
    """The text of each field, null where it has none."""

    def said(field: Field | None) -> str:
        found = [f"nullif(trim({there[one]}), '')" for one in field.columns if one in there] if field else []
        if field is None or not found:
            return "CAST(NULL AS VARCHAR)"
        parts = ", ".join(found)
        value = f"nullif(concat_ws({_text(field.joined)}, {parts}), '')" if field.joined else f"coalesce({parts})"
        return f"nullif(regexp_extract({value}, {_text(field.pattern)}, 1), '')" if field.pattern else value

    return ", ".join(f'{said(source.field(name))} AS "{name}"' for name in FIELDS)


def _values(source: Source) -> str:
    """Times and lengths of the texts, words as they are compared, and what could not be read."""
    padded = _padded if source.unpadded else str
    times = {name: _time(padded(f'"{name}"'), source.time_format) for name in TIMES}
    lengths = {name: _length(f'"{name}"', source.unit) for name in LENGTHS}
    epochs = " OR ".join(f"""regexp_full_match("start", '{pattern}')""" for pattern, _ in _EPOCHS)
    unread = [
        f"""("{name}" NOT IN {_UNSET} AND {times[name]} IS NULL
            AND NOT regexp_full_match("{name}", {_SECOND_OF_DAY}))"""
        for name in ("answer", "end")
    ]
    no_number = [f'"{name}" IS NOT NULL AND {lengths[name]} IS NULL' for name in LENGTHS]
    values = {
        **{name: f'"{name}"' for name in FIELDS},
        **times,
        **lengths,
        **{name: f"""regexp_replace(lower("{name}"), '[ -]', '_', 'g')""" for name in ("outcome", "direction")},
        "begun": f'CASE WHEN "start" NOT IN {_UNSET} THEN "start" END',
        "instant": f'{epochs} OR regexp_full_match("start", {_ZONED})',
        "unread": f"coalesce({' OR '.join(unread)}, false)",
        "no_number": " OR ".join(no_number),
    }
    return ", ".join(f'{value} AS "{name}"' for name, value in values.items())


def _padded(text: str) -> str:
    """Seconds since 1970 with a fraction of three digits, of milliseconds without leading zeros (protocol.md 7.5)."""
    for zeros, digits in (("00", "[1-9]"), ("0", r"[1-9]\d")):
        text = rf"regexp_replace({text}, '^(\d{{8,11}})\.({digits})$', '\1.{zeros}\2')"
    return text


def _time(text: str, form: str) -> str:
    """An instant in UTC, or a time of the clock; ``1999-01-31 86340`` is a day and a second of it, 0 for none."""
    epochs = " ".join(
        f"""WHEN regexp_full_match({text}, '{pattern}')
            THEN make_timestamp(CAST(CAST({text} AS DOUBLE) * {scale} AS BIGINT))"""
        for pattern, scale in _EPOCHS
    )
    own = f"try_strptime({text}, {_text(form)}), " if form else ""
    return f"""CASE WHEN {text} IN {_UNSET} THEN NULL {epochs}
        WHEN regexp_full_match({text}, {_ZONED}) THEN timezone('UTC', TRY_CAST({text} AS TIMESTAMPTZ))
        WHEN regexp_full_match({text}, {_SECOND_OF_DAY}) THEN TRY_CAST(split_part({text}, ' ', 1) AS TIMESTAMP)
            + to_seconds(nullif(CAST(split_part({text}, ' ', 2) AS INTEGER), 0))
        ELSE coalesce({own}TRY_CAST({text} AS TIMESTAMP)) END"""


def _length(text: str, unit: str) -> str:
    """Milliseconds, of a number or of ``00:01:30``."""
    hours, minutes, seconds = (f"CAST(regexp_extract({text}, {_CLOCK}, {n}) AS DOUBLE)" for n in (1, 2, 3))
    return f"""CAST(round(CASE WHEN regexp_full_match({text}, {_CLOCK})
        THEN ({hours} * 3600 + {minutes} * 60 + {seconds}) * 1000
        ELSE TRY_CAST({text} AS DOUBLE) * {1000 if unit == "s" else 1} END) AS BIGINT)"""


def _whole(zone: str, *, clock: str) -> str:
    """Every time in UTC, and ends on their day.

    A clock's time before the beginning is of the next day where that makes the call as long as it says it is, or where
    it says nothing and the call ended within 12 hours after midnight.

    Args:
        zone: of clock times.
        clock: the condition that a row's times are such.
    """

    def utc(time: str) -> str:
        return f"timezone('UTC', timezone({zone}, {time}))"

    def wall(time: str) -> str:
        return f"timezone({zone}, timezone('UTC', {time}))"

    shifts = [f" {sign} INTERVAL {minutes} MINUTE" for sign in "+-" for minutes in (30, 60)]
    twice = " OR ".join(wall(utc("s") + shift) + " = s" for shift in shifts)
    lasted = """epoch_ms("end" + INTERVAL 1 DAY) - epoch_ms("start")"""
    in_utc = ", ".join(
        f'CASE WHEN {clock} THEN {utc(short)} ELSE {short} END AS "{name}"'
        for short, name in zip("sae", TIMES, strict=True)
    )
    return f"""CREATE VIEW whole AS
        WITH night AS (SELECT *, coalesce({clock} AND "end" < "start" AND CASE WHEN duration IS NULL
            THEN "end" - date_trunc('day', "end") <= INTERVAL 12 HOUR
            ELSE abs({lasted} - duration) <= 1000 END, false) AS midnight FROM known),
        days AS (SELECT * EXCLUDE ("start", "answer", "end"), "start" AS s,
            "answer" + CASE WHEN {clock} AND "answer" < "start" AND (midnight OR "end" IS NULL)
                THEN INTERVAL 1 DAY ELSE INTERVAL 0 DAY END AS a,
            coalesce("end" + CASE WHEN midnight THEN INTERVAL 1 DAY ELSE INTERVAL 0 DAY END,
                "start" + to_milliseconds(coalesce(duration, wait + talk))) AS e FROM night)
        SELECT * EXCLUDE (s, a, e), {in_utc}, coalesce({clock} AND ({twice}), false) AS twice,
            coalesce({clock} AND {wall(utc("s"))} <> s, false) AS skipped FROM days"""


def _leg(source: Source, domain: str) -> str:
    """What a row says of a call or a leg."""

    def in_ours(column: str, known: Mapping[str, str]) -> str:
        cases = " ".join(f"WHEN {_text(word)} THEN {_text(meaning)}" for word, meaning in known.items())
        return f"CASE {column} {cases} END" if known else "CAST(NULL AS VARCHAR)"

    def inside(side: str) -> str:
        return f"""regexp_full_match(coalesce("{side}", ''), {_text(source.extension)})"""

    timed = "answer" in source.fields or "talk" in source.fields
    answered = '("answer" IS NOT NULL OR talk > 0)' if timed else "false"
    return f"""CREATE TABLE leg AS
        WITH worded AS (SELECT * EXCLUDE (outcome, direction),
            {in_ours("outcome", {**OUTCOME_OF, **source.outcomes})} AS word,
            {in_ours("direction", source.directions)} AS way,
            {inside("from")} AS from_inside, {inside("to")} AS to_inside FROM judged WHERE why IS NULL),
        decided AS (SELECT *,
            coalesce(word = 'answered' OR coalesce(word = 'unknown', true) AND {answered}, false) AS served,
            coalesce(way, CASE WHEN NOT from_inside THEN 'in' WHEN to_inside OR queue IS NOT NULL THEN 'internal'
                ELSE 'out' END) AS direction FROM worded)
        SELECT n, coalesce(call, CAST(n AS VARCHAR)) AS call, link, other, served, word, direction,
            coalesce(nullif({_text(domain)}, ''), domain, '') AS domain, "start" AS started_at, "end" AS ended_at,
            CASE WHEN served THEN coalesce("answer", "end" - to_milliseconds(talk + coalesce(hold, 0)))
                END AS answered_at,
            coalesce("from", '') AS from_num, coalesce("to", '') AS to_num, coalesce(queue, '') AS queue,
            coalesce(ext, CASE WHEN direction <> 'out' AND to_inside AND queue IS NULL THEN "to"
                WHEN from_inside THEN "from" END, '') AS ext,
            wait, talk, CASE WHEN served THEN hold END AS hold_ms FROM decided"""


def _lengths() -> str:
    """The legs with their calls and with lengths, those that were said or else those between the times."""
    return """SELECT *, coalesce(wait, epoch_ms(coalesce(answered_at, ended_at)) - epoch_ms(started_at)) AS wait_ms,
        CASE WHEN served THEN coalesce(talk, epoch_ms(ended_at) - epoch_ms(answered_at) - coalesce(hold_ms, 0))
            END AS talk_ms FROM leg JOIN label USING (n)"""


def _table(rows: str, tz: str, *, caller: str) -> str:
    """Rows as the table of calls has them.

    Args:
        rows: of legs or calls.
        tz: the zone of day, weekday and hour.
        caller: the condition that somebody from outside or in a queue waited, who then left.
    """
    zone = _text(tz)
    lengths = ", ".join(f"CAST({name} AS BIGINT) AS {name}" for name in ("wait_ms", "talk_ms", "hold_ms"))
    return f"""SELECT domain, call AS call_id, started_at, answered_at, ended_at, strftime(wall, '%Y-%m-%d') AS day,
        CAST(isodow(wall) - 1 AS TINYINT) AS dow, CAST(hour(wall) AS TINYINT) AS hour, {zone} AS tz, direction,
        from_num, to_num, ext, queue, CASE WHEN served THEN 'answered' WHEN word NOT IN ('answered', 'no_answer')
            THEN word WHEN word IS NULL AND ended_at IS NULL THEN 'unknown' WHEN {caller} THEN 'abandoned'
            ELSE 'no_answer' END AS outcome, {lengths}, false AS end_inferred, false AS gap, conversation
        FROM (SELECT *, timezone({zone}, timezone('UTC', started_at)) AS wall FROM ({rows}))
        ORDER BY started_at, conversation, n"""
