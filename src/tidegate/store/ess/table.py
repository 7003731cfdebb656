"""The tables of Auto Scaling; see ``store.table``."""

from tidegate.store.table import RecordT, Table

__all__ = ["RecordT", "Table"]
