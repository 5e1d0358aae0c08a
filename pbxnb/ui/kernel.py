"""The two touches of ipykernel's private parts that keep clicks alive while a cell blocks (ipykernel 7.4).

ipykernel sends the replies of a comm to whichever shell last *sent* on it. A widget made in a cell is thereby bound to
the main shell, and its clicks wait for the cell that blocks it. Both helpers do nothing where the private attributes
are missing, and nothing here may raise: without them a click is late, no more.
"""

from __future__ import annotations

import contextvars
import sys
from typing import Any

__all__ = ["detached_context", "release_route"]


def detached_context() -> contextvars.Context:
    """Return an empty context in which comm messages have no parent, so that sending binds no comm to a shell.

    Run the UI lane in it: ``threading.Thread(target=detached_context().run, args=(loop,))``.
    """
    context = contextvars.Context()
    base = sys.modules.get("ipykernel.kernelbase")
    kernel = getattr(base, "Kernel", None)
    if kernel is not None and kernel.initialized():
        parent = getattr(kernel.instance(), "_shell_parent", None)
        if isinstance(parent, contextvars.ContextVar):
            context.run(parent.set, {})
    return context


def release_route(widget: Any) -> None:
    """Forget to which shell a widget's comm was bound; its next click goes where the front end sends it."""
    comm = getattr(widget, "comm", None)
    if hasattr(comm, "__dict__"):
        vars(comm).pop("_reply_subshell_id", None)
