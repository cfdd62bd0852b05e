"""Octets that nobody should send, for every decoder and for whole parties.

`python -m fuzz` lists the targets; `python -m fuzz NAME --runs N` runs one.
"""
