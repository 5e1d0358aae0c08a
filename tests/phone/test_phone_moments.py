"""The log of a leg: what was sent, received, ordered, and where it stood, in order and bounded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from pbxnb.phone.leg import Leg, MediaState, Signalling, Step
from pbxnb.phone.moments import FIRST, NEWEST, Moments
from pbxnb.protocol import messages as m
from tests.phone.test_phone_leg import CANDIDATE, sdp
from tests.protocol.test_protocol_sdp import BROWSER

BEGIN = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)


class Log:
    """A leg with its moments, as a line keeps them."""

    def __init__(self) -> None:
        ticks = count()
        self.leg = Leg(Signalling.MODERN, to="207", callid="5b20@kit")
        self.moments = Moments(lambda: BEGIN + timedelta(seconds=next(ticks)))

    def run(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            self.moments.step(step)
        self.moments.follow(self.leg)

    def told(self, message: m.Message) -> None:
        self.moments.message(message)
        self.run(self.leg.told(message))


def test_a_call_reads_as_it_went() -> None:
    log = Log()
    log.run(log.leg.dial())
    log.moments.described(BROWSER)
    log.run(log.leg.described(BROWSER))
    log.told(sdp(183, "99@pbx"))
    log.run(log.leg.described(BROWSER))
    log.told(CANDIDATE)
    log.told(sdp(200, "99@pbx", ""))
    log.run(log.leg.sounds(MediaState.FLOWING))
    log.told(m.Bye(callid="99@pbx"))
    assert [(moment.kind, moment.text.split(" ")[0]) for moment in log.moments()] == [
        ("media", "make"),
        ("state", "dialling"),
        ("sound", "gathering"),
        ("media", "described:"),
        ("sent", "sdp-packet"),
        ("received", "sdp"),
        ("media", "answer"),
        ("state", "early"),
        ("sent", "sdp-200ok"),
        ("received", "candidate"),
        ("media", "take"),
        ("received", "sdp"),
        ("sent", "sip-ack"),
        ("state", "connecting"),
        ("state", "talking"),
        ("sound", "flowing"),
        ("received", "bye"),
        ("sent", "bye-response"),
        ("media", "close"),
        ("state", "ended:"),
    ]
    times = [moment.at for moment in log.moments()]
    assert times == sorted(times)


def test_it_holds_no_secret() -> None:
    log = Log()
    log.run(log.leg.dial())
    log.run(log.leg.described(BROWSER))
    log.told(sdp(183, "99@pbx"))
    log.run(log.leg.described(BROWSER))
    texts = " ".join(moment.text for moment in log.moments())
    secrets = [line.partition(":")[2] for line in BROWSER.splitlines() if "ice-" in line or "fingerprint" in line]
    assert len(secrets) >= 3
    assert not [secret for secret in secrets if secret in texts]


def test_a_flood_leaves_the_beginning_and_the_newest() -> None:
    log = Log()
    log.run(log.leg.dial())
    for _ in range(5_000):
        log.told(CANDIDATE)
    log.told(m.Bye(callid="5b20@kit"))
    kept = log.moments()
    assert len(kept) == FIRST + NEWEST
    assert kept[0].text == "make an offer"
    assert kept[-1].text.startswith("ended")
