"""Who arrives at the demo company in six months, and what they do: 5,000 people with their interactions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from leads.intake import Arrival
from leads.models import InteractionKind as Kind
from leadsla.home.demo import names

LEADS = 5_000
WEEKS = 26


@dataclass(frozen=True)
class Place:
    """A source of the demo: how many come from it, how well they fit, and what brings them."""

    source: str
    campaign: str
    share: int
    fits: float  # share that becomes qualified by nurturing
    first: Kind
    detail: str
    asks: bool = False


PLACES = (
    Place("website-demo", "Brand search", 3, 0.0, Kind.DEMO_REQUEST, "Demo of the line audit", asks=True),
    Place("website-contact", "Brand search", 2, 0.0, Kind.CONTACT_REQUEST, "Contact form", asks=True),
    Place("website-pricing", "Spare parts Q4", 2, 0.0, Kind.PRICING_REQUEST, "Quote for a retrofit", asks=True),
    Place("referral-customer", "Customers invite", 3, 0.45, Kind.FORM_SUBMIT, "Recommended by a customer"),
    Place("webinar-live", "Downtime costs", 14, 0.22, Kind.WEBINAR_ATTEND, "What an hour of downtime costs"),
    Place("webinar-on-demand", "Downtime costs", 9, 0.1, Kind.WEBINAR_ON_DEMAND, "Recording: downtime costs"),
    Place("linkedin-lead-form", "Spare parts Q4", 20, 0.08, Kind.ANALYST_REPORT, "Report: spare-part stock"),
    Place("event-booth", "Trade fair", 9, 0.13, Kind.BOOTH_VISIT, "Booth 4A-310"),
    Place("paid-search", "Spare parts Q4", 12, 0.1, Kind.DOWNLOAD, "Checklist: maintenance plan"),
    Place("organic-search", "Brand search", 14, 0.08, Kind.DOWNLOAD, "Guide: fewer stops"),
    Place("content-syndication", "Downtime costs", 12, 0.06, Kind.SYNDICATED, "Paper: downtime"),
)
NURTURED_BY = (
    (Kind.WEBINAR_ATTEND, "What an hour of downtime costs"),
    (Kind.ANALYST_REPORT, "Report: spare-part stock"),
    (Kind.DOWNLOAD, "Case study: fewer stops at a gear maker"),
    (Kind.EVENT_ATTEND, "Maintenance day"),
)
SMALL = (
    (Kind.EMAIL_CLICK, "Newsletter: case study"),
    (Kind.PAGE_VIEW, "Page: line audit"),
    (Kind.NEWSLETTER_SIGNUP, "Newsletter"),
    (Kind.WEBINAR_REGISTER, "Webinar: spare parts"),
    (Kind.SOCIAL_ENGAGE, "Post on downtime"),
    (Kind.CAREERS_VIEW, "Careers page"),
)


@dataclass(frozen=True)
class Person:
    """One person of the demo with what they do, oldest first."""

    email: str
    facts: dict[str, str | int]
    place: Place
    acts: tuple[tuple[datetime, Kind, str], ...]
    late_facts: dict[str, str | int]  # told with the last act

    def tells(self, number: int) -> bool:
        """Tell whether an act can change where the person stands: the first one, and all of those who will qualify."""
        return number == 0 or bool(self.late_facts)

    def arrivals(self, *, since: datetime, until: datetime) -> Iterator[Arrival]:
        """Yield what this person brings in a time and what may change where they stand."""
        for number, (moment, kind, detail) in enumerate(self.acts):
            if self.tells(number) and since <= moment < until:
                is_last = number == len(self.acts) - 1
                told: dict[str, str | int] = self.facts if number == 0 else {"email": self.email}
                yield Arrival(
                    facts=told | (self.late_facts if is_last else {}),
                    source=self.place.source if number == 0 else None,
                    campaign=self.place.campaign if number == 0 else None,
                    kind=kind,
                    occurred_at=moment,
                    detail=detail,
                    key=f"demo-{number}",
                    via="form" if number == 0 else "tracking",
                )


def _office_moment(random: Random, day: datetime) -> datetime:
    """Return a moment of that day, mostly in office hours, weekends seldom."""
    if day.weekday() >= 5 and random.random() < 0.7:
        day -= timedelta(days=random.randint(2, 4))
    hour = min(23.0, max(0.0, random.gauss(13.2, 3.0)))
    return day.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(seconds=int(hour * 3600))


def _facts(random: Random, firm: names.Firm, email: str, name: str, *, is_good: bool) -> dict[str, str | int]:
    good_titles = [(title, weight) for title, weight in names.TITLES if "tudent" not in title and "assist" not in title]
    choice = good_titles[:9] if is_good else list(names.TITLES)
    title = random.choices([title for title, _ in choice], weights=[weight for _, weight in choice])[0]
    facts: dict[str, str | int] = {"name": name, "email": email, "title": title, "company_name": firm.name}
    if is_good or random.random() < 0.75:
        facts |= {"country": firm.country, "city": firm.city}
    if is_good or random.random() < 0.6:
        facts |= {"industry": firm.industry, "employees": firm.employees}
    if is_good or random.random() < 0.5:
        facts["phone"] = names.PHONES[firm.country].format(random.randrange(1_000_000))
    return facts


def _acts(
    random: Random, place: Place, first: datetime, now: datetime, *, is_good: bool
) -> tuple[tuple[datetime, Kind, str], ...]:
    acts = [(first, place.first, place.detail)]
    moment = first
    for _ in range(random.choices((0, 1, 2, 3, 5), weights=(34, 26, 20, 12, 8))[0]):
        moment = max(moment, _office_moment(random, moment + timedelta(days=random.uniform(1, 12))))
        acts.append((moment, *random.choices(SMALL, weights=(40, 30, 8, 8, 10, 4))[0]))
    if is_good:
        moment = max(moment, _office_moment(random, moment + timedelta(days=random.uniform(1, 9))))
        acts.append((moment, *random.choice(NURTURED_BY)))
        moment += timedelta(minutes=random.randint(20, 4000))
        acts.append((moment, Kind.PRICING_VIEW, "Prices of the line audit"))
    acts.sort(key=lambda act: act[0])
    return tuple(act for act in acts if act[0] <= now)


def people(random: Random, *, start: datetime, now: datetime) -> list[Person]:
    """Make the people who arrive between two moments.

    Args:
        random: the seeded source of chance.
        start: the first day.
        now: nobody does anything later.

    Returns:
        `LEADS` people with at least one act each, in order of arrival.
    """
    firms = names.firms(random, LEADS // 4)
    fitting = [firm for firm in firms if firm.industry in names.ON_TARGET and 50 <= firm.employees <= 1000]
    fitting = [firm for firm in fitting if firm.country in names.SERVED]
    made: list[Person] = []
    taken: set[str] = set()
    days = (now - start).days
    while len(made) < LEADS:
        place = random.choices(PLACES, weights=[one.share for one in PLACES])[0]
        is_good = random.random() < place.fits
        firm = random.choice(fitting if is_good or (place.asks and random.random() < 0.7) else firms)
        first_name, last_name = random.choice(names.FIRST), random.choice(names.LAST)
        is_free = not is_good and not place.asks and random.random() < 0.12
        domain = random.choice(("gmail.com", "gmx.de", "web.de")) if is_free else firm.domain
        email = f"{names.ascii_of(first_name)}.{names.ascii_of(last_name)}@{domain}"
        first = _office_moment(random, start + timedelta(days=random.uniform(0, days + 0.99)))
        if email in taken or not start <= first <= now:
            continue
        taken.add(email)
        late: dict[str, str | int] = {}
        if is_good:
            late = {"need": random.choice(names.NEEDS), "decision_maker": random.choice(names.DECISION_MAKERS)}
        elif place.asks:
            late = {"need": random.choice(names.NEEDS)}
        if late and random.random() < 0.6:
            late |= {"authority": random.choice(names.AUTHORITIES), "budget": random.choice(names.BUDGETS)}
        facts = _facts(random, firm, email, f"{first_name} {last_name}", is_good=is_good or place.asks)
        made.append(Person(email, facts, place, _acts(random, place, first, now, is_good=is_good), late))
    return sorted(made, key=lambda person: person.acts[0][0])
