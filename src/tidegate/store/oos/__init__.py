"""Rows of runbooks: ``records`` their shapes, ``templates`` and ``executions`` the queries, ``journal`` the progress."""
