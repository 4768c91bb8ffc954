"""Bytes ▶ articles, a module for each format, with its family. All but plain text is read in the jail.

A format's module has `read`, and `warm`, which loads all that `read` may need: in the jail no file
can be opened any more. Articles come without a language; whoever asked detects it.
"""
