"""The static pictures: each one function that takes a handle or a table and returns a plotly figure."""
