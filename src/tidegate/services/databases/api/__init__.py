"""The operations of PolarDB, MongoDB, AnalyticDB and RDS: typed requests in, typed answers out."""

from __future__ import annotations

from tidegate.services.databases.api.adb import adb
from tidegate.services.databases.api.dds import dds
from tidegate.services.databases.api.polardb import polardb
from tidegate.services.databases.api.rds import rds

__all__ = ["adb", "dds", "polardb", "rds"]
