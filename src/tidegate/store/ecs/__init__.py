"""Rows of ECS: one module per kind of thing, each with its records and the queries that read and write them."""
