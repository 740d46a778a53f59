"""A small contract and the facts under it, set down moment by moment: what compliance is computed from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from leads.models import Campaign, Channel, Definition, Lead, ScoreModel, Source, Stage
from leadsla.accounts.models import Side, Team, User
from sla.models import (
    Agreement,
    Calendar,
    CalendarVersion,
    Clock,
    Commitment,
    Handoff,
    Round,
    Target,
    TimeLimit,
)
from sla.working_time import WorkingTime

BERLIN = ZoneInfo("Europe/Berlin")
HOURS = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
WORKING_DAY = timedelta(hours=8)
BEGINNING = datetime(2025, 1, 1, tzinfo=BERLIN)
PROMISES = (
    ("quantity", "marketing", 120, 150),
    ("accepted", "marketing", "0.55", None),
    ("opportunities", "marketing", "0.30", None),
    ("customers", "marketing", "0.05", None),
    ("fix", "marketing", "0.90", None),
    ("hand_over", "marketing", "0.90", None),
    ("decide", "sales", "0.90", None),
    ("first_follow_up", "sales", "0.90", None),
    ("usable_reasons", "sales", "0.90", None),
)


def at(text: str) -> datetime:
    """Read a moment of Berlin: `2026-03-03 10:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@dataclass
class Contract:
    """An agreement in force since 2025 with promises, 8-hour days without holidays, one sales team and one person."""

    agreement: Agreement
    version: CalendarVersion
    definition: Definition
    team: Team
    owner: User
    working_time: WorkingTime = field(default_factory=lambda: WorkingTime("Europe/Berlin", HOURS))
    count: int = 0

    def limit(self, measure: str) -> TimeLimit:
        """Return the time limit of a measure; made when first asked for."""
        target = self.agreement.targets.get(commitment__measure=measure)
        return TimeLimit.objects.get_or_create(
            target=target, temperature="warm", defaults={"working_days": 1, "calendar": self.version.calendar}
        )[0]

    def lead(self, **columns: Any) -> Lead:
        """Make a lead."""
        self.count += 1
        return Lead.objects.create(
            **{
                "name": f"Lead {self.count}",
                "created_at": BEGINNING,
                "stage_since": BEGINNING,
                "stage": Stage.HANDED_OVER,
                **columns,
            }
        )

    def handed(
        self,
        when: datetime,
        *,
        accepted: datetime | None = None,
        rejected: datetime | None = None,
        reason: str = "wrong_person",
        is_counted: bool = True,
        is_usable: bool = True,
        is_returned: bool = False,
        has_clock: bool = True,
        **columns: Any,
    ) -> Handoff:
        """Hand a lead over, let sales answer it, and let its decision clock (1 working day) say how that was."""
        decided_at, decision = accepted or rejected, ("accepted" if accepted else "rejected" if rejected else "")
        is_open = columns.get("closed_at") is None
        handoff = Handoff.objects.create(
            **{
                "lead": self.lead(),
                "agreement": self.agreement,
                "definition": self.definition,
                "door": "nurtured",
                "temperature": "warm",
                "band": "100",
                "to_team": self.team,
                "owner": self.owner,
                "handed_over_at": when,
                "recorded_at": when,
                "decision": decision,
                "decided_at": decided_at,
                "reason": reason if rejected else "",
                "is_returned": is_returned,
                **(
                    {"closed_at": rejected, "closed_because": "rejected"}
                    if rejected and is_open and not is_returned
                    else {}
                ),
                **columns,
            }
        )
        Round.objects.create(
            handoff=handoff,
            number=1,
            opened_at=when,
            to_team=self.team,
            owner=self.owner,
            decision=decision,
            decided_at=decided_at,
            reason=reason if rejected else "",
            is_counted=is_counted,
            is_usable=is_usable,
            returned_at=rejected if is_returned else None,
        )
        if has_clock:
            self.clock("decide", started=when, stopped=decided_at, handoff=handoff)
        return handoff

    def next_round(self, handoff: Handoff, when: datetime, *, accepted: datetime | None = None) -> None:
        """Let marketing fix and send a handoff again."""
        handoff.round += 1
        handoff.decision, handoff.decided_at, handoff.reason = ("accepted" if accepted else ""), accepted, ""
        handoff.is_returned = False
        handoff.save()
        Round.objects.create(
            handoff=handoff,
            number=handoff.round,
            opened_at=when,
            opened_because="fixed",
            decision=handoff.decision,
            decided_at=accepted,
        )
        self.clock("decide", started=when, stopped=accepted, handoff=handoff, round=handoff.round)

    def contest(
        self,
        handoff: Handoff,
        when: datetime,
        *,
        due: datetime,
        ruling: str = "",
        ruled: datetime | None = None,
        number: int = 1,
    ) -> None:
        """Let marketing contest the rejection of a round, and somebody rule on it."""
        handoff.rounds.filter(number=number).update(
            contested_at=when, contest="It is what we agreed on.", ruling_due_at=due, ruling=ruling, ruled_at=ruled
        )

    def clock(
        self,
        measure: str,
        *,
        started: datetime,
        stopped: datetime | None = None,
        outcome: str = "",
        handoff: Handoff | None = None,
        budget: timedelta = WORKING_DAY,
        **columns: Any,
    ) -> Clock:
        """Start a clock of one working day and stop it; the outcome follows from the two unless it is named."""
        due = self.working_time.add(started, budget)
        limit = self.limit(measure)
        commitment = limit.target.commitment
        outcome = outcome or ("running" if stopped is None else "met" if stopped <= due else "late")
        return Clock.objects.create(
            **{
                "lead": handoff.lead if handoff else self.lead(),
                "handoff": handoff,
                "commitment": commitment,
                "measure": measure,
                "side": commitment.side,
                "temperature": "warm",
                "agreement": self.agreement,
                "limit": limit,
                "calendar_version": self.version,
                "started_at": started,
                "budget_seconds": budget.total_seconds(),
                "due_at": due,
                "stopped_at": stopped,
                "outcome": outcome,
                "breached_at": due if outcome in {"late", "missed"} else None,
                "team": self.team,
                "owner": self.owner,
                "recorded_at": started,
                **columns,
            }
        )


def make_contract(**columns: Any) -> Contract:
    """Put an agreement with `PROMISES` in force.

    Args:
        **columns: of the agreement, to differ from the default.
    """
    calendar = Calendar.objects.create(name="Eight hours")
    version = CalendarVersion.objects.create(
        calendar=calendar, version=1, timezone="Europe/Berlin", hours=HOURS, created_at=BEGINNING
    )
    model = ScoreModel.objects.create(version=9001, name="Score", created_at=BEGINNING)
    definition = Definition.objects.create(version=9001, name="Qualified", score_model=model, created_at=BEGINNING)
    agreement = Agreement.objects.create(
        **{
            "name": "Mid-market",
            "version": 1,
            "status": Agreement.Status.ACTIVE,
            "timezone": "Europe/Berlin",
            "calendar": calendar,
            "definition": definition,
            "in_force_from": BEGINNING,
            "created_at": BEGINNING,
            **columns,
        }
    )
    for position, (measure, side, low, high) in enumerate(PROMISES):
        commitment, _made = Commitment.objects.get_or_create(measure=measure, side=side)
        Target.objects.create(agreement=agreement, commitment=commitment, position=position, at_least=low, at_most=high)
    team = Team.objects.create(name="Contract sales", side=Side.SALES)
    owner = User.objects.create_user("rep@contract.example", name="Rita Rep", roles=["sales_rep"], team=team)
    return Contract(agreement, version, definition, team, owner)


def source(name: str) -> Source:
    """Make a source."""
    channel, _made = Channel.objects.get_or_create(
        code="test-channel", defaults={"name": "Test channel", "direction": "inbound", "side": "marketing"}
    )
    return Source.objects.create(code=f"test-{name.lower().replace(' ', '-')}", name=name, channel=channel)


def campaign(name: str) -> Campaign:
    """Make a campaign."""
    return Campaign.objects.create(code=name.lower(), name=name)
