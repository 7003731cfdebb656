"""The process that holds the whole cloud network in namespaces of its own."""
