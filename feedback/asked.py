"""What a reason asks for: checked when it is given, kept as JSON that says its value and the words to show."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from feedback.attempts import zone_of
from feedback.models import Reason
from feedback.refusals import Refused
from leads import identity
from leads.facts import clean
from leads.models import Criterion, Identity, Lead
from leadsla.accounts.models import Side, Team
from sla.models import Handoff

Asks = Reason.Asks

FARTHEST = timedelta(days=3 * 366)
LONGEST = 2000
FIELDS = ("name", "email", "phone", "title", "company_name", "country")
UUID_IN_TEXT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

Value = dict[str, Any]


def field_choices() -> list[tuple[str, str]]:
    """Return the fields of a lead that may be called wrong, with their labels."""
    labels = {field.name: field.verbose_name for field in Lead._meta.get_fields() if hasattr(field, "verbose_name")}
    return [(name, str(labels[name]).capitalize()) for name in FIELDS]


def team_choices(handoff: Handoff) -> list[Team]:
    """Return the teams of sales that a handoff can go to instead."""
    teams = Team.objects.filter(side=Side.SALES, is_active=True)
    return [team for team in teams if team.pk != handoff.to_team_id]


def criterion_choices(handoff: Handoff) -> list[Criterion]:
    """Return the criteria that a handoff was judged by."""
    return list(Criterion.objects.filter(definition=handoff.definition_id))


def other_lead(text: str) -> Lead | None:
    """Find a lead by its e-mail or by a link to it; None when there is none. A merged one leads to what it became."""
    found: Lead | None = None
    if match := UUID_IN_TEXT.search(text):
        found = Lead.objects.filter(public_id=match[0]).first()
        if found is None:
            handoff = Handoff.objects.select_related("lead").filter(public_id=match[0]).first()
            found = handoff.lead if handoff else None
    elif "@" in text:
        known = Identity.objects.select_related("lead").filter(
            kind=Identity.Kind.EMAIL, value=identity.normal_email(text)
        )
        found = known[0].lead if known else None
    return living(found) if found else None


def living(lead: Lead) -> Lead:
    """Return the lead that a lead was merged into, however often; itself when it was not."""
    while lead.merged_into is not None:
        lead = lead.merged_into
    return lead


def _text(text: str, handoff: Handoff, now: datetime) -> Value:
    if len(text) > LONGEST:
        raise ValueError(_("This is longer than %(longest)d characters. Shorten it.") % {"longest": LONGEST})
    return {"text": text}


def _code(text: str, labels: Mapping[str, str]) -> str:
    """Return the code of a text that is a code or its label; "" when it is neither."""
    if text in labels:
        return text
    return next((code for code, label in labels.items() if label.casefold() == text.casefold()), "")


def _field(text: str, handoff: Handoff, now: datetime) -> Value:
    labels = dict(field_choices())
    code = _code(text, labels)
    if not code:
        raise ValueError(_("Choose one of: %(fields)s.") % {"fields": ", ".join(labels.values())})
    return {"field": code, "text": labels[code]}


def _date(text: str, handoff: Handoff, now: datetime) -> Value:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(_("Give a day as year-month-day, such as 2027-01-18.")) from None
    today = now.astimezone(zone_of(handoff)).date()
    if day <= today:
        raise ValueError(_("This day is not in the future. Give the day on which they may come back."))
    if day > today + FARTHEST:
        raise ValueError(_("This day is more than three years ahead. Give an earlier one."))
    return {"date": day.isoformat(), "text": f"{day:%Y-%m-%d}"}


def _team(text: str, handoff: Handoff, now: datetime) -> Value:
    teams = team_choices(handoff)
    found = next((team for team in teams if text in {str(team.pk), str(team.public_id), team.name}), None)
    if found is None:
        names = ", ".join(team.name for team in teams) or _("there is no other team")
        raise ValueError(_("Choose another team of sales: %(names)s.") % {"names": names})
    return {"team": found.pk, "text": found.name}


def _lead(text: str, handoff: Handoff, now: datetime) -> Value:
    found = other_lead(text)
    if found is None:
        raise ValueError(_("No lead has this e-mail or link. Copy the address of the other lead's page."))
    if found.pk == handoff.lead_id:
        raise ValueError(_("This is the lead itself. Give the other one."))
    return {"lead": found.pk, "text": str(found)}


def _criterion(text: str, handoff: Handoff, now: datetime) -> Value:
    known = {criterion.code: criterion.label for criterion in criterion_choices(handoff)}
    if not known:
        return _text(text, handoff, now)
    code = _code(text, known)
    if not code:
        raise ValueError(_("Choose one of: %(criteria)s.") % {"criteria": ", ".join(known.values())})
    return {"criterion": code, "text": known[code]}


CHECKS: dict[str, Callable[[str, Handoff, datetime], Value]] = {
    Asks.FIELD: _field,
    Asks.DATE: _date,
    Asks.TEAM: _team,
    Asks.LEAD: _lead,
    Asks.CRITERION: _criterion,
}


def check(reason: Reason, given: Mapping[str, Any], *, handoff: Handoff, now: datetime) -> Value:
    """Check what a reason asks for.

    Args:
        reason: which asks for something, or for nothing.
        given: what the person said, under the code of what is asked (`date`, `team` …) or under `text`.
        handoff: which is answered.
        now: the moment of the answer.

    Returns:
        What to keep: `text` with the words to show, and the value under its own key; empty when nothing is asked.

    Raises:
        Refused: under `asked`, when it is missing or wrong.
    """
    if not reason.asks:
        return {}
    value = given.get(reason.asks) or given.get("text") or ""
    text = clean(value.pk if isinstance(value, Team) else value, is_long=True)
    question = reason.get_asks_display()
    if not text:
        raise Refused(
            {"asked": _("“%(reason)s” needs an answer: %(question)s") % {"reason": reason, "question": question}}
        )
    try:
        return CHECKS.get(reason.asks, _text)(text, handoff, now)
    except ValueError as error:
        raise Refused({"asked": str(error)}) from None
