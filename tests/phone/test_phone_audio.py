"""Sound as numbers: rates, WAV files of every kind and hostile ones, what can be played, what is heard."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import pytest

from pbxnb.errors import SoundRefused, install_hint

np = pytest.importorskip("numpy", reason="the phone extra is not installed")

from pbxnb.media import tones  # noqa: E402
from pbxnb.phone.audio import (  # noqa: E402
    RATE,
    Activity,
    Digits,
    Resampler,
    ToneHeard,
    digits_in,
    read_wav,
    resample,
    sound_of,
    write_wav,
)
from pbxnb.phone.audio import wav as wav_module  # noqa: E402
from pbxnb.phone.audio.resampling import RATES  # noqa: E402


def sine(frequency: float, rate: int = RATE, seconds: float = 1.0, loud: float = 0.5) -> Any:
    return (loud * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


# -- rates -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("to", [RATE, 48_000])
def test_a_tone_is_the_same_tone_at_another_rate(rate, to):
    out = resample(sine(440, rate), rate, to)
    assert len(out) == to
    inner = slice(to // 20, -to // 20)
    assert np.abs(out[inner] - sine(440, to)[inner]).max() < 2e-3


@pytest.mark.parametrize("frequency", [8_500, 12_000, 20_000])
def test_what_the_lower_rate_cannot_hold_is_gone(frequency):
    assert tones.level(resample(sine(frequency, 48_000), 48_000)[200:-200]) < -70


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
def test_a_stream_in_pieces_is_the_whole(rate):
    whole = sine(300, rate, 0.5) + sine(1_234, rate, 0.5)
    chance, pieces, stream = random.Random(rate), [], Resampler(rate)
    rest = whole
    while len(rest):
        size = chance.choice((1, 7, 160, 960, 3_000))
        pieces.append(stream.feed(rest[:size]))
        rest = rest[size:]
    out = np.concatenate(pieces)
    assert len(out) == -(-len(whole) * RATE // rate)
    assert np.abs(out[stream.delay :] - resample(whole, rate)[: len(out) - stream.delay]).max() < 1e-6


@pytest.mark.parametrize(("rate", "to"), [(48_000, 16_000), (16_000, 48_000), (8_000, 48_000), (48_000, 8_000)])
def test_blocks_of_20_ms_stay_blocks_of_20_ms(rate, to):
    stream = Resampler(rate, to)
    assert {len(stream.feed(np.zeros(rate // 50, np.float32))) for _ in range(20)} == {to // 50}


@pytest.mark.parametrize("rate", [0, -1, 7, 44_101, 10**9])
def test_a_rate_that_nobody_has_is_refused(rate):
    with pytest.raises(SoundRefused, match="no common rate"):
        Resampler(rate)


def test_nothing_becomes_nothing():
    assert len(resample(np.zeros(0, np.float32), 48_000)) == 0


# -- WAV files ---------------------------------------------------------------------------------------------------------


def riff(body: bytes, format_: bytes, *, size: int | None = None, extra: bytes = b"") -> bytes:
    head = struct.pack("<4sI", b"fmt ", len(format_)) + format_
    data = struct.pack("<4sI", b"data", len(body) if size is None else size) + body
    return b"RIFF" + struct.pack("<I", 4 + len(head) + len(data)) + b"WAVE" + extra + head + data


def format_of(kind: int, bits: int, *, channels: int = 1, rate: int = 8_000) -> bytes:
    frame = channels * bits // 8
    return struct.pack("<HHIIHH", kind, channels, rate, rate * frame, frame, bits)


TONE = sine(440, 8_000, 0.5)
KINDS = {
    "8 bits": ((TONE * 127 + 128).astype("u1").tobytes(), format_of(1, 8), 0.02),
    "16 bits": ((TONE * 32767).astype("<i2").tobytes(), format_of(1, 16), 0.001),
    "24 bits": (
        b"".join(int(each).to_bytes(3, "little", signed=True) for each in TONE * (2**23 - 1)),
        format_of(1, 24),
        0.001,
    ),
    "32 bits": ((TONE * (2.0**31 - 1)).astype("<i4").tobytes(), format_of(1, 32), 0.001),
    "float": (TONE.astype("<f4").tobytes(), format_of(3, 32), 0.001),
    "double": (TONE.astype("<f8").tobytes(), format_of(3, 64), 0.001),
    "two channels": (
        np.repeat((TONE * 32767).astype("<i2"), 2).tobytes(),
        format_of(1, 16, channels=2),
        0.001,
    ),
    "extensible": (
        (TONE * 32767).astype("<i2").tobytes(),
        format_of(0xFFFE, 16) + struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14),
        0.001,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_wav_is_read(kind, tmp_path):
    body, format_, error = KINDS[kind]
    path = tmp_path / "tone.wav"
    path.write_bytes(riff(body, format_, extra=struct.pack("<4sI", b"LIST", 5) + b"INFO\0\0"))
    read = read_wav(path, rate=8_000)
    assert len(read) == len(TONE)
    assert np.abs(read - TONE)[200:-200].max() < error + 0.003


@pytest.mark.parametrize(("kind", "name"), [(7, "pcm_mulaw"), (6, "pcm_alaw")])
def test_the_codes_of_telephones_are_those_of_the_codec(kind, name, tmp_path):
    """All 256 bytes against the decoder that the media use."""
    av = pytest.importorskip("av", reason="the phone extra is not installed")
    context = av.CodecContext.create(name, "r")
    context.sample_rate, context.layout, context.format = 8_000, "mono", "s16"
    [frame] = context.decode(av.Packet(bytes(range(256))))
    path = tmp_path / "coded.wav"
    path.write_bytes(riff(bytes(range(256)), format_of(kind, 8)))
    file = io.BytesIO(path.read_bytes())
    found, size = wav_module._find(file)
    values = wav_module._decode(file.read(size), found)
    assert (values * 32768).astype(int).tolist() == frame.to_ndarray()[0].tolist()


def test_what_is_written_is_read_again_and_by_others(tmp_path):
    path = tmp_path / "both.wav"
    sides = np.stack((sine(440), sine(880)), axis=1)
    write_wav(path, sides)
    with wave.open(str(path), "rb") as file:
        assert file.getparams()[:4] == (2, 2, RATE, RATE)
    assert np.abs(read_wav(path) - sides.mean(axis=1))[200:-200].max() < 0.003


HOSTILE = {
    "nothing": b"",
    "text": b"hello, world",
    "mp3": b"ID3\x04" + bytes(500),
    "no format": b"RIFF\x10\0\0\0WAVEdata\x04\0\0\0\0\0\0\0",
    "no sound": b"RIFF\x18\0\0\0WAVE" + struct.pack("<4sI", b"fmt ", 16) + format_of(1, 16),
    "short format": b"RIFF\x18\0\0\0WAVE" + struct.pack("<4sI", b"fmt ", 4) + b"1234" + bytes(50),
    "compressed": riff(bytes(50), format_of(0x55, 16)),
    "9 channels": riff(bytes(90), format_of(1, 16, channels=9)),
    "no channel": riff(bytes(90), format_of(1, 16, channels=0)),
    "12 bits": riff(bytes(90), format_of(1, 12)),
    "no rate": riff(bytes(90), format_of(1, 16, rate=0)),
    "odd rate": riff(bytes(90), format_of(1, 16, rate=44_101)),
    "chunks of nothing": b"RIFF\x18\0\0\0WAVE" + bytes(100_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_wav_is_refused_in_a_sentence_with_its_name(name, tmp_path):
    path = tmp_path / "hostile.wav"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(SoundRefused, match=r"hostile\.wav: .*\."):
        read_wav(path)


def test_an_hour_is_read_and_more_is_refused_before_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(wav_module, "MOST_SECONDS", 1)
    path = tmp_path / "long.wav"
    path.write_bytes(riff(bytes(16_000), format_of(1, 16)))
    assert len(read_wav(path)) == RATE
    path.write_bytes(riff(bytes(16_002), format_of(1, 16)))
    with pytest.raises(SoundRefused, match="at most 1"):
        read_wav(path)


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF, 0x7FFF_FFFF])
def test_a_size_that_was_never_written_or_is_a_lie_is_what_the_file_has(size, tmp_path):
    path = tmp_path / "cut.wav"
    path.write_bytes(riff(bytes(16_001), format_of(1, 16), size=size))
    assert len(read_wav(path, rate=8_000)) == 8_000


def test_floats_that_are_no_numbers_are_silence_or_loud(tmp_path):
    path = tmp_path / "nan.wav"
    path.write_bytes(riff(np.array([np.nan, np.inf, -np.inf, 1e30] * 400, "<f4").tobytes(), format_of(3, 32)))
    assert np.isfinite(read_wav(path)).all()


def test_a_path_that_is_none_is_a_sentence(tmp_path):
    with pytest.raises(SoundRefused, match="cannot be read: No such file"):
        read_wav(tmp_path / "none.wav")
    with pytest.raises(SoundRefused, match="cannot be written: No such file"):
        write_wav(tmp_path / "none" / "none.wav", TONE)


@pytest.mark.parametrize("wrong", [np.zeros((2, 2, 2)), np.array([np.nan]), np.array([1, 2]), "text"])
def test_only_a_wave_is_written(wrong, tmp_path):
    with pytest.raises(SoundRefused, match="A wave is an array of floats"):
        write_wav(tmp_path / "no.wav", wrong)


def test_random_bytes_are_read_or_refused(tmp_path):
    chance, path = random.Random(3), tmp_path / "random.wav"
    good = riff(*KINDS["16 bits"][:2])
    for _ in range(300):
        spoiled = bytearray(good[: chance.randrange(len(good))])
        for _ in range(chance.randrange(6)):
            if spoiled:
                spoiled[chance.randrange(min(60, len(spoiled)))] = chance.randrange(256)
        path.write_bytes(spoiled)
        with contextlib.suppress(SoundRefused):  # and nothing else
            assert np.isfinite(read_wav(path)).all()


# -- what can be played ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", tones.NAMES)
def test_every_sound_that_has_a_name_can_be_played(name):
    assert sound_of(name) == tones.named(name)


def test_a_file_and_a_wave_are_the_same_sound(tmp_path):
    write_wav(tmp_path / "Tone.WAV", sine(440))
    spoken = sound_of(sine(440))
    assert len(spoken) == 2 * 48_000
    for path in (tmp_path / "Tone.WAV", str(tmp_path / "Tone.WAV")):
        assert np.abs(tones.as_wave(sound_of(path)) - tones.as_wave(spoken)).max() < 1e-3


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("klingelton", "no sound 'klingelton'"),
        ("tone:99999999", "no sound"),
        ("dtmf:" + "1" * 100, "at most 64 characters"),
        ("missing.wav", "missing.wav cannot be read"),
        (np.zeros(0, np.float32), "no sound in it"),
        (np.zeros(8, np.int16), "not int16 of shape"),
        (np.zeros((8, 2), np.float32), r"shape \(8, 2\)"),
        (np.array([np.inf]), "A wave is"),
    ],
)
def test_what_is_no_sound_is_refused_in_a_sentence(what, why):
    with pytest.raises(SoundRefused, match=why):
        sound_of(what)


# -- what is heard -----------------------------------------------------------------------------------------------------


def as_heard(samples: bytes) -> Any:
    return resample(tones.as_wave(samples), 48_000)


@pytest.mark.parametrize(("seconds", "gap"), [(0.04, 0.04), (0.05, 0.05), (0.1, 0.07), (1.0, 0.5)])
def test_digits_are_heard_from_40_ms_on(seconds, gap):
    keys = "".join(tones.FREQUENCIES)
    assert digits_in(as_heard(tones.digits_as_sound(keys, seconds, gap))) == keys
    assert digits_in(as_heard(tones.digits_as_sound("1155#", seconds, gap))) == "1155#"


@pytest.mark.parametrize("off", [-0.015, 0.015])
@pytest.mark.parametrize("twist", [-6.0, 4.0])
def test_digits_may_be_a_little_off(off, twist):
    def pressed(low: float, high: float) -> Any:
        louder = 0.2 * 10 ** (twist / 20)
        both = sine(low * (1 + off), seconds=0.08, loud=0.2) + sine(high * (1 + off), seconds=0.08, loud=louder)
        return np.concatenate((both, np.zeros(800, np.float32)))

    pressed_all = np.concatenate([pressed(*pair) for pair in tones.FREQUENCIES.values()])
    assert digits_in(pressed_all) == "".join(tones.FREQUENCIES)


def test_digits_are_heard_in_noise_and_nothing_is_heard_in_noise_alone():
    noise = np.random.default_rng(1).normal(0, 0.02, RATE * 60).astype(np.float32)
    pressed = as_heard(tones.digits_as_sound("2580"))
    assert digits_in(pressed + noise[: len(pressed)]) == "2580"
    assert digits_in(noise) == ""


@pytest.mark.parametrize("name", ["ringback", "busy", "beep", "menu", "music", "tone:697", "tone:1209"])
def test_a_sound_that_is_no_digit_is_none(name):
    assert digits_in(as_heard(tones.named(name))) == ""


def test_a_sweep_through_all_frequencies_holds_no_digit():
    times = np.arange(RATE * 10) / RATE
    sweep = sum(
        0.2 * np.sin(2 * np.pi * (100 * harmonic * times + 15 * harmonic * times**2)) for harmonic in range(1, 8)
    )
    assert digits_in(sweep.astype(np.float32)) == ""


def test_a_digit_says_when_and_how_long():
    heard = Digits()
    blocks = np.concatenate((np.zeros(RATE, np.float32), as_heard(tones.digits_as_sound("7", 0.2, 0.2))))
    [digit] = [each for start in range(0, len(blocks), 320) for each in heard.feed(blocks[start : start + 320])]
    assert digit.digit == "7"
    assert digit.at == pytest.approx(1.0, abs=0.02)
    assert digit.seconds == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("heard_as", [413, 425, 437])
def test_a_tone_is_heard_within_its_tolerance(heard_as):
    blocks = np.split(sine(heard_as, loud=0.1), 50)
    listening = ToneHeard(425)
    answers = [listening.feed(block) for block in blocks]
    assert answers.index(True) in range(9, 16)  # 0.2 to 0.3 s


@pytest.mark.parametrize("name", ["tone:350", "tone:500", "beep", "menu", "dtmf:159#"])
def test_another_tone_is_another(name):
    assert not ToneHeard(425).feed(as_heard(tones.named(name)))


def test_silence_noise_and_a_tone_too_soft_are_no_tone():
    noise = np.random.default_rng(1).normal(0, 0.1, RATE * 10).astype(np.float32)
    for wave_ in (np.zeros(RATE, np.float32), noise, sine(425, loud=0.001)):
        assert not ToneHeard(425).feed(wave_)


def test_the_ringing_tone_is_heard_again_after_its_pause():
    listening = ToneHeard(425)
    answers = [listening.feed(block) for block in np.split(as_heard(tones.named("ringback") * 2), 500)]
    began = [block for block in range(1, 500) if answers[block] and not any(answers[max(0, block - 20) : block])]
    assert len(began) == 2


def test_silence_and_speech_are_counted_from_where_they_began():
    heard = Activity()
    heard.feed(np.zeros(RATE, np.float32))
    assert (heard.silent, heard.loud) == (pytest.approx(1.0), 0.0)
    heard.feed(sine(300, seconds=0.5, loud=0.1))
    assert (heard.silent, heard.loud) == (0.0, pytest.approx(0.5))
    heard.feed(sine(300, seconds=0.3, loud=0.001))
    assert (heard.silent, heard.loud) == (pytest.approx(0.3), 0.0)


def test_without_numpy_one_sentence_says_what_to_install():
    code = (
        "import sys; sys.modules['numpy'] = None\n"
        "from pbxnb.errors import MissingExtra\n"
        "import pbxnb.phone.quality, pbxnb.phone.leg\n"
        "try: import pbxnb.phone.audio.wav\n"
        "except MissingExtra as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout
    assert said == f"The sound of calls needs numpy, not installed here. {install_hint('pbxnb[phone]')}\n"


def test_a_folder_is_no_sound(tmp_path):
    with pytest.raises(SoundRefused, match="cannot be read"):
        read_wav(Path(tmp_path))
