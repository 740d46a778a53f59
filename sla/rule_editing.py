"""Change the routing rules: add, edit, put in order, switch off. `routing` says what they do."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from leads import conditions
from leadsla.accounts.models import Side, Team
from sla.models import RoutingRule


class Refused(Exception):  # noqa: N818  # it reads as what happened
    """A rule cannot be like this; `errors` says why, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


@transaction.atomic
def save(rule: RoutingRule | None, *, name: str, leg: int, team: Team, condition: conditions.Condition) -> RoutingRule:
    """Add a rule at the end of its leg, or change one in place; it counts from the next lead on.

    Args:
        rule: which; None for a new one.
        name: as reasons will name it.
        leg: 1 from marketing to sales, 2 on to the account executive.
        team: who gets leads for which the condition holds.
        condition: None holds for every lead.

    Raises:
        Refused: by field.
    """
    name = " ".join(name.split())
    errors = {}
    if not name:
        errors["name"] = _("Give the rule a name.")
    elif len(name) > 120:
        errors["name"] = _("A name has at most 120 characters.")
    if leg not in (1, 2):
        errors["leg"] = _("Choose one of the two legs.")
    if team.side != Side.SALES or not team.is_active:
        errors["team"] = _("Choose a team of sales that is in use.")
    try:
        conditions.validate(condition)
    except conditions.ConditionError as wrong:
        errors["condition"] = str(wrong)
    if errors:
        raise Refused(errors)
    moves = rule is None or rule.leg != leg
    rule = rule or RoutingRule()
    rule.name, rule.leg, rule.team, rule.condition = name, leg, team, condition
    if moves:
        last = RoutingRule.objects.filter(leg=leg).aggregate(last=Max("position"))["last"]
        rule.position = 1 if last is None else last + 1
    rule.save()
    return rule


@transaction.atomic
def move(rule: RoutingRule, *, up: bool) -> bool:
    """Put a rule before the one above it, or after the one below.

    Returns:
        False when it is the first, or the last, already.
    """
    rules = list(RoutingRule.objects.select_for_update().filter(leg=rule.leg).order_by("position", "pk"))
    place = rules.index(rule)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(rules):
        return False
    rules[place], rules[other] = rules[other], rules[place]
    for position, each in enumerate(rules, start=1):
        if each.position != position:
            RoutingRule.objects.filter(pk=each.pk).update(position=position)
    return True


def switch(rule: RoutingRule, *, on: bool) -> bool:
    """Use a rule, or leave it out without losing it; False when it is so already."""
    return RoutingRule.objects.filter(pk=rule.pk).exclude(is_active=on).update(is_active=on) == 1


def remove(rule: RoutingRule) -> None:
    """Remove a rule; handoffs keep the words of why they went where."""
    RoutingRule.objects.filter(pk=rule.pk).delete()
