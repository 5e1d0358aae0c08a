"""Calls of a softphone in the page: what needs its sound is done there, so that the person talks where they click."""

from __future__ import annotations

from pbxnb.model.effects import call_ref
from pbxnb.protocol.commands import party_of
from pbxnb.ui.handle import Handle, PagePhone

from .attended import Prepared

__all__ = ["begin_in_page", "page_phone", "page_texts"]

_SOUNDING = ("dial", "answer", "hold", "resume")


def page_phone(handle: Handle, wanted: Prepared) -> PagePhone | None:
    """Return the softphone that does what is wanted instead of the PBX; None where the PBX is asked."""
    call = handle.calls.get(wanted.call)
    acting = party_of(call_ref(call), handle.user) if call is not None else handle.user
    phone = handle.page_phone(str(wanted.kw.get("account") or acting)) if wanted.name in _SOUNDING else None
    return phone if phone is not None and phone.takes(wanted.name, wanted.call) else None


def begin_in_page(phone: PagePhone, wanted: Prepared) -> None:
    """Do it in the page."""
    phone.request(wanted.name, **_given(wanted))


def page_texts(wanted: Prepared) -> dict[str, str]:
    """Return what the bar shows in the place of a preview."""
    [(argument, value)] = _given(wanted).items()
    python = f'phone.request("{wanted.name}", {argument}="{value}")'
    return {"python": python, "json": python, "effect": "The softphone does it, with the sound of its page."}


def _given(wanted: Prepared) -> dict[str, str]:
    return {"call" if wanted.call else "to": str(wanted.args[0])}
