"""Bytes ▶ the parts of a mail, and its headers as text.

Parted by our own hand: the standard library's parser is recursive, looks every line up at every depth,
and decodes headers in quadratic time. What it knows of parameters and dates is used, on short headers.
"""
