"""What the demo company agreed on: a contract that both sides signed, and the next version that Sue has to sign."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from leadsla.accounts.models import Side
from leadsla.home.demo.cast import Cast
from leadsla.outbox import messages
from sla import drafting, periods, signing
from sla.models import Agreement, Commitment

Measure = Commitment.Measure

# What the company promises instead of the figures that a portal without history starts with.
PROMISES: dict[str, tuple[str, str | None, str]] = {
    Measure.QUANTITY: ("120", "150", "P25–P75 of the last six months."),
    Measure.ACCEPTED: ("0.7", None, "Own median of the last six months."),
    Measure.OPPORTUNITIES: ("0.2", None, "Own median of the last six months."),
    Measure.CUSTOMERS: ("0.06", None, "Sales goal 4.8 m € a year ÷ 50,000 € a deal ÷ 1,600 leads."),
}
# What Max proposes now: fewer leads that are better, and sales answers them faster.
NEXT: dict[str, tuple[str, str | None, str]] = {
    Measure.QUANTITY: ("100", "125", "Past six months at a line of 110: the middle half."),
    Measure.ACCEPTED: ("0.75", None, "Past six months at a line of 110."),
    Measure.CUSTOMERS: ("0.07", None, "Sales goal 4.8 m € a year ÷ 50,000 € a deal ÷ 1,350 leads."),
    Measure.FIRST_FOLLOW_UP: ("0.95", None, "Fewer leads, so sales answers faster."),
}
LINE = Decimal(110)
WHY = "Sales rejects most of what scores between 100 and 110. Without it there is time to answer the rest faster."
# days ago, hours, minutes, who, about, what
SAID = (
    (3, 17, 10, "Sue Vogt", Measure.QUANTITY, "Fewer is fine with me if the D leads go. They cost us time."),
    (2, 9, 22, "Max Lindner", Measure.FIRST_FOLLOW_UP, "Then I need the answers faster: 19 in 20, not 9 in 10."),
    (1, 11, 40, "Sue Vogt", Measure.FIRST_FOLLOW_UP, "Possible with 110 leads and Ravi's team. Agreed."),
)


def sign_first(crew: Cast, *, start: datetime, size: float) -> Agreement:
    """Let both sides sign the first agreement at the beginning of the history; it is in force from then on."""
    max_, sue = crew.people["Max Lindner"], crew.people["Sue Vogt"]
    seed = Agreement.objects.in_force(now=start)[0]
    draft = drafting.start_draft(seed, by=max_, now=start)
    drafting.set_terms(draft, by=max_, now=start, name="Marketing and sales")
    _promise(draft, PROMISES, crew, now=start, size=size)
    signing.propose(draft, by=max_, now=start)
    signing.sign(draft, side=Side.MARKETING, by=max_, now=start)
    signing.sign(draft, side=Side.SALES, by=sue, now=start)
    for person in crew.people.values():
        messages.mark_read(person, now=start)  # that was long ago
    return Agreement.objects.select_related("calendar", "definition__score_model").get(pk=draft.pk)


def propose_next(agreement: Agreement, crew: Cast, *, now: datetime, size: float) -> Agreement:
    """Let Max propose the next version, both talk about it, and Max sign it; Sue's signature is missing."""
    max_ = crew.people["Max Lindner"]
    proposed_at = now - timedelta(days=4)
    draft = drafting.start_draft(agreement, by=max_, now=proposed_at)
    starts_on = periods.containing(now, kind=agreement.period, timezone=agreement.timezone).end
    drafting.set_terms(draft, by=max_, now=proposed_at, starts_on=starts_on, why=WHY)
    _promise(draft, NEXT, crew, now=proposed_at, size=size)
    drafting.set_definition(draft, by=max_, now=proposed_at, threshold=LINE)
    signing.propose(draft, by=max_, now=proposed_at)
    for days, hour, minute, who, measure, text in SAID:
        said_at = (now - timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)
        signing.comment(draft, text=text, measure=measure, by=crew.people[who], now=said_at)
    signing.sign(draft, side=Side.MARKETING, by=max_, now=now - timedelta(hours=18))
    return draft


def _promise(
    draft: Agreement, promises: dict[str, tuple[str, str | None, str]], crew: Cast, *, now: datetime, size: float
) -> None:
    for measure, (low, high, note) in promises.items():
        at_least, at_most = Decimal(low), None if high is None else Decimal(high)
        if at_most is not None:
            share = Decimal(size)
            at_least, at_most = round(at_least * share, 0), round(at_most * share, 0)
        drafting.set_promise(
            draft,
            measure=measure,
            at_least=at_least,
            at_most=at_most,
            note=note,
            by=crew.people["Max Lindner"],
            now=now,
        )
