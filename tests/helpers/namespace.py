"""A network of its own for a test: this machine alone, or one in which every address is this machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

__all__ = ["in_a_namespace"]

ALONE = "ip link set lo up"
EVERYWHERE = f"{ALONE}; ip addr add 10.9.0.1/32 dev lo; ip route add local 0.0.0.0/0 dev lo"


def in_a_namespace(network: str, module: str) -> str:
    """What a module prints there.

    Args:
        network: `ALONE` or `EVERYWHERE`.
        module: run as a program.
    """
    if sys.platform != "linux":
        pytest.skip("network namespaces are Linux's")
    tried = subprocess.run(["unshare", "-rn", "sh", "-c", network], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"this machine gives no network namespace: {tried.stderr.strip()[:100]}")
    program = f"{network}; exec {sys.executable} -m {module}"
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-ec", program], capture_output=True, text=True, check=False, timeout=120
    )
    assert not done.returncode, done.stderr
    return done.stdout
