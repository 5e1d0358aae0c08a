"""Keywords, versions, nested runs: small things, tested in processes of their own where they change the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pbxnb.arguments import helpful_keywords, nearest
from pbxnb.session.versions import show_versions


def run(code: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_a_mistyped_keyword_is_answered_with_the_nearest():
    @helpful_keywords
    def brew(leaf, *, temperature=80):
        return leaf, temperature

    assert brew("green", temperature=70) == ("green", 70)
    with pytest.raises(TypeError, match=r"brew\(\) takes no keyword 'temprature'; did you mean 'temperature'\?"):
        brew("green", temprature=70)


def test_a_name_like_nothing_is_answered_with_what_there_is():
    assert nearest("zzz", ["dial", "hold"]) == "; there is dial, hold."
    assert nearest("zzz", []) == "; there is none."


def test_versions_name_packages_and_nothing_private():
    versions = show_versions()
    assert versions["python"] == sys.version.split()[0]
    assert versions["websockets"][0].isdigit()
    assert "websockets" in repr(versions)


NESTED = """
import asyncio, pbxnb
async def main():
    await asyncio.sleep(0)
    return 42
async def cell():
    used = pbxnb.enable_nested_run()
    return used, asyncio.run(main())
print(asyncio.run(cell()))
"""


def test_nested_runs_work_and_the_better_module_is_preferred():
    pytest.importorskip("nest_asyncio2")
    done = run(NESTED)
    assert "('nest_asyncio2', 42)" in done.stdout, done.stderr


def test_where_only_nest_asyncio_is_a_kernel_is_warned():
    pytest.importorskip("ipykernel", reason="the lab extra is not installed")
    code = "import sys, ipykernel; sys.modules['nest_asyncio2'] = None\n" + NESTED
    done = run(code, "-W", "always")
    assert "('nest_asyncio', 42)" in done.stdout, done.stderr
    import ipykernel

    if ipykernel.version_info[0] >= 7:
        assert "Only nest_asyncio is installed" in done.stderr
        assert 'pip install "pbxnb[nested]"' in done.stderr


def test_where_neither_is_the_error_says_what_to_install():
    done = run("import sys; sys.modules['nest_asyncio2'] = sys.modules['nest_asyncio'] = None\n" + NESTED)
    assert "MissingExtra" in done.stderr
    assert 'pip install "pbxnb[nested]"' in done.stderr
