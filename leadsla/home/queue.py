"""My queue: what a person in sales has to answer, to follow up and to report, soonest due first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.fields.json import KT
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from feedback.models import Answer, FollowUp, Reason
from leadsla import clock
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.models import User
from leadsla.accounts.requests import SignedInRequest
from leadsla.display import day_text, moment_text
from leadsla.home.parts import page_or_part
from sla import clocks, late_entries
from sla.calendars import working_time
from sla.countdown import Countdown, due_words
from sla.models import Assignment, Clock, Commitment, Decision, Handoff, Round, TimeLimit

AT_MOST = 300
SHOWN_FIRST = 20  # of a list in which nothing waits for an answer
TOLD_FOR = timedelta(minutes=2)  # how long a queue says that a colleague took a lead
OWED_AT_ONCE = (Commitment.Measure.DECIDE, Commitment.Measure.FIRST_FOLLOW_UP)
KEYS = (
    ("j", gettext_lazy("next")),
    ("k", gettext_lazy("back")),
    ("a", gettext_lazy("accept")),
    ("r", gettext_lazy("reject")),
    ("f", gettext_lazy("follow-up")),
    ("o", gettext_lazy("open")),
)


@dataclass(frozen=True)
class Row:
    """One line of the queue.

    Attributes:
        handoff: with lead, source and campaign.
        place: by what the line is sorted.
        countdown: its worst clock; None when nothing runs.
        why: the one thing worth reading before acting.
        beside: the two lines beside it: source and campaign, or what happened last.
        answer: of an undo line, or of a decision that a manager has to take.
        undo_seconds: how long the answer can be undone; 0 for every other line.
        due: words of the next thing owed.
    """

    handoff: Handoff
    place: datetime
    countdown: Countdown | None = None
    why: str = ""
    beside: tuple[str, str] = ("", "")
    answer: Answer | None = None
    undo_seconds: int = 0
    due: str = ""


@dataclass(frozen=True)
class Group:
    """One of the lists that the queue falls into.

    Attributes:
        order: by what its lines are sorted, in words.
        most: how many lines are shown until somebody asks for all; None for a list that is always whole.
        is_whole: somebody asked for all.
    """

    code: str
    title: str
    short: str
    rows: list[Row] = field(default_factory=list)
    empty: str = ""
    order: str = ""
    most: int | None = None
    is_whole: bool = False

    @property
    def count(self) -> int:
        """How many lines ask for something."""
        return sum(not row.undo_seconds for row in self.rows)

    @property
    def shown(self) -> list[Row]:
        """Return the lines that are shown."""
        return self.rows if self.is_whole else self.rows[: self.most]

    @property
    def is_long(self) -> bool:
        """Tell whether there are more lines than are shown at first."""
        return self.most is not None and len(self.rows) > self.most


@dataclass(frozen=True)
class Queue:
    """Everything that waits for one person."""

    groups: list[Group]
    to_rule: list[Row]
    taken: list[str]
    overdue: int
    day_ends: datetime | None

    @property
    def counts(self) -> dict[str, int]:
        """Lines by group."""
        return {group.code: group.count for group in self.groups}


def of(user: User, *, now: datetime, whole: str = "") -> Queue:
    """Collect what waits for a person, in a fixed number of queries.

    Args:
        user: who works in sales.
        now: the moment.
        whole: code of the list that is shown to its end.
    """
    answers = _to_undo(user, now=now)
    open_ones = list(_open(user)[:AT_MOST])
    undone = [answer.handoff for answer in answers]
    running = clocks.worst([*open_ones, *undone], now=now)
    tomorrow = _tomorrow(now)
    to_answer = [handoff for handoff in open_ones if not handoff.decision]
    worked_on = [handoff for handoff in open_ones if handoff.decision == Decision.ACCEPTED]
    justified = {answer.handoff_id for answer in answers}
    worked_on = [handoff for handoff in worked_on if handoff.pk not in justified]
    to_report = [handoff for handoff in worked_on if _is_to_report(handoff)]
    due = [
        handoff
        for handoff in worked_on
        if not _is_to_report(handoff) and _is_due(handoff, running.get(handoff.pk), tomorrow)
    ]
    last = _last_follow_ups([*due, *to_report])
    agreed = _agreed_attempts(due)
    first = [
        *(_answer_row(handoff, running.get(handoff.pk), now=now) for handoff in to_answer),
        *_undo_rows(answers, running, now=now),
    ]
    second = [_follow_up_row(one, running.get(one.pk), last.get(one.pk), agreed, now=now) for one in due]
    third = [_report_row(one, running.get(one.pk), last.get(one.pk), now=now) for one in to_report]
    soonest = _("soonest due first")
    groups = [
        Group("answer", _("To answer"), _("Answer"), _sorted(first), _("Nothing waits for your answer."), soonest),
        Group(
            "follow-up",
            _("Follow-ups due"),
            _("Follow up"),
            _sorted(second),
            _("No follow-up is due today."),
            soonest,
            SHOWN_FIRST,
            whole == "follow-up",
        ),
        Group(
            "report",
            _("Outcomes to report"),
            _("Report"),
            _sorted(third),
            _("No outcome is missing."),
            soonest,
            SHOWN_FIRST,
            whole == "report",
        ),
    ]
    overdue = sum(1 for row in first if row.countdown is not None and row.countdown.state == "late")
    return Queue(groups, _to_rule(user, now=now), _taken(user, now=now), overdue, _day_ends(running, tomorrow, now=now))


def to_answer(user: User, *, now: datetime) -> list[UUID]:
    """Return what waits for a person's answer, in the order of their queue."""
    waiting = [handoff for handoff in _open(user)[:AT_MOST] if not handoff.decision]
    running = clocks.worst(waiting, now=now)
    rows = _sorted(Row(handoff, place=_place(handoff, running.get(handoff.pk))) for handoff in waiting)
    return [row.handoff.public_id for row in rows]


