"""A local Alibaba Cloud that really runs: Auto Scaling, lifecycle hooks, runbooks, RAM and Redis whitelists."""

__version__ = "0.1.0"
