"""The page of one promise in a period: how it stands, what it counts, how it was before, who and what it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from leads.models import Campaign, Source
from leadsla import clock
from leadsla.accounts import visibility
from leadsla.accounts.access import Act, requires
from leadsla.accounts.models import Team, User
from leadsla.accounts.requests import SignedInRequest
from leadsla.display import number, percent
from leadsla.home import cards
from leadsla.home.handoffs import ClockRow, clock_rows
from leadsla.home.listing import NONE, NOTE_WORDS, PART_WORDS, PARTS
from leadsla.home.parts import page_or_part
from leadsla.home.scoreboard import Chosen, choose, filters
from sla import breakdowns, measures, quarters, scoreboard
from sla.breakdowns import Dimension, Slice
from sla.measures import MEASURES, Scope
from sla.models import Clock, ClockChange, Commitment, Compliance
from sla.quarters import Quarter
from sla.scoreboard import Standing

PERIODS_SHOWN = 12
SLICES_SHOWN = 25
LATE_SHOWN = 10


@requires(Act.SEE_SCOREBOARD)
@require_safe
def commitment(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Show one promise of an agreement in a period."""
    now = clock.now()
    promise = get_object_or_404(Commitment, public_id=public_id)
    found = list(scoreboard.agreements())
    chosen, wrong = choose(request, found, now=now)
    if chosen is None or not chosen.agreement.targets.filter(commitment=promise).exists():
        raise Http404
    standings = scoreboard.standings(measures.scope(chosen.agreement, chosen.period, now=now))
    whole = next((one for one in standings if one.row.commitment_id == promise.pk), None)
    context: dict[str, Any] = {
        "now": now,
        "chosen": chosen,
        "wrong": wrong,
        "commitment": promise,
        "measure": MEASURES[promise.measure],
        "filters": [*filters(request, chosen, found), *chosen.part.filters()],
        "reset_url": f"{request.path}?{urlencode(chosen.whole())}" if chosen.part.narrowing else "",
        "board_url": f"{reverse('home:scoreboard')}?{urlencode({**chosen.whole(), **chosen.part.parameters()})}",
        "standing": None,
    }
    if whole is not None:
        context |= _figures(request, chosen, whole)
    return page_or_part(request, "home/commitment.html", "home/_commitment.html", context, status=400 if wrong else 200)


def _figures(request: SignedInRequest, chosen: Chosen, whole: Standing) -> dict[str, Any]:
    as_of = whole.row.computed_at
    scope = measures.scope(chosen.agreement, chosen.period, now=as_of)
    narrowed = chosen.part.parameters()
    standing = scoreboard.of_part([whole], chosen.part.narrowing, scope, now=as_of)[0]
    row = standing.row
    quarter = quarters.of_rows([row], chosen.agreement, now=chosen.now).get(row.commitment_id)
    return {
        "standing": standing,
        "as_of": as_of,
        "card": cards.card_of(
            standing, agreement=chosen.agreement, period=chosen.period, now=chosen.now, narrowed=narrowed
        ),
        "settled": cards.settled_words(row),
        "quarter": _quarter(quarter, row),
        "parts": _parts(chosen, scope, row),
        "past": _past(chosen, row),
        **_break_down(request, chosen, scope, row),
        **_late(request.user, chosen, scope, row),
    }


def _quarter(quarter: Quarter | None, row: Compliance) -> dict[str, Any] | None:
    if quarter is None:
        return None
    return {
        "label": quarter.period.label,
        "status": quarter.status,
        "words": quarter.status.label,
        "value": percent(quarter.value, quarter.cases) if quarter.value is not None else "–",
        "kept": quarter.kept,
        "cases": quarter.cases,
        "promise": cards.promise_words(row),
    }


# --- what the figure is made of


def _url(chosen: Chosen, row: Compliance, **more: object) -> str:
    return chosen.url(measure=row.commitment.measure, as_of=row.computed_at.isoformat(), **more)


def _parts(chosen: Chosen, scope: Scope, row: Compliance) -> list[dict[str, Any]]:
    """Return how many cases are kept, not kept, open, waived and left out, and why; each leads to its rows."""
    found = scoreboard.parts_of(
        [scope], now=row.computed_at, measure=row.commitment.measure, side=row.commitment.side,
        part=chosen.part.narrowing,
    )  # fmt: skip
    return [
        {
            "label": PART_WORDS[part],
            "count": sum(count for _note, count in found[part]),
            "url": _url(chosen, row, part=part),
            "notes": [
                {
                    "label": NOTE_WORDS.get(note, note),
                    "count": count,
                    "url": _url(chosen, row, part=part, note=note),
                }
                for note, count in found[part]
                if note
            ],
        }
        for part in PARTS
        if part in found
    ]


def _past(chosen: Chosen, row: Compliance) -> list[dict[str, Any]]:
    """Return the promise in the periods before, the newest first; a settled figure stands beside a restated one."""
    rows = (
        Compliance.objects.filter(
            agreement__series=chosen.agreement.series,
            commitment=row.commitment,
            period_start__lte=chosen.period.start,
        )
        .select_related("agreement", "commitment")
        .order_by("-period_start", "-agreement__version")[:PERIODS_SHOWN]
    )
    lines = []
    for one in rows:
        period = measures.period_of(one.agreement, one.period_start)
        lines.append(
            {
                "label": period.label,
                "version": one.agreement.version,
                "url": cards.page_of(one, agreement=one.agreement, period=period),
                "value": cards.value_words(one),
                "kept": one.kept,
                "cases": one.cases,
                "waived": one.waived,
                "promise": cards.promise_words(one),
                "status": cards.status_of(one),
                "status_label": cards.status_label(one),
                "settled": cards.settled_words(one),
            }
        )
    return lines


