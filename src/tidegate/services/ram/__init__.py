"""Identities, policies and the decision whether somebody may do something."""
