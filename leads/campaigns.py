"""Campaigns: who may edit them, their brief for sales by version, what they cost by month and source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from leads import places
from leads.facts import clean
from leads.models import Campaign, CampaignBrief, CampaignCost, CampaignCostChange, Lead, Source
from leadsla.accounts.models import Role, User
from leadsla.currencies import CODES
from leadsla.display import money

EARLIEST_YEAR = 2000
FURTHEST_MONTHS = 24  # ahead: a budget may be entered before its month
MOST = Decimal("999999999999.99")  # what the column holds
MOST_LEADS = 1_000_000
LONGEST_TEXT = 2000
BRIEF = ("audience", "message", "question", "expected_leads", "starts_on", "ends_on")
_TEXTS = ("audience", "message", "question")


class Refused(Exception):  # noqa: N818  # a refusal is an answer
    """What was typed cannot be; `errors` says why, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


# --- who and which ---------------------------------------------------------------------------------------------------


def editable_by(user: User) -> QuerySet[Campaign]:
    """Return the campaigns that a person may edit: marketing those of their team and of none, operations all."""
    if user.has_role(Role.OPERATIONS):
        return Campaign.objects.all()
    if user.has_role(Role.MARKETER, Role.MARKETING_MANAGER):
        return Campaign.objects.filter(Q(team=None) | Q(team=user.team_id) | Q(owner=user))
    return Campaign.objects.none()


def running(*, on: date) -> QuerySet[Campaign]:
    """Return the campaigns that run on a day, those that began last first; one without a first day has begun."""
    found = Campaign.objects.filter(Q(starts_on=None) | Q(starts_on__lte=on), Q(ends_on=None) | Q(ends_on__gte=on))
    return found.filter(is_active=True).order_by(F("starts_on").desc(nulls_last=True), "-pk")


def planned(*, on: date) -> QuerySet[Campaign]:
    """Return the campaigns that begin after a day, the next one first."""
    return Campaign.objects.filter(is_active=True, starts_on__gt=on).order_by("starts_on", "pk")


def ended(*, on: date) -> QuerySet[Campaign]:
    """Return the campaigns that ended before a day or are retired, the last one first."""
    over = Q(is_active=False) | Q(ends_on__lt=on)
    return Campaign.objects.filter(over).order_by(F("ends_on").desc(nulls_last=True), "-pk")


def lead_counts(campaigns: Iterable[Campaign]) -> dict[int, int]:
    """Return by id how many living leads came by a campaign first or last; a lead counts once for each."""
    ids = [campaign.pk for campaign in campaigns]
    found: dict[int, int] = defaultdict(int)
    living = Lead.objects.living().order_by()
    first = living.filter(first_campaign__in=ids).values_list("first_campaign").annotate(n=Count("pk"))
    later = living.filter(last_campaign__in=ids).exclude(first_campaign=F("last_campaign"))
    for counted in (first, later.values_list("last_campaign").annotate(n=Count("pk"))):
        for campaign_id, number in counted:
            found[campaign_id] += number
    return dict(found)


# --- the campaign and its brief --------------------------------------------------------------------------------------


@transaction.atomic
def save(campaign: Campaign | None, *, by: User, now: datetime, **told: Any) -> Campaign:
    """Make a campaign, or change one; a brief that reads differently afterwards becomes its next version.

    Args:
        campaign: which; None for a new one.
        by: who says so.
        now: this moment.
        **told: columns of `Campaign`: name, code (of a new one; "" makes it from the name), source, team, owner and
            those of `BRIEF`. What is not named stays.

    Raises:
        Refused: by field.
    """
    if campaign is not None:
        campaign = Campaign.objects.select_for_update().get(pk=campaign.pk)
    before = _brief_of(campaign) if campaign else None
    errors = _read(told, is_new=campaign is None)
    campaign = campaign or Campaign()
    starts_on, ends_on = (told.get(name, getattr(campaign, name)) for name in ("starts_on", "ends_on"))
    if starts_on and ends_on and ends_on < starts_on:
        errors["ends_on"] = _("It would end before it begins. Choose a day on or after %(day)s.") % {"day": starts_on}
    if errors:
        raise Refused(errors)
    for name, value in told.items():
        setattr(campaign, name, value)
    campaign.save()
    if _brief_of(campaign) != (before or _NO_BRIEF):
        if before and before != _NO_BRIEF and not campaign.briefs.exists():
            # Written before briefs had versions: what sales read until now is the first one.
            _keep_brief(campaign, before, by=None, now=now)
        _keep_brief(campaign, _brief_of(campaign), by=by, now=now)
    return campaign


