"""``python -m pbxnb`` is the command line ``pbxnb``."""

from .cli import main

if __name__ == "__main__":
    raise SystemExit(main())
