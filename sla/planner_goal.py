"""From the sales goal back to leads, line by line with where each figure comes from; and promises for the draft."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadsla.display import money as money_text
from leadsla.display import number, percent
from sla import planner, what_if
from sla.history import Basis, Input, Series
from sla.models import Agreement, Commitment
from sla.planner import Funnel, Range
from sla.what_if import Answer, Question

Measure = Commitment.Measure


@dataclass(frozen=True)
class Step:
    """One line of the way back from the goal: its words, where the figure comes from, the figure."""

    label: str
    value: str
    source: str = ""
    is_total: bool = False


@dataclass(frozen=True)
class Offer:
    """A promise that can be taken into the draft; figures as a form sends them."""

    measure: str
    at_least: str
    at_most: str
    words: str
    note: str


def steps(
    agreement: Agreement,
    *,
    funnel: Funnel | None,
    basis: Basis,
    promised: Range | None,
    rate: Decimal | None,
    question: Question,
) -> list[Step]:
    """Write the way back from the goal, as far as its figures are known."""
    assumed, period = basis.assumed, agreement.get_period_display()
    written = [
        Step(
            _("New revenue a %(period)s, the goal") % {"period": period},
            money_text(assumed.revenue_goal, assumed.currency),
            "" if assumed.revenue_goal is not None else _("not typed yet"),
        ),
        Step(_("× of it from marketing’s leads"), percent(assumed.marketing_share)),
        Step(
            _("÷ average deal"),
            money_text(_whole(basis.average_deal.value), assumed.currency),
            _source(basis.average_deal, _("%(cases)s won in 12 months"), left_out=basis.left_out),
        ),
    ]
    if funnel is None:
        return written
    written.append(Step(_("= customers a %(period)s") % {"period": period}, number(funnel.customers, 1)))
    is_own = basis.customer_rate.is_typed or question.is_empty
    written.append(
        Step(
            _("÷ become customers within %(days)d days") % {"days": basis.days},
            percent(rate),
            _source(basis.customer_rate, _("of %(cases)s handed over")) if is_own else _("of the leads of the what-if"),
        )
    )
    written.append(
        Step(
            _("= leads needed a %(period)s") % {"period": period},
            number(funnel.whole_leads),
            is_total=True,
        )
    )
    if promised is not None:
        needed = planner.needed_rate(funnel.customers, promised.middle)
        written.append(Step(_("or, with the middle of the range"), number(promised.middle), _("leads")))
        written.append(Step(_("= share that must become customers"), percent(needed), is_total=True))
    return written


def _whole(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else Decimal(round(amount))


def _source(figure: Input, own: str, *, left_out: int = 0) -> str:
    if figure.is_typed:
        return _("typed")
    if figure.value is None:
        return _("no history yet")
    text = own % {"cases": number(figure.cases)}
    if left_out:
        text += _(", %(count)s without an amount in this currency left out") % {"count": number(left_out)}
    return text


def is_short(funnel: Funnel | None, promised: Range | None) -> bool:
    """Tell whether the middle of the range is not enough for the goal."""
    return bool(funnel and funnel.whole_leads is not None and promised and funnel.whole_leads > promised.middle)


def funnel_words(agreement: Agreement, funnel: Funnel | None, promised: Range | None) -> str:
    """Say whether the range is enough for the goal."""
    if funnel is None or funnel.whole_leads is None or promised is None:
        return ""
    words = {
        "low": number(promised.low),
        "high": number(promised.high),
        "gap": number(abs(funnel.whole_leads - promised.middle)),
        "period": agreement.get_period_display(),
    }
    if funnel.whole_leads <= promised.low:
        return _("Enough, even at the lower end: %(low)s leads a %(period)s.") % words
    if funnel.whole_leads <= promised.middle:
        return _("Just enough in the middle of %(low)s–%(high)s; at the lower end it falls short.") % words
    return _("The middle of %(low)s–%(high)s is %(gap)s leads a %(period)s short of it.") % words


def offers(
    agreement: Agreement,
    question: Question,
    *,
    answer: Answer | None,
    series: dict[str, Series],
    promised: Range | None,
    funnel: Funnel | None,
) -> list[Offer]:
    """Return the promises that history, question and goal suggest."""
    found = []
    asked = _asked(agreement, question)
    if promised is not None:
        span = f"{number(promised.low)}–{number(promised.high)}"
        note = _("past %(periods)d periods%(asked)s: %(span)s, the middle half") % {
            "periods": promised.periods,
            "asked": asked,
            "span": span,
        }
        words = _("Take %(span)s into the draft") % {"span": span}
        found.append(Offer(Measure.QUANTITY, str(promised.low), str(promised.high), words, note))
    for measure, label, share in (
        (Measure.ACCEPTED, _("Take %(rate)s accepted"), what_if.share_accepted),
        (Measure.OPPORTUNITIES, _("Take %(rate)s opportunities"), None),
    ):
        rate, note = _own_rate(series.get(measure), asked, answer if share and not question.is_empty else None)
        if rate is not None:
            found.append(Offer(measure, str(rate), "", label % {"rate": percent(rate)}, note))
    needed = planner.needed_rate(funnel.customers, promised.middle) if funnel and promised else None
    if needed is not None and funnel is not None and promised is not None and needed <= 1:
        rate = _rounded(needed)
        note = _("%(customers)s customers ÷ %(leads)s leads a %(period)s, from the sales goal") % {
            "customers": number(funnel.customers, 1),
            "leads": number(promised.middle),
            "period": agreement.get_period_display(),
        }
        words = _("Take %(rate)s customers") % {"rate": percent(rate)}
        found.append(Offer(Measure.CUSTOMERS, str(rate), "", words, note))
    return found


def _own_rate(series: Series | None, asked: str, answer: Answer | None) -> tuple[Decimal | None, str]:
    """Return the own median of a rate, or the rate of a what-if, and where it comes from."""
    if answer is not None:
        share = what_if.share_accepted(answer.after)
        if share.value is None:
            return None, ""
        words = {"asked": asked, "kept": number(share.kept), "cases": number(share.cases)}
        return _rounded(share.value), _("past%(asked)s: %(kept)s of %(cases)s") % words
    if series is None or series.quartiles is None:
        return None, ""
    count = len(series.values)
    note = ngettext("median of %(count)d period", "median of %(count)d periods", count) % {"count": count}
    return _rounded(series.quartiles[1]), f"{note}, {_('%(cases)s cases') % {'cases': number(series.cases)}}"


def _asked(agreement: Agreement, question: Question) -> str:
    """Say what was different, for a note under a clause; nothing when nothing was."""
    parts = []
    if question.threshold is not None:
        parts.append(_("a line of %(line)s") % {"line": number(question.threshold)})
    if question.required:
        labels = dict(agreement.definition.criteria.values_list("code", "label"))
        parts.append(", ".join(labels.get(code, code) for code in question.required))
    if question.per_period is not None:
        parts.append(_("at most %(count)s") % {"count": number(question.per_period)})
    if question.per_day is not None:
        parts.append(_("at most %(count)s a day") % {"count": number(question.per_day)})
    return _(" with %(parts)s") % {"parts": ", ".join(parts)} if parts else ""


def _rounded(share: float) -> Decimal:
    """Round a rate to a thousandth: as fine as the contract says it."""
    return Decimal(str(share)).quantize(Decimal("0.001"))
