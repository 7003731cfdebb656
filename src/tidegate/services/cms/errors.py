"""The errors of CloudMonitor. ASSUMPTION on all words but the codes: the vendor's pages only point at a search form."""

from __future__ import annotations

from tidegate.errors import CloudError


def invalid(name: str) -> CloudError:
    """A value that cannot be read or is out of range."""
    return CloudError("ParameterInvalid", f'The specified value of parameter "{name}" is not valid.')


def missing(name: str) -> CloudError:
    """A mandatory value that is not there."""
    return CloudError("ParameterInvalid", f'The parameter "{name}" is required.')


def not_found() -> CloudError:
    """A namespace, a metric or a rule that there is not."""
    return CloudError("ResourceNotFound", "The specified resource is not found.", 404)


def too_many() -> CloudError:
    """More custom metrics than an account may have."""
    return CloudError("LimitExceeded", "The quota of the custom metrics is exceeded.", 402)
