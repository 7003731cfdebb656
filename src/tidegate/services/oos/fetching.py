"""``TemplateURL``: the text of a template that lies at an address which the settings allow (oos.md 5.11, 8.1)."""

from __future__ import annotations

from tidegate.cloud.outside import Outside, OutsideError, Request
from tidegate.errors import CloudError
from tidegate.wire.addresses import without_query


async def fetch_template(outside: Outside, url: str) -> str:
    """Return the text; raises CloudError when it cannot be had."""
    try:
        reply = await outside.send(Request(method="GET", url=url))
        text = reply.body.decode()
    except (OutsideError, UnicodeError) as error:
        raise CloudError("InvalidParameter.TemplateURL", f"The template cannot be read: {error}") from error
    if reply.status != 200:
        raise CloudError(
            "InvalidParameter.TemplateURL", f"{without_query(url)} answered with the status {reply.status}."
        )
    return text
