"""REST of the embedded PBX: a module a family of resources, each a tuple of rows; `table` has them all."""
