"""The ledger of turns: who of a team is there, what each is owed, and what an assignment moves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from leadsla.accounts.models import AwayTime, Role, Team, User
from sla import fairness
from sla.models import Assignment, Capacity, Handoff, Turn

WINDOW = timedelta(days=30)  # of what people are told that they had, and of turns credited back
CREDITS_PER_WINDOW = 2
NO_CAPACITY = Capacity()  # weight and cap of people for whom nobody set any
EVEN = 0.05  # leads; less is not worth a word


@dataclass(frozen=True)
class Standing:
    """How one person of a team stands when a lead is given.

    Attributes:
        user: who.
        weight: among the team.
        balance: leads that they are owed; negative when they are ahead.
        had: leads of the temperature that they were given in 30 days.
        of: leads that the whole team was given.
        open_now: handoffs that they have to answer or to work on.
        why_not: why they get none now; "" when they are there.
        is_full: they have the most open handoffs that they may have.
    """

    user: User
    weight: float
    balance: float
    had: int
    of: int
    open_now: int
    why_not: str = ""
    is_full: bool = False

    def __str__(self) -> str:
        if self.why_not:
            return self.why_not
        words = {"had": self.had, "of": self.of, "leads": f"{abs(self.balance):.1f}"}
        if self.balance >= EVEN:
            return _("had %(had)d of %(of)d in 30 days, is owed %(leads)s") % words
        if self.balance <= -EVEN:
            return _("had %(had)d of %(of)d in 30 days, is ahead by %(leads)s") % words
        return _("had %(had)d of %(of)d in 30 days, is even") % words


def lock(*teams: Team | None) -> None:
    """Hold the ledgers of teams until the transaction ends, in one order, so that two at once do not take one turn."""
    ids = sorted({team.pk for team in teams if team is not None})
    list(Team.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk"))


def standings(
    team: Team, *, temperature: str, now: datetime, but_not: Collection[int] = (), without: Handoff | None = None
) -> list[Standing]:
    """Return how everybody in a team who takes turns stands.

    Args:
        team: of sales.
        temperature: of which ledger.
        now: the moment; who is away then is not there.
        but_not: people who are left out.
        without: a handoff that is not counted among the open ones, because it is what is being given.
    """
    members = list(
        team.members.filter(is_active=True, roles__contains=[Role.SALES_REP])
        .exclude(pk__in=but_not)
        .select_related("team")
        .order_by("pk")
    )
    ids = [member.pk for member in members]
    away = set(away_now(now).filter(user__in=ids).values_list("user_id", flat=True))
    open_now = _open_per_user(ids, without=without)
    capacities = {capacity.user_id: capacity for capacity in Capacity.objects.filter(user__in=ids)}
    balances = dict(
        Turn.objects.filter(team=team, temperature=temperature, user__in=ids).values_list("user_id", "balance")
    )
    had = ledger(team, temperature=temperature, now=now)
    found = []
    for member in members:
        capacity = capacities.get(member.pk, NO_CAPACITY)
        has = open_now.get(member.pk, 0)
        is_full = has >= capacity.open_at_most
        why_not = ""
        if member.pk in away:
            why_not = _("away")
        elif capacity.weight <= 0:
            why_not = _("gets none (weight 0)")
        elif is_full:
            why_not = _("has %(open)d open, the most") % {"open": has}
        found.append(
            Standing(
                member,
                weight=float(capacity.weight),
                balance=balances.get(member.pk, 0.0),
                had=had.get(member.pk, 0),
                of=sum(had.values()),
                open_now=has,
                why_not=why_not,
                is_full=is_full and member.pk not in away and capacity.weight > 0,
            )
        )
    return found


def weights(found: Iterable[Standing]) -> dict[int, float]:
    """Return the weights of those who are there."""
    return {one.user.pk: one.weight for one in found if not one.why_not}


def balances(found: Iterable[Standing]) -> dict[int, float]:
    """Return the balances of all."""
    return {one.user.pk: one.balance for one in found}


def takes_turns(user: User, team: Team) -> bool:
    """Tell whether a lead that a person gets is one of their turns: a rep of the team with a weight."""
    if user.team_id != team.pk or not user.has_role(Role.SALES_REP):
        return False
    capacity = Capacity.objects.filter(user=user).first() or NO_CAPACITY
    return capacity.weight > 0


def take(line: Assignment, *, shares: Mapping[int, float] | None, now: datetime) -> dict[str, float]:
    """Move the balances for a new line of the ledger.

    Args:
        line: an assignment that counts, of a person who takes turns; not saved yet.
        shares: what the choice was made on; None for a direct assignment, whose shares are of those who are there now.
        now: the moment.

    Returns:
        The shares as the line keeps them.
    """
    assert line.user_id is not None
    lock(line.team)
    if shares is None:
        there = standings(line.team, temperature=line.temperature, now=now, without=line.handoff)
        shares = fairness.shares(weights(there))
    changes = fairness.change(shares, to=line.user_id)
    _move(line.team_id, line.temperature, changes)
    return {str(person): share for person, share in (shares or {line.user_id: 1.0}).items()}


def take_back(line: Assignment) -> None:
    """Undo what a line did to the balances: one lead back to who got it, its shares back from everybody."""
    if line.credited_back:
        return  # that has happened already
    _repeat(line, sign=-1.0)


def take_again(line: Assignment) -> bool:
    """Take a turn again that was credited back, because its rejection was overturned; False when it was not."""
    if Assignment.objects.filter(pk=line.pk, credited_back=True).update(credited_back=False) != 1:
        return False
    _repeat(line, sign=1.0)
    return True


def _repeat(line: Assignment, *, sign: float) -> None:
    if line.user_id is None or not line.shares:
        return  # a line from before balances were kept moved none
    lock(line.team)
    changes = fairness.change({int(person): share for person, share in line.shares.items()}, to=line.user_id)
    _move(line.team_id, line.temperature, {person: sign * leads for person, leads in changes.items()})


def _move(team_id: int, temperature: str, changes: Mapping[int, float]) -> None:
    people = sorted(changes)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO sla_turn AS turn (team_id, user_id, temperature, balance)
            SELECT %(team)s, moved.person, %(temperature)s, moved.leads
            FROM unnest(%(people)s::bigint[], %(leads)s::float8[]) AS moved(person, leads)
            JOIN accounts_user ON accounts_user.id = moved.person
            ON CONFLICT (team_id, user_id, temperature) DO UPDATE SET balance = turn.balance + EXCLUDED.balance
            """,
            {
                "team": team_id,
                "temperature": temperature,
                "people": people,
                "leads": [changes[person] for person in people],
            },
        )


