"""Runs the cloud's own public templates offline, with answers shaped by the models of the official SDKs.

``models`` gives the shape of an answer, ``samples`` its values, ``steering`` bends it until what a task waits for is there,
``parameters`` starts a template as its form would, ``runs`` puts it together.
"""
