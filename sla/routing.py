"""Who gets a lead and why: the account check, the rules that choose the team, the fair turn within it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from leads import conditions
from leads.models import Company, Lead, Stage
from leadsla.accounts.models import AwayTime, Role, Side, Team, User
from sla.models import Assignment, Capacity, Handoff, RoutingRule
from sla.querysets import HandoffQuerySet

WINDOW = timedelta(days=30)  # how far back the ledger of turns is looked at
NO_CAPACITY = Capacity()  # weight and cap of people for whom nobody set any

SALES = (Role.SALES_REP, Role.SALES_MANAGER)


class Account(StrEnum):
    """What the account check found of a lead's company."""

    FREE = "free"
    NOTICE = "notice"  # customer or open opportunity: its owner is told, nothing is owed
    OWNED = "owned"  # a named owner gets it
    JOINS = "joins"  # a colleague's handoff is open: the same rep
    REFUSED = "refused"


@dataclass(frozen=True)
class Checked:
    """The result of the account check.

    Attributes:
        account: what was found.
        why: in words; empty where nothing was.
        user: to whom it leads; None also where an account's owner is not known.
        joins: the open handoff of a colleague.
    """

    account: Account
    why: str = ""
    user: User | None = None
    joins: Handoff | None = None


@dataclass(frozen=True)
class Route:
    """Where a lead goes.

    Attributes:
        team: of sales.
        user: who gets it; None puts it into the team's queue.
        reasons: why this team and this person, one sentence each.
        joins: a colleague's handoff of the same company that it joins.
        is_notice: the account's owner is told only.
        candidates: what the turn was decided on: user id → turns had, weight, or why not.
        is_at_capacity: nobody got it because everybody who is there has the most open handoffs they may have.
    """

    team: Team
    user: User | None
    reasons: list[str]
    joins: Handoff | None = None
    is_notice: bool = False
    candidates: dict[str, str] = field(default_factory=dict)
    is_at_capacity: bool = False

    def as_json(self) -> dict[str, object]:
        """Return what is stored with the handoff."""
        return {
            "reasons": self.reasons,
            "candidates": self.candidates,
            "joins": str(self.joins.public_id) if self.joins else None,
        }


class NoRoute(Exception):  # noqa: N818  # it reads as what happened
    """Nobody can get the lead; its text says why, and what to do."""


# --- the account check


def check_account(lead: Lead, *, now: datetime) -> Checked:
    """Look at what is known of a lead's company before anybody gets the lead.

    Args:
        lead: with its company.
        now: the moment.

    Returns:
        The first that is true: competitor, customer, open opportunity, open handoff of a colleague, named owner.
    """
    company = lead.company
    if company is None:
        return Checked(Account.FREE)
    words = {"company": company.name}
    if company.relation == "competitor":
        return Checked(Account.REFUSED, _("%(company)s is a competitor. Its people are not handed over.") % words)
    colleagues = Handoff.objects.filter(lead__company=company, is_notice=False).exclude(lead=lead)
    return _known_account(company, colleagues) or _in_work(company, colleagues)


def _known_account(company: Company, colleagues: HandoffQuerySet) -> Checked | None:
    """Find a customer or an open opportunity, and who looks after it."""
    owner = company.owner if company.owner and company.owner.is_active else None
    words = {"company": company.name}
    if company.relation == "customer" or company.leads.filter(merged_into=None, stage=Stage.CUSTOMER).exists():
        user = owner or _last_owner(colleagues.filter(won_at__isnull=False))
        return Checked(Account.NOTICE, _("%(company)s is a customer.") % words, user)
    opportunity = colleagues.open().filter(opportunity_at__isnull=False).order_by("-opportunity_at").first()
    if opportunity is None:
        return None
    user = owner or opportunity.owner
    return Checked(Account.NOTICE, _("There is an open opportunity with %(company)s.") % words, user)


