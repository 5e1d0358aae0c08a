"""Calls and presence changes that happen by themselves: the presets, who calls when, and what users do with a call."""