# --- break-downs


def _break_down(request: SignedInRequest, chosen: Chosen, scope: Scope, row: Compliance) -> dict[str, Any]:
    """Return the figure by team, source, campaign or, of those whom the reader may see, person."""
    people = visibility.figures_of(request.user)
    dimensions = [(code, label) for code, label in Dimension.choices if code != Dimension.PERSON or people]
    wanted = request.GET.get("by", "")
    by = wanted if wanted in dict(dimensions) else str(dimensions[0][0])
    found = breakdowns.by_dimension(
        scope,
        measure=row.commitment.measure,
        side=row.commitment.side,
        dimension=by,
        now=row.computed_at,
        people=people,
        narrowed=chosen.part.narrowing,
    )
    names = _names(found, by)
    is_count = MEASURES[row.commitment.measure].is_count
    shown = [_line(chosen, row, one, by, names) for one in found if one.cases or one.open_cases or one.waived]
    return {
        "by": by,
        "dimensions": dimensions,
        "is_count": is_count,
        "slices": shown[:SLICES_SHOWN],
        "slices_more": max(0, len(shown) - SLICES_SHOWN),
        "promise": None if is_count else float(row.at_least),
        "promise_label": "" if is_count else _("promised %(rate)s") % {"rate": percent(row.at_least)},
    }


def _names(found: Sequence[Slice], by: str) -> dict[int, str]:
    """Return how an address names teams, people, sources or campaigns."""
    keys = [one.key for one in found if one.key is not None]
    models = {Dimension.TEAM: Team, Dimension.PERSON: User, Dimension.SOURCE: Source, Dimension.CAMPAIGN: Campaign}
    column = "public_id" if by in {Dimension.TEAM, Dimension.PERSON} else "code"
    rows = models[Dimension(by)]._default_manager.filter(pk__in=keys).values_list("pk", column)
    return {pk: str(name) for pk, name in rows}


def _line(chosen: Chosen, row: Compliance, one: Slice, by: str, names: dict[int, str]) -> dict[str, Any]:
    without = {
        Dimension.TEAM: _("No team"),
        Dimension.PERSON: _("Nobody: in a team's queue"),
        Dimension.SOURCE: _("No source"),
        Dimension.CAMPAIGN: _("No campaign"),
    }
    label = one.label or without[Dimension(by)]
    if one.waived:
        label = _("%(name)s, %(count)s waived") % {"name": label, "count": number(one.waived)}
    name = names.get(one.key or 0, "" if by in {Dimension.TEAM, Dimension.PERSON} else NONE)
    return {
        "label": label,
        "rate": one.rate,
        "low": one.low,
        "high": one.high,
        "done": one.kept,
        "cases": one.cases,
        "open": one.open_cases,
        "is_few": one.is_few,
        "url": _url(chosen, row, part="cases", **{by: name}) if name else "",
    }


# --- late, and why


def _late(user: User, chosen: Chosen, scope: Scope, row: Compliance) -> dict[str, Any]:
    """Return the clocks that were late, and what was waived with whose words; nothing for measures without clocks."""
    if not MEASURES[row.commitment.measure].has_clocks:
        return {"late": None}
    against = measures.clock_ids([scope], now=row.computed_at, measure=row.commitment.measure, parts=("against",))
    waived = measures.clock_ids([scope], now=row.computed_at, measure=row.commitment.measure, parts=("waived",))
    mine = Clock.objects.visible_to(user).filter(chosen.part.narrowing.clocks(), side=row.commitment.side)
    shown = mine.filter(pk__in=against).select_related(
        "lead", "handoff", "owner", "responsible", "team", "calendar_version", "limit"
    )
    lines = clock_rows(list(shown.order_by("-due_at", "-pk")[:LATE_SHOWN]), now=chosen.now)
    seen = visibility.figures_of(user)
    waivers = ClockChange.objects.filter(
        clock__in=mine.filter(pk__in=waived), kind=ClockChange.Kind.WAIVED, at__lte=row.computed_at
    )
    return {
        "late": [{"line": line, "who": _who(line, seen), "why": _why(line, now=chosen.now)} for line in lines],
        "late_url": _url(chosen, row, part="against"),
        "waivers": list(waivers.select_related("clock__lead", "clock__handoff", "by").order_by("-at")[:LATE_SHOWN]),
    }


def _who(line: ClockRow, seen: frozenset[int]) -> str:
    """Return who owed: by name only for those who may see that person's figures, else the team."""
    person = line.clock.responsible or line.clock.owner
    if person is not None and person.pk in seen:
        return str(person)
    return str(line.clock.team or _("marketing"))


def _why(line: ClockRow, *, now: datetime) -> str:
    """Say how it was late: nobody in charge, not done at all, done too late, passed on in between."""
    one = line.clock
    if one.stopped_at is None or one.stopped_at > now:
        return _("not done yet")
    if one.outcome == Clock.Outcome.MISSED:
        return _("not done: it ended some other way")
    if one.responsible_id is None and one.owner_id is None:
        return _("waited in a team's queue")
    if one.responsible_id is not None and one.owner_id is not None and one.responsible_id != one.owner_id:
        return _("done by somebody else after the due time")
    return _("done too late")
