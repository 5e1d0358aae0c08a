"""The page's microphone and sound in a real Chromium: every way to be without one, devices, and that all of it ends."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import require_browser

pytestmark = pytest.mark.browser
Chromium = Callable[..., Any]
LOAD = """async () => {
    globalThis.mic = await import("/widgets/softphone/microphone.js");
    globalThis.sounds = await import("/widgets/softphone/sound.js"); }"""
CALL = """async () => {
    const { Connection } = await import("/widgets/softphone/connection.js"), sound = new sounds.Sound();
    globalThis.said = [];
    globalThis.far = new RTCPeerConnection();
    far.addTransceiver("audio");
    far.onicecandidate = ({candidate}) => candidate && con.candidates({lines: [candidate.candidate]});
    let begin;
    const begun = new Promise((done) => { begin = done; });
    globalThis.con = new Connection(sound, {input: "", processed: false}, async (told) => {
        said.push(...[told.media, told.microphone].filter(Boolean));
        if (told.described) await far.setRemoteDescription({type: "answer", sdp: told.described}).then(begin);
        if (told.found) far.addIceCandidate(told.found); });
    const offer = await far.createOffer();
    con.answer({ice: [], sdp: offer.sdp});
    await far.setLocalDescription(offer);
    await begun; }"""
TELL = "async () => { const {track, kind} = await mic.openMicrophone(); return [kind, !!track]; }"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    require_browser()
    pytest.importorskip("numpy", reason="The tests of sound need the phone extra.")
    from tests.browser.phone_page import modules

    with modules() as served:
        yield served


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, port: int) -> Path:
    from tests.browser.phone_page import voice, write

    return write(tmp_path_factory.mktemp("voice") / "voice.wav", voice(8))


@pytest.fixture(scope="module")
def chromium(port: int) -> Iterator[Chromium]:
    """Starts a browser: its profile, what its microphone says, more flags, whether the person allows everything."""
    from playwright.sync_api import sync_playwright

    from tests.browser.phone_page import SoundBrowser, sound_flags

    with sync_playwright() as playwright:

        def start(profile: Path, microphone: Path | None = None, *flags: str, granted: bool = True) -> Any:
            return SoundBrowser(playwright, profile, [*sound_flags(microphone, granted=granted), *flags])

        yield start


@pytest.fixture(scope="module")
def allowed(tmp_path_factory: pytest.TempPathFactory, chromium: Chromium, said: Path) -> Iterator[Any]:
    """A browser in which the person allowed everything."""
    with chromium(tmp_path_factory.mktemp("profile"), said) as browser:
        yield browser


@pytest.fixture
def opened(allowed: Any, port: int) -> Iterator[Any]:
    """A page with a microphone that is allowed."""
    page = allowed.open(f"http://127.0.0.1:{port}/")
    page.evaluate(LOAD)
    yield page
    page.close()


def samples(text: str) -> Any:
    import numpy as np

    return np.frombuffer(base64.b64decode(text), "<i2") / 32_768


def test_the_microphone_is_what_the_file_says_and_ends_with_its_call(opened: Any, said: Path) -> None:
    from tests.browser.phone_page import likeness, voice

    assert opened.evaluate("() => mic.lookAtMicrophone()") == "ok"
    heard = opened.evaluate("""async () => {
        globalThis.call = await mic.openMicrophone({processed: false});
        return pbxWatch.record(call.track, 2); }""")
    assert likeness(samples(heard), voice(8)) > 0.98
    assert opened.evaluate("() => pbxWatch.left().tracks") == 1
    opened.evaluate("() => call.track.stop()")
    assert opened.evaluate("() => pbxWatch.left().tracks") == 0


def test_devices_have_names_and_the_chosen_one_is_taken(opened: Any) -> None:
    devices = opened.evaluate("() => mic.listDevices()")
    assert len(devices["inputs"]) > 1
    assert all(name for _, name in devices["inputs"] + devices["outputs"])
    for device in (devices["inputs"][-1][0], "unplugged"):
        taken = opened.evaluate(
            """async (device) => { const {track} = await mic.openMicrophone({input: device});
            track.stop();
            return track.getSettings().deviceId; }""",
            device,
        )
        assert (taken == device) == (device != "unplugged")


def test_a_muted_call_stays_muted_with_another_microphone_and_with_none(opened: Any) -> None:
    """The other side is a plain connection of the same page."""
    opened.evaluate(CALL)
    opened.wait_for_function("() => con.said.enabled && far.getReceivers()[0].getSynchronizationSources().length > 0")
    other = opened.evaluate("() => mic.listDevices()")["inputs"][-1][0]
    told = opened.evaluate(
        """async (device) => {
        const before = con.said, devices = con.devices;
        con.flow({send: false, hear: true});
        devices.input = device;
        con.useMicrophone();
        await con.last;
        const switched = [con.said.getSettings().deviceId === device, con.said.enabled, before.readyState];
        devices.input = "none";
        con.useMicrophone();
        await con.last;
        return [...switched, con.said, con.peer.getSenders()[0].track.readyState, said.at(-1)]; }""",
        other,
    )
    assert told == [True, False, "ended", None, "live", "listen only"]
    assert opened.evaluate("() => pbxWatch.left().tracks") == 0  # the sign of recording is gone, silence is sent
    opened.evaluate("() => { con.close(); far.close(); }")
    assert opened.evaluate("() => pbxWatch.left()") == {"peers": 0, "tracks": 0, "players": 0}


def test_a_call_that_ends_while_the_person_is_asked_opens_no_microphone(opened: Any) -> None:
    opened.evaluate(CALL.replace("await begun", "con.close(); await con.last"))
    assert opened.evaluate("() => said") == []
    assert opened.evaluate("() => { far.close(); return pbxWatch.left(); }") == {"peers": 0, "tracks": 0, "players": 0}


def test_a_description_that_cannot_be_used_is_told(opened: Any) -> None:
    opened.evaluate(CALL.replace("sdp: offer.sdp", "sdp: 'nonsense'").replace("await begun", "await con.last"))
    assert opened.evaluate("() => said.slice(0, 2)") == ["ok", "failed"]
    opened.evaluate("() => { con.close(); far.close(); }")
    assert opened.evaluate("() => pbxWatch.left()") == {"peers": 0, "tracks": 0, "players": 0}


def test_levels_and_ones_own_voice_and_the_ring_end_and_leave_nothing(opened: Any) -> None:
    told = opened.evaluate("""async () => {
        const sound = new sounds.Sound();
        await sound.enable();
        const {track} = await mic.openMicrophone({processed: false});
        const loud = await new Promise((done) => {
            const stop = sound.level(track, (level) => { if (level > -50) { stop(); done(level); } }); });
        const heard = await new Promise((done) => {
            const repeat = sound.repeat(track, () => done(track.readyState), 0.3);
            globalThis.during = pbxWatch.left().players + ":" + !!repeat; });
        const ring = sound.ring();
        await new Promise((done) => { const [audio] = sound.players.keys(); audio.ontimeupdate = done; });
        const ringing = sound.players.size;
        ring();
        return [loud <= 0, heard, during.endsWith("true"), ringing, sound.players.size, sound.allowed]; }""")
    assert told == [True, "ended", True, 1, 0, True]
    assert opened.evaluate("() => pbxWatch.left()") == {"peers": 0, "tracks": 0, "players": 0}


def test_sound_is_not_allowed_before_the_person_did_something(tmp_path: Path, chromium: Chromium, port: int) -> None:
    """All from the page's own doing: what a test asks of a page counts as the person's."""
    script = """addEventListener("load", async () => {
        const { Sound } = await import("/widgets/softphone/sound.js"), sound = new Sound(), ring = sound.ring();
        const tell = () => console.log(`allowed ${sound.allowed}, sounding ${pbxWatch.left().players}`);
        sound.onchange = tell;
        addEventListener("click", () => sound.enable());
        setTimeout(tell, 100); });"""
    with chromium(tmp_path / "profile") as browser:
        page = browser.context.new_page()
        page.add_init_script(script)
        with page.expect_console_message(lambda message: message.text.startswith("allowed")) as told:
            page.goto(f"http://127.0.0.1:{port}/")
        assert told.value.text == "allowed false, sounding 0"
        with page.expect_console_message(lambda message: message.text.startswith("allowed")) as told:
            page.mouse.click(10, 10)
        assert told.value.text.startswith("allowed true")
        page.wait_for_function("() => pbxWatch.left().players === 1")  # what waited for it rings now


def test_a_refused_microphone_is_known_as_such(tmp_path: Path, chromium: Chromium, port: int, said: Path) -> None:
    with chromium(tmp_path / "profile", said, granted=False) as browser:
        page = browser.open(f"http://127.0.0.1:{port}/")
        session = page.context.new_cdp_session(page)
        refusal = {"permission": {"name": "microphone"}, "setting": "denied", "origin": f"http://127.0.0.1:{port}"}
        page.evaluate(LOAD)
        assert page.evaluate("() => mic.lookAtMicrophone()") == "asking"
        session.send("Browser.setPermission", refusal)
        assert page.evaluate(TELL) == ["refused", False]
        assert page.evaluate("() => mic.lookAtMicrophone()") == "refused"


def test_a_machine_without_a_microphone_is_told_so(tmp_path: Path, chromium: Chromium, port: int) -> None:
    with chromium(tmp_path / "profile") as browser:
        page = browser.open(f"http://127.0.0.1:{port}/")
        page.evaluate(LOAD)
        assert page.evaluate("() => mic.lookAtMicrophone()") == "missing"
        assert page.evaluate(TELL) == ["missing", False]


def test_a_page_that_is_not_secure_says_the_way_out(tmp_path: Path, chromium: Chromium, port: int, said: Path) -> None:
    rules = "--host-resolver-rules=MAP pbx.example 127.0.0.1"
    with chromium(tmp_path / "profile", said, rules) as browser:
        page = browser.open(f"http://pbx.example:{port}/")
        page.evaluate(LOAD)
        assert page.evaluate("() => mic.lookAtMicrophone()") == "insecure"
        assert page.evaluate(TELL) == ["insecure", False]
        filled = page.evaluate("() => mic.ofThisPage('ORIGIN, ssh -L TUNNEL')")
        assert filled == f"http://pbx.example:{port}, ssh -L {port}:localhost:{port} pbx.example"
        assert page.evaluate("() => mic.listDevices()") == {"inputs": [], "outputs": []}


@pytest.mark.parametrize(("allow", "kind"), [("", "blocked by host"), ("microphone", "ok")])
def test_a_frame_in_a_foreign_page_has_the_microphone_only_by_that_pages_leave(
    tmp_path: Path, chromium: Chromium, port: int, said: Path, allow: str, kind: str
) -> None:
    with chromium(tmp_path / "profile", said) as browser:
        page = browser.open(f"http://127.0.0.1:{port}/")
        page.evaluate(
            """([source, allow]) => new Promise((done) => { const frame = document.createElement("iframe");
            Object.assign(frame, {src: source, allow, onload: done}); document.body.append(frame); })""",
            [f"http://localhost:{port}/", allow],
        )
        frame = page.frames[1]
        frame.evaluate(LOAD)
        assert frame.evaluate(TELL) == [kind, kind == "ok"]
