"""The atomic actions of runbooks: ``table`` knows all of them, one file each for those that are built."""
