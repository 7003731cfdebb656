"""The errors of Tidegate, drawn as one tree.

    TidegateError
    ├── CloudError          an answer the cloud gives: code, message, HTTP status
    ├── UnreachableError    a cloud that does not answer, or with what no cloud would say
    ├── ConfigurationError  a setting or a machine that cannot do what was asked; says the remedy
    ├── PlaneError          the real world refused: a host, a Redis server, a gate
    └── StoreError          the database cannot be used

An expected outcome is a value, not an exception: see ``Decision`` in ``services.ram``.
"""

from __future__ import annotations

from collections.abc import Mapping


class TidegateError(Exception):
    """The root of every error that Tidegate raises on purpose."""


class CloudError(TidegateError):
    """An API error exactly as the real service sends it.

    ``code`` and ``message`` are protocol facts and match the service to the letter. ``detail`` is the optional
    ``AccessDeniedDetail`` object. Anything raised as a CloudError inside an operation must have changed nothing.
    """

    def __init__(self, code: str, message: str, status: int = 400, *, detail: Mapping[str, str] | None = None) -> None:
        super().__init__(code, message, status)
        self.code = code
        self.message = message
        self.status = status
        self.detail = detail

    def __str__(self) -> str:
        """Read as OOS prints an API failure (oos.md 4.3): ``<Code> message: <Message>``."""
        return f"{self.code} message: {self.message}"


class UnreachableError(TidegateError):
    """A cloud's address does not answer, or with something no cloud would say; whether it acted is not known."""


class ConfigurationError(TidegateError):
    """What was asked for cannot be had on this machine or with these settings; the message names the remedy."""


class PlaneError(TidegateError):
    """The real world refused: a host could not boot, a server did not start, a gate did not take a list."""


class StoreError(TidegateError):
    """The database cannot be reached, started or migrated."""
