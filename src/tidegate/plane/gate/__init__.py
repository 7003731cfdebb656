"""Whitelists enforced on the wire."""
