"""Hosts behind ECS instances."""
