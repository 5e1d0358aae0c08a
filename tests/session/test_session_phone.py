"""The kernel's own phone against an embedded PBX with sound: calls, what is said and heard, and how each may end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiortc", reason="needs the phone extra")

import numpy as np

import pbxnb
from pbxnb.errors import (
    BadCommand,
    CallRefused,
    ConfigError,
    ControlDisabled,
    EngineLost,
    MissingExtra,
    NotRegistered,
    PhoneError,
    SoundRefused,
)
from pbxnb.phone.audio import RATE, read_wav, write_wav
from pbxnb.phone.call import PhoneCall
from pbxnb.phone.leg import LegState
from pbxnb.phone.phone import Phone
from pbxnb.session.pbx import Pbx

DIALECTS = {"since 69": ("modern", "70.1"), "before 69": ("modern", "67.0"), "2016": ("2016", "5.4")}
WAIT = 30.0


def chirp(seconds: float = 2.0) -> np.ndarray:
    """A tone that rises from 300 to 3,000 Hz, and so is like itself at one moment only."""
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * (300 + 2_700 * time / (2 * seconds)) * time)).astype(np.float32)


def likeness(heard: np.ndarray, said: np.ndarray) -> float:
    """How each 0.2 s that was said correlates with the part of what was heard that is most like it: the median.

    A machine with much to do may drop 20 ms on the way; all that follows is then in another place.
    """
    found = []
    for start in range(0, len(said), RATE // 5):
        piece = said[start : start + RATE // 5]
        at = int(np.argmax(np.correlate(heard, piece, "valid")))
        found.append(float(np.corrcoef(heard[at : at + len(piece)], piece)[0, 1]))
    return float(np.median(found))


def has_pitch(wave: np.ndarray, pitch: float) -> bool:
    spectrum = np.abs(np.fft.rfft(wave))
    return bool(np.max(np.abs(wave)) > 0.03 and abs(np.argmax(spectrum) * RATE / len(wave) - pitch) < 10)


async def until(holds: Any) -> None:
    """Wait for something that no event tells."""
    async with asyncio.timeout(WAIT):
        while not holds():  # noqa: ASYNC110 - several threads change it
            await asyncio.sleep(0.02)


async def talk(caller: Phone, called: Phone) -> tuple[PhoneCall, PhoneCall]:
    """Both ends of a call that was answered."""
    rings = called.incoming()
    ours = await caller.dial(called.account, timeout=WAIT)
    theirs = await anext(rings)
    await theirs.answer()
    await asyncio.gather(ours.connected(WAIT), theirs.connected(WAIT))
    return ours, theirs


@pytest.fixture(params=DIALECTS)
async def spoken(request: pytest.FixtureRequest) -> AsyncIterator[Pbx]:
    dialect, version = DIALECTS[request.param]
    async with pbxnb.simulate("empty", extensions=6, media=True, dialect=dialect, version=version) as pbx:
        yield pbx


@pytest.fixture
async def pbx() -> AsyncIterator[Pbx]:
    async with pbxnb.simulate("empty", extensions=6, media=True) as pbx:
        yield pbx


# -- in every dialect --------------------------------------------------------------------------------------------------


async def test_an_echo_says_back_what_a_file_holds(spoken: Pbx, tmp_path: Path) -> None:
    write_wav(tmp_path / "said.wav", chirp(), rate=RATE)
    phone = await spoken.phone("42")
    call = await (await phone.dial("*echo")).connected(WAIT)
    assert (call.state, call.party.number, phone.calls) == ("talking", "*echo", (call,))
    heard = call.heard(5.0)
    await call.play(tmp_path / "said.wav")
    assert likeness(await heard, chirp()) > 0.95
    await call.hangup()
    assert (call.state, call.cause, phone.calls) == ("ended", "hung up here", ())


async def test_digits_come_back(spoken: Pbx) -> None:
    phone = await spoken.phone("42")
    call = await (await phone.dial("*dtmf")).connected(WAIT)
    await call.dtmf("15#")
    assert [await call.digit(WAIT) for _ in range(3)] == ["1", "5", "#"]


async def test_two_phones_hear_each_other_and_nothing_while_held(spoken: Pbx) -> None:
    one, two = await spoken.phone("41"), await spoken.phone("42")
    ours, theirs = await talk(one, two)
    assert theirs.party.number == "41"
    await until(lambda: ours.call is not None)
    assert ours.call is not None
    assert "41" in ours.call.extensions
    ours.play("tone:440", loop=True)
    theirs.play("tone:800", loop=True)
    await asyncio.gather(theirs.tone(440, WAIT), ours.tone(800, WAIT))
    await ours.hold()
    assert ours.state == LegState.HELD_HERE
    await ours.silence(0.5, WAIT)
    async with asyncio.timeout(WAIT):
        while has_pitch(await theirs.heard(0.3), 440):
            pass  # what was said before is on its way
    await ours.resume()
    await asyncio.gather(theirs.tone(440, WAIT), ours.tone(800, WAIT))
    await theirs.hangup()
    await until(lambda: ours.state == LegState.ENDED)
    assert ours.cause == "hung up there"


async def test_a_call_given_to_a_number_goes_there(spoken: Pbx) -> None:
    one, two, three = [await spoken.phone(account) for account in ("41", "42", "43")]
    ours, theirs = await talk(one, two)
    await until(lambda: ours.call is not None)
    rings = three.incoming()
    outcome = await ours.transfer("43")
    third = await anext(rings)
    await third.answer()
    await third.connected(WAIT)
    theirs.play("tone:440", loop=True)
    await third.tone(440, WAIT)
    assert (str(outcome.status), ours.state) == ("confirmed", "ended")


# -- calls that ring ---------------------------------------------------------------------------------------------------


async def test_ringing_is_heard_before_the_answer(pbx: Pbx) -> None:
    one, two = await pbx.phone("41"), await pbx.phone("42")
    call = await one.dial("42")
    at_two = await anext(two.incoming())
    assert (call.state, at_two.state) == ("early", "ringing")
    await call.tone(425, WAIT)
    assert call.early_media
    await at_two.reject(486)
    assert at_two.cause == "rejected here"
    await call.connected(WAIT)  # to the mailbox
    assert not call.early_media


async def test_a_second_call_is_busy_and_rings_where_there_are_two_lines(pbx: Pbx) -> None:
    one, two, three = await pbx.phone("41"), await pbx.phone("42"), await pbx.phone("43", lines=2)
    await talk(one, two)
    with pytest.raises(NotRegistered, match="1 of 1 are taken"):
        await one.dial("*echo")
    refused = await (await three.dial("42")).connected(WAIT)
    assert len(two.calls) == 1  # busy: the mailbox took it
    await refused.hangup()
    first = await (await three.dial("*echo")).connected(WAIT)
    rings = three.incoming()
    again = await pbx.phone("44")
    second = again.dial("43")
    call = await anext(rings)
    assert call.party.number == "44"
    assert await second
    assert first.state == LegState.TALKING
    assert len(three.calls) == 2


async def test_one_that_answers_by_itself_and_one_that_asks_a_function(pbx: Pbx) -> None:
    asked: list[PhoneCall] = []

    async def greet(call: PhoneCall) -> None:
        asked.append(call)
        await call.answer()
        await call.play("tone:800")

    one = await pbx.phone("41", lines=2)
    await pbx.phone("42", answer="auto")
    await pbx.phone("43", answer=greet)
    await (await one.dial("42")).connected(WAIT)
    call = await (await one.dial("43")).connected(WAIT)
    await call.tone(800, WAIT)
    assert [each.party.number for each in asked] == ["41"]


async def test_only_a_call_that_rings_can_be_answered_and_only_one_that_was_can_be_held(pbx: Pbx) -> None:
    one = await pbx.phone("41")
    await pbx.phone("42")
    call = await one.dial("42")
    with pytest.raises(PhoneError, match="Only a call that rings here can be answered"):
        await call.answer()
    with pytest.raises(PhoneError, match="Only a call that was answered can be held"):
        await call.hold()


async def test_a_number_that_does_not_exist_is_refused_with_its_code(spoken: Pbx) -> None:
    phone = await spoken.phone("41")
    with pytest.raises(CallRefused, match="999 was not reached") as told:
        await (await phone.dial("999", timeout=WAIT)).connected(WAIT)
    assert told.value.code == 404


@pytest.mark.parametrize("code", [486, 603])
async def test_a_call_that_a_phone_rejects_goes_to_its_mailbox_or_is_refused_with_the_code(code: int) -> None:
    for mailboxes in (True, False):
        async with pbxnb.simulate("empty", extensions=6, media=True, mailboxes=mailboxes) as pbx:
            one, two = await pbx.phone("41"), await pbx.phone("42")
            call = await one.dial("42")
            await (await anext(two.incoming())).reject(code)
            if mailboxes:
                assert (await call.connected(WAIT)).state == "talking"
            else:
                with pytest.raises(CallRefused) as told:
                    await call.connected(WAIT)
                assert told.value.code == code


@pytest.mark.parametrize("to", ["", " ", "4\n1", "4" * 300])
async def test_what_is_no_number_is_not_dialled(pbx: Pbx, to: str) -> None:
    phone = await pbx.phone("41")
    with pytest.raises(BadCommand):
        phone.dial(to)


async def test_two_calls_of_one_phone_are_joined_and_it_is_free(pbx: Pbx) -> None:
    one, two, three = [await pbx.phone(account, lines=2) for account in ("41", "42", "43")]
    first, at_two = await talk(one, two)
    await first.hold()
    second, at_three = await talk(one, three)
    await until(lambda: first.call is not None and second.call is not None)
    outcome = await first.transfer(second)
    await until(lambda: not one.calls)
    assert (str(outcome.status), at_two.state, at_three.state) == ("confirmed", "talking", "talking")
    at_three.play("tone:440", loop=True)
    assert await at_two.tone(440, timeout=WAIT)
    at_two.play("tone:660", loop=True)
    assert await at_three.tone(660, timeout=WAIT)


# -- what is said and heard --------------------------------------------------------------------------------------------


async def test_blocks_come_one_after_the_other_and_end_with_the_call(pbx: Pbx) -> None:
    phone = await pbx.phone("41")
    call = await (await phone.dial("*tone")).connected(WAIT)
    blocks = []
    async for block in call.audio():
        blocks.append(block)
        if len(blocks) == 25:
            await call.hangup()
    assert all(block.wave.shape == (320,) and block.wave.dtype == np.float32 for block in blocks)
    assert np.diff([block.at for block in blocks]) == pytest.approx(0.02)
    with pytest.raises(PhoneError, match="The call has ended: hung up here"):
        await call.speech(timeout=WAIT)


async def test_a_call_is_recorded_to_a_file_which_its_repr_says(pbx: Pbx, tmp_path: Path) -> None:
    phone = await pbx.phone("41")
    call = await (await phone.dial("*tone")).connected(WAIT)
    await call.record(tmp_path / "heard.wav", "heard", announce="beep")
    assert f"recorded to {tmp_path / 'heard.wav'}" in repr(call)
    await call.heard(1.0, WAIT)
    await call.hangup()
    assert has_pitch(read_wav(tmp_path / "heard.wav")[-RATE // 2 :], 440)
    with pytest.raises(SoundRefused, match="cannot be written"):
        call.record(tmp_path / "nowhere" / "heard.wav")


async def test_tones_remind_of_a_recording(pbx: Pbx, tmp_path: Path) -> None:
    phone = await pbx.phone("41")
    call = await (await phone.dial("*echo")).connected(WAIT)
    with pytest.raises(ConfigError, match="beep"):
        call.record(tmp_path / "heard.wav", beep=1)
    await call.record(tmp_path / "heard.wav", beep=5)
    await call.tone(1000, WAIT)
    await call.record(None)
    assert call.recording == ""
    await call.hangup()


async def test_a_phone_may_record_all_its_calls(pbx: Pbx, tmp_path: Path) -> None:
    phone = await pbx.phone("41", record=tmp_path)
    assert f"recording to {tmp_path}" in repr(phone)
    call = await (await phone.dial("*tone")).connected(WAIT)
    await call.heard(0.5, WAIT)
    await call.hangup()
    assert os.listdir(tmp_path) == [os.path.basename(call.recording)]  # noqa: PTH119, PTH208
    with pytest.raises(ConfigError, match="record= is a folder"):
        pbx.phone("41", record=tmp_path / "nowhere")


async def test_a_sound_goes_on_until_it_is_stopped(pbx: Pbx) -> None:
    phone = await pbx.phone("41")
    call = await (await phone.dial("*echo")).connected(WAIT)
    sound = call.play("tone:440", loop=True)
    await call.tone(440, WAIT)
    assert not sound.done()
    await call.stop()
    await sound
    await call.silence(0.5, WAIT)
    with pytest.raises(SoundRefused, match="There is no sound"):
        call.play("nonsense")


async def test_muted_is_silence_to_the_other_side(pbx: Pbx) -> None:
    phone = await pbx.phone("41")
    call = await (await phone.dial("*echo")).connected(WAIT)
    call.play("tone:440", loop=True)
    await call.tone(440, WAIT)
    await call.mute()
    await call.silence(0.5, WAIT)
    await call.mute(False)
    await call.tone(440, WAIT)


async def test_the_quality_of_a_call_is_told_second_by_second(pbx: Pbx) -> None:
    phone = await pbx.phone("41")
    call = await (await phone.dial("*loss3")).connected(WAIT)
    await until(lambda: len(call.quality.samples) >= 3)
    assert call.quality.codec == "opus"
    assert call.quality.mos is not None
    await call.hangup()
    assert set(phone.quality.df["callid"]) == {call.callid}


async def test_what_happens_to_a_call_can_be_followed_and_holds_no_secret(
    pbx: Pbx, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "pbxnb")
    phone = await pbx.phone("41")
    call = await phone.dial("*echo")
    events = call.events()
    await call.connected(WAIT)
    await call.hangup()
    texts = [f"{moment.kind} {moment.text}" async for moment in events]
    assert "state talking" in texts
    assert texts[-1] == "state ended: hung up here"
    said = "\n".join((*texts, *(str(each) for each in call.moments), repr(call), repr(phone), caplog.text))
    assert "ice-pwd" not in said
    assert "fingerprint:" not in said


# -- ends --------------------------------------------------------------------------------------------------------------


async def test_a_killed_child_ends_its_calls_with_a_sentence_and_the_next_call_has_a_new_one(pbx: Pbx) -> None:
    phone = await pbx.phone("41")
    call = await (await phone.dial("*echo")).connected(WAIT)
    waiting = call.tone(440, WAIT)
    child = pbx._phones._engine.process
    os.kill(child, signal.SIGKILL)
    with pytest.raises(EngineLost, match=r"The process for media ended unexpectedly \(code -9\)"):
        await waiting
    assert (call.state, phone.calls) == ("ended", ())
    assert "ended unexpectedly" in call.cause
    await until(lambda: not pbx.calls)
    await (await phone.dial("*echo")).connected(WAIT)
    assert pbx._phones._engine.process != child


async def test_a_lost_line_leaves_the_sound_of_an_answered_call(pbx: Pbx) -> None:
    phone = await pbx.phone("41")
    call = await (await phone.dial("*echo")).connected(WAIT)
    states: list[str] = []
    phone._line.registrar.changed.add(states.append)
    pbx.simulator.faults.drop("41")
    await until(lambda: states[:1] == ["lost"])
    assert call.state == LegState.TALKING
    await call.hangup()
    assert call.cause == "hung up here"
    await until(lambda: phone.status == "registered")


async def test_a_closed_phone_ends_its_calls_and_its_iterators(pbx: Pbx) -> None:
    phone = await pbx.phone("41")
    call = await (await phone.dial("*echo")).connected(WAIT)
    rings = phone.incoming()
    await phone.close()
    assert (phone.status, phone.calls, call.state) == ("closed", (), "ended")
    assert [call async for call in rings] == []
    with pytest.raises(NotRegistered):
        await phone.dial("*echo")
    await until(lambda: not pbx.calls)


async def test_the_end_of_the_handle_ends_its_phones() -> None:
    pbx = await pbxnb.simulate("empty", extensions=6, media=True)
    phone = await pbx.phone("41")
    call = await (await phone.dial("*echo")).connected(WAIT)
    child = pbx._phones._engine.process
    waiting = call.tone(440)
    await pbx.aclose()
    assert (phone.status, call.state) == ("closed", "ended")
    with pytest.raises(PhoneError):
        await waiting
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


async def test_made_again_it_replaces_the_first_unless_it_has_another_name(pbx: Pbx) -> None:
    first = await pbx.phone("41")
    second = await pbx.phone("41", name="beside")
    third = await pbx.phone("41")
    assert (first.status, second.status, third.status) == ("closed", "registered", "registered")


def test_a_script_waits_by_result() -> None:
    with pbxnb.simulate("empty", extensions=6, media=True) as pbx:
        phone = pbx.phone("41").result(WAIT)
        call = phone.dial("*echo").result(WAIT).connected().result(WAIT)
        call.play("tone:440").result(WAIT)
        assert call.hangup().result(WAIT).state == LegState.ENDED


# -- what is refused at once -------------------------------------------------------------------------------------------


async def test_a_handle_that_only_looks_registers_no_phone(pbx: Pbx) -> None:
    given = pbx.simulator.connection(pbx.domain, "41") | {"control": False}
    async with pbxnb.connect(**given) as looking:
        with pytest.raises(ControlDisabled, match="no phone was registered"):
            looking.phone("41")


async def test_one_that_answers_by_itself_on_a_real_pbx_warns(pbx: Pbx, caplog: pytest.LogCaptureFixture) -> None:
    async with pbxnb.connect(**pbx.simulator.connection(pbx.domain, "41")) as real:
        await real.phone("41", answer="auto")
        assert "answers every call by itself" in caplog.text


async def test_without_the_extra_the_line_that_installs_it_is_told(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r'pip install "pbxnb\[phone\]"'):
        pbx.phone("41")


@pytest.mark.parametrize(
    "given",
    [
        {"lines": 0},
        {"codecs": ("mp3",)},
        {"codecs": "opus"},
        {"answer": "no"},
        {"answer": print},
        {"media_hosts": ["x"]},
    ],
)
async def test_arguments_that_cannot_be_used_are_told(pbx: Pbx, given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        pbx.phone("41", **given)
