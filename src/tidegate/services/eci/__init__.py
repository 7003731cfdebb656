"""Elastic Container Instance, as far as Auto Scaling's runbooks need it: groups of containers with an address."""
