"""What holds for all tests: a property is judged by what it shows, not by luck, and no panel outlives its test."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from ipywidgets.widgets import widget as ipywidget

settings.register_profile(
    "pbxnb", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.load_profile("pbxnb")

QUICK = {"history", "model", "protocol", "ui", "widgets", "test_borders.py"}
"""What `pytest -m quick` runs: nothing here starts a process or waits for long."""
NOT_QUICK = {
    "test_history_socket.py",  # an embedded PBX plays a scenario for each of its tests
    "test_protocol_large.py",  # megabytes for each of its tests, as in the next two
    "test_protocol_bounds.py",
    "test_model_bounds.py",
    "test_model_memory.py",  # thousands of calls for each of its tests, as in the next one
    "test_model_inputs.py",
}


@pytest.hookimpl(tryfirst=True)  # before pytest looks at the markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        if folder in QUICK and item.path.name not in NOT_QUICK and not item.get_closest_marker("long"):
            item.add_marker("quick")


@pytest.fixture(autouse=True)
def panels_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Widgets that a test opened are closed, what it patched still in place; the UI lane ends with the last panel."""
    before = set(ipywidget._instances)
    threads = set(threading.enumerate())  # who leaves a panel open is blamed, not everybody after
    yield
    for made in [made for key, made in ipywidget._instances.items() if key not in before]:
        made.close()
    for thread in set(threading.enumerate()) - threads:
        if thread.name == "pbxnb-ui":
            thread.join(5)
            assert not thread.is_alive(), "a panel is still open"
