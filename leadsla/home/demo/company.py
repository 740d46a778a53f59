"""Load the demo company: the same people and stories for the same day, in one transaction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from django.db import connection, transaction
from django.utils.timezone import localtime

from leads import asks, campaigns, intake, qualification, scoring
from leads.models import Campaign, CampaignCost, Lead, Source
from leadsla.accounts.models import User
from leadsla.home.demo import arrivals, cast, contract, history, past, today, writing
from leadsla.outbox.models import Message
from sla import acceptance, compliance, escalation

SEED = 2026
MONTHS = 6
BATCH = 1_000
# name, audience, message, question, cost a month, expected leads
CAMPAIGNS = (
    (
        "Brand search",
        "People who look for us by name.",
        "Every hour your line stands still costs more than our audit.",
        "What made you look now?",
        2400,
        900,
    ),
    (
        "Spare parts Q4",
        "Heads of maintenance and purchasing at plants of 200 people and more.",
        "Half of your spare-part stock is never used.",
        "Who decides on the stock?",
        3900,
        1100,
    ),
    (
        "Downtime costs",
        "Plant managers who count what a stop costs.",
        "What an hour of downtime costs, and how to find out.",
        "Which line stops most often?",
        3100,
        1200,
    ),
    (
        "Trade fair",
        "Visitors of our booth, invited or walking by.",
        "Bring your worst line; we look at it at the booth.",
        "When is the next shutdown?",
        5200,
        500,
    ),
    (
        "Customers invite",
        "Colleagues and partners of our customers.",
        "Recommended by people who did it.",
        "What did your colleague tell you?",
        300,
        300,
    ),
)
# campaign → the source that its costs count for
SOURCES = {
    "Brand search": "organic-search",
    "Spare parts Q4": "linkedin-lead-form",
    "Downtime costs": "webinar-live",
    "Trade fair": "event-booth",
    "Customers invite": "referral-customer",
}
# who asks, about which campaign, what, how many days ago; who answers, what
ASKS = (
    ("Sam Becker", "Spare parts Q4", "Purchasing asks for a price example. Is there one page I may send?", 6, "", ""),
    (
        "Nia Okafor",
        "Trade fair",
        "Please note at the booth which machine they run: it saves the first ten minutes of the call.",
        20,
        "Lena Hartmann",
        "Done: the booth form asks for machine and year since Monday. You find it in the pack under “Need”.",
    ),
)
REVENUE_GOAL = 400_000  # a month, in the currency of its deals


class AlreadyThereError(Exception):
    """The portal is not empty."""


@transaction.atomic
def load(*, now: datetime, size: float = 1.0) -> dict[str, int]:
    """Load the demo company into an empty portal.

    Args:
        now: the last moment of its history.
        size: 1 makes about 5,000 leads; the promised number of qualified leads goes with it.

    Returns:
        How many people, leads, interactions and handoffs there are.

    Raises:
        AlreadyThereError: somebody or some lead is in the portal already.
    """
    if User.objects.exists() or Lead.objects.exists():
        raise AlreadyThereError
    now = localtime(now)  # differences of days are those of the wall clock
    random = Random(SEED)
    crew = cast.hire(now=now)
    start = _months_ago(now)
    _run_campaigns(start, now)
    agreement = contract.sign_first(crew, start=start, size=size)
    everybody = arrivals.people(random, start=start, now=now - timedelta(hours=1), size=size)
    by_email = {person.email: person for person in everybody}
    owners = _owners(random, crew, everybody)
    ids: dict[str, int] = {}
    teller = history.Teller(agreement, crew, random, now=now)
    for number, (since, until) in enumerate(_windows(start, now, size=size)):
        _receive(everybody, ids, since=since, until=until.astimezone(UTC))
        if number in {0, 2, 8}:
            _analyze("leads_lead", "leads_identity", "leads_interaction", "leads_company")
        teller.tell(past.qualified(by_email, owners, until=until.astimezone(UTC)))
    past.date_back(owners)
    writing.save(teller.stories)
    today.hand_over_today(random, crew, now=now)
    past.settle_history()
    writing.mark_above_range(agreement)
    writing.mark_above_share(agreement, now=now)
    contract.propose_next(agreement, crew, now=now, size=size)
    _settle(start, now)
    return {
        "people": User.objects.count(),
        "leads": Lead.objects.count(),
        "interactions": sum(len(person.acts) for person in everybody),
        "handoffs": len(teller.stories) + len(today.WAITING),
    }


def _months_ago(now: datetime) -> datetime:
    month = now.month - MONTHS
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first.replace(month=month) if month > 0 else first.replace(year=now.year - 1, month=month + 12)


def _windows(start: datetime, now: datetime, *, size: float) -> list[tuple[datetime, datetime]]:
    """Return the times that are taken in together: fortnights, of a small company months, and the last ten days."""
    long, day = timedelta(days=14 if size > 0.5 else 28), timedelta(days=1)
    marks, recent = [start], start + ((now - start) // day - 10) * day
    while marks[-1] + day < now:
        marks.append(min(marks[-1] + long, recent) if marks[-1] < recent else marks[-1] + day)
    return list(zip(marks, [*marks[1:], now], strict=True))


def _run_campaigns(start: datetime, now: datetime) -> None:
    """Start the campaigns with their briefs and costs, and let sales ask about them."""
    people = {user.name: user for user in User.objects.select_related("team")}
    sources = {source.code: source for source in Source.objects.all()}
    made: dict[str, Campaign] = {}
    for name, audience, message, question, cost, expected in CAMPAIGNS:
        owner = people["Lena Hartmann" if name == "Trade fair" else "Mia Albrecht"]
        made[name] = campaign = campaigns.save(
            None,
            by=owner,
            now=start,
            name=name,
            owner=owner,
            team=owner.team,
            source=sources[SOURCES[name]],
            audience=audience,
            message=message,
            question=question,
            expected_leads=expected,
            starts_on=start.date(),
        )
        months = {(start + timedelta(days=offset)).replace(day=1).date() for offset in range((now - start).days)}
        CampaignCost.objects.bulk_create(
            CampaignCost(campaign=campaign, month=month, amount=cost, currency="EUR") for month in sorted(months)
        )
    for asker, about, text, days, answerer, answer in ASKS:
        asked_at = now - timedelta(days=days)
        ask = asks.file(text, campaign=made[about], by=people[asker], now=asked_at)
        if answer:
            asks.answer(ask, answer, by=people[answerer], now=asked_at + timedelta(days=1))


def _owners(random: Random, crew: cast.Cast, everybody: list[arrivals.Person]) -> dict[str, User]:
    """Give each person a marketer: booth visitors to the events team, the rest to inbound."""
    inbound, events = crew.team_of("Inbound"), crew.team_of("Events")
    return {
        person.email: random.choice(events if person.place.source == "event-booth" else inbound) for person in everybody
    }


def _receive(everybody: list[arrivals.Person], ids: dict[str, int], *, since: datetime, until: datetime) -> None:
    """Take in what arrives in a time, as of its end, and note the leads' ids by e-mail."""
    batch = [
        arrival
        for person in everybody
        if person.acts[0].at < until and person.acts[-1].at >= since
        for arrival in person.arrivals(since=since, until=until)
    ]
    for first in range(0, len(batch), BATCH):
        receipts = intake.receive_many(batch[first : first + BATCH], now=until)
        ids |= {receipt.lead.email: receipt.lead.pk for receipt in receipts}
    past.add_small_acts(everybody, ids, since=since, until=until)


def _analyze(*tables: str) -> None:
    """Tell the planner how tables have grown: in one transaction no one else does."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(tables)}")


def _settle(start: datetime, now: datetime) -> None:
    """Bring scores, verdicts, clocks, figures and messages to `now`."""
    everybody = Lead.objects.living()
    scoring.score(everybody, now=now)
    qualification.judge(everybody, now=now)
    _analyze("sla_handoff", "sla_round", "sla_clock")
    escalation.sweep(now=now, limit=5_000, moves_handoffs=False)  # the stories say who has what
    Message.objects.filter(channel=Message.Channel.EMAIL).delete()  # nobody wants six months of mail
    month = start
    while month <= now:
        compliance.recompute(now=now, period=month.date())
        acceptance.recompute(now=now, period=month.date())
        month = (month + timedelta(days=32)).replace(day=1)
