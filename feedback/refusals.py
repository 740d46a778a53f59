"""What cannot be taken from sales, with a sentence for each field."""

from __future__ import annotations

from collections.abc import Mapping


class Refused(Exception):  # noqa: N818  # it names what happened, not an error of the program
    """An answer, a follow-up or an outcome that cannot be taken as it was given; nothing was written.

    Attributes:
        errors: field → what is wrong with it and how to put it right; "" for the act as a whole.
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {words}" if field else words for field, words in errors.items()))
        self.errors = dict(errors)
