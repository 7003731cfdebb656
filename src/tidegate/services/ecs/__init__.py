"""Elastic Compute Service: regions, networks, instances, Cloud Assistant."""
