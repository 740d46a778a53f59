"""The planner's table: what was and what would have been, then in money and in the goal, and what it rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leads.models import Definition, Lead, Stage, Temperature
from leadsla.display import money as money_text
from leadsla.display import number, percent, range_words
from sla import planner, what_if
from sla.history import Basis
from sla.models import Agreement, Commitment
from sla.planner import Goal, Money
from sla.what_if import Answer, Counts, Question, Share


@dataclass(frozen=True)
class Row:
    """One line of the table: as it was, and as it would have been; `detail` says the change in words."""

    label: str
    before: str
    after: str
    detail: str = ""
    before_detail: str = ""
    after_detail: str = ""


def rows(answer: Answer, basis: Basis) -> list[Row]:
    """Write every figure of an answer as it was and as it would have been."""
    before, after = answer.before, answer.after
    accepted = _share_row(_("Share accepted"), what_if.share_accepted, before, after)
    opportunities = _share_row(_("Share opportunities"), what_if.share_opportunities, before, after)
    customers = _share_row(
        _("Share customers"),
        what_if.share_customers,
        before,
        after,
        detail=_("of those that had %(days)d days") % {"days": answer.days},
    )
    return [
        _count_row(_("Leads sent"), before.sent, after.sent, _fewer(before.sent, after.sent)),
        Row(_("Staying in nurturing"), number(0), number(answer.nurtured)),
        _count_row(_("Accepted"), before.accepted, after.accepted),
        accepted,
        _count_row(_("Opportunities"), before.opportunities, after.opportunities),
        opportunities,
        _count_row(_("Customers"), before.customers, after.customers, _lost(before.customers, after.customers)),
        customers,
        _share_row(_("First follow-up in time"), what_if.share_followed_up, before, after),
        _share_row(_("Decided in time"), what_if.share_decided, before, after),
        Row(
            _("Sales hours on rejected"),
            number(_hours(before, basis, rejected_only=True)),
            number(_hours(after, basis, rejected_only=True)),
        ),
    ]


def _count_row(label: str, before: int, after: int, detail: str = "") -> Row:
    return Row(label, number(before), number(after), detail)


def _share_row(label: str, share: Callable[[Counts], Share], before: Counts, after: Counts, *, detail: str = "") -> Row:
    was, would = share(before), share(after)
    return Row(
        label,
        percent(was.value, was.cases),
        percent(would.value, would.cases),
        detail,
        _interval(was),
        _interval(would),
    )


def _interval(share: Share) -> str:
    if share.interval is None:
        return _("no cases")
    low, high = share.interval
    return range_words(low, high, "percent")


def _fewer(before: int, after: int) -> str:
    if not before or after == before:
        return ""
    return _("%(share)s fewer") % {"share": percent((before - after) / before)}


def _lost(before: int, after: int) -> str:
    return _("%(count)s lost") % {"count": number(before - after)} if after < before else ""


def _hours(counts: Counts, basis: Basis, *, rejected_only: bool = False) -> Decimal:
    return planner.hours(
        rejected=counts.rejected,
        worked=0 if rejected_only else counts.worked,
        minutes_per_rejected=basis.assumed.minutes_per_rejected,
        minutes_per_accepted=basis.assumed.minutes_per_accepted,
    )


def money_words(answer: Answer, basis: Basis) -> str:
    """Say what the change is worth over the time that was looked at."""
    lost = answer.before.customers - answer.after.customers
    saved = _hours(answer.before, basis) - _hours(answer.after, basis)
    assumed = basis.assumed
    if basis.average_deal.value is None:
        return _("Without an average deal nobody can say what %(customers)s is worth; type one.") % {
            "customers": _customers(lost)
        }
    # Rounded before they are multiplied, so that the sentence adds up.
    deal = Decimal(round(basis.average_deal.value))
    weighed: Money = planner.money(
        customers=-lost, average_deal=deal, hours=Decimal(round(saved)), hourly_cost=Decimal(assumed.hourly_cost)
    )
    words = {
        "customers": _customers(lost),
        "deal": money_text(deal, assumed.currency),
        "revenue": money_text(round(abs(weighed.revenue)), assumed.currency),
        "hours": number(weighed.hours),
        "hourly": money_text(assumed.hourly_cost, assumed.currency),
        "cost": money_text(round(abs(weighed.cost)), assumed.currency),
        "balance": money_text(round(abs(weighed.balance)), assumed.currency),
    }
    text = _("%(customers)s × %(deal)s = %(revenue)s, against %(hours)s hours of sales saved × %(hourly)s = %(cost)s.")
    if weighed.balance < 0:
        return (text + " " + _("In all %(balance)s less.")) % words
    if weighed.balance > 0:
        return (text + " " + _("In all %(balance)s more.")) % words
    return _("No customer lost and no hour saved: in money nothing changes.")


def _customers(lost: int) -> str:
    return ngettext("%(count)s customer lost", "%(count)s customers lost", lost) % {"count": number(lost)}


def goal_words(goal: Goal | None, question: Question) -> str:
    """Say how many customers a year needs and gets."""
    if goal is None:
        return _(
            "Without a sales goal, an average deal and leads that had the time to become customers, nobody can say "
            "whether it is enough."
        )
    words = {
        "needed": number(goal.needed),
        "gives": number(goal.gives),
        "gap": number(round(goal.needed) - round(goal.gives)),
    }
    if question.is_empty:
        text = _("Needed %(needed)s customers a year; the past gives %(gives)s.")
    else:
        text = _("Needed %(needed)s customers a year; this gives %(gives)s.")
    if not goal.is_reached:
        text += " " + _("%(gap)s short of the goal.")
    return text % words


def notes(standing: Agreement, question: Question, basis: Basis) -> list[str]:
    """Say what the replay rests on, and what it cannot know."""
    notes = []
    line = standing.definition.threshold
    if question.threshold is not None and question.threshold < line:
        waiting = Lead.objects.living().filter(stage=Stage.NURTURING, score__gte=question.threshold, score__lt=line)
        notes.append(
            _(
                "Leads below %(line)s were not sent, so the past cannot say what would have become of them. "
                "%(count)s in nurturing stand between %(asked)s and %(line)s today."
            )
            % {"line": number(line), "asked": number(question.threshold), "count": number(waiting.count())}
        )
    if question.dropped:
        notes.append(
            _(
                "Leads that lacked a required criterion were not sent, so the past cannot say what would have become "
                "of them."
            )
        )
    if question.minutes is not None:
        notes.append(_("Counts the answers that were quick enough; what quicker answers would have won is not in it."))
    if question.per_period is not None or question.per_day is not None:
        notes.append(_("Above the capacity, the later leads of a day or period are held back."))
    notes.append(
        _("%(minutes)d min of sales per rejected lead, %(more)d per accepted one. Uses decisions as they were made.")
        % {"minutes": basis.assumed.minutes_per_rejected, "more": basis.assumed.minutes_per_accepted}
    )
    return notes


def question_words(question: Question, definition: Definition) -> str:
    """Write a question as people ask it: `a line of 130, with “Budget known”, at most 8 a day`.

    Args:
        question: what would be different.
        definition: in force; knows the labels of criteria.
    """
    labels = dict(definition.criteria.values_list("code", "label"))
    parts = []
    if question.threshold is not None:
        parts.append(_("a line of %(line)s") % {"line": number(question.threshold)})
    parts += [_("with “%(criterion)s”") % {"criterion": labels.get(code, code)} for code in question.required]
    parts += [_("without “%(criterion)s”") % {"criterion": labels.get(code, code)} for code in question.dropped]
    if question.minutes is not None:
        words = {
            "answer": Commitment.Measure(question.measure).label,
            "minutes": question.minutes,
            "leads": Temperature(question.temperature).label if question.temperature else _("all leads"),
        }
        parts.append(_("%(answer)s within %(minutes)d min (%(leads)s)") % words)
    if question.per_period is not None:
        parts.append(_("at most %(count)s a period") % {"count": number(question.per_period)})
    if question.per_day is not None:
        parts.append(_("at most %(count)s a day") % {"count": number(question.per_day)})
    return ", ".join(parts) or _("the past as it was")
