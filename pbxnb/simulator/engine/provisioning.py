"""What an administrator changes: accounts come and go, and their settings (rest.md 2.1, 2.8).

Settings are texts. Some are the state of the account itself, such as its name, DND or the agents of a queue; any other
is kept and given back. Secrets are taken and never kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pbxnb.protocol.rest import FORWARD_KEYS

from .accounts import (
    SimAccount,
    SimAttendant,
    SimConference,
    SimExtension,
    SimHuntGroup,
    SimOrbit,
    SimQueue,
    SimServiceFlag,
)
from .pbx import SimPbx

__all__ = ["KINDS", "create", "delete", "read_settings", "set_flag", "write_settings"]

KINDS: dict[str, Callable[[str, str], SimAccount]] = {
    kind.type: kind
    for kind in (SimExtension, SimQueue, SimHuntGroup, SimAttendant, SimConference, SimOrbit, SimServiceFlag)
}
"""The kinds of account that can be created, by their name on the wire."""

FORWARDS = {key: when for when, key in FORWARD_KEYS.items()}
"""When calls go on to what a setting holds."""

UNUSED = """
position picture cell_dis no_vpa cell_time cell_night cell_hunt cell_acd cell_conn cell_c2d cell_never cell_always
hours_mon hours_tue hours_wed hours_thu hours_fri hours_sat hours_sun hours_holiday tz lang_web lang_audio melody moh
adrbook_pref include_local presence dialog_subscribe location pickups orbits block_cid cw wakeup cfa_times cfb_times
cfn_timeout cfn_times cfd anonymous email_address email_vmail vmail_option email_missed email_mb_full email_all
email_status mb_enable mb_timeout mb_size name_use mailbox_access mwi cell_mwi mailbox_escape mailbox_group
view_settings profile alias ani disabled
"""
"""Settings of an extension that a PBX has and that do nothing here; empty until they are written."""

MOST_ACCOUNTS = 10_000
MOST_SETTINGS = 300
_NUMBER = re.compile(r"[0-9*#+]{1,20}", re.ASCII)
_KEY = re.compile(r"\w{1,64}", re.ASCII)
_SECRET = re.compile(r"pass|(?:^|_)pin|secret", re.ASCII)


def create(pbx: SimPbx, kind: str, number: str) -> bool:
    """Add an account, an extension without a phone; False for a number that is none or taken, or an unknown kind."""
    if kind not in KINDS or number in pbx.accounts or not _NUMBER.fullmatch(number):
        return False
    if len(pbx.accounts) >= MOST_ACCOUNTS:
        return False
    pbx.directory.add(KINDS[kind](number, number))
    pbx.switch.account_changed(number)
    return True


def delete(pbx: SimPbx, number: str) -> bool:
    """Take an account out of service: its phones go, its calls end; False when there is none.

    A call that rings there for a group or a queue goes on without it.
    """
    if number not in pbx.accounts:
        return False
    pbx.dnd(number, False)
    pbx.unregister(number)  # first of all, so that no call comes while others end
    for call in pbx.calls_of(number):
        if call.group == number or not (number in call.ringing and call.group and pbx.reject(call.id, number)):
            pbx.hangup(call.id)
    pbx.directory.remove(number)
    pbx.switch.account_changed(number)
    return True


def set_flag(pbx: SimPbx, flag: SimServiceFlag, on: bool) -> None:
    """Switch a service flag."""
    if flag.on != on:
        flag.on = on
        pbx.switch.account_changed(flag.number)


def read_settings(account: SimAccount) -> dict[str, str]:
    """The settings of an account."""
    match account:
        case SimExtension():
            first, _, last = account.name.partition(" ")
            found = dict.fromkeys(UNUSED.split(), "") | {"first_name": first, "display_name": last}
            found |= {"dnd": _said(account.dnd), "mb_enable": _said(account.mailbox)}
            found |= {key: account.forwards.get(when, "") for key, when in FORWARDS.items()}
        case SimQueue():
            found = {
                "display": account.name,
                "all_agents": " ".join(account.agents),
                "timeout": f"{account.ring_for:g}",
            }
        case SimHuntGroup():
            found = {"display": account.name, "st1_ext": " ".join(account.members), "st1_dur": f"{account.ring_for:g}"}
        case SimServiceFlag():
            found = {"display": account.name, "mode": "manual", "state": _said(account.on)}
        case _:
            found = {"display": account.name}
    return found | account.settings


def _said(on: bool) -> str:
    return "true" if on else "false"


def write_settings(pbx: SimPbx, account: SimAccount, values: Mapping[str, str]) -> None:
    """Change settings of an account; what is not named stays."""
    before = read_settings(account)
    for key, value in values.items():
        if not _KEY.fullmatch(key) or _SECRET.search(key) or before.get(key) == value:
            continue
        if not _act(pbx, account, key, value) and (key in account.settings or len(account.settings) < MOST_SETTINGS):
            account.settings[key] = value
    now = read_settings(account)
    names = ("first_name", "display_name") if isinstance(account, SimExtension) else ("display",)
    name = " ".join(now[key] for key in names if now[key]) or account.number
    if name != account.name:
        account.name = name
        pbx.switch.account_changed(account.number)


def _act(pbx: SimPbx, account: SimAccount, key: str, value: str) -> bool:
    """Change what an account is or does; False for a setting that is only kept."""
    match account, key:
        case SimExtension(), "dnd":
            pbx.dnd(account.number, value == "true")
        case SimExtension(), "mb_enable":
            account.mailbox = value == "true"
        case SimExtension(), _ if key in FORWARDS:
            pbx.forward(account.number, value, FORWARDS[key])
        case SimQueue(), "all_agents":
            pbx.switch.queues.set_agents(account, value.split())
        case SimHuntGroup(), "st1_ext":
            account.members = tuple(n for n in value.split() if pbx.extension(n) is not None)
        case ((SimQueue() | SimHuntGroup()), "timeout" | "st1_dur") if value.isascii() and value.isdigit():
            account.ring_for = float(value[:6])
        case SimServiceFlag(), "state":
            set_flag(pbx, account, value == "true")
        case _:
            return False
    return True
