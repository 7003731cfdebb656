"""The sizes that CloudMonitor keeps to."""

from __future__ import annotations

from datetime import timedelta

#: metrics and events in one report (API pages PutCustomMetric, PutCustomEvent)
METRICS_PER_REPORT = 21
EVENTS_PER_REPORT = 50
DIMENSION_CHARACTERS = 64
#: data points on a page: default and most
PAGE = 1000
LONGEST_PAGE = 1440
#: resources that one question may name
RESOURCES = 50
LONGEST_RANGE = timedelta(days=31)
#: ASSUMPTION: the range of a question that names none
DEFAULT_RANGE = timedelta(hours=1)
#: ASSUMPTION: custom metrics of one account, and how far from now a report may lie
CUSTOM_METRICS = 10_000
REPORT_BEHIND = timedelta(hours=1)
REPORT_AHEAD = timedelta(minutes=10)

#: How long samples stay fine, then coarser, then at all. The cloud keeps them longer: 7, 31 and 91 days. Fine ones stay as
#: long as an alarm task of Auto Scaling may look back whose periods are no whole number of the coarser ones.
FINE = timedelta(hours=2, minutes=10)
MIDDLE = timedelta(days=1)
COARSE = timedelta(days=31)
EVENTS = timedelta(days=31)
