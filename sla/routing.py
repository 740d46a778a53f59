"""Who gets a lead and why: the account check, the rules that choose the team, the fair turn within it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from leads import conditions
from leads.models import Lead, Temperature
from leadsla.accounts.models import AwayTime, Side, Team, User
from sla import fairness, turns
from sla.account_check import SALES, Account, Checked, check_account
from sla.models import Handoff, RoutingRule

__all__ = ["SALES", "Account", "Checked", "NoRoute", "Route", "check_account", "dry_run", "route", "route_in"]

LONGEST_CHAIN = 5  # of stand-ins who are away themselves


@dataclass(frozen=True)
class Route:
    """Where a lead goes.

    Attributes:
        team: of sales.
        user: who gets it; None puts it into the team's queue.
        reasons: why this team and this person, one sentence each.
        joins: a colleague's handoff of the same company that it joins.
        is_notice: the account's owner is told only.
        candidates: what the turn was decided on: user id → leads had and owed, or why not.
        is_at_capacity: nobody got it because everybody who is there has the most open handoffs they may have.
        shares: what the turn adds to the balances of those who were there; None where it was nobody's turn.
    """

    team: Team
    user: User | None
    reasons: list[str]
    joins: Handoff | None = None
    is_notice: bool = False
    candidates: dict[str, str] = field(default_factory=dict)
    is_at_capacity: bool = False
    shares: Mapping[int, float] | None = None

    def as_json(self) -> dict[str, object]:
        """Return what is stored with the handoff."""
        return {
            "reasons": self.reasons,
            "candidates": self.candidates,
            "joins": str(self.joins.public_id) if self.joins else None,
        }


class NoRoute(Exception):  # noqa: N818  # it reads as what happened
    """Nobody can get the lead; its text says why, and what to do."""


def dry_run(lead: Lead, *, now: datetime) -> Route:
    """Say where a lead would go now, and why; nothing is locked and nothing changes.

    Raises:
        NoRoute: competitor, or no team of sales.
    """
    return route(lead, temperature=lead.temperature or Temperature.COOL, now=now, takes_turn=False)


def route(
    lead: Lead,
    *,
    temperature: str,
    now: datetime,
    checked: Checked | None = None,
    team: Team | None = None,
    but_not: Collection[int] = (),
    takes_turn: bool = True,
) -> Route:
    """Find the team and the person for a lead, without changing anything.

    Args:
        lead: with company and previous owner.
        temperature: of which ledger the turn is.
        now: the moment.
        checked: the account check, where it was made already.
        team: instead of the rules.
        but_not: people who do not take part in the turn.
        takes_turn: hold the team's ledger until the transaction ends; False for a dry run.

    Raises:
        NoRoute: competitor, or no team of sales.
    """
    found = checked or check_account(lead, now=now)
    if found.account == Account.REFUSED:
        raise NoRoute(found.why)
    if found.account == Account.NOTICE:
        where, reasons = (found.user.team, []) if found.user and found.user.team else _team(lead, team, now=now)
        return Route(where, found.user, [found.why, *reasons], is_notice=True)
    reasons = [found.why] if found.why else []
    if found.user is not None:
        direct = _direct(found.user, reasons, joins=found.joins, now=now)
        if direct is not None:
            return direct
    previous = lead.previous_owner
    if previous is not None and previous.is_active and previous.has_role(*SALES) and previous.team is not None:
        reasons.append(_("%(owner)s knows this lead from before.") % {"owner": previous})
        direct = _direct(previous, reasons, joins=found.joins, now=now)
        if direct is not None:
            return direct
    where, why = _team(lead, team, now=now)
    return route_in(
        where,
        lead=lead,
        temperature=temperature,
        now=now,
        reasons=[*reasons, *why],
        joins=found.joins,
        but_not=but_not,
        takes_turn=takes_turn,
    )


def route_on(lead: Lead, *, temperature: str, now: datetime, by: User | None) -> Route:
    """Find the account executive for a lead that sales accepted: who has the company already, else whose turn it is.

    Args:
        lead: with its company.
        temperature: of which ledger.
        now: the moment.
        by: who passes it on, and does not get it.

    Raises:
        NoRoute: no rule for the second leg holds.
    """
    team, reasons = team_for(lead, now=now, leg=2)
    colleague = (
        Handoff.objects.open()
        .filter(leg=2, lead__company=lead.company_id, lead__company__isnull=False, owner__is_active=True)
        .exclude(decision="rejected")
        .exclude(lead=lead)
        .select_related("owner__team", "lead")
        .order_by("handed_over_at")
        .first()
    )
    if colleague is not None and colleague.owner is not None and colleague.owner != by:
        words = {"colleague": colleague.lead, "owner": colleague.owner}
        reasons.append(_("Joins %(colleague)s, who is with %(owner)s.") % words)
        direct = _direct(colleague.owner, reasons, joins=colleague, now=now)
        if direct is not None and direct.user != by:
            return direct
    owner = lead.company.owner if lead.company else None
    if owner is not None and owner.is_active and owner.team_id == team.pk and owner != by:
        reasons.append(_("%(company)s is looked after by %(owner)s.") % {"company": lead.company, "owner": owner})
        direct = _direct(owner, reasons, joins=None, now=now)
        if direct is not None and direct.user != by:
            return direct
    but_not = [by.pk] if by else []
    return route_in(team, lead=lead, temperature=temperature, now=now, reasons=reasons, but_not=but_not)


def _team(lead: Lead, team: Team | None, *, now: datetime) -> tuple[Team, list[str]]:
    return team_for(lead, now=now) if team is None else (team, [_("Given to %(team)s.") % {"team": team}])


# --- people who get it without a turn


def _direct(user: User, reasons: list[str], *, joins: Handoff | None, now: datetime) -> Route | None:
    """Give a lead to a person, or while they are away to who stands in; None where nobody can."""
    there: User | None = user
    for _step in range(LONGEST_CHAIN):
        if there is None or not there.is_active or there.team is None:
            return None
        if there != user:
            reasons.append(_("%(stand_in)s stands in.") % {"stand_in": there})
        away = _away(there, now=now)
        if away is None:
            return Route(there.team, there, reasons, joins=joins)
        reasons.append(_("%(owner)s is away.") % {"owner": there})
        there = away.stand_in
    return None


def _away(user: User, *, now: datetime) -> AwayTime | None:
    away = turns.away_now(now).filter(user=user).select_related("stand_in__team")
    return away.order_by("stand_in", "-ends_at").first()  # one that names a stand-in comes first


# --- the team


def team_for(lead: Lead, *, now: datetime, leg: int = 1) -> tuple[Team, list[str]]:
    """Return the team of the first rule that holds, and why; without a rule, of leg 1 the first team of sales.

    Raises:
        NoRoute: there is no team of sales, or no rule for the second leg holds.
    """
    of_sales = Team.objects.filter(is_active=True, side=Side.SALES)
    for rule in RoutingRule.objects.filter(is_active=True, leg=leg, team__in=of_sales).select_related("team"):
        if rule.condition is None:
            return rule.team, [_("Rule “%(rule)s”: every lead.") % {"rule": rule.name}]
        holds = conditions.compile(rule.condition, now=now).holds
        if Lead.objects.filter(holds, pk=lead.pk).exists():
            words = {"rule": rule.name, "condition": conditions.in_words(rule.condition)}
            return rule.team, [_("Rule “%(rule)s”: %(condition)s.") % words]
    if leg != 1:
        raise NoRoute(_("No rule says to whom such a lead is passed on. Operations can add one to the routing rules."))
    first = of_sales.order_by("name").first()
    if first is None:
        raise NoRoute(_("There is no sales team yet. An administrator has to add one with its people."))
    return first, [_("No routing rule holds, so the first sales team gets it.")]


def led_to(team: Team, *, now: datetime) -> Q:
    """Return the filter for leads that the rules lead to a team, without those whose account or past names a person."""
    of_sales = Team.objects.filter(is_active=True, side=Side.SALES)
    mine = Q(pk__in=())
    earlier = Q(pk__in=())
    for rule in RoutingRule.objects.filter(is_active=True, leg=1, team__in=of_sales):
        holds = Q(pk__in=Lead.objects.filter(conditions.compile(rule.condition, now=now).holds).values("pk"))
        if rule.team_id == team.pk:
            mine |= holds & ~earlier
        earlier |= holds
        if rule.condition is None:
            break
    else:
        if of_sales.order_by("name").first() == team:
            mine |= ~earlier
    in_work = Handoff.objects.open().filter(lead__company=OuterRef("company"), leg=1)
    nobody_named = Q(company=None) | (Q(company__owner=None) & ~Q(Exists(in_work)))
    return mine & Q(previous_owner=None) & nobody_named


# --- the person


def route_in(
    team: Team,
    *,
    lead: Lead,
    temperature: str,
    now: datetime,
    reasons: Sequence[str] = (),
    joins: Handoff | None = None,
    but_not: Collection[int] = (),
    takes_turn: bool = True,
) -> Route:
    """Find whose turn it is in a team: the largest balance, of those who are there and below their cap.

    Args:
        team: of sales.
        lead: decides ties, evenly and repeatably.
        temperature: of which ledger.
        now: the moment.
        reasons: what led to the team.
        joins: a colleague's handoff that the lead joins.
        but_not: people who do not take part.
        takes_turn: hold the team's ledger until the transaction ends, so that two at once do not take the same turn.
    """
    if takes_turn:
        turns.lock(team)
    found = turns.standings(team, temperature=temperature, now=now, but_not=but_not)
    candidates = {str(one.user.pk): str(one) for one in found}
    weights = turns.weights(found)
    chosen = fairness.choose(turns.balances(found), weights, seed=str(lead.pk))
    if chosen is None:
        why = _("Nobody in %(team)s is available: it waits in the team's queue.") % {"team": team}
        is_at_capacity = any(one.is_full for one in found)
        return Route(team, None, [*reasons, why], joins, candidates=candidates, is_at_capacity=is_at_capacity)
    first = next(one for one in found if one.user.pk == chosen)
    why = _("Turn of %(user)s in %(team)s among %(temperature)s leads: %(standing)s.") % {
        "user": first.user,
        "team": team,
        "temperature": temperature,
        "standing": first,
    }
    shares = fairness.shares(weights)
    return Route(team, first.user, [*reasons, why], joins, candidates=candidates, shares=shares)
