"""Small templates for tests."""

from __future__ import annotations

from typing import Any

import yaml

from support.expressions import NoPrograms, settle
from tidegate.services.oos.catalog import Catalog, VendorTemplate
from tidegate.services.oos.model import Template
from tidegate.services.oos.validation import validate


def vendor(name: str) -> VendorTemplate:
    """Return a template of the vendor that this cloud has."""
    found = Catalog().find(name)
    assert found is not None
    return found


def write(**sections: Any) -> str:
    """Return a template's text: one task that calls something, unless ``Tasks`` says otherwise."""
    document = {"FormatVersion": "OOS-2019-06-01", "Tasks": [call("only")], **sections}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def call(name: str, **keys: Any) -> dict[str, Any]:
    """Return a task that calls an operation."""
    return {"Name": name, "Action": "ACS::ExecuteAPI", "Properties": {"Service": "tide", "API": "Ping"}, **keys}


def compiled(**sections: Any) -> Template:
    """Return a valid template, compiled."""
    return settle(validate(write(**sections), NoPrograms())).require()