def _sorted(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row.place, row.handoff.pk))


def _tomorrow(now: datetime) -> datetime:
    """Return the next midnight in the reader's zone."""
    local = timezone.localtime(now)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None) + timedelta(days=1)
    return timezone.make_aware(midnight)


def _open(user: User) -> QuerySet[Handoff]:
    frozen = Round.objects.filter(handoff=OuterRef("pk"), number=OuterRef("round"))
    return (
        Handoff.objects.in_work()
        .for_work_of(user)
        .filter(is_returned=False, is_notice=False)
        .exclude(decision=Decision.REJECTED)
        .select_related("lead", "source", "campaign")
        .annotate(
            why=Subquery(frozen.values(words=KT("pack__answers__why_now__text"))[:1]),
            need=Subquery(frozen.values(words=KT("person__need"))[:1]),
        )
        .order_by("handed_over_at", "pk")
    )


# --- To answer


def _answer_row(handoff: Handoff, running: Clock | None, *, now: datetime) -> Row:
    return Row(
        handoff,
        place=_place(handoff, running),
        countdown=clocks.countdown(running, now=now) if running else None,
        why=_why(handoff),
        beside=(str(handoff.source or ""), str(handoff.campaign or "")),
    )


def _why(handoff: Handoff) -> str:
    """Say why it was handed over, and in their words what they need, both as the pack has it."""
    why, need = getattr(handoff, "why", None) or "", getattr(handoff, "need", None) or ""
    return "; ".join(part for part in (why.rstrip("."), f"“{need}”" if need else "") if part)


def _place(handoff: Handoff, running: Clock | None) -> datetime:
    return running.due_at if running else handoff.next_step_at or handoff.handed_over_at or handoff.recorded_at


def _to_undo(user: User, *, now: datetime) -> list[Answer]:
    waiting = Answer.objects.filter(
        by=user, kind=Answer.Kind.DECISION, undone_at=None, carried_out_at=None, failures=0, not_before__gt=now
    )
    return list(waiting.select_related("handoff__lead", "reason", "round"))


