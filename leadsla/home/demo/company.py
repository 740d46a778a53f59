"""Load the demo company: the same people and stories for the same day, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from random import Random

from django.db import connection, transaction
from django.utils.timezone import localtime

from leads import intake, qualification, scoring
from leads.models import Campaign, CampaignCost, Interaction, Lead, Stage
from leadsla.accounts.models import User
from leadsla.home.demo import arrivals, cast, history, today
from leadsla.outbox.models import Message
from sla import acceptance, clocks, compliance
from sla.models import Agreement

SEED = 2026
MONTHS = 6
BATCH = 1_000
CAMPAIGNS = (
    ("Brand search", "Every hour your line stands still costs more than our audit.", "What made you look now?", 2400),
    ("Spare parts Q4", "Half of your spare-part stock is never used.", "Who decides on the stock?", 3900),
    ("Downtime costs", "What an hour of downtime costs, and how to find out.", "Which line stops most often?", 3100),
    ("Trade fair", "Bring your worst line; we look at it at the booth.", "When is the next shutdown?", 5200),
    ("Customers invite", "Recommended by people who did it.", "What did your colleague tell you?", 300),
)


class AlreadyThereError(Exception):
    """The portal is not empty."""


@transaction.atomic
def load(*, now: datetime) -> dict[str, int]:
    """Load the demo company into an empty portal.

    Args:
        now: the last moment of its history.

    Returns:
        How many people, leads, interactions and handoffs there are.

    Raises:
        AlreadyThereError: somebody or some lead is in the portal already.
    """
    if User.objects.exists() or Lead.objects.exists():
        raise AlreadyThereError
    _check_at_once()
    random = Random(SEED)
    crew = cast.hire(now=now)
    start = _months_ago(now)
    _run_campaigns(start, now)
    everybody = arrivals.people(random, start=start, now=now - timedelta(hours=1))
    owners = _owners(random, crew, everybody)
    agreement = Agreement.objects.in_force(now=now)[0]
    teller = history.Teller(agreement, crew, random, now=now)
    for since, until in _fortnights(start, now):
        _receive(everybody, since=since, until=until)
        for lead in _qualified_between(since, until):
            lead.owner = owners[lead.email]
            lead.team = lead.owner.team
            teller.tell(lead)
    _give_owners(owners)
    _add_small_acts(everybody)
    handed_over = teller.write()
    handed_over += today.hand_over_today(random, crew, now=now)
    _settle(start, now)
    return {
        "people": User.objects.count(),
        "leads": Lead.objects.count(),
        "interactions": sum(len(person.acts) for person in everybody),
        "handoffs": handed_over,
    }


def _check_at_once() -> None:
    """Let foreign keys be checked by each statement, not at the end.

    Each row's history trigger asks for settings that are not there and so aborts a subtransaction, which walks through
    all checks that still wait: with a hundred thousand of them, that alone takes a millisecond per row.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _months_ago(now: datetime) -> datetime:
    local = localtime(now)
    month = local.month - MONTHS
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first.replace(month=month) if month > 0 else first.replace(year=local.year - 1, month=month + 12)


def _fortnights(start: datetime, now: datetime) -> list[tuple[datetime, datetime]]:
    marks = [start]
    while marks[-1] + timedelta(days=14) < now:
        marks.append(marks[-1] + timedelta(days=14))
    return list(zip(marks, [*marks[1:], now], strict=True))


def _run_campaigns(start: datetime, now: datetime) -> None:
    for name, message, question, cost in CAMPAIGNS:
        campaign = Campaign.objects.create(
            code=name.lower().replace(" ", "-"), name=name, message=message, question=question, starts_on=start.date()
        )
        months = {(start + timedelta(days=offset)).replace(day=1).date() for offset in range((now - start).days)}
        CampaignCost.objects.bulk_create(
            CampaignCost(campaign=campaign, month=month, amount=cost, currency="EUR") for month in sorted(months)
        )


def _owners(random: Random, crew: cast.Cast, everybody: list[arrivals.Person]) -> dict[str, User]:
    """Give each person a marketer: booth visitors to the events team, the rest to inbound."""
    inbound, events = crew.team_of("Inbound"), crew.team_of("Events")
    return {
        person.email: random.choice(events if person.place.source == "event-booth" else inbound) for person in everybody
    }


def _receive(everybody: list[arrivals.Person], *, since: datetime, until: datetime) -> None:
    """Take in what arrives in a fortnight, as of its end."""
    batch = [
        arrival
        for person in everybody
        if person.acts[0][0] < until and person.acts[-1][0] >= since
        for arrival in person.arrivals(since=since, until=until)
    ]
    for first in range(0, len(batch), BATCH):
        intake.receive_many(batch[first : first + BATCH], now=until)
    # In one transaction no one else tells the planner how the tables have grown.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE leads_lead, leads_identity, leads_interaction, leads_company")


def _add_small_acts(everybody: list[arrivals.Person]) -> None:
    """Add what people did that changes nothing but their story and a few points."""
    ids = dict(Lead.objects.values_list("email", "pk"))
    Interaction.objects.bulk_create(
        Interaction(
            lead_id=ids[person.email],
            kind=kind,
            occurred_at=moment,
            recorded_at=moment,
            detail=detail,
            key=f"demo-{number}",
            via="tracking",
        )
        for person in everybody
        for number, (moment, kind, detail) in enumerate(person.acts)
        if not person.tells(number)
    )


def _give_owners(owners: dict[str, User]) -> None:
    """Give each new lead to its marketer."""
    emails: dict[User, list[str]] = defaultdict(list)
    for email, owner in owners.items():
        emails[owner].append(email)
    for owner, theirs in emails.items():
        Lead.objects.filter(owner=None, email__in=theirs).update(owner=owner, team=owner.team_id)


def _qualified_between(since: datetime, until: datetime) -> list[Lead]:
    """Return the leads that qualified in a fortnight, each at the moment of the act that did it."""
    related = (
        "company",
        "owner",
        "team",
        "score_model",
        "first_source",
        "last_source",
        "first_campaign",
        "last_campaign",
    )
    leads = list(Lead.objects.filter(stage=Stage.QUALIFIED, qualified_at=until).select_related(*related).order_by("pk"))
    last = dict(
        Lead.objects.filter(pk__in=[lead.pk for lead in leads], interactions__occurred_at__lt=until)
        .order_by("pk", "-interactions__occurred_at")
        .distinct("pk")
        .values_list("pk", "interactions__occurred_at")
    )
    for lead in leads:
        lead.qualified_at = lead.stage_since = max(since, last[lead.pk])
    Lead.objects.bulk_update(leads, ("qualified_at", "stage_since"), batch_size=500)
    return leads


def _settle(start: datetime, now: datetime) -> None:
    """Bring scores, verdicts, clocks, figures and messages to `now`."""
    everybody = Lead.objects.living()
    scoring.score(everybody, now=now)
    qualification.judge(everybody, now=now)
    clocks.sweep(now=now, limit=5_000)
    Message.objects.filter(channel=Message.Channel.EMAIL).delete()  # nobody wants six months of mail
    month = start
    while month <= now:
        compliance.recompute(now=now, period=month.date())
        acceptance.recompute(now=now, period=month.date())
        month = (month + timedelta(days=32)).replace(day=1)
