"""Explain a score: the same statement as of the moment it was stored, line by line, for the page and for packs."""

from __future__ import annotations


class Explanation: ...


def explain() -> None: ...
