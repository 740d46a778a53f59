"""The scoreboard: the handshake, both sides' promises, pace, answers in time, acceptance, rejections, risks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from feedback.models import Reason
from leads import scoring
from leads.models import Temperature
from leadsla import clock
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.models import Side, User
from leadsla.accounts.requests import SignedInRequest
from leadsla.display import day_text, number, percent
from leadsla.home import cards
from leadsla.home.handoffs import ClockRow, clock_rows
from leadsla.home.listing import AT_RISK, NONE
from leadsla.home.narrowed import Part
from leadsla.home.parts import page_or_part
from leadsla.home.plots import pace_chart, times_chart
from sla import measures, periods, scoreboard, versions
from sla.forms import ReassignForm
from sla.measures import MEASURES, Scope
from sla.models import Agreement, Commitment, Compliance, Handoff
from sla.periods import Period
from sla.scoreboard import Accepted, Pace, Standing

RISKS_SHOWN = 8
SOURCES_SHOWN = 10
FEW = 5  # cases below which a rate is greyed

M = Commitment.Measure


@dataclass(frozen=True)
class Chosen:
    """What the page is about."""

    agreement: Agreement
    period: Period
    now: datetime
    part: Part

    def url(self, **parameters: object) -> str:
        """Return the address of handoffs of this agreement and period, and of the part that is shown."""
        wanted = {
            "agreement": self.agreement.public_id,
            "period": self.period.code,
            **self.part.parameters(),
            **parameters,
        }
        return (
            f"{reverse('home:handoffs')}?{urlencode({key: str(value) for key, value in wanted.items() if value != ''})}"
        )

    def whole(self) -> dict[str, str]:
        """Return what of the address names the agreement and the period, without the part."""
        return {"agreement": str(self.agreement.public_id), "period": self.period.code}

    def risks_url(self) -> str:
        """Return the address of what is at risk now, whatever the period."""
        wanted = {"clock": AT_RISK, "agreement": self.agreement.public_id, **self.part.parameters()}
        return f"{reverse('home:handoffs')}?{urlencode(wanted)}"


def choose(request: SignedInRequest, found: Sequence[Agreement], *, now: datetime) -> tuple[Chosen | None, str]:
    """Return what to show, and what was wrong with the address; None without any agreement."""
    public_id, text = request.GET.get("agreement", ""), request.GET.get("period", "")
    agreement = next((one for one in found if str(one.public_id) == public_id), None)
    if public_id and agreement is None:
        raise Http404
    agreement = agreement or scoreboard.usual(found, now=now)
    if agreement is None:
        return None, ""
    day = periods.read(text) if text else None
    period = measures.period_of(agreement, day) if day else scoreboard.current_period(agreement, now=now)
    wrong = ""
    if text and day is None:
        wrong = _("period: “%(text)s” is not a period; write it as 2026-03 or 2026-Q1.") % {"text": text}
    elif period.starts_at > now:
        wrong = _("period: %(period)s has not begun.") % {"period": period.label}
        period = scoreboard.current_period(agreement, now=now)
    part = Part(request)
    return Chosen(versions.judged_under(agreement, period), period, now, part), wrong or part.wrong


@requires(Act.SEE_SCOREBOARD)
@require_safe
def board(request: SignedInRequest) -> HttpResponse:
    """Show how marketing and sales keep an agreement in a period."""
    now = clock.now()
    found = list(scoreboard.agreements())
    chosen, wrong = choose(request, found, now=now)
    if chosen is None:
        return page_or_part(request, "home/scoreboard.html", "home/_scoreboard.html", {"now": now, "chosen": None})
    scope = measures.scope(chosen.agreement, chosen.period, now=now)
    standings = scoreboard.standings(scope)
    as_of = max((standing.row.computed_at for standing in standings), default=now)
    part = chosen.part.narrowing
    standings = scoreboard.of_part(standings, part, scope, now=as_of)
    context = {
        "now": now,
        "chosen": chosen,
        "wrong": wrong,
        "as_of": as_of,
        "has_figures": bool(standings),
        "filters": [*filters(request, chosen, found), *chosen.part.filters()],
        "reset_url": f"{request.path}?{urlencode(chosen.whole())}" if part else "",
        "part": chosen.part,
        **_about(chosen, scope, standings),
        "strip": _strip(chosen, scope, standings, request.user),
        "panels": cards.panels(
            standings, agreement=chosen.agreement, period=chosen.period, now=now, narrowed=chosen.part.parameters()
        ),
        "pace": _pace(chosen, scope, standings, as_of=as_of),
        "times": _times(chosen, scope, as_of=as_of, wanted=request.GET.get("temperature", "")),
        "acceptance": _acceptance(chosen, scope, standings, as_of=as_of),
        "why": _why(chosen, scope),
        "risks": _risks(chosen, request.user),
        "definitions": [(standing.row.commitment, MEASURES[standing.row.commitment.measure]) for standing in standings],
    }
    return page_or_part(request, "home/scoreboard.html", "home/_scoreboard.html", context, status=400 if wrong else 200)


def filters(request: SignedInRequest, chosen: Chosen, found: Sequence[Agreement]) -> list[dict[str, Any]]:
    """Return what components/_filters.html shows: the period, and the agreement where there are several."""
    current = scoreboard.current_period(chosen.agreement, now=chosen.now)
    known = scoreboard.known_periods(chosen.agreement, now=chosen.now)
    filters = [
        {
            "name": "period",
            "label": _("%(period)s, so far") % {"period": current.label}
            if chosen.now < current.ends_at
            else current.label,
            "value": chosen.period.code,
            "choices": [(one.code, one.label) for one in known if one.start != current.start],
        }
    ]
    if len(found) > 1:
        filters.append(
            {
                "name": "agreement",
                "label": _("The agreement that applies"),
                "value": str(chosen.agreement.public_id) if request.GET.get("agreement") else "",
                "choices": [(str(one.public_id), str(one)) for one in found],
            }
        )
    return filters


def _about(chosen: Chosen, scope: Scope, standings: Sequence[Standing]) -> dict[str, Any]:
    """Return the words under the title: which agreement, how far the period is, whether its figures are final."""
    agreement, now = chosen.agreement, chosen.now
    done, days = periods.working_days(chosen.period, scope.working_time, now=now)
    signed = max((signature.signed_at for signature in agreement.signatures.all()), default=None)
    settles_at = scope.settles_at("period")
    settled: str = ""
    if standings and chosen.period.ends_at <= now:
        words = {"day": day_text(settles_at, now)}
        settled = _("settled %(day)s") % words if now >= settles_at else _("provisional until %(day)s") % words
    signed_words = _("signed by both sides on %(day)s") % {"day": day_text(signed, now)} if signed else ""
    return {
        "is_provisional": agreement.is_provisional,
        "signed": signed_words,
        "working_day": _("working day %(done)d of %(days)d") % {"done": done, "days": days}
        if chosen.period.ends_at > now
        else "",
        "settled": settled,
    }


# --- the handshake


def _strip(chosen: Chosen, scope: Scope, standings: Sequence[Standing], user: User) -> dict[str, Any]:
    part = chosen.part.narrowing
    shaken = scoreboard.handshake(scope, now=chosen.now, part=part)
    risks = scoreboard.at_risk(chosen.agreement, user=user, now=chosen.now, part=part)
    by_side = scoreboard.by_side(risks)
    sides = _("%(sales)d with sales, %(marketing)d with marketing") % {
        "sales": by_side.get(Side.SALES, 0),
        "marketing": by_side.get(Side.MARKETING, 0),
    }
    rate = _standing(standings, M.ACCEPTED)
    words = {"rate": percent(rate.value, rate.cases), "cases": number(rate.cases)} if rate and rate.cases else None
    parts: list[dict[str, Any]] = [
        {
            "count": shaken.accepted,
            "kind": "accepted",
            "label": _("accepted"),
            "url": chosen.url(state="accepted"),
            "detail": _("%(rate)s of %(cases)s that count") % words if words else "",
        },
        {
            "count": shaken.rejected,
            "kind": "rejected",
            "label": _("rejected"),
            "url": chosen.url(state="rejected"),
            "detail": "",
        },
        {
            "count": shaken.waiting - shaken.overdue,
            "kind": "waiting",
            "label": _("waiting"),
            "url": chosen.url(state="waiting"),
            "detail": _("%(count)s overdue") % {"count": number(shaken.overdue)} if shaken.overdue else "",
        },
    ]
    if shaken.overdue:
        parts.append({"count": shaken.overdue, "kind": "overdue"})
    return {
        "handed_over": {
            "count": shaken.handed_over,
            "url": chosen.url(state="handed_over"),
            "detail": _before(chosen, scope),
        },
        "parts": parts,
        "at_risk": {
            "count": sum(by_side.values()),
            "url": chosen.risks_url(),
            "detail": sides if by_side else _("nothing is late"),
        },
    }


def _before(chosen: Chosen, scope: Scope) -> str:
    """Say how many were handed over in the period before, up to the same working day or in all."""
    before = scope.of(periods.back(chosen.period, 1))
    words: dict[str, object] = {"period": cards.short_label(before.period, chosen.now)}
    if chosen.period.ends_at <= chosen.now:
        count = scoreboard.handed_over(before, part=chosen.part.narrowing).count()
        return _("%(period)s: %(count)s") % {**words, "count": number(count)} if count else ""
    day = periods.working_days(chosen.period, scope.working_time, now=chosen.now)[0]
    so_far = scoreboard.handed_over_by_day(before, day, part=chosen.part.narrowing)
    return _("%(period)s at this day: %(count)s") % {**words, "count": number(so_far)} if so_far else ""


# --- pace and times


def _standing(standings: Sequence[Standing], measure: str) -> Compliance | None:
    return next((one.row for one in standings if one.row.commitment.measure == measure), None)


def _pace(chosen: Chosen, scope: Scope, standings: Sequence[Standing], *, as_of: datetime) -> dict[str, Any] | None:
    row, part = _standing(standings, M.QUANTITY), chosen.part.narrowing
    now = scoreboard.pace(scope, now=as_of, part=part)
    if row is None or not now.days:
        return None
    earlier = scope.of(periods.back(chosen.period, 1))
    before = Pace([], [])
    if scoreboard.handed_over(earlier, part=part).exists():
        before = scoreboard.pace(earlier, now=as_of, part=part)
    # The range is promised for all leads together, so that a part of them is drawn without it.
    return pace_chart(now, before, None if part else row, before_label=cards.short_label(earlier.period, chosen.now))


def _times(chosen: Chosen, scope: Scope, *, as_of: datetime, wanted: str) -> dict[str, Any] | None:
    """Return the response times of one temperature, and the ones to choose from; the fullest if none is wanted."""
    found = scoreboard.first_follow_ups(scope, now=as_of, part=chosen.part.narrowing)
    if not found:
        return None
    fullest = max(found, key=lambda temperature: found[temperature].in_time + found[temperature].late)
    temperature = wanted if wanted in found else fullest
    return {
        "chart": times_chart(found[temperature]),
        "temperature": temperature,
        "choices": [
            (code, label, found[code].in_time + found[code].late)
            for code, label in Temperature.choices
            if code in found
        ],
        "url": chosen.url(measure=M.FIRST_FOLLOW_UP, part="cases", temperature=temperature, as_of=as_of.isoformat()),
    }


# --- acceptance and rejections


def _acceptance(chosen: Chosen, scope: Scope, standings: Sequence[Standing], *, as_of: datetime) -> dict[str, Any]:
    found = scoreboard.acceptance(scope, now=as_of, part=chosen.part.narrowing)
    row = _standing(standings, M.ACCEPTED)
    labels = {code: label for code, label, _low, _high in scoring.bands()}
    places = {code: place for place, code in enumerate(labels)}
    # Small numbers are never ranked: they stand behind the others.
    sources = sorted(found["source"], key=lambda one: one.decided < FEW)
    bands = sorted(found["band"], key=lambda band: -places.get(band.key, -1))

    def interval(one: Accepted, name: str, label: str) -> dict[str, Any]:
        url = chosen.url(measure=M.ACCEPTED, part="cases", as_of=as_of.isoformat(), **{name: one.key or NONE})
        return {
            "label": label,
            "rate": one.rate,
            "low": one.low,
            "high": one.high,
            "done": one.accepted,
            "cases": one.decided,
            "is_few": one.decided < FEW,
            "url": url,
        }

    return {
        "promise": float(row.at_least) if row else None,
        "promise_label": _("promised %(rate)s") % {"rate": percent(row.at_least)} if row else "",
        "sources": [interval(one, "source", one.label or _("No source")) for one in sources[:SOURCES_SHOWN]],
        "bands": [interval(one, "band", labels.get(one.key, one.key) or _("No score")) for one in bands],
    }


def _why(chosen: Chosen, scope: Scope) -> dict[str, Any]:
    """Return why leads stand rejected: most frequent first, with the running share."""
    counted = scoreboard.rejections(scope, part=chosen.part.narrowing)
    reasons = Reason.objects.in_bulk([row[0] for row in counted], field_name="code")
    total, running, rows = sum(row[1] for row in counted), 0, []
    for code, count, counts, contested in counted:
        running += count
        reason = reasons.get(code)
        rows.append(
            {
                "label": reason.label if reason else code,
                "count": count,
                "contested": contested,
                "top": counted[0][1],
                "together": running / total,
                "url": chosen.url(state="rejected", reason=code),
                "aside": "" if counts else _("not counted"),
            }
        )
    return {"rows": rows, "total": total, "sentence": _most(rows, total)}


def _most(rows: Sequence[dict[str, Any]], total: int) -> str:
    """Say which reasons make most of the rejections."""
    if total < FEW or len(rows) < 3:
        return ""
    place = next(place for place, row in enumerate(rows, start=1) if row["together"] >= 0.5)
    if place > 3:
        return ""
    names = [f"“{row['label']}”" for row in rows[:place]]
    listed = (
        names[0] if place == 1 else _("%(first)s and %(last)s") % {"first": ", ".join(names[:-1]), "last": names[-1]}
    )
    words = {"reasons": listed, "share": percent(rows[place - 1]["together"], total)}
    return _("%(reasons)s make %(share)s of the rejections.") % words


# --- at risk


@dataclass(frozen=True)
class Risk:
    """One line of what is at risk, with the people whom a manager can give it to."""

    line: ClockRow
    may_reassign: bool


def _risks(chosen: Chosen, user: User) -> dict[str, Any]:
    found = scoreboard.at_risk(chosen.agreement, user=user, now=chosen.now, part=chosen.part.narrowing).select_related(
        "lead", "handoff", "owner", "team", "calendar_version", "limit"
    )[:RISKS_SHOWN]
    lines = clock_rows(list(found), now=chosen.now)
    mine: set[int] = set()
    people: list[User] = []
    if may(user, Act.REASSIGN) and lines:
        ids = [line.clock.handoff_id for line in lines if line.clock.handoff_id]
        answerable = Handoff.objects.open().answerable_by(user).filter(pk__in=ids, is_notice=False, is_returned=False)
        mine = set(answerable.values_list("pk", flat=True))
        people = list(ReassignForm(but_not=None).fields["to"].queryset) if mine else []  # type: ignore[attr-defined]
    return {
        "rows": [Risk(line, line.clock.handoff_id in mine) for line in lines],
        "people": people,
        "url": chosen.risks_url(),
    }
