"""Today at the demo company: handoffs that wait with their clocks in every state, at any hour and on any weekday."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from feedback import decisions, outcomes
from feedback.models import Reason
from leads import intake
from leads.intake import Arrival
from leads.models import InteractionKind as Kind
from leads.models import Lead
from leadsla.home.demo import names
from leadsla.home.demo.cast import Cast
from sla import calendars
from sla import handoff as handoffs
from sla.models import Calendar, Handoff

# What brought a lead, how many working minutes ago it was handed over, and after how many somebody called (0: nobody
# yet). Together they show every state of a clock.
WAITING: tuple[tuple[str, str, Kind, str, int, int], ...] = (
    ("event-booth", "Trade fair", Kind.PRICING_REQUEST, "Quote for 14 heat-exchanger lines", 310, 4),
    ("webinar-live", "Downtime costs", Kind.WEBINAR_ATTEND, "What an hour of downtime costs", 48, 0),
    ("linkedin-lead-form", "Spare parts Q4", Kind.ANALYST_REPORT, "Report: spare-part stock", 380, 31),
    ("website-demo", "Brand search", Kind.DEMO_REQUEST, "Demo of the line audit", 2, 0),
    ("website-contact", "Brand search", Kind.CONTACT_REQUEST, "How long does a retrofit take?", 130, 3),
    ("webinar-on-demand", "Downtime costs", Kind.ANALYST_REPORT, "Report: downtime", 220, 44),
    ("paid-search", "Spare parts Q4", Kind.ANALYST_REPORT, "Report: spare-part stock", 25, 0),
    ("referral-customer", "Customers invite", Kind.WEBINAR_ATTEND, "Recommended by a customer", 430, 52),
    ("event-booth", "Trade fair", Kind.EVENT_ATTEND, "Maintenance day", 95, 38),
    ("organic-search", "Brand search", Kind.WEBINAR_ATTEND, "Fewer stops", 12, 0),
    ("website-pricing", "Spare parts Q4", Kind.PRICING_REQUEST, "Prices for three plants", 65, 0),
    ("webinar-live", "Downtime costs", Kind.WEBINAR_ATTEND, "What an hour of downtime costs", 520, 35),
)
# Who qualified in the last minutes and waits for the next sweep to hand them over.
READY: tuple[tuple[str, str, Kind, str, int], ...] = (
    ("website-demo", "Brand search", Kind.DEMO_REQUEST, "Demo of the line audit", 1),
    ("organic-search", "Brand search", Kind.WEBINAR_ATTEND, "Fewer stops", 4),
)


def _qualify(random: Random, cast: Cast, number: int, brought: tuple[str, str, Kind, str], *, start: datetime) -> Lead:
    """Let one fitting person come in and qualify by one of the two doors."""
    source, campaign, kind, detail = brought
    firm = names.Firm(
        f"{random.choice(names.ROOTS)}werk {number + 1} GmbH",
        f"werk-{number + 1}.example",
        "Machinery",
        120 + 40 * number,
        "DE",
        "Heilbronn",
    )
    first, last = random.choice(names.FIRST), random.choice(names.LAST)
    email = f"{names.ascii_of(first)}.{names.ascii_of(last)}@{firm.domain}"
    facts: dict[str, str | int] = {
        "name": f"{first} {last}",
        "email": email,
        "phone": f"{names.FILM_NUMBERS[-1]} 9{number:02d}",
        "title": random.choice(("Head of Operations", "Plant manager", "Head of Purchasing")),
        "company_name": firm.name,
        "industry": firm.industry,
        "employees": firm.employees,
        "country": firm.country,
        "city": firm.city,
        "need": random.choice(names.NEEDS),
        "decision_maker": random.choice(names.DECISION_MAKERS),
    }
    if number % 2:
        facts["budget"] = random.choice(names.BUDGETS)
    owner = cast.people["Mia Albrecht"]
    arrival = Arrival(
        facts=facts,
        source=source,
        campaign=campaign,
        kind=kind,
        occurred_at=start,
        detail=detail,
        key="today",
        via="form",
    )
    prices = Arrival(
        facts={"email": email},
        kind=Kind.PRICING_VIEW,
        occurred_at=start,
        detail="Prices of the line audit",
        key="today-prices",
    )
    return intake.receive_many([arrival, prices], owner=owner, team=owner.team, now=start)[0].lead


def hand_over_today(random: Random, cast: Cast, *, now: datetime) -> int:
    """Hand over what waits today, and answer a few so that the feedback page is alive.

    Args:
        random: the seeded source of chance.
        cast: who works here.
        now: the moment of loading; starts are counted back from it in working time.

    Returns:
        How many handoffs were made.
    """
    calendar = Calendar.objects.order_by("pk").first()
    assert calendar is not None
    hours = calendars.working_time(calendars.current(calendar, now=now))
    starts = sorted(
        (hours.add(now, -timedelta(minutes=minutes)), number) for number, (*_rest, minutes, _call) in enumerate(WAITING)
    )
    made = [
        handoffs.hand_over(_qualify(random, cast, number, WAITING[number][:4], start=start), by=None, now=start)
        for start, number in starts
    ]
    for number, (source, campaign, kind, detail, minutes) in enumerate(READY, start=len(WAITING)):
        _qualify(random, cast, number, (source, campaign, kind, detail), start=now - timedelta(minutes=minutes))
    sam = cast.people["Sam Becker"]
    for handoff in made[:9]:
        if handoff.owner != sam:
            handoffs.reassign(handoff, to=sam, by=cast.people["Sue Vogt"], now=handoff.handed_over_at or now)
    for handoff, (start, number) in zip(made, starts, strict=True):
        minutes = WAITING[number][-1]
        if minutes:
            _call(Handoff.objects.get(pk=handoff.pk), at=hours.add(start, timedelta(minutes=minutes)))
    _answer_three(made, now=now)
    return len(made)


def _call(handoff: Handoff, *, at: datetime) -> None:
    if handoff.owner is not None:
        outcomes.log_follow_up(
            handoff, by=handoff.owner, channel="call", result="no_answer", occurred_at=at, now=at, note="Voice mail"
        )


def _answer_three(made: list[Handoff], *, now: datetime) -> None:
    """Accept one with a call that reached somebody, and reject two that marketing has to fix."""
    earlier = now - timedelta(minutes=10)
    called, wrong, untrue = (Handoff.objects.get(pk=handoff.pk) for handoff in (made[0], made[3], made[5]))
    if called.owner is not None:
        decisions.accept(called, by=called.owner, now=earlier)
        outcomes.log_follow_up(
            called,
            by=called.owner,
            channel="call",
            result="reached",
            occurred_at=earlier,
            now=earlier,
            next_step="Send the offer",
            next_step_at=now + timedelta(days=1),
        )
    if wrong.owner is not None:
        decisions.reject(
            wrong,
            reason=Reason.objects.get(code="bad_contact_data"),
            by=wrong.owner,
            now=earlier,
            asked={"field": "phone"},
            remark="The number belongs to another company.",
            quality=3,
        )
    if untrue.owner is not None:
        decisions.reject(
            untrue,
            reason=Reason.objects.get(code="criterion_untrue"),
            by=untrue.owner,
            now=earlier,
            asked={"text": "Decision maker: the parent company decides"},
            quality=2,
        )
    decisions.carry_out_due(now=now)