def _in_work(company: Company, colleagues: HandoffQuerySet) -> Checked:
    """Find the rep who works on a colleague, else the one who is named for the company."""
    words = {"company": company.name}
    in_work = colleagues.open().exclude(decision="rejected").filter(owner__is_active=True).order_by("handed_over_at")
    joins = in_work.select_related("owner__team", "lead").first()
    if joins is not None:
        why = _("Joins %(colleague)s of %(company)s, who is with %(owner)s.")
        named = {**words, "colleague": joins.lead, "owner": joins.owner}
        return Checked(Account.JOINS, why % named, joins.owner, joins)
    owner = company.owner
    if owner is not None and owner.is_active and owner.has_role(*SALES):
        return Checked(Account.OWNED, _("%(company)s is looked after by %(owner)s.") % {**words, "owner": owner}, owner)
    is_partner = company.relation == "partner"
    return Checked(Account.FREE, _("%(company)s is a partner.") % words if is_partner else "")


def _last_owner(handoffs: HandoffQuerySet) -> User | None:
    last = handoffs.filter(owner__is_active=True).select_related("owner__team").order_by("-won_at").first()
    return last.owner if last else None


# --- the route


def route(lead: Lead, *, temperature: str, now: datetime, checked: Checked | None = None) -> Route:
    """Find the team and the person for a lead, without changing anything: also the dry run.

    Args:
        lead: with company and previous owner.
        temperature: of which ledger the turn is.
        now: the moment.
        checked: the account check, where it was made already.

    Raises:
        NoRoute: competitor, or no team of sales.
    """
    found = checked or check_account(lead, now=now)
    if found.account == Account.REFUSED:
        raise NoRoute(found.why)
    if found.account == Account.NOTICE:
        team, reasons = (found.user.team, []) if found.user and found.user.team else team_for(lead, now=now)
        return Route(team, found.user, [found.why, *reasons], is_notice=True)
    reasons = [found.why] if found.why else []
    if found.user is not None:
        direct = _direct(found.user, reasons, joins=found.joins, now=now)
        if direct is not None:
            return direct
    previous = lead.previous_owner
    if previous is not None and previous.is_active and previous.has_role(*SALES) and previous.team is not None:
        again = [*reasons, _("%(owner)s knows this lead from before.") % {"owner": previous}]
        if not _is_away(previous, now=now):
            return Route(previous.team, previous, again)
        reasons = [*again, _("%(owner)s is away.") % {"owner": previous}]
    team, why = team_for(lead, now=now)
    return route_in(team, lead=lead, temperature=temperature, now=now, reasons=[*reasons, *why], joins=found.joins)


def _direct(user: User, reasons: list[str], *, joins: Handoff | None, now: datetime) -> Route | None:
    """Give a lead to the rep whom the account names, or while away to the stand-in; None where neither can."""
    away = _away(user, now=now)
    if away is None:
        return Route(user.team, user, reasons, joins=joins) if user.team else None
    reasons.append(_("%(owner)s is away.") % {"owner": user})
    stand_in = away.stand_in
    if stand_in is None or not stand_in.is_active or stand_in.team is None or _is_away(stand_in, now=now):
        return None
    reasons.append(_("%(stand_in)s stands in.") % {"stand_in": stand_in})
    return Route(stand_in.team, stand_in, reasons, joins=joins)


def team_for(lead: Lead, *, now: datetime) -> tuple[Team, list[str]]:
    """Return the team of the first rule that holds, and why; without a rule, the first team of sales.

    Raises:
        NoRoute: there is no team of sales.
    """
    of_sales = Team.objects.filter(is_active=True, side=Side.SALES)
    for rule in RoutingRule.objects.filter(is_active=True, team__in=of_sales).select_related("team"):
        if rule.condition is None:
            return rule.team, [_("Rule “%(rule)s”: every lead.") % {"rule": rule.name}]
        holds = conditions.compile(rule.condition, now=now).holds
        if Lead.objects.filter(holds, pk=lead.pk).exists():
            words = {"rule": rule.name, "condition": conditions.in_words(rule.condition)}
            return rule.team, [_("Rule “%(rule)s”: %(condition)s.") % words]
    first = of_sales.order_by("name").first()
    if first is None:
        raise NoRoute(_("There is no sales team yet. An administrator has to add one with its people."))
    return first, [_("No routing rule holds, so the first sales team gets it.")]


