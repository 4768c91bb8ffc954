"""The desk: pages on which people see what came in and why it was tagged so, correct it, and teach.

A process of its own (`__main__`), so that no page slows the intake. It reads the ledger and writes to it
in small transactions, as a command would; what it only needs to be fast stands in an index of its own.
"""
