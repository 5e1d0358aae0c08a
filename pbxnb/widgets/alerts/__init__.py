"""Alerts: rules over what a handle knows, where each stands, and a log of what happened."""

from .panel import Alerts
from .rules import AlertEvent, Level, Rule

__all__ = ["AlertEvent", "Alerts", "Level", "Rule"]
