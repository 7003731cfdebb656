"""Templates, and the few functions they may call."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import ChainableUndefined, Environment, PackageLoader
from markupsafe import Markup, escape

from tidegate.console import moments
from tidegate.console.words import LANGUAGES, Words
from tidegate.errors import ConfigurationError

if TYPE_CHECKING:
    from tidegate.console.page import Page

_TYPED = re.compile("`([^`]+)`")
_GOOD = frozenset(
    {
        "Active",
        "InService",
        "Running",
        "Success",
        "Successful",
        "Normal",
        "Completed",
        "Healthy",
        "Allow",
        "OK",
        "active",
        "normal",
    }
    | {"RollbackSuccessful"}
)
_BUSY = frozenset(
    {"Paused", "CheckpointPause", "Cancelling", "RollbackInProgress", "INSUFFICIENT_DATA"}
    | {
        "Pending",
        "Pending:Wait",
        "Removing",
        "Removing:Wait",
        "InProgress",
        "Started",
        "Creating",
        "Changing",
        "Waiting",
    }
    | {"Queued", "Starting", "Stopping", "WaitForStart", "Protected", "Standby", "Deleting"}
)
_BAD = frozenset(
    {"Failed", "Timeout", "Unhealthy", "Error", "Rejected", "Warning", "ABANDON", "ExplicitDeny", "ImplicitDeny"}
    | {"ALARM", "RollbackFailed", "abnormal", "locked"}
)


def tone(state: str) -> str:
    """Return how a state is coloured."""
    if state in _GOOD:
        return "good"
    if state in _BUSY:
        return "busy"
    return "bad" if state in _BAD else "calm"


class Rendering:
    """Turns templates into pages."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self._environment = Environment(
            loader=PackageLoader("tidegate.console"),
            autoescape=True,
            undefined=ChainableUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(tone=tone, languages=LANGUAGES, span=moments.span, stamp=moments.of_epoch)
        self._environment.filters["pretty"] = pretty
        self._environment.filters["coded"] = coded

    def render(self, template: str, page: Page, context: Mapping[str, Any]) -> str:
        """Return a whole page."""
        assets = {name: f"/console/static/{name}?v={self.assets[name][1]}" for name in self.assets}
        return self._environment.get_template(template).render(
            page=page,
            _=page.say,
            to=page.to,
            here=page.here,
            state=lambda state: self.words.state(page.language, state),
            when=lambda moment, precise=None: _when(page, moment, precise),
            local=lambda moment: _local(page, moment),
            left=lambda moment: _left(page, moment),
            assets=assets,
            **context,
        )

    @cached_property
    def assets(self) -> Mapping[str, tuple[bytes, str, str]]:
        """The static files: name → content, digest, type. htmx comes out of the package that ships it."""
        static = files("tidegate.console").joinpath("static")
        contents = {
            "console.css": (static.joinpath("console.css").read_bytes(), "text/css; charset=utf-8"),
            "console.js": (static.joinpath("console.js").read_bytes(), "text/javascript; charset=utf-8"),
            "icon.svg": (static.joinpath("icon.svg").read_bytes(), "image/svg+xml"),
            "htmx.js": (_htmx().read_bytes(), "text/javascript; charset=utf-8"),
        }
        return {
            name: (content, hashlib.blake2s(content, digest_size=6).hexdigest(), kind)
            for name, (content, kind) in contents.items()
        }


def pretty(value: object) -> str:
    """Write JSON text, or a value, over several lines; what is no JSON stays as it is."""
    try:
        tree = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return str(value)
    return tree if isinstance(tree, str) else json.dumps(tree, indent=2, ensure_ascii=False)


def coded(text: str) -> Markup:
    """Show what stands in backticks as what is typed."""
    typed = Markup("<code>{}</code>")
    parts = _TYPED.split(text)
    return Markup("").join(typed.format(part) if place % 2 else escape(part) for place, part in enumerate(parts))


def _htmx() -> Path:
    """Find htmx in django-htmx, of which nothing else is used and nothing is imported."""
    spec = importlib.util.find_spec("django_htmx")
    if spec is None or spec.origin is None:
        raise ConfigurationError("the package django-htmx is missing: install tidegate with its dependencies")
    return Path(spec.origin).parent / "static" / "django_htmx" / "htmx-2.min.js"


def _when(page: Page, moment: object, precise: bool | None = None) -> Markup | str:
    parsed = moments.parse(moment)
    if parsed is None:
        return "—"
    if precise is None:
        precise = isinstance(moment, datetime) or str(moment).count(":") > 1
    text = moments.written(parsed, page.zone, precise=precise)
    return Markup('<time datetime="{}">{}</time>').format(parsed.isoformat(), escape(text))


def _local(page: Page, moment: object) -> str:
    """Return a moment as a field of the type datetime-local wants it, in the reader's zone."""
    parsed = moments.parse(moment)
    return parsed.astimezone(page.zone).strftime("%Y-%m-%dT%H:%M") if parsed is not None else ""


def _left(page: Page, moment: datetime) -> str:
    """Return how long it is until a moment, rounded so that a page does not change every second."""
    seconds = (moment - page.clock.now()).total_seconds()
    if seconds <= 0:
        return page.say("due")
    return page.say("{time} left", time=moments.span(max(round(seconds / 5) * 5, 5)))
