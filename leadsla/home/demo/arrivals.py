"""Who arrives at the demo company in six months, and what they do: about 5,000 people with their interactions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from leads.intake import Arrival
from leads.models import InteractionKind as Kind
from leadsla.home.demo import names

A_DAY = 25.0  # people
FROM_A_KNOWN_FIRM = 0.04  # of those who qualify: a colleague of somebody who did
TWICE = 0.004  # who comes a second time under another address


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
    Place("referral-customer", "Customers invite", 3, 0.46, Kind.FORM_SUBMIT, "Recommended by a customer"),
    Place("webinar-live", "Downtime costs", 14, 0.19, Kind.WEBINAR_ATTEND, "What an hour of downtime costs"),
    Place("webinar-on-demand", "Downtime costs", 9, 0.1, Kind.WEBINAR_ON_DEMAND, "Recording: downtime costs"),
    Place("linkedin-lead-form", "Spare parts Q4", 20, 0.085, Kind.ANALYST_REPORT, "Report: spare-part stock"),
    Place("event-booth", "Trade fair", 9, 0.13, Kind.BOOTH_VISIT, "Booth 4A-310"),
    Place("paid-search", "Spare parts Q4", 12, 0.1, Kind.DOWNLOAD, "Checklist: maintenance plan"),
    Place("organic-search", "Brand search", 14, 0.09, Kind.DOWNLOAD, "Guide: fewer stops"),
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
Facts = dict[str, str | int]


@dataclass(frozen=True)
class Act:
    """One thing that a person did.

    Attributes:
        at: when.
        kind, detail: what.
        is_told: it can change where the person stands, so it goes through intake; the rest is added in bulk.
        facts: what they told with it.
    """

    at: datetime
    kind: Kind
    detail: str
    is_told: bool = False
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class Person:
    """One person of the demo with what they do, oldest first."""

    email: str
    place: Place
    acts: tuple[Act, ...]

    @property
    def told(self) -> list[Act]:
        """Return the acts that go through intake; the last one makes them qualified, if anything does."""
        return [act for act in self.acts if act.is_told]

    def arrivals(self, *, since: datetime, until: datetime) -> Iterator[Arrival]:
        """Yield what this person brings in a time and what may change where they stand."""
        for number, act in enumerate(self.acts):
            if act.is_told and since <= act.at < until:
                told: Facts = {"email": self.email}
                yield Arrival(
                    facts=told | act.facts,
                    source=self.place.source if number == 0 else None,
                    campaign=self.place.campaign if number == 0 else None,
                    kind=act.kind,
                    occurred_at=act.at,
                    detail=act.detail,
                    key=f"demo-{number}",
                    via="form" if act.facts else "tracking",
                )


def _office_moment(random: Random, day: datetime) -> datetime:
    """Return a moment of that day, mostly in office hours, weekends seldom."""
    if day.weekday() >= 5 and random.random() < 0.7:
        day -= timedelta(days=random.randint(2, 4))
    hour = min(23.0, max(0.0, random.gauss(13.2, 3.0)))
    return day.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(seconds=int(hour * 3600))


class _Crowd:
    """Makes people one by one from one source of chance."""

    def __init__(self, random: Random, *, now: datetime) -> None:
        self.random, self.now = random, now
        self.registry = names.Registry(random)
        self.crowd = [self.registry.firm() for _ in range(600)]  # where those work who do not qualify
        self.fitting: list[names.Firm] = []
        self.emails: set[str] = set()

    def person(self, first: datetime) -> Person:
        """Make one person who arrives at a moment."""
        random = self.random
        place = random.choices(PLACES, weights=[one.share for one in PLACES])[0]
        is_good = random.random() < place.fits
        firm = self._firm(is_fitting=is_good or (place.asks and random.random() < 0.7))
        first_name, last_name = random.choice(names.FIRST), random.choice(names.LAST)
        is_free = not is_good and not place.asks and random.random() < 0.12
        domain = random.choice(("gmail.com", "gmx.de", "web.de")) if is_free else firm.domain
        email = self._email(f"{names.ascii_of(first_name)}.{names.ascii_of(last_name)}", domain)
        facts = self._facts(firm, f"{first_name} {last_name}", is_good=is_good or place.asks)
        if place.asks:
            facts |= self._said(with_decision_maker=False)
        acts = [Act(first, place.first, place.detail, is_told=True, facts=facts), *self._small(first)]
        if is_good:
            acts = [Act(act.at, act.kind, act.detail, is_told=True, facts=act.facts) for act in acts]
            acts += self._nurtured(acts[-1].at)
            acts += self._small(acts[-1].at)[:2]
        return Person(email, place, tuple(act for act in acts if act.at <= self.now))

    def again(self, person: Person, first: datetime) -> Person:
        """Let somebody come again under a private address, as people do: the portal asks whether it is the same."""
        told = person.acts[0].facts
        facts: Facts = {"name": told["name"], "company_name": told["company_name"]}
        email = self._email(person.email.partition("@")[0], "gmail.com")
        act = Act(first, Kind.NEWSLETTER_SIGNUP, "Newsletter", is_told=True, facts=facts)
        return Person(email, person.place, (act,))

    def _firm(self, *, is_fitting: bool) -> names.Firm:
        if not is_fitting:
            return self.random.choice(self.crowd)
        if self.fitting and self.random.random() < FROM_A_KNOWN_FIRM:
            return self.random.choice(self.fitting)
        self.fitting.append(self.registry.firm(is_fitting=True))
        return self.fitting[-1]

    def _email(self, name: str, domain: str) -> str:
        email, number = f"{name}@{domain}", 1
        while email in self.emails:
            number += 1
            email = f"{name}{number}@{domain}"
        self.emails.add(email)
        return email

    def _facts(self, firm: names.Firm, name: str, *, is_good: bool) -> Facts:
        random = self.random
        titles = names.DECIDING if is_good else names.TITLES
        title = random.choices([title for title, _ in titles], weights=[weight for _, weight in titles])[0]
        facts: Facts = {"name": name, "title": title, "company_name": firm.name}
        if is_good or random.random() < 0.75:
            facts |= {"country": firm.country, "city": firm.city}
        if is_good or random.random() < 0.6:
            facts |= {"industry": firm.industry, "employees": firm.employees}
        if is_good or random.random() < 0.5:
            facts["phone"] = self.registry.phone(firm.country)
        if not is_good and random.random() < 0.2:
            # Half of what is asked for: a marketer has one more thing to find out.
            facts |= random.choice(({"need": random.choice(names.NEEDS)}, {"decision_maker": "The plant manager"}))
        return facts

    def _said(self, *, with_decision_maker: bool) -> Facts:
        random = self.random
        said: Facts = {"need": random.choice(names.NEEDS)}
        if with_decision_maker:
            said["decision_maker"] = random.choice(names.DECISION_MAKERS)
        if random.random() < 0.6:
            said |= {"authority": random.choice(names.AUTHORITIES), "budget": random.choice(names.BUDGETS)}
        return said

    def _small(self, moment: datetime) -> list[Act]:
        random = self.random
        acts = []
        for _ in range(random.choices((0, 1, 2, 3, 5), weights=(34, 26, 20, 12, 8))[0]):
            moment = max(moment, _office_moment(random, moment + timedelta(days=random.uniform(1, 12))))
            acts.append(Act(moment, *random.choices(SMALL, weights=(40, 30, 8, 8, 10, 4))[0]))
        return acts

    def _nurtured(self, moment: datetime) -> list[Act]:
        """Let somebody read, and then look at prices and say what they need: that makes them qualified."""
        random = self.random
        moment = max(moment, _office_moment(random, moment + timedelta(days=random.uniform(1, 9))))
        read = Act(moment, *random.choice(NURTURED_BY), is_told=True)
        moment += timedelta(minutes=random.randint(20, 4000))
        said = self._said(with_decision_maker=True)
        return [read, Act(moment, Kind.PRICING_VIEW, "Prices of the line audit", is_told=True, facts=said)]


def people(random: Random, *, start: datetime, now: datetime, size: float = 1.0) -> list[Person]:
    """Make the people who arrive between two moments.

    Args:
        random: the seeded source of chance.
        start: the first day.
        now: nobody does anything later.
        size: 1 makes 25 a day.

    Returns:
        People with at least one act each, in order of arrival.
    """
    days = (now - start) / timedelta(days=1)
    wanted = round(days * A_DAY * size)
    crowd = _Crowd(random, now=now)
    made: list[Person] = []
    while len(made) < wanted:
        # A little more come each month.
        first = _office_moment(random, start + timedelta(days=days * random.random() ** 0.93))
        if not start <= first <= now:
            continue
        made.append(crowd.person(first))
        if random.random() < TWICE and first + timedelta(days=9) < now:
            made.append(crowd.again(made[-1], first + timedelta(days=random.uniform(1, 9))))
    return sorted(made, key=lambda person: person.acts[0].at)
