"""A day of 24 hours in 20 minutes: a real daemon whose clock runs 72 times as fast, and a fault each minute.

`python -m tests.day` lives it and prints what was seen; tests/day/README.md says what such a day is.
"""
