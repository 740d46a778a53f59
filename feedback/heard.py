"""What marketing hears from sales: answers and won deals in one list, by tab, with what came of each. Reads only,
apart from marking what was seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, CharField, Count, F, IntegerField, Q, QuerySet, TextChoices, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from feedback.models import Answer, OutcomeReport, Reason
from leadsla.display import day_text, money
from sla.models import Clock, Commitment, Decision, Handoff

Then = Reason.Consequence
ANSWER, WON = "answer", "won"


class Tab(TextChoices):
    """The parts that the list falls into."""

    FIX = "fix", gettext_lazy("To fix")
    REJECTED = "rejected", gettext_lazy("Rejected")
    GIVEN_BACK = "given_back", gettext_lazy("Given back")
    ACCEPTED = "accepted", gettext_lazy("Accepted")
    WON = "won", gettext_lazy("Won")
    ALL = "all", gettext_lazy("All")


TO_FIX = Q(
    decision=Decision.REJECTED,
    kind=Answer.Kind.DECISION,
    handoff__is_returned=True,
    handoff__closed_at=None,
    handoff__round=F("round__number"),
)
FILTERS: dict[str, Q] = {
    Tab.FIX: TO_FIX,
    Tab.REJECTED: Q(kind=Answer.Kind.DECISION, decision=Decision.REJECTED),
    Tab.GIVEN_BACK: Q(kind=Answer.Kind.GIVEN_BACK),
    Tab.ACCEPTED: Q(kind=Answer.Kind.DECISION, decision=Decision.ACCEPTED),
}


@dataclass(frozen=True)
class Entry:
    """One thing that sales said: an answer, or a won deal.

    Attributes:
        handoff: with its lead.
        when: when it was said; of a won deal, when it was won.
        is_day: only the day is known.
        answer: None for a won deal.
        won: None for an answer.
        happened: what came of it, in words.
        is_to_fix: marketing has to fix it, or withdraw it.
    """

    handoff: Handoff
    when: datetime
    is_day: bool
    answer: Answer | None
    won: OutcomeReport | None
    happened: str
    is_to_fix: bool

    @property
    def is_new(self) -> bool:
        """Tell whether marketing has not seen it yet."""
        return self.answer is not None and self.answer.seen_at is None


def answers(handoffs: QuerySet[Handoff]) -> QuerySet[Answer]:
    """Return the answers to some handoffs that stand and whose minute for an undo is over."""
    return Answer.objects.filter(handoff__in=handoffs, handoff__leg=1, undone_at=None, carried_out_at__isnull=False)


def deals(handoffs: QuerySet[Handoff]) -> QuerySet[OutcomeReport]:
    """Return the won deals of some handoffs."""
    return OutcomeReport.objects.filter(handoff__in=handoffs, kind=OutcomeReport.Kind.WON)


def counts(handoffs: QuerySet[Handoff]) -> dict[str, int]:
    """Return how many entries stand under each tab, in two queries."""
    found: dict[str, int] = answers(handoffs).aggregate(
        **{tab: Count("pk", filter=condition) for tab, condition in FILTERS.items()}, everything=Count("pk")
    )
    won = deals(handoffs).count()
    return {**found, Tab.WON: won, Tab.ALL: found["everything"] + won}


def entries(handoffs: QuerySet[Handoff], tab: str) -> QuerySet[Any, tuple[int, str, int, datetime]]:
    """Return what stands under a tab as rows of (id, kind, rank, moment): what is to be fixed first, then the newest.

    Args:
        handoffs: those whose answers count.
        tab: of `Tab`.

    Returns:
        A queryset to cut into pages; `loaded` makes entries of a page.
    """
    rank = Case(When(TO_FIX, then=Value(1)), default=Value(0), output_field=IntegerField())
    said = answers(handoffs).filter(FILTERS.get(tab, Q()))
    said = said.annotate(sort=Value(ANSWER, CharField()), rank=rank, moment=F("occurred_at"))
    rows = said.order_by().values_list("pk", "sort", "rank", "moment")
    if tab not in {Tab.WON, Tab.ALL}:
        return rows.order_by("-rank", "-moment", "-pk")
    won = deals(handoffs).annotate(sort=Value(WON, CharField()), rank=Value(0, IntegerField()), moment=F("occurred_at"))
    wins = won.order_by().values_list("pk", "sort", "rank", "moment")
    if tab == Tab.WON:
        return wins.order_by("-moment", "-pk")
    return rows.union(wins, all=True).order_by("-rank", "-moment", "sort", "-pk")


def loaded(rows: Sequence[tuple[int, str, int, datetime]], *, now: datetime) -> list[Entry]:
    """Return the entries of one page, in two queries."""
    related = ("handoff__lead", "handoff__owner", "handoff__to_team", "by")
    said = (
        Answer.objects.filter(pk__in=[pk for pk, kind, _rank, _moment in rows if kind == ANSWER])
        .select_related(*related, "reason", "round")
        .in_bulk()
    )
    won = (
        OutcomeReport.objects.filter(pk__in=[pk for pk, kind, _rank, _moment in rows if kind == WON])
        .select_related(*related)
        .in_bulk()
    )
    found = []
    for pk, kind, rank, moment in rows:
        if kind == ANSWER and pk in said:
            answer = said[pk]
            happened = came_of(answer, now=now)
            found.append(Entry(answer.handoff, moment, False, answer, None, happened, bool(rank)))
        elif kind == WON and pk in won:
            deal = won[pk]
            words = money(deal.amount, deal.currency) if deal.amount is not None else _("without an amount")
            found.append(Entry(deal.handoff, moment, deal.is_date, None, deal, words, False))
    return found


def fix_clocks(found: Collection[Entry]) -> dict[int, Clock]:
    """Return the running clock of what is to be fixed, by handoff, ready for `countdown`."""
    ids = [entry.handoff.pk for entry in found if entry.is_to_fix]
    rows = Clock.objects.running().filter(handoff__in=ids, measure=Commitment.Measure.FIX)
    return {
        clock.handoff_id: clock
        for clock in rows.select_related("calendar_version").order_by("handoff", "due_at")
        if clock.handoff_id is not None
    }


def came_of(answer: Answer, *, now: datetime) -> str:
    """Say what came of an answer until now."""
    handoff = answer.handoff
    if answer.reason is None:
        return _came_of_accepting(handoff)
    words = {
        Then.FIX: _came_of_fixing,
        Then.RECYCLE: _came_of_recycling,
        Then.REROUTE: _came_of_rerouting,
    }.get(Then(answer.reason.consequence))
    if words is not None:
        return words(answer, now)
    return {
        Then.MERGE: _("Merged with the other lead, or proposed to be."),
        Then.ATTACH: _("The owner of the opportunity was told that they came in again."),
        Then.ACCOUNT_MANAGER: _("The account's owner was told that they came in again."),
        Then.DISQUALIFY: _("The lead ended here."),
        Then.BLOCK: _("The lead ended here and is blocked."),
        Then.SUPPRESS: _("The lead ended here; nobody contacts it any more."),
        Then.REVIEW: _("A manager of sales decides what happens next."),
    }[Then(answer.reason.consequence)]


def _came_of_accepting(handoff: Handoff) -> str:
    attempts = _("Not reached yet, attempts: %(count)d.") % {"count": handoff.attempts}
    steps = (
        (handoff.won_at, _("Won.")),
        (handoff.lost_at, _("Lost since.")),
        (handoff.given_back_at, _("Given back since.")),
        (handoff.opportunity_at, _("Became an opportunity.")),
        (handoff.meeting_at, _("They met.")),
        (handoff.reached_at, _("They talked.")),
        (handoff.attempts or None, attempts),
    )
    return next((words for moment, words in steps if moment is not None), _("Sales works on it."))


def _came_of_fixing(answer: Answer, now: datetime) -> str:
    handoff = answer.handoff
    if handoff.round > answer.round.number:
        return _("Fixed and sent again as round %(number)d.") % {"number": answer.round.number + 1}
    if handoff.closed_because == Handoff.ClosedBecause.WITHDRAWN:
        return _("You withdrew it.")
    return _("Put it right and send it again, or withdraw it.")


def _came_of_recycling(answer: Answer, now: datetime) -> str:
    until = answer.handoff.lead.recycled_until
    if until is None or until <= now:
        return _("Back to nurturing.")
    return _("Back to nurturing, rests until %(day)s.") % {"day": day_text(until, now)}


def _came_of_rerouting(answer: Answer, now: datetime) -> str:
    return _("Went to %(team)s.") % {"team": answer.handoff.to_team or _("another team")}


def mark_seen(handoffs: QuerySet[Handoff], *, now: datetime, ids: Collection[UUID] | None = None) -> int:
    """Mark answers as seen by marketing.

    Args:
        handoffs: those whose answers are the reader's to see.
        now: the moment.
        ids: public ids of the answers that were shown; None for all.

    Returns:
        How many were new.
    """
    rows = answers(handoffs).filter(seen_at=None)
    if ids is not None:
        rows = rows.filter(public_id__in=ids)
    return rows.update(seen_at=now)
