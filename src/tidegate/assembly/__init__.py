"""Puts a cloud together. The only place that knows all its parts."""

from tidegate.assembly.cloud import Cloud as Cloud
