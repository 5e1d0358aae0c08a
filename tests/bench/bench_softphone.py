"""A call from a notebook in JupyterLab and Chromium: set-up, first sound, delay, likeness, size of the page's script.

    python -m tests.bench.bench_softphone [--runs 7]

The other end is the embedded PBX of the same machine. A click is that on "Call"; connected is the connection's own word.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from pbxnb.ui.assets import bundle
from pbxnb.widgets.softphone import Softphone
from tests.browser.jupyter_page import EXECUTE, Browser, Server
from tests.browser.phone_page import RATE, WATCH, CallPage, likeness, sound_flags, voice, write

SETUP = """
import pathlib, pbxnb, time
pbx = await pbxnb.simulate("empty", extensions=8, seed=1, media=True)
phones = [pbx.softphone("40")]
"""
LISTEN = """
from pbxnb.media import wire
from pbxnb.media.tones import level_of

def listen():
    media, begins, loud = pbx.simulator.server.media, [], []
    engine, call = media.engine, media.legs[-1].call
    told = engine._calls[call]

    def hear(event):
        if isinstance(event, wire.Block):
            loud.append(level_of(event.samples) > -30)
            if loud[-1] and not any(loud[-15:-1]):
                begins.append(1000 * time.time())
        told(event)

    engine._calls[call] = hear
    engine.send(wire.Listen(call=call, on=True))
    return begins

begins = pbx.simulator.run(listen)
"""
"""The kernel listens to the leg of the embedded PBX, and notes when each pulse begins."""
ONE = "[...globalThis[Symbol.for('pbxnb.softphone')].phones.values()][0].connections.at(-1)"
CLICK = f"""async () => {{
    const context = new AudioContext(), meter = context.createAnalyser(), block = new Float32Array(256);
    meter.fftSize = 256;
    await context.resume();
    const known = new Set(pbxWatch.peers), began = performance.now(), times = {{}};
    let source = null;
    document.querySelector('[data-command="dial"]').click();
    await new Promise((done) => {{
        const timer = setInterval(() => {{
            const one = {ONE}, now = performance.now() - began;
            if (pbxWatch.peers.some((peer) => !known.has(peer) && peer.connectionState === "connected")) times.connected ??= now;
            if (!source && one?.heard) {{
                source = context.createMediaStreamSource(new MediaStream([one.heard]));
                source.connect(meter);
            }}
            meter.getFloatTimeDomainData(block);
            if (block.some((sample) => Math.abs(sample) > 0.02)) times.heard ??= now;
            if (times.connected && times.heard) done(clearInterval(timer));
        }}, 1);
    }});
    await context.close();
    return [times.connected, times.heard]; }}"""
PULSES = f"""async (seconds) => {{
    const one = {ONE}, context = new AudioContext({{ sampleRate: 48000 }}), out = context.createMediaStreamDestination();
    const tone = context.createOscillator(), gate = context.createGain(), both = context.createChannelMerger(2);
    const node = context.createScriptProcessor(4096, 2, 1), said = [], heard = [];
    tone.frequency.value = 700;
    gate.gain.value = 0;
    tone.connect(gate).connect(out);
    tone.start();
    const begun = performance.timeOrigin + performance.now() - 1000 * context.currentTime, scheduled = [];
    for (let at = 0.5; at < seconds - 0.6; at += 0.6 + 0.05 * Math.random()) {{
        scheduled.push(begun + 1000 * (context.currentTime + at));
        gate.gain.setValueAtTime(0.8, context.currentTime + at);
        gate.gain.setValueAtTime(0, context.currentTime + at + 0.1);
    }}
    await one.peer.getSenders()[0].replaceTrack(out.stream.getAudioTracks()[0]);
    gate.connect(both, 0, 0);
    context.createMediaStreamSource(new MediaStream([one.heard])).connect(both, 0, 1);
    both.connect(node).connect(context.destination);
    await new Promise((done) => {{ node.onaudioprocess = ({{ inputBuffer }}) => {{
        said.push(...inputBuffer.getChannelData(0).map(Math.abs));
        heard.push(...inputBuffer.getChannelData(1).map(Math.abs));
        if (said.length > seconds * 48000) done();
    }}; }});
    await context.close();
    const begins = (samples) => samples.reduce((found, sample, at) => {{
        if (sample > 0.05 && at - (found.at(-1) ?? -1e9) > 14400) found.push(at);
        return found; }}, []);
    return [begins(said), begins(heard), scheduled]; }}"""


def clicked(calls: CallPage, to: str) -> tuple[float, float]:
    """One call: ms from the click until connected, and until the first sound; it goes on."""
    calls.panel("40").locator("input[data-phone-to]").fill(to)
    calls.panel("40").locator('[data-command="dial"][aria-disabled=false]').wait_for()
    connected, heard = calls.page.evaluate(CLICK)
    return connected, heard


def ended(calls: CallPage) -> None:
    calls.press("40", "hangup")
    calls.shows("40", "idle")
    calls.nothing_left()


def delays(said: Any, heard: Any) -> np.ndarray:
    """From each pulse that was said to the first one heard after it, of ms."""
    said, heard = np.asarray(said), np.asarray(heard)
    after = np.searchsorted(heard, said)
    there = after < len(heard)
    found = heard[after[there]] - said[there]
    return found[found < 600]


def percentiles(name: str, found: np.ndarray) -> None:
    print(f"{name}: p50 {np.percentile(found, 50):.0f} ms, p95 {np.percentile(found, 95):.0f} ms (n {len(found)})")


def told(name: str, values: Any) -> None:
    print(f"{name}: median {np.median(values):.0f} ms, {np.min(values):.0f}-{np.max(values):.0f} (n {len(values)})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    folder = Path(tempfile.mkdtemp(prefix="pbxnb-bench-"))
    flags = sound_flags(write(folder / "voice.wav", voice(8)))
    with Server(folder / "jupyter") as server, Browser(server, folder / "profile", flags) as browser:
        calls = CallPage(browser.open([SETUP, "phones[0]"], script=WATCH))
        for state in ("idle", "a cell blocks"):
            until = folder / "until"
            if state != "idle":
                calls.page.evaluate(EXECUTE, f"while not pathlib.Path({str(until)!r}).exists(): time.sleep(0.05)")
            times = []
            for _ in range(runs):
                times.append(clicked(calls, "*tone"))
                ended(calls)
            until.touch()
            told(f"click to connected, {state}", [connected for connected, _ in times])
            told(f"click to first sound in the page, {state}", [heard for _, heard in times])
        calls.page.wait_for_function("() => window.__run.done")
        calls.talk("40", "*echo")
        alike = [likeness(calls.heard("40")[0], voice(8)) for _ in range(runs)]
        print(
            f"a WAV through Chromium, the embedded PBX and back: likeness {np.median(alike):.3f} ({min(alike):.3f} at worst)"
        )
        calls.opened.execute(LISTEN)
        said, heard, scheduled = calls.page.evaluate(PULSES, 20)
        percentiles("page, embedded PBX and back", delays(np.divide(said, RATE / 1000), np.divide(heard, RATE / 1000)))
        there = json.loads(calls.opened.execute("import json; print(json.dumps(begins))"))
        percentiles("page to kernel, a block in Python", delays(scheduled, there))
        ended(calls)
        calls.opened.close()
    script, shared = (len(bundle(*names)) for names in (Softphone.scripts, ("ui/base.js",)))
    print(f"the page's script: {script / 1000:.1f} kB, beside {shared / 1000:.1f} kB that all panels share")


if __name__ == "__main__":
    main()
