"""What changes between two versions of an agreement, in words: clause by clause, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Literal

from leadsla.accounts.models import Side
from sla import wording
from sla.agreements import Clause
from sla.models import Agreement
from sla.wording import Line, Text

Kind = Literal["same", "gone", "new"]
State = Literal["same", "changed", "gone", "new"]
# Words, the spaces between them, and the marks behind them. A narrow space belongs to its word: `55 %` is one.
_TOKENS = re.compile(r"[ \t\n]+|[.,;:()“”]|(?:[^ \t\n.,;:()“”]|[.,:](?=\d))+")
FEW = 5  # so many words and spaces between two changes are taken into one: "9 times in 10" reads better whole


@dataclass(frozen=True)
class Segment:
    """A run of words that stayed, went or came."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Part:
    """One sentence, as it was and as it is.

    Attributes:
        key: what it is about; the measure of a clause.
        segments: its words.
        state: whether it stayed, was changed, went or came.
        number: of a clause, counted through both sides; None of what went.
        side: who promises, of a clause.
        note: where a clause's figure comes from.
    """

    key: str
    segments: list[Segment]
    state: State
    number: int | None = None
    side: str = ""
    note: str = ""

    @property
    def is_changed(self) -> bool:
        """Tell whether it reads otherwise than before."""
        return self.state != "same"

    @property
    def text(self) -> str:
        """Return how it reads now; of what went, how it read."""
        kinds = {"same", "gone"} if self.state == "gone" else {"same", "new"}
        return "".join(segment.text for segment in self.segments if segment.kind in kinds)


@dataclass(frozen=True)
class Difference:
    """An agreement in words, with what changed; see `wording.Text` for the parts."""

    terms: list[Part]
    of_marketing: list[Part]
    of_sales: list[Part]
    asked: list[Part]
    nurtured: list[Part]
    escalation: list[Part]
    counting: list[Part]

    @property
    def changes(self) -> list[Part]:
        """Return what reads otherwise than before."""
        parts = (
            self.terms,
            self.of_marketing,
            self.of_sales,
            self.asked,
            self.nurtured,
            self.escalation,
            self.counting,
        )
        return [part for each in parts for part in each if part.is_changed]


def between(old: Agreement, new: Agreement, *, now: datetime) -> Difference:
    """Compare two versions of an agreement.

    Args:
        old: the version before; its clauses are matched by commitment, the rest by what it is about.
        new: the version after; its order counts.
        now: the moment; hours of calendars are those of then.
    """
    return _compared(wording.text_of(old, now=now), wording.text_of(new, now=now))


def plain(agreement: Agreement, *, now: datetime) -> Difference:
    """Return an agreement in words with nothing changed, to be shown by the same page."""
    text = wording.text_of(agreement, now=now)
    return _compared(text, text)


def segments(old: str, new: str) -> list[Segment]:
    """Compare two sentences word by word.

    Args:
        old, new: the sentences; "" for one that is not there.

    Returns:
        Runs of words: what stayed, what went, what came; what went stands before what came in its place.
    """
    before, after = _TOKENS.findall(old), _TOKENS.findall(new)
    runs: list[tuple[bool, list[str], list[str]]] = []
    for tag, start, end, new_start, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        is_same = tag == "equal"
        if is_same and len(runs) > 0 and end < len(before) and new_end < len(after) and end - start <= FEW:
            is_same = False  # a few words between two changes
        if runs and not runs[-1][0] and not is_same:
            runs[-1][1].extend(before[start:end])
            runs[-1][2].extend(after[new_start:new_end])
        else:
            runs.append((is_same, before[start:end], after[new_start:new_end]))
    found: list[Segment] = []
    for is_same, gone, come in runs:
        if is_same:
            found.append(Segment("same", "".join(gone)))
            continue
        found += [Segment("gone", "".join(gone))] if gone else []
        found += [Segment("new", "".join(come))] if come else []
    return found


def _compared(old: Text, new: Text) -> Difference:
    return Difference(
        terms=_lines(old.terms, new.terms),
        of_marketing=_clauses(old.clauses, new.clauses, side=Side.MARKETING),
        of_sales=_clauses(old.clauses, new.clauses, side=Side.SALES),
        asked=_lines(old.asked, new.asked),
        nurtured=_lines(old.nurtured, new.nurtured),
        escalation=_lines(old.escalation, new.escalation),
        counting=_lines(old.counting, new.counting),
    )


def _clauses(old: Sequence[Clause], new: Sequence[Clause], *, side: str) -> list[Part]:
    before = {clause.measure: clause for clause in old if clause.side == side}
    found = []
    for clause in new:
        if clause.side == side:
            was = before.pop(clause.measure, None)
            found.append(
                Part(
                    key=clause.measure,
                    segments=segments(was.text if was else "", clause.text),
                    state=_state(was.text if was else None, clause.text),
                    number=clause.number,
                    side=side,
                    note=clause.note,
                )
            )
    gone = [Part(clause.measure, [Segment("gone", clause.text)], "gone", side=side) for clause in before.values()]
    return found + gone


def _lines(old: Iterable[Line], new: Iterable[Line]) -> list[Part]:
    before = {line.key: line.text for line in old}
    found = []
    for line in new:
        was = before.pop(line.key, None)
        found.append(Part(line.key, segments(was or "", line.text), _state(was, line.text)))
    return found + [Part(key, [Segment("gone", text)], "gone") for key, text in before.items()]


def _state(old: str | None, new: str) -> State:
    if old is None:
        return "new"
    return "same" if old == new else "changed"