def ledger(team: Team, *, temperature: str, now: datetime) -> dict[int, int]:
    """Return how many leads each person of a team was given in 30 days, at one temperature."""
    lines = Assignment.objects.filter(
        team=team,
        temperature=temperature,
        assigned_at__gt=now - WINDOW,
        assigned_at__lte=now,
        user__isnull=False,
        counts=True,
        credited_back=False,
    )
    return dict(lines.order_by().values_list("user").annotate(turns=Count("pk")).values_list("user", "turns"))


def _open_per_user(ids: Collection[int], *, without: Handoff | None) -> dict[int, int]:
    """Count what people have open; a first leg that somebody else goes on with is not theirs to work on."""
    mine = Handoff.objects.in_work().filter(owner__in=ids, is_notice=False)
    mine = mine.exclude(decision="rejected")
    if without is not None:
        mine = mine.exclude(pk=without.pk)
    return dict(mine.order_by().values_list("owner").annotate(n=Count("pk")).values_list("owner", "n"))


# --- who is there


def away_now(now: datetime) -> QuerySet[AwayTime]:
    """Return the times in which people are away at a moment."""
    return AwayTime.objects.filter(starts_at__lte=now, ends_at__gt=now)


# --- credit back


def may_be_credited(user: User, *, temperature: str, now: datetime, at_most: int = CREDITS_PER_WINDOW) -> bool:
    """Tell whether a person may get a turn back: at most twice in 30 days."""
    had = Assignment.objects.filter(
        Q(credited_back=True), user=user, temperature=temperature, assigned_at__gt=now - WINDOW
    )
    return had.count() < at_most


def credit_back(line: Assignment, *, now: datetime) -> bool:
    """Give the turn of a line of the ledger back, because its lead was none.

    Returns:
        False when it was given back before, or the person had two back in 30 days.
    """
    if line.user is None or not may_be_credited(line.user, temperature=line.temperature, now=now):
        return False
    lock(line.team)
    if not may_be_credited(line.user, temperature=line.temperature, now=now):
        return False
    if Assignment.objects.filter(pk=line.pk, credited_back=False).update(credited_back=True) != 1:
        return False
    take_back(line)
    return True
