"""Recordings as a notebook holds them."""
