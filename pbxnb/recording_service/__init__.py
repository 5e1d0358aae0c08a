"""Recording without a notebook, for months: many PBXs and tenants in one process, and tables of what was recorded."""

from .line import LineHealth, Pace
from .service import Health, Service, changes, record
from .settings import PbxEntry, Settings, read_settings
from .tables import TABLES, make_tables

__all__ = [
    "TABLES", "Health", "LineHealth", "Pace", "PbxEntry", "Service", "Settings", "changes", "make_tables",
    "read_settings", "record",
]  # fmt: skip
