"""Operation orchestration: templates and executions."""
