"""Keepers of the jail on machines that this one is not."""
