"""Rows of Auto Scaling: records, and one module of queries per table. Every function takes the transaction to work in.

Locks are taken in one order: group, activity, members and actions.
"""
