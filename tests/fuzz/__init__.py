"""Fuzzing of all that reads what others wrote: `python -m tests.fuzz` (the extra `fuzz` has atheris).

The small corpus beside it is what each entry has learnt; tests/test_fuzz.py runs it without atheris.
"""
