"""``tidegate oos``: runbooks checked, drawn, tested and run from the command line."""

from __future__ import annotations

import typer

from tidegate.cli.oos import graph, import_, policy, record, rehearse, run, validate

app = typer.Typer(
    name="oos", help="Check, draw, test and run runbooks (OOS templates).", no_args_is_help=True, add_completion=False
)
for command in (validate.validate, policy.policy, graph.graph, record.record, run.run):
    app.command()(command)
app.command("test")(rehearse.rehearse)
app.command("import")(import_.import_templates)
