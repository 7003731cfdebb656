"""``tidegate oos graph``: where the tasks of a template lead, as text and as a picture."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate.cli.options import DataDir

if TYPE_CHECKING:
    from tidegate.console.graph import Graph
    from tidegate.services.oos.model import Task, Template

_STYLE = (
    "rect{fill:#fff;stroke:#8a94a6;stroke-width:1.5}text{font:13px sans-serif;fill:#1c2430}"
    "text.detail{font-size:11.5px;fill:#5b6575}path{fill:none;stroke:#5b6575;stroke-width:1.4}"
    "path.error{stroke:#c0392b;stroke-dasharray:4 4}marker path{fill:#5b6575;stroke:none}"
)
_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 8 4 0 8z"/></marker></defs>'
)


def graph(
    template: Annotated[str, typer.Argument(help="A file, or the name of a public template.")],
    data_dir: DataDir,
    svg: Annotated[bool, typer.Option("--svg", help="A picture instead of text: redirect it into a file.")] = False,
) -> None:
    """Print the task graph: for every task what it calls, what comes next, and where a failure leads."""
    from tidegate.cli.oos.sources import compile_template, read_catalog  # noqa: PLC0415 - not for `--help`

    compiled = compile_template(template, read_catalog(data_dir))
    if not svg:
        typer.echo("\n".join(_lines(compiled)))
        return
    from tidegate.console.graph import graph_of  # noqa: PLC0415 - only for pictures

    typer.echo(_svg(graph_of(compiled, {})))


def _lines(template: Template) -> Iterator[str]:
    for number, task in enumerate(template.tasks, 1):
        condition = "  (only when its condition holds)" if task.when is not None else ""
        looped = "  (for each item)" if task.loop is not None else ""
        yield f"{number:>3}  {task.name}  [{task.action}{_call(task)}]{condition}{looped}"
        for branch in task.branches:
            yield f"       ? → {branch.next_task}"
        yield f"       {'else' if task.branches else 'next'} → {_next(template, task)}"
        yield f"       fail → {_shown(task.on_error)}"


def _next(template: Template, task: Task) -> str:
    from tidegate.services.oos.model import NEXT  # noqa: PLC0415

    target = task.default_task if task.branches else task.on_success
    if target != NEXT:
        return _shown(target)
    following = task.index + 1
    return template.tasks[following].name if following < len(template.tasks) else "end"


def _shown(target: str) -> str:
    from tidegate.services.oos.model import END, NEXT  # noqa: PLC0415

    return {END: "end", NEXT: "next"}.get(target, target)


def _call(task: Task) -> str:
    properties = task.source.get("Properties")
    given = properties if isinstance(properties, dict) else {}
    service, api = given.get("Service"), given.get("API")
    return f" {service}.{api}" if isinstance(service, str) and isinstance(api, str) else ""


def _svg(picture: Graph) -> str:
    """Return a picture that stands by itself."""
    edges = [f'<path d="{edge.path}" class="{edge.kind}" marker-end="url(#tip)"/>' for edge in picture.edges]
    nodes = [
        f"<g><title>{escape(f'{node.name} · {node.action}')}</title>"
        f'<rect x="{node.x}" y="{node.y}" width="{node.width}" height="{node.height}" rx="9"/>'
        f'<text x="{node.x + 14}" y="{node.y + 21}">{escape(_cut(node.name, 40))}</text>'
        f'<text class="detail" x="{node.x + 14}" y="{node.y + 38}">{escape(_cut(node.detail, 48))}</text></g>'
        for node in picture.nodes
    ]
    size = f'width="{picture.width}" height="{picture.height}" viewBox="0 0 {picture.width} {picture.height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
    return "\n".join([head, f"<style>{_STYLE}</style>", _TIP, *edges, *nodes, "</svg>"])


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
