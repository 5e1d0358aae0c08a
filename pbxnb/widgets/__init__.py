"""Panels: a live grid, call list, badge, command bar, console, dashboard as ipywidgets. Know a `Handle`, no socket."""
