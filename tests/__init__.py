"""The tests: `tests.FOLDER.MODULE` is how one asks for what another shares."""