def route_in(
    team: Team,
    *,
    lead: Lead,
    temperature: str,
    now: datetime,
    reasons: Sequence[str] = (),
    joins: Handoff | None = None,
    but_not: User | None = None,
) -> Route:
    """Find whose turn it is in a team: the largest deficit, of those who are there and below their cap.

    Locks the team's row when it runs in a transaction, so that two at once do not take the same turn.

    Args:
        team: of sales.
        lead: decides ties, evenly and repeatably.
        temperature: of which ledger.
        now: the moment.
        reasons: what led to the team.
        joins: a colleague's handoff that the lead joins.
        but_not: somebody who had it before.
    """
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    members = list(
        team.members.filter(is_active=True, roles__contains=[Role.SALES_REP])
        .exclude(pk__in=[but_not.pk] if but_not else [])
        .select_related("team")
        .order_by("pk")
    )
    ids = [member.pk for member in members]
    away = set(_away_now(now).filter(user__in=ids).values_list("user_id", flat=True))
    open_now = _open_per_user(ids)
    turns = ledger(team, temperature=temperature, now=now)
    capacities = {capacity.user_id: capacity for capacity in Capacity.objects.filter(user__in=ids)}
    candidates: dict[str, str] = {}
    ready: list[tuple[Decimal, str, User]] = []
    capped = 0
    for member in members:
        capacity = capacities.get(member.pk, NO_CAPACITY)
        weight = Decimal(capacity.weight)
        if member.pk in away:
            candidates[str(member.pk)] = _("away")
        elif weight <= 0:
            candidates[str(member.pk)] = _("gets none (weight 0)")
        elif open_now.get(member.pk, 0) >= capacity.open_at_most:
            capped += 1
            candidates[str(member.pk)] = _("has %(open)d open, the most") % {"open": open_now.get(member.pk, 0)}
        else:
            had = turns.get(member.pk, 0)
            candidates[str(member.pk)] = _("had %(had)d, weight %(weight)s") % {"had": had, "weight": weight}
            ready.append((Decimal(had) / weight, _lot(lead, member), member))
    if not ready:
        why = _("Nobody in %(team)s is available: it waits in the team's queue.") % {"team": team}
        return Route(team, None, [*reasons, why], joins, candidates=candidates, is_at_capacity=capped > 0)
    chosen = min(ready, key=lambda entry: entry[:2])[2]
    why = _("Turn of %(user)s in %(team)s: %(had)s of %(temperature)s leads in 30 days.") % {
        "user": chosen,
        "team": team,
        "had": candidates[str(chosen.pk)],
        "temperature": temperature,
    }
    return Route(team, chosen, [*reasons, why], joins, candidates=candidates)


def ledger(team: Team, *, temperature: str, now: datetime) -> Mapping[int, int]:
    """Return how many turns each person of a team had in the window, at one temperature."""
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


def _open_per_user(ids: Sequence[int]) -> dict[int, int]:
    mine = Handoff.objects.open().filter(owner__in=ids, is_notice=False).exclude(decision="rejected")
    return dict(mine.order_by().values_list("owner").annotate(n=Count("pk")).values_list("owner", "n"))


def _lot(lead: Lead, member: User) -> str:
    """Draw lots for a tie: as even as chance, and the same again when it is asked again."""
    return hashlib.sha256(f"{lead.pk}:{member.pk}".encode()).hexdigest()


def _away_now(now: datetime) -> QuerySet[AwayTime]:
    return AwayTime.objects.filter(starts_at__lte=now, ends_at__gt=now)


def _away(user: User, *, now: datetime) -> AwayTime | None:
    return _away_now(now).filter(user=user).select_related("stand_in__team").order_by("-ends_at").first()


def _is_away(user: User, *, now: datetime) -> bool:
    return _away(user, now=now) is not None


def may_be_credited(user: User, *, temperature: str, now: datetime, at_most: int = 2) -> bool:
    """Tell whether a person may get a turn back: at most twice per window."""
    had = Assignment.objects.filter(
        Q(credited_back=True), user=user, temperature=temperature, assigned_at__gt=now - WINDOW
    )
    return had.count() < at_most
