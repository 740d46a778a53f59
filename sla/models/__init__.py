"""The contract: calendars, agreements, handoffs with rounds, clocks, routing, compliance, plans."""

from sla.models.agreements import (
    Agreement,
    AgreementComment,
    Commitment,
    Deputy,
    EscalationStep,
    Signature,
    Target,
    TimeLimit,
)
from sla.models.calendars import Calendar, CalendarVersion, PersonalCalendar
from sla.models.clocks import Clock, ClockChange, ClockPause, ClockStep, PauseReason
from sla.models.compliance import AcceptanceRate, Compliance, ComplianceStatus
from sla.models.handoffs import Decision, Handoff, Round, RulingWord
from sla.models.planning import Assumptions, WhatIf
from sla.models.routing import Assignment, Capacity, ReleaseItem, ReleasePlan, RoutingRule, Succession, Turn

__all__ = [
    "AcceptanceRate",
    "Agreement",
    "AgreementComment",
    "Assignment",
    "Assumptions",
    "Calendar",
    "CalendarVersion",
    "Capacity",
    "Clock",
    "ClockChange",
    "ClockPause",
    "ClockStep",
    "Commitment",
    "Compliance",
    "ComplianceStatus",
    "Decision",
    "Deputy",
    "EscalationStep",
    "Handoff",
    "PauseReason",
    "PersonalCalendar",
    "ReleaseItem",
    "ReleasePlan",
    "Round",
    "RoutingRule",
    "RulingWord",
    "Signature",
    "Succession",
    "Target",
    "TimeLimit",
    "Turn",
    "WhatIf",
]
