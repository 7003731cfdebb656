"""How one look at a runbook's execution goes: its notebook, the turns of its tasks, its loops."""
