"""The people and services a preset's PBX starts with: names, departments, queues, groups, orbits, a menu.

The same size and seed give the same office. Names are made up and mixed from many languages on purpose: displays must
cope with them.
"""

from __future__ import annotations

from random import Random

from .pbx import Pbx

__all__ = ["MOST_EXTENSIONS", "furnish"]

MOST_EXTENSIONS = 7_500
DEPARTMENTS = ("Sales", "Support", "Accounts", "Warehouse", "Management", "Development")
FIRST = (
    "Ann Bob Chloé Dmitri Esra Fatma Goran Hana Ibrahim Jo Katarzyna Liam Mei Noor Olu Pia Quentin Rosa Sven Yara Zoë"
)
LAST = (
    "Field Müller Okafor Tanaka Silva Novák Haddad Larsen O'Brien Rossi Petrov Kaya Moreau Nguyen Quispe Weiss Yılmaz"
)


def furnish(
    pbx: Pbx, extensions: int, *, seed: int = 1, agents: int = 0, wrap_up: float = 10.0, away: float = 0.05
) -> None:
    """Fill an empty PBX.

    Args:
        pbx: the PBX.
        extensions: how many, from 2 to 7,500; numbered from 40, above 50 of them from 200, above 300 from 2000.
        seed: of the names.
        agents: how many extensions, from the second on, serve the queue 600; without any, three serve it if there are.
        wrap_up: seconds an agent rests after a queue call.
        away: share of extensions without a phone today; twice as many are offline for chats.
    """
    rng = Random(f"office {seed}")
    given, family = FIRST.split(), LAST.split()
    first = 40 if extensions <= 50 else 200 if extensions <= 300 else 2000
    numbers = [str(first + i) for i in range(extensions)]
    for i, number in enumerate(numbers):
        extension = pbx.add_extension(
            number,
            f"{rng.choice(given)} {rng.choice(family)}",
            DEPARTMENTS[i * len(DEPARTMENTS) // extensions],
            # The first extension is the user's own and always has a phone; a few others are away today.
            registered=i == 0 or rng.random() >= away,
        )
        if i and extension.registered and rng.random() < 2 * away:
            extension.chat_status = "offline"
    pbx.add_hunt_group("500", "Reception", numbers[1:4])
    serving = numbers[1 : 1 + agents] if agents else numbers[-3:]
    for number in serving:
        if (agent := pbx.extension(number)) is not None and not agent.registered:
            pbx.register(number)
    pbx.add_queue("600", "Support line", serving, wrap_up=wrap_up)
    pbx.add_attendant("100", "Main menu", {"1": "600", "2": "500", "0": numbers[0]})
    for orbit in range(700, 705):
        pbx.add_orbit(str(orbit))
    pbx.add_conference("800", "Meeting room")
