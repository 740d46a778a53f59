"""The list behind every figure: handoffs, or the clocks of a time promise, as a page and as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _t
from django.views.decorators.http import require_safe

from feedback.models import Reason
from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.requests import SignedInRequest
from leadsla.display import number
from leadsla.home.downloads import PIECE, csv_file
from leadsla.home.listing import OVERDUE, STATES, Listing, Wanted
from leadsla.home.parts import page_or_part
from sla import calendars, clocks, scoreboard
from sla.countdown import Countdown, countdown
from sla.models import Clock, Commitment, Handoff
from sla.querysets import HandoffQuerySet

M = Commitment.Measure
OWED: dict[str, str | Promise] = {
    M.DECIDE: _t("Decide"),
    M.FIRST_FOLLOW_UP: _t("First follow-up"),
    M.ATTEMPTS: _t("Make the agreed attempts"),
    M.FIRST_RESULT: _t("Report a first result"),
    M.UPDATE: _t("Update"),
    M.OUTCOME: _t("Report won or lost"),
    M.FIX: _t("Fix and send again"),
    M.HAND_OVER: _t("Hand over"),
    M.ANSWER: _t("Answer the request"),
}
PER_PAGE = 50


# --- rows


@dataclass(frozen=True)
class HandoffRow:
    """One handoff of the list."""

    handoff: Handoff
    state: str
    reason: str
    countdown: Countdown | None


@dataclass(frozen=True)
class ClockRow:
    """One clock of the list: its countdown without the due time, which has a column, and what is owed within what."""

    clock: Clock
    countdown: Countdown
    owed: str
    within: str

    @property
    def is_late(self) -> bool:
        """Tell whether it was stopped too late."""
        return self.clock.stopped_at is not None and self.clock.outcome in {Clock.Outcome.LATE, Clock.Outcome.MISSED}


def _shown(handoffs: HandoffQuerySet) -> HandoffQuerySet:
    return handoffs.select_related("lead", "source", "campaign", "to_team", "owner")


def handoff_rows(handoffs: Sequence[Handoff], *, now: datetime) -> list[HandoffRow]:
    """Return handoffs as lines; the number of queries does not grow with them."""
    labels = dict(Reason.objects.values_list("code", "label"))
    running = clocks.worst([handoff for handoff in handoffs if handoff.closed_at is None], now=now)
    return [
        HandoffRow(
            handoff,
            state_of(handoff),
            labels.get(handoff.given_back_reason or handoff.reason, handoff.given_back_reason or handoff.reason),
            countdown(running[handoff.pk], now=now) if handoff.pk in running else None,
        )
        for handoff in handoffs
    ]


def state_of(handoff: Handoff) -> str:
    """Return in a word how a handoff stands."""
    words = (
        (handoff.won_at, _("Won")),
        (handoff.lost_at, _("Lost")),
        (handoff.given_back_at, _("Given back")),
        (handoff.is_notice, _("Notice")),
        (handoff.closed_because in scoreboard.TAKEN_BACK, handoff.get_closed_because_display()),
        (handoff.opportunity_at, _("Opportunity")),
        (handoff.is_returned, _("With marketing to be fixed")),
        (handoff.decision, handoff.get_decision_display()),
    )
    return next((str(word) for holds, word in words if holds), _("Waiting for an answer"))


def clock_rows(found: Sequence[Clock], *, now: datetime) -> list[ClockRow]:
    """Return clocks as lines."""
    return [
        ClockRow(
            one,
            replace(countdown(one, now=now), detail=""),
            str(OWED[one.measure]),
            calendars.limit_in_words(one.limit),
        )
        for one in found
    ]


# --- CSV


def _csv(listing: Listing) -> HttpResponseBase:
    name = f"{'clocks' if listing.has_clocks else 'handoffs'}-{listing.now:%Y-%m-%d}"
    if listing.has_clocks:
        return csv_file(name, _clock_header(), _clock_lines(listing))
    return csv_file(name, _handoff_header(), _handoff_lines(listing))


def _handoff_header() -> list[str]:
    return [
        _("id"), _("lead"), _("company"), _("handed over at"), _("source"), _("campaign"), _("temperature"), _("score"),
        _("grade"), _("team"), _("owner"), _("state"), _("decided at"), _("reason"), _("first follow-up at"),
        _("opportunity at"), _("won at"), _("lost at"), _("revenue"), _("currency"), _("origin"),
    ]  # fmt: skip


def _handoff_lines(listing: Listing) -> Iterator[Sequence[object]]:
    labels = dict(Reason.objects.values_list("code", "label"))
    for one in _shown(listing.handoffs).iterator(chunk_size=PIECE):
        reason = one.given_back_reason or one.reason
        yield (
            one.public_id, one.lead.name, one.lead.company_name, one.handed_over_at, one.source or "",
            one.campaign or "", one.temperature, one.score, one.grade, one.to_team or "", one.owner or "",
            state_of(one), one.decided_at, labels.get(reason, reason), one.first_follow_up_at, one.opportunity_at,
            one.won_at, one.lost_at, one.revenue, one.currency, one.origin,
        )  # fmt: skip


def _clock_header() -> list[str]:
    return [
        _("id"), _("lead"), _("company"), _("owed"), _("side"), _("round"), _("temperature"), _("started at"),
        _("due at"), _("stopped at"), _("outcome"), _("working seconds used"), _("seconds waited"), _("team"),
        _("owner"),
    ]  # fmt: skip


def _clock_lines(listing: Listing) -> Iterator[Sequence[object]]:
    for one in listing.clocks.iterator(chunk_size=PIECE):
        yield (
            one.public_id, one.lead.name, one.lead.company_name, one.measure, one.side, one.round, one.temperature,
            one.started_at, one.due_at, one.stopped_at, one.outcome, one.used_seconds, one.waited_seconds,
            one.team or "", one.owner or "",
        )  # fmt: skip


# --- the page


def _title(listing: Listing) -> str:
    if listing.figure:
        return listing.figure.title
    if listing.wanted.value("clock"):
        return _("Overdue now") if listing.wanted.value("clock") == OVERDUE else _("At risk now")
    return str(dict(STATES).get(str(listing.wanted.value("state")), "")) or _("Handoffs")


@requires(Act.SEE_HANDOFFS)
@require_safe
def handoffs(request: SignedInRequest) -> HttpResponseBase:
    """List the handoffs, or clocks, behind a figure; as CSV with `format=csv`, as a fragment for HTMX."""
    now = clock.now()
    wanted = Wanted(request)
    is_right = wanted.is_valid()
    listing = Listing(wanted, user=request.user, now=now)
    if is_right and request.GET.get("format") == "csv":
        return _csv(listing)
    rows: QuerySet[Any] = listing.clocks if listing.has_clocks else _shown(listing.handoffs)
    page: Any = Paginator(rows if is_right else rows.none(), PER_PAGE).get_page(request.GET.get("page"))
    objects = list(page.object_list)
    context = {
        "now": now,
        "wanted": wanted,
        "listing": listing,
        "title": _title(listing),
        "figure": listing.figure if is_right else None,
        "hidden": _hidden(listing, page.paginator.count) if is_right else "",
        "page": page,
        "rows": clock_rows(objects, now=now) if listing.has_clocks else handoff_rows(objects, now=now),
        "filters": listing.filters(),
        "kept": listing.kept(),
        "reset_url": reverse("home:handoffs"),
        "is_filtered": bool(request.GET),
    }
    return page_or_part(request, "home/handoffs.html", "home/_handoffs.html", context, status=200 if is_right else 400)


def _hidden(listing: Listing, count: int) -> str:
    """Say how many rows of a figure somebody does not see: reps see their own and their team's queue."""
    narrowing = ("source", "campaign", "team", "person", "temperature", "reason", "band", "state")
    figure = listing.figure
    if figure is None or figure.count <= count or any(listing.wanted.value(name) for name in narrowing):
        return ""
    words = {"all": number(figure.count), "seen": number(count)}
    return _("%(all)s in all; these are the %(seen)s that are yours to see.") % words