_NO_BRIEF: Mapping[str, Any] = dict.fromkeys(_TEXTS, "") | dict.fromkeys(BRIEF[3:])


def _brief_of(campaign: Campaign) -> dict[str, Any]:
    return {name: getattr(campaign, name) for name in BRIEF}


def _keep_brief(campaign: Campaign, brief: Mapping[str, Any], *, by: User | None, now: datetime) -> None:
    CampaignBrief.objects.create(campaign=campaign, number=campaign.briefs.count() + 1, by=by, at=now, **brief)


def _read(told: dict[str, Any], *, is_new: bool) -> dict[str, str]:
    """Bring what was typed into the form in which it is kept; return what is wrong, by field."""
    errors: dict[str, str] = {}
    if is_new or "name" in told:
        told["name"] = clean(told.get("name", ""))
        if not told["name"]:
            errors["name"] = _("Give the campaign a name.")
        elif len(told["name"]) > 120:
            errors["name"] = _("A name has at most 120 characters.")
    if is_new and not errors:
        # As arrivals name it: what they call a campaign becomes its code in the same way.
        told["code"] = places.code_of(told.get("code") or told["name"])
        if Campaign.objects.filter(code=told["code"]).exists():
            errors["code"] = _("“%(code)s” is the code of another campaign. Choose another one.") % {
                "code": told["code"]
            }
    else:
        told.pop("code", None)  # arrivals name it: it stays
    for name in _TEXTS:
        if name in told:
            told[name] = clean(told[name], is_long=True)
            if len(told[name]) > LONGEST_TEXT:
                errors[name] = _("At most %(most)d characters fit here.") % {"most": LONGEST_TEXT}
    expected = told.get("expected_leads")
    if expected is not None and not 0 <= expected <= MOST_LEADS:
        errors["expected_leads"] = _("Give a number from 0 to %(most)d.") % {"most": MOST_LEADS}
    return errors


def switch(campaign: Campaign, *, on: bool) -> bool:
    """Retire a campaign, or take it into use again; it is never deleted, leads refer to it.

    Returns:
        False when it stood so already.
    """
    return Campaign.objects.filter(pk=campaign.pk, is_active=not on).update(is_active=on) == 1


# --- what it costs ---------------------------------------------------------------------------------------------------


@transaction.atomic
def set_cost(
    campaign: Campaign,
    *,
    month: date,
    amount: Decimal,
    currency: str,
    by: User,
    now: datetime,
    source: Source | None = None,
) -> bool:
    """Say what a campaign cost in a month, for a source; what stood there is corrected and kept in words.

    Args:
        campaign: which.
        month: any day of it.
        amount: zero or more, at most two decimals.
        currency: code of ISO 4217.
        by: who says so.
        now: this moment.
        source: None where the campaign's costs are not split by source.

    Returns:
        False when it stood so already.

    Raises:
        Refused: by field.
    """
    month, currency = month.replace(day=1), currency.strip().upper()
    errors = _check_cost(month, amount, currency, today=localtime(now).date())
    if errors:
        raise Refused(errors)
    Campaign.objects.select_for_update().get(pk=campaign.pk)  # two at once correct one after the other
    cost = campaign.costs.filter(month=month, source=source).first()
    if cost is not None and (cost.amount, cost.currency) == (amount, currency):
        return False
    place = f"{month:%Y-%m}" + (f", {source}" if source else "")
    words = {"place": place, "new": money(amount, currency)}
    if cost is None:
        said = _("%(place)s: %(new)s entered") % words
    else:
        said = _("%(place)s: %(old)s corrected to %(new)s") % {**words, "old": money(cost.amount, cost.currency)}
    cost = cost or CampaignCost(campaign=campaign, month=month, source=source)
    cost.amount, cost.currency = amount, currency
    cost.save()
    CampaignCostChange.objects.create(campaign=campaign, words=said[:400], by=by, at=now)
    return True


