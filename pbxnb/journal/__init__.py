"""Durable recordings of a line, and what is made of them."""
