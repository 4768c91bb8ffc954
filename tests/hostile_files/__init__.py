"""Files made to hurt whoever reads them, built by small functions; none of them is kept as a file.

`corpus` is the table of them, each with what must come of it; `python -m tests.hostile_files` reads all.
"""