def _check_cost(month: date, amount: Decimal, currency: str, *, today: date) -> dict[str, str]:
    errors = {}
    ahead = (month.year - today.year) * 12 + month.month - today.month
    if month.year < EARLIEST_YEAR or ahead > FURTHEST_MONTHS:
        errors["month"] = _("Give a month from %(first)d on and at most %(most)d months ahead, as 2026-03.") % {
            "first": EARLIEST_YEAR,
            "most": FURTHEST_MONTHS,
        }
    if not amount.is_finite() or not 0 <= amount <= MOST or amount != round(amount, 2):
        errors["amount"] = _("Give an amount of zero or more with at most two decimals, as 1250.50.")
    if currency not in CODES:
        errors["currency"] = _("Give the currency's three letters, as EUR, USD or BRL.")
    return errors


@dataclass(frozen=True)
class MonthCost:
    """What one month cost by one source; amounts of different currencies are never added.

    Attributes:
        month: its first day.
        source: name; "" where neither the cost nor the campaign names one.
        amounts: currency and sum, by currency.
        campaigns: how many.
    """

    month: date
    source: str
    amounts: list[tuple[str, Decimal]]
    campaigns: int


def by_month_and_source(*, since: date, until: date, of: QuerySet[Campaign] | None = None) -> list[MonthCost]:
    """Sum costs by month and source, newest month first; what is not split counts for the campaign's own source.

    Args:
        since: first month.
        until: last month, included.
        of: which campaigns; None for all.
    """
    costs = CampaignCost.objects.filter(month__gte=since.replace(day=1), month__lte=until)
    if of is not None:
        costs = costs.filter(campaign__in=of)
    place = Coalesce("source__name", "campaign__source__name")
    grouped = costs.annotate(place=place).order_by().values_list("month", "place", "currency")
    found: dict[tuple[date, str], list[tuple[str, Decimal]]] = defaultdict(list)
    for month, source, currency, total in grouped.annotate(total=Sum("amount")):
        found[month, source or ""].append((currency, total))
    counted = costs.annotate(place=place).order_by().values_list("month", "place")
    campaigns = {(month, source or ""): n for month, source, n in counted.annotate(n=Count("campaign", distinct=True))}
    rows = [MonthCost(*key, sorted(amounts), campaigns[key]) for key, amounts in found.items()]
    return sorted(rows, key=lambda row: (-row.month.toordinal(), row.source == "", row.source.lower()))


def totals(rows: Sequence[MonthCost]) -> list[tuple[str, Decimal]]:
    """Return the sum of rows by currency."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        for currency, amount in row.amounts:
            found[currency] += amount
    return sorted(found.items())


def cost_sums(campaigns: Iterable[Campaign]) -> dict[int, list[tuple[str, Decimal]]]:
    """Return by id what campaigns have cost altogether, by currency."""
    ids = [campaign.pk for campaign in campaigns]
    grouped = CampaignCost.objects.filter(campaign__in=ids).order_by().values_list("campaign", "currency")
    found: dict[int, list[tuple[str, Decimal]]] = defaultdict(list)
    for campaign_id, currency, total in grouped.annotate(total=Sum("amount")):
        found[campaign_id].append((currency, total))
    return {key: sorted(amounts) for key, amounts in found.items()}