def _undo_rows(answers: list[Answer], running: dict[int, Clock], *, now: datetime) -> list[Row]:
    """Put the undo lines where the rows were: sorted by when the answers were due."""
    if not answers:
        return []
    decided = {answer.handoff_id: answer.occurred_at for answer in answers}
    owed = Clock.objects.filter(handoff__in=decided, measure__in=OWED_AT_ONCE, round=F("handoff__round"))
    due: dict[int, datetime] = {}
    for handoff_id, due_at, stopped_at in owed.values_list("handoff", "due_at", "stopped_at"):
        if stopped_at is None or stopped_at >= decided[handoff_id]:
            due[handoff_id] = min(due_at, due.get(handoff_id, due_at))
    return [
        Row(
            answer.handoff,
            place=due.get(answer.handoff_id, answer.occurred_at),
            answer=answer,
            undo_seconds=max(1, int((answer.not_before - now).total_seconds())),
            due=due_words(running[answer.handoff_id], now=now) if answer.handoff_id in running else "",
        )
        for answer in answers
    ]


def _taken(user: User, *, now: datetime) -> list[str]:
    """Say who took what waited in the team's queue until a moment ago."""
    if user.team_id is None:
        return []
    queued = Assignment.objects.filter(handoff=OuterRef("pk"), user=None)
    taken = (
        Handoff.objects.filter(Exists(queued), to_team=user.team_id, owner_since__gt=now - TOLD_FOR)
        .exclude(owner=user)
        .exclude(owner=None)
        .select_related("owner", "lead")[:5]
    )
    return [_("%(owner)s has taken %(lead)s.") % {"owner": one.owner, "lead": one.lead} for one in taken]


def _to_rule(user: User, *, now: datetime) -> list[Row]:
    """Return the rejections of the team whose reason leaves it to the manager what happens next."""
    if not may(user, Act.REASSIGN):
        return []
    left_open = Answer.objects.filter(
        reason__consequence=Reason.Consequence.REVIEW,
        undone_at=None,
        carried_out_at__isnull=False,
        handoff__in=Handoff.objects.open().answerable_by(user),
    )
    rows = left_open.select_related("handoff__lead", "handoff__source", "handoff__campaign", "reason", "by")[:AT_MOST]
    return [
        Row(
            answer.handoff,
            place=answer.occurred_at,
            why=answer.asked.get("text", ""),
            beside=(str(answer.by), str(answer.reason)),
            answer=answer,
        )
        for answer in rows
    ]


# --- To follow up and to report


def _is_to_report(handoff: Handoff) -> bool:
    """Tell whether they were talked to and nothing is planned: what came of it?"""
    has_happened = handoff.reached_at or handoff.meeting_at or handoff.opportunity_at
    return has_happened is not None and handoff.next_step_at is None


def _is_due(handoff: Handoff, running: Clock | None, tomorrow: datetime) -> bool:
    if running is not None and running.due_at < tomorrow:
        return True
    return handoff.next_step_at is None or handoff.next_step_at < tomorrow


def _last_follow_ups(handoffs: list[Handoff]) -> dict[int, FollowUp]:
    newest = FollowUp.objects.filter(handoff__in=[handoff.pk for handoff in handoffs])
    return {one.handoff_id: one for one in newest.order_by("handoff_id", "-occurred_at", "-pk").distinct("handoff_id")}


def _agreed_attempts(handoffs: list[Handoff]) -> dict[tuple[int | None, str], int]:
    limits = TimeLimit.objects.filter(
        target__agreement__in={handoff.agreement_id for handoff in handoffs if handoff.agreement_id},
        target__commitment__measure=Commitment.Measure.ATTEMPTS,
        attempts__isnull=False,
    )
    return {
        (agreement, temperature): attempts
        for agreement, temperature, attempts in limits.values_list("target__agreement", "temperature", "attempts")
        if attempts is not None
    }


