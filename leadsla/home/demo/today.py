"""Today at the demo company: handoffs that wait with their clocks in every state, at any hour and on any weekday."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from feedback import decisions, outcomes
from feedback.models import Reason
from leads import intake
from leads.intake import Arrival
from leads.models import InteractionKind as Kind
from leads.models import Lead
from leadsla.home.demo import names
from leadsla.home.demo.arrivals import NURTURED_BY, PLACES
from leadsla.home.demo.cast import Cast
from sla import calendars
from sla import handoff as handoffs
from sla.models import Calendar, Handoff
from sla.working_time import WorkingTime

PLACE_OF = {place.source: place for place in PLACES}
EARLIER = timedelta(minutes=10)


@dataclass(frozen=True)
class Today:
    """Somebody who came in today.

    Attributes:
        source: where from; by it, they ask to be contacted or were nurtured.
        company, city, people: where they work.
        minutes: how many working minutes ago they were handed over.
        called: after how many of them somebody called; 0: nobody yet.
        then: what sales does: "" waits, "reached" is accepted and talked to, "trying" is accepted and not reached yet,
            else the code of the reason why it is rejected.
    """

    source: str
    company: str
    city: str
    people: int
    minutes: int
    called: int = 0
    then: str = ""


# Together they show every state of a clock.
WAITING = (
    Today("event-booth", "Hollenthal Zerspanung GmbH", "Ulm", 210, 640, 33, "trying"),
    Today("webinar-live", "Kastner Hebetechnik GmbH & Co. KG", "Kassel", 480, 590, 21, "trying"),
    Today("referral-customer", "Brühl Wälzlager AG", "Schweinfurt", 940, 520, 35, "reached"),
    Today("organic-search", "Friedrichs Fördertechnik GmbH", "Bielefeld", 350, 430, 52),
    Today("linkedin-lead-form", "Tiefenbach Gießerei KG", "Siegen", 165, 380, 31),
    Today("website-pricing", "Meerwald Kompressoren GmbH", "Oldenburg", 120, 310, 4, "bad_contact_data"),
    Today("webinar-on-demand", "Rosskopf Werkzeugbau GmbH", "Reutlingen", 85, 220, 44),
    Today("website-contact", "Ostertag Papiermaschinen SE", "Heidenheim", 880, 130, 3, "criterion_untrue"),
    Today("event-booth", "Wiesner Rohrsysteme GmbH", "Leipzig", 260, 95, 38),
    Today("website-pricing", "Aumühle Anlagenbau GmbH", "Bremen", 640, 65),
    Today("webinar-live", "Lechner Lüftungsbau GmbH", "Augsburg", 140, 48),
    Today("paid-search", "Sandkamp Spedition KG", "Münster", 310, 25),
    Today("organic-search", "Hertling Getriebe AG", "Chemnitz", 720, 12),
    Today("website-demo", "Voßberg Maschinenbau GmbH", "Heilbronn", 190, 2),
)
# Who qualified in the last minutes and waits for the next sweep to hand them over.
READY = (
    Today("website-demo", "Krailing Pumpenwerk GmbH", "Landshut", 230, 1),
    Today("organic-search", "Dornau Kältetechnik AG", "Erfurt", 415, 4),
)
OF_SAM = range(3, 12)  # whose they are, of those who wait; the last ones go by turns
SAID: dict[str, tuple[dict[str, str], str, int]] = {
    "bad_contact_data": ({"field": "phone"}, "The number belongs to another company.", 3),
    "criterion_untrue": ({"text": "Decision maker: the parent company decides"}, "", 2),
}


def _person(random: Random, number: int, who: Today) -> dict[str, str | int]:
    first, last = random.choice(names.FIRST), random.choice(names.LAST)
    domain = f"{'-'.join(names.ascii_of(word) for word in who.company.split()[:2])}.example"
    facts: dict[str, str | int] = {
        "name": f"{first} {last}",
        "email": f"{names.ascii_of(first)}.{names.ascii_of(last)}@{domain}",
        "phone": f"{names.FILM_NUMBERS[-1]} 9{number:02d}",
        "title": random.choice(("Head of Operations", "Plant manager", "Head of Purchasing")),
        "company_name": who.company,
        "industry": "Machinery",
        "employees": who.people,
        "country": "DE",
        "city": who.city,
        "need": random.choice(names.NEEDS),
        "decision_maker": random.choice(names.DECISION_MAKERS),
    }
    if number % 2:
        facts["budget"] = random.choice(names.BUDGETS)
    return facts


def _qualify(random: Random, cast: Cast, number: int, who: Today, *, start: datetime) -> Lead:
    """Let one fitting person come in and qualify by one of the two doors at a moment."""
    facts, place = _person(random, number, who), PLACE_OF[who.source]
    acts = [(start, place.first, place.detail)]
    if not place.asks:
        # They came some days ago, read on, and looked at prices just now.
        came = start - timedelta(days=random.uniform(5, 15))
        read = start - timedelta(hours=random.uniform(20, 70))
        prices = (start, Kind.PRICING_VIEW, "Prices of the line audit")
        acts = [(came, place.first, place.detail), (read, *random.choice(NURTURED_BY[:2])), prices]
    owner = cast.people["Mia Albrecht"]
    arrivals = [
        Arrival(
            facts=facts if step == 0 else {"email": facts["email"]},
            source=place.source if step == 0 else None,
            campaign=place.campaign if step == 0 else None,
            kind=kind,
            occurred_at=moment,
            detail=detail,
            key=f"today-{step}",
            via="form" if step == 0 else "tracking",
        )
        for step, (moment, kind, detail) in enumerate(acts)
    ]
    return intake.receive_many(arrivals, owner=owner, team=owner.team, now=start)[0].lead


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
    sam, sue = cast.people["Sam Becker"], cast.people["Sue Vogt"]
    made: list[Handoff] = []
    for number, who in enumerate(WAITING):
        start = hours.add(now, -timedelta(minutes=who.minutes))
        lead = _qualify(random, cast, number, who, start=start)
        handoff = handoffs.hand_over(lead, by=None, now=start)
        if (number in OF_SAM or who.then) and handoff.owner != sam:
            handoffs.reassign(handoff, to=sam, by=sue, now=start)
        made.append(handoff)
        if who.called:
            _call(handoff, at=hours.add(start, timedelta(minutes=who.called)))
    _answer(made, hours, now=now)
    for number, who in enumerate(READY, start=len(WAITING)):
        _qualify(random, cast, number, who, start=now - timedelta(minutes=who.minutes))
    return len(made)


def _call(handoff: Handoff, *, at: datetime) -> None:
    if handoff.owner is not None:
        outcomes.log_follow_up(
            handoff, by=handoff.owner, channel="call", result="no_answer", occurred_at=at, now=at, note="Voice mail"
        )


def _answer(made: Sequence[Handoff], hours: WorkingTime, *, now: datetime) -> None:
    """Let Sam accept what he talks to or tries to reach, and reject what marketing has to fix."""
    for number, who in enumerate(WAITING):
        handoff = Handoff.objects.select_related("owner").get(pk=made[number].pk)
        if not who.then or handoff.owner is None:
            continue
        if who.then == "trying":
            at = hours.add(now, -timedelta(minutes=who.minutes - who.called - 10))
            decisions.accept(handoff, by=handoff.owner, now=at)
            _follow_up(handoff, "no_answer", "Call again", at=at, next_at=now + timedelta(minutes=25 * (number + 1)))
        elif who.then == "reached":
            decisions.accept(handoff, by=handoff.owner, now=now - EARLIER)
            _follow_up(handoff, "reached", "Send the offer", at=now - EARLIER, next_at=now + timedelta(days=1))
        else:
            asked, remark, quality = SAID[who.then]
            decisions.reject(
                handoff,
                reason=Reason.objects.get(code=who.then),
                by=handoff.owner,
                now=now - EARLIER,
                asked=asked,
                remark=remark,
                quality=quality,
            )
    decisions.carry_out_due(now=now)


def _follow_up(handoff: Handoff, result: str, next_step: str, *, at: datetime, next_at: datetime) -> None:
    assert handoff.owner is not None
    outcomes.log_follow_up(
        handoff,
        by=handoff.owner,
        channel="call" if result == "reached" else "email",
        result=result,
        occurred_at=at,
        now=at,
        note="Wrote an e-mail" if result != "reached" else "Good talk, wants an offer",
        next_step=next_step,
        next_step_at=next_at,
    )
