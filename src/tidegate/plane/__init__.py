"""The real world behind small ports: hosts, Redis servers and the gate before each.

Every verb is idempotent and may be called again after a crash at any point: creating what exists with equal parameters
returns it, destroying what is gone succeeds, and ``list`` is the truth. Identifiers and addresses are the caller's.
"""