def _last_words(last: FollowUp | None, *, now: datetime) -> str:
    if last is None:
        return _("not tried yet")
    is_recent = now - last.occurred_at < timedelta(days=2)
    when = moment_text(last.occurred_at, now) if is_recent else day_text(last.occurred_at, now)
    return _("%(result)s, %(when)s") % {"result": last.get_result_display().lower(), "when": when}


def _follow_up_row(
    handoff: Handoff,
    running: Clock | None,
    last: FollowUp | None,
    agreed: dict[tuple[int | None, str], int],
    *,
    now: datetime,
) -> Row:
    of = agreed.get((handoff.agreement_id, handoff.temperature))
    number = {"number": handoff.attempts + 1, "agreed": of}
    attempt = _("Attempt %(number)d of %(agreed)d") if of else _("Attempt %(number)d")
    planned = last.next_step if last is not None and last.next_step else _why(handoff)
    moments = [moment for moment in (handoff.next_step_at, running.due_at if running else None) if moment]
    return Row(
        handoff,
        place=min(moments, default=now),  # what is late comes before what nobody planned
        countdown=clocks.countdown(running, now=now) if running else None,
        why=" · ".join(part for part in (attempt % number, planned) if part),
        beside=(_accepted(handoff, now=now), _last_words(last, now=now)),
        due=_planned(handoff, running, now=now),
    )


def _planned(handoff: Handoff, running: Clock | None, *, now: datetime) -> str:
    if handoff.next_step_at:
        return _("next step %(moment)s") % {"moment": moment_text(handoff.next_step_at, now)}
    return "" if running else _("nothing planned")


def _accepted(handoff: Handoff, *, now: datetime) -> str:
    return _("Accepted %(day)s") % {"day": day_text(handoff.decided_at, now)} if handoff.decided_at else ""


def _report_row(handoff: Handoff, running: Clock | None, last: FollowUp | None, *, now: datetime) -> Row:
    open_since = handoff.opportunity_at or handoff.meeting_at or handoff.reached_at or now
    words = {"day": day_text(open_since, now)}
    if handoff.opportunity_at:
        why = _("Opportunity since %(day)s: won or lost?") % words
    elif handoff.meeting_at:
        why = _("Met %(day)s: is it an opportunity?") % words
    else:
        why = _("Reached %(day)s: what came of it, or what is next?") % words
    return Row(
        handoff,
        place=running.due_at if running else open_since,
        countdown=clocks.countdown(running, now=now) if running else None,
        why=why,
        beside=(_accepted(handoff, now=now), _last_words(last, now=now)),
    )


def _day_ends(running: dict[int, Clock], tomorrow: datetime, *, now: datetime) -> datetime | None:
    """Return when the last of today's opening hours ends, of the calendars under which something runs."""
    ends = [
        windows[-1][1]
        for version in {running_one.calendar_version for running_one in running.values()}
        if (windows := working_time(version).open_windows(now, tomorrow))
    ]
    return max(ends, default=None)


@requires(Act.WORK_QUEUE)
@require_safe
def queue(request: SignedInRequest) -> HttpResponse:
    """Show the queue; HTMX fetches its lists again every half minute and after each answer."""
    now = clock.now()
    whole = request.GET.get("all", "")
    mine = of(request.user, now=now, whole=whole)
    tab = request.GET.get("tab", "")
    may_confirm = may(request.user, Act.CONFIRM_LATE)
    context: dict[str, Any] = {
        "queue": mine,
        "tab": tab if tab in mine.counts else "answer",
        "whole": whole,
        "keys": [{"key": key, "label": label} for key, label in KEYS],
        "late_count": late_entries.waiting_for(request.user, now=now).count() if may_confirm else 0,
        "now": now,
        "is_part": bool(request.htmx),
    }
    return page_or_part(request, "home/queue.html", "home/_queue.html", context)
