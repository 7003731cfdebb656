"""PolarDB, MongoDB, AnalyticDB and RDS, as far as their whitelists need it (ecs.md 14 and 16).

No server stands behind these databases: they are there at once, and their whitelists are kept and answered exactly as
on the cloud, but nothing enforces them on a wire.
"""
