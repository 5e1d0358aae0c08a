"""Dialling and answering with the softphone of a page, where there is one: then the person talks where they click."""

from __future__ import annotations

from pbxnb.ui.handle import Handle, PagePhone

from .attended import Prepared

__all__ = ["begin_in_page", "page_phone", "page_texts"]


def page_phone(handle: Handle, wanted: Prepared) -> PagePhone | None:
    """Return the softphone that does what is wanted instead of the PBX; None where the PBX is asked."""
    account = str(wanted.kw.get("account") or handle.user)
    phone = handle.page_phone(account) if wanted.name in ("dial", "answer") else None
    return phone if phone is not None and phone.takes(wanted.name, wanted.call) else None


def begin_in_page(phone: PagePhone, wanted: Prepared) -> None:
    """Dial, or answer, in the page."""
    to, call = ("", wanted.call) if wanted.name == "answer" else (str(wanted.args[0]), "")
    phone.request(wanted.name, to, call)


def page_texts(wanted: Prepared) -> dict[str, str]:
    """Return what the bar shows in the place of a preview."""
    (what,) = wanted.args[:1]
    call = f'"", "{wanted.call}"' if wanted.name == "answer" else f'"{what}"'
    python = f'phone.request("{wanted.name}", {call})'
    return {"python": python, "json": python, "effect": "The softphone does it, with the sound of its page."}
