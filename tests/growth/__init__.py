"""Growth on paper: what one machine holds, what several would, and which limit comes first.

`python -m tests.growth` answers from measured.json; `python -m tests.growth measure` writes that file.
"""
