"""The commands. Each imports what it needs when it runs, so that ``tidegate env`` does not wait for a server's imports."""

from __future__ import annotations

import sys

from tidegate.errors import CloudError, TidegateError


def main() -> None:
    """Run the command line; an error is one line on standard error and exit status 1."""
    from tidegate.cli.app import app  # noqa: PLC0415 - see the module's first line

    try:
        app()
    except CloudError as error:
        sys.exit(f"tidegate: {error.code}: {error.message}")
    except TidegateError as error:
        sys.exit(f"tidegate: {error}")
