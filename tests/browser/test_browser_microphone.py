"""The page's microphone and sound in a real Chromium: every way to be without one, devices, and that all of it ends."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import require_browser

pytestmark = pytest.mark.browser
LOAD = """async () => {
    globalThis.mic = await import("/widgets/softphone/microphone.js");
    globalThis.sounds = await import("/widgets/softphone/sound.js"); }"""
TELL = "async () => { const {track, kind} = await mic.openMicrophone(); return [kind, !!track, mic.wayOut(kind)]; }"


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


@pytest.fixture
def opened(tmp_path: Path, port: int, said: Path) -> Iterator[Any]:
    """A page with a microphone that is allowed."""
    from tests.browser.phone_page import SoundBrowser, sound_flags

    with SoundBrowser(tmp_path / "profile", sound_flags(said)) as browser:
        page = browser.open(f"http://127.0.0.1:{port}/")
        page.evaluate(LOAD)
        yield page


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


def test_devices_have_names_and_a_switch_in_a_call_keeps_it_muted(opened: Any) -> None:
    devices = opened.evaluate("() => mic.listDevices()")
    assert len(devices["inputs"]) > 1
    assert all(each["label"] for each in devices["inputs"] + devices["outputs"])
    other = devices["inputs"][-1]["id"]
    told = opened.evaluate(
        """async (device) => {
        const peer = new RTCPeerConnection(), {track} = await mic.openMicrophone();
        const sender = peer.addTrack(track);
        track.enabled = false;
        const {kind} = await mic.switchMicrophone(sender, {device});
        const now = [kind, sender.track.getSettings().deviceId === device, sender.track.enabled, track.readyState];
        sender.track.stop();
        peer.close();
        return now; }""",
        other,
    )
    assert told == ["ok", True, False, "ended"]
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


def test_sound_is_not_allowed_before_the_person_did_something(tmp_path: Path, port: int) -> None:
    """All from the page's own doing: what a test asks of a page counts as the person's."""
    from tests.browser.phone_page import SoundBrowser, sound_flags

    script = """addEventListener("load", async () => {
        const { Sound } = await import("/widgets/softphone/sound.js"), sound = new Sound(), ring = sound.ring();
        const tell = () => console.log(`allowed ${sound.allowed}, sounding ${pbxWatch.left().players}`);
        sound.onchange = tell;
        addEventListener("click", () => sound.enable());
        setTimeout(tell, 100); });"""
    with SoundBrowser(tmp_path / "profile", sound_flags()) as browser:
        page = browser.context.new_page()
        page.add_init_script(script)
        with page.expect_console_message(lambda message: message.text.startswith("allowed")) as told:
            page.goto(f"http://127.0.0.1:{port}/")
        assert told.value.text == "allowed false, sounding 0"
        with page.expect_console_message(lambda message: message.text.startswith("allowed")) as told:
            page.mouse.click(10, 10)
        assert told.value.text.startswith("allowed true")
        page.wait_for_function("() => pbxWatch.left().players === 1")  # what waited for it rings now


def test_a_refused_microphone_says_where_to_allow_it(tmp_path: Path, port: int, said: Path) -> None:
    from tests.browser.phone_page import SoundBrowser, sound_flags

    with SoundBrowser(tmp_path / "profile", sound_flags(said, granted=False)) as browser:
        page = browser.open(f"http://127.0.0.1:{port}/")
        session = page.context.new_cdp_session(page)
        refusal = {"permission": {"name": "microphone"}, "setting": "denied", "origin": f"http://127.0.0.1:{port}"}
        page.evaluate(LOAD)
        assert page.evaluate("() => mic.lookAtMicrophone()") == "asking"
        session.send("Browser.setPermission", refusal)
        kind, track, way = page.evaluate(TELL)
        assert (kind, track) == ("refused", False)
        assert "the sign beside the address allows it" in way
        assert page.evaluate("() => mic.lookAtMicrophone()") == "refused"


def test_a_machine_without_a_microphone_is_told_so(tmp_path: Path, port: int) -> None:
    from tests.browser.phone_page import SoundBrowser, sound_flags

    with SoundBrowser(tmp_path / "profile", sound_flags()) as browser:
        page = browser.open(f"http://127.0.0.1:{port}/")
        page.evaluate(LOAD)
        assert page.evaluate("() => mic.lookAtMicrophone()") == "missing"
        assert page.evaluate(TELL) == ["missing", False, "No microphone was found: plug one in. You can still listen."]


def test_a_page_that_is_not_secure_says_the_way_out(tmp_path: Path, port: int, said: Path) -> None:
    from tests.browser.phone_page import SoundBrowser, sound_flags

    rules = "--host-resolver-rules=MAP pbx.example 127.0.0.1"
    with SoundBrowser(tmp_path / "profile", [*sound_flags(said), rules]) as browser:
        page = browser.open(f"http://pbx.example:{port}/")
        page.evaluate(LOAD)
        assert page.evaluate("() => mic.lookAtMicrophone()") == "insecure"
        kind, _, way = page.evaluate(TELL)
        assert kind == "insecure"
        assert f"Open it as https://pbx.example:{port}, or tunnel: ssh -L {port}:localhost:{port} pbx.example." in way
        assert page.evaluate("() => mic.listDevices()") == {"inputs": [], "outputs": []}


@pytest.mark.parametrize(("allow", "kind"), [("", "blocked by host"), ("microphone", "ok")])
def test_a_frame_in_a_foreign_page_has_the_microphone_only_by_that_pages_leave(
    tmp_path: Path, port: int, said: Path, allow: str, kind: str
) -> None:
    from tests.browser.phone_page import SoundBrowser, sound_flags

    with SoundBrowser(tmp_path / "profile", sound_flags(said)) as browser:
        page = browser.open(f"http://127.0.0.1:{port}/")
        page.evaluate(
            """([source, allow]) => new Promise((done) => { const frame = document.createElement("iframe");
            Object.assign(frame, {src: source, allow, onload: done}); document.body.append(frame); })""",
            [f"http://localhost:{port}/", allow],
        )
        frame = page.frames[1]
        frame.evaluate(LOAD)
        told, track, way = frame.evaluate(TELL)
        assert (told, track) == (kind, kind == "ok")
        assert ("pbx.phone" in way) == (kind != "ok")
