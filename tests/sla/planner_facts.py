"""Twelve handoffs of two months, set down one by one, that what-ifs are checked on by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from leads.models import Criterion
from sla.models import Handoff
from tests.sla.contract_facts import Contract, at

NOW = at("2026-04-15 10:00")
DAYS = 30  # to become a customer

#   when, score, budget, decision, won, minutes until the first follow-up
ROWS: tuple[tuple[str, int, str, str, str, int | None], ...] = (
    ("2026-02-02 09:00", 105, "met", "accepted", "2026-02-20 12:00", 20),  # customer after 18 days
    ("2026-02-03 09:00", 120, "met", "accepted", "2026-03-20 12:00", 50),  # after 45 days: too late to count
    ("2026-02-03 10:00", 95, "unknown", "rejected", "", None),
    ("2026-02-04 09:00", 110, "not_met", "rejected", "", None),
    ("2026-02-05 09:00", 110, "met", "accepted", "", 40),
    ("2026-02-09 09:00", 130, "met", "accepted", "2026-02-28 12:00", None),  # customer; nobody followed up
    ("2026-02-10 09:00", 20, "unknown", "accepted", "2026-02-25 12:00", None),  # asked to be contacted; customer
    ("2026-02-11 09:00", 108, "met", "rejected", "", None),  # for a reason that does not count
    ("2026-03-02 09:00", 115, "unknown", "rejected", "", 500),
    ("2026-03-03 09:00", 140, "met", "accepted", "2026-03-10 12:00", None),  # customer after 7 days
    ("2026-03-30 09:00", 112, "met", "accepted", "", None),  # had no 30 days yet
    ("2026-03-31 09:00", 90, "met", "accepted", "", None),  # an override of the gate: not looked at
)


def twelve(contract: Contract) -> list[Handoff]:
    """Hand twelve leads over; sales answers each after two hours."""
    Criterion.objects.create(definition=contract.definition, code="budget", label="Budget known")
    Criterion.objects.create(
        definition=contract.definition, code="industry", label="Industry on target", required_by_nurtured=True
    )
    made = []
    for number, (when, score, budget, decision, won, minutes) in enumerate(ROWS, start=1):
        moment = at(when)
        columns: dict[str, Any] = {"score": score, "door": "asked" if number == 7 else "nurtured"}
        if won:
            columns |= {"won_at": at(won), "closed_at": at(won), "closed_because": "won"}
            columns |= {"revenue": 10_000, "currency": "EUR"}
        if number == 12:
            columns["override_by"] = contract.owner
        handoff = contract.handed(moment, **{decision: moment + timedelta(hours=2)}, is_counted=number != 8, **columns)
        verdicts = [{"code": "budget", "verdict": budget}, {"code": "industry", "verdict": "met"}]
        handoff.rounds.update(pack={"criteria": verdicts})
        _follow_up(contract, handoff, moment, minutes, is_missed=number == 6)
        made.append(handoff)
    return made


def _follow_up(contract: Contract, handoff: Handoff, moment: datetime, minutes: int | None, *, is_missed: bool) -> None:
    """Start a first follow-up of one working day; of those without minutes it was cancelled, or is missed."""
    if minutes is None:
        outcome = "missed" if is_missed else "cancelled"
        stopped = None if is_missed else moment + timedelta(minutes=1)
        contract.clock("first_follow_up", started=moment, stopped=stopped, handoff=handoff, outcome=outcome)
        return
    contract.clock(
        "first_follow_up",
        started=moment,
        stopped=moment + timedelta(minutes=minutes),
        handoff=handoff,
        outcome="met" if minutes < 480 else "late",
        used_seconds=minutes * 60.0,
    )
