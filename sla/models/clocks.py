"""Clocks: running deadlines, the steps taken for them, their pauses and what else changed them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from leads.models import Lead, Temperature
from leadsla.accounts.models import Side, Team
from sla.models.agreements import Agreement, Commitment, EscalationStep, TimeLimit
from sla.models.calendars import CalendarVersion
from sla.models.handoffs import Handoff
from sla.querysets import ClockQuerySet


class Clock(models.Model):
    """One running deadline under one commitment. `due_at` and `next_step_at` are what the sweep looks for."""

    class Outcome(models.TextChoices):
        RUNNING = "running", _("Running")
        MET = "met", _("In time")
        LATE = "late", _("Late")
        MISSED = "missed", _("Missed")
        CANCELLED = "cancelled", _("Cancelled")
        WAIVED = "waived", _("Waived")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="clocks")
    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, null=True, related_name="clocks")
    round = models.PositiveSmallIntegerField(default=1)
    commitment = models.ForeignKey(Commitment, on_delete=models.PROTECT, related_name="clocks")
    measure = models.CharField(max_length=16, choices=Commitment.Measure)  # copied, so that sweeps need no join
    side = models.CharField(max_length=10, choices=Side)
    temperature = models.CharField(max_length=4, choices=Temperature)
    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="clocks")
    limit = models.ForeignKey(TimeLimit, on_delete=models.PROTECT, related_name="+")
    calendar_version = models.ForeignKey(CalendarVersion, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    budget_seconds = models.FloatField()  # working seconds as agreed; pauses come on top
    due_at = models.DateTimeField()
    warn_at = models.DateTimeField(null=True)  # from then on it counts as due soon
    next_step_at = models.DateTimeField(null=True)  # the next moment at which the sweep has something to do
    breached_at = models.DateTimeField(null=True)  # the due time, never when it was noticed
    plan_at = ArrayField(models.DateTimeField(), default=list)  # when the steps of its escalation are due, in order
    plan_steps = ArrayField(models.BigIntegerField(), default=list)  # the ids of these steps
    paused_at = models.DateTimeField(null=True)  # of the newest pause; the due time already counts it
    paused_until = models.DateTimeField(null=True)
    paused_seconds = models.FloatField(default=0)  # working seconds of all pauses
    stopped_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=9, choices=Outcome, default=Outcome.RUNNING)
    entered_late = models.BooleanField(default=False)
    used_seconds = models.FloatField(null=True)  # working seconds until it stopped
    waited_seconds = models.FloatField(null=True)  # elapsed seconds until it stopped
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="clocks")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="clocks"
    )  # who is responsible now
    responsible = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )  # who was at the due time
    recorded_at = models.DateTimeField()

    objects: ClassVar[ClockQuerySet] = ClockQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ("due_at", "pk")
        verbose_name = _("clock")
        verbose_name_plural = _("clocks")
        constraints = (
            models.UniqueConstraint(
                fields=("handoff", "commitment", "round"),
                condition=Q(handoff__isnull=False) & ~Q(measure__in=("update", "answer", "outcome")),
                name="one_clock_per_round_and_commitment",
            ),
            models.UniqueConstraint(
                fields=("lead", "commitment", "started_at"), condition=Q(handoff=None), name="one_clock_per_lead_start"
            ),
            models.CheckConstraint(
                condition=Q(outcome="running", stopped_at=None)
                | Q(outcome="missed")
                | (~Q(outcome__in=("running", "missed")) & Q(stopped_at__isnull=False)),
                name="clock_outcome_matches_its_stop",
            ),
            models.CheckConstraint(
                condition=Q(breached_at=None) | Q(breached_at=F("due_at")), name="breach_is_stamped_with_due_time"
            ),
            models.CheckConstraint(condition=Q(due_at__gte=F("started_at")), name="clock_is_due_after_its_start"),
        )
        indexes = (
            models.Index(fields=("next_step_at",), condition=Q(next_step_at__isnull=False), name="clock_next_step"),
            models.Index(fields=("owner", "due_at"), condition=Q(outcome="running"), name="clock_running_by_owner"),
            models.Index(fields=("handoff", "outcome"), name="clock_by_handoff"),
            models.Index(fields=("agreement", "measure", "due_at"), name="clock_by_period"),
        )

    def __str__(self) -> str:
        return f"{self.measure}, due {self.due_at:%Y-%m-%d %H:%M}"


class ClockStep(models.Model):
    """One step taken for a clock: warned, breached, told the manager … each once."""

    class Kind(models.TextChoices):
        WARNED = "warned", _("Owner reminded")
        BREACHED = "breached", _("Past due")
        ESCALATED = "escalated", _("Escalated")
        OFFERED = "offered", _("Offered to the team")
        REASSIGNED = "reassigned", _("Given to the next in turn")

    clock = models.ForeignKey(Clock, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=10, choices=Kind)
    step = models.ForeignKey(EscalationStep, on_delete=models.PROTECT, null=True, related_name="+")  # null: the breach
    due_at = models.DateTimeField()  # when it was to be taken
    taken_at = models.DateTimeField()
    what = models.CharField(max_length=250, blank=True)  # whom it told, or to whom it went
    is_done = models.BooleanField(default=True)  # false: there was no need for it any more; `what` says why

    class Meta:
        ordering = ("taken_at", "pk")
        verbose_name = _("clock step")
        verbose_name_plural = _("clock steps")
        constraints = (
            models.UniqueConstraint(fields=("clock", "kind"), condition=Q(step=None), name="each_step_once_per_clock"),
            models.UniqueConstraint(
                fields=("clock", "step"), condition=Q(step__isnull=False), name="each_escalation_once_per_clock"
            ),
        )

    def __str__(self) -> str:
        return self.kind


class PauseReason(models.Model):
    """Why a clock may stand, and for how long at most."""

    code = models.SlugField(max_length=40, unique=True)
    label = models.CharField(_("label"), max_length=120)
    longest_working_days = models.PositiveSmallIntegerField(_("at most, in working days"))
    side = models.CharField(_("for clocks of"), max_length=10, choices=Side, blank=True)  # empty: of both
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        ordering = ("position", "pk")
        verbose_name = _("reason for a pause")
        verbose_name_plural = _("reasons for a pause")

    def __str__(self) -> str:
        return self.label


class ClockPause(models.Model):
    """A time in which a clock stands. It has an end from the first moment on, and can be ended before."""

    clock = models.ForeignKey(Clock, on_delete=models.CASCADE, related_name="pauses")
    reason = models.ForeignKey(PauseReason, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=250, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()  # planned; moved forward when it is ended before
    seconds = models.FloatField()  # working seconds that the due time was moved by
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ("starts_at", "pk")
        verbose_name = _("pause")
        verbose_name_plural = _("pauses")
        constraints = (
            models.CheckConstraint(condition=Q(ends_at__gte=F("starts_at")), name="pause_ends_after_its_start"),
        )

    def __str__(self) -> str:
        return f"{self.reason}, until {self.ends_at:%Y-%m-%d %H:%M}"


class ClockChange(models.Model):
    """What somebody changed on a clock beside stopping and pausing it; kept for both sides to see."""

    class Kind(models.TextChoices):
        WAIVED = "waived", _("Waived")
        RETRACTED = "retracted", _("Breach retracted: it was done in time, and entered late")
        UPHELD = "upheld", _("Stays late: the entry was not confirmed")
        REBASED = "rebased", _("Put under another version")
        RESTARTED = "restarted", _("Started anew for a new owner")

    clock = models.ForeignKey(Clock, on_delete=models.CASCADE, related_name="changes")
    kind = models.CharField(max_length=10, choices=Kind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    why = models.CharField(max_length=500, blank=True)
    before = models.JSONField(default=dict)  # columns that changed, as they were

    class Meta:
        ordering = ("at", "pk")
        verbose_name = _("change of a clock")
        verbose_name_plural = _("changes of clocks")

    def __str__(self) -> str:
        return f"{self.kind}: {self.why}"
