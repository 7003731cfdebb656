"""Builds one cloud out of its parts. The only place that knows them all."""
