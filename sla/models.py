"""The contract: calendars, agreements and their commitments, handoffs with rounds, clocks, routing, compliance."""

from __future__ import annotations

import uuid
from typing import ClassVar

import pghistory
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from leads.models import Campaign, Definition, Door, Lead, Origin, ScoreModel, Source, Temperature
from leadsla.accounts.models import Side, Team
from sla.querysets import AcceptanceRateQuerySet, AgreementQuerySet, ClockQuerySet, HandoffQuerySet

# --- working time ----------------------------------------------------------------------------------------------------


class Calendar(models.Model):
    """Working time under a name; its hours are in versions."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120, unique=True)

    class Meta:
        ordering = ("name",)
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")

    def __str__(self) -> str:
        return self.name


class CalendarVersion(models.Model):
    """The hours of a calendar from a moment on; never changed once a clock ran under it."""

    calendar = models.ForeignKey(Calendar, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    timezone = models.CharField(_("time zone"), max_length=64)
    hours = models.JSONField()  # {"mon": [["09:00", "12:00"], …], …} in local wall-clock time
    holidays_country = models.CharField(_("holidays of"), max_length=2, blank=True)
    holidays_region = models.CharField(_("region"), max_length=10, blank=True)
    closed_days = models.JSONField(default=list, blank=True)  # own closed days, ISO dates
    special_days = models.JSONField(default=dict, blank=True)  # ISO date → windows that replace the weekly ones
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("calendar", "-version")
        verbose_name = _("calendar version")
        verbose_name_plural = _("calendar versions")
        constraints = (models.UniqueConstraint(fields=("calendar", "version"), name="one_calendar_version_per_number"),)

    def __str__(self) -> str:
        return f"{self.calendar} (version {self.version})"


# --- agreement -------------------------------------------------------------------------------------------------------


class Agreement(models.Model):
    """The SLA: a version of what marketing and sales promise each other for leads of a scope."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PROPOSED = "proposed", _("Proposed")
        SIGNED = "signed", _("Signed")
        ACTIVE = "active", _("In force")
        SUPERSEDED = "superseded", _("Superseded")
        ENDED = "ended", _("Ended")

    class Period(models.TextChoices):
        MONTH = "month", _("month")
        QUARTER = "quarter", _("quarter")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    series = models.UUIDField(default=uuid.uuid4, editable=False)  # all versions of one agreement
    version = models.PositiveIntegerField()
    name = models.CharField(_("name"), max_length=120)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    is_provisional = models.BooleanField(default=False)  # the seed: in force, unsigned, "not agreed yet"
    position = models.PositiveSmallIntegerField(default=0)  # the first whose scope holds applies
    scope = models.JSONField(null=True, blank=True)  # condition; null holds for every lead
    period = models.CharField(max_length=8, choices=Period, default=Period.MONTH)
    timezone = models.CharField(_("time zone"), max_length=64)
    calendar = models.ForeignKey(Calendar, on_delete=models.PROTECT, related_name="+")
    definition = models.ForeignKey(Definition, on_delete=models.PROTECT, related_name="+")
    in_force_from = models.DateTimeField(null=True)
    in_force_until = models.DateTimeField(null=True)
    hands_over_automatically = models.BooleanField(_("qualified leads are handed over by themselves"), default=True)
    counts_companies = models.BooleanField(_("one per company in 30 days counts"), default=True)
    settle_working_days = models.PositiveSmallIntegerField(default=10)
    kept_working_days = models.PositiveSmallIntegerField(default=10)
    opportunity_working_days = models.PositiveSmallIntegerField(default=30)
    customer_days = models.PositiveSmallIntegerField(default=90)
    text_hash = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()

    objects: ClassVar[AgreementQuerySet] = AgreementQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ("position", "-version")
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")
        constraints = (
            models.UniqueConstraint(fields=("series", "version"), name="one_agreement_version_per_series"),
            models.UniqueConstraint(
                fields=("series",), condition=Q(status="active"), name="one_active_agreement_per_series"
            ),
            models.CheckConstraint(
                condition=~Q(status="active") | Q(in_force_from__isnull=False), name="active_agreement_has_start"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} (version {self.version})"


class Signature(models.Model):
    """One side's signature under the hash of an agreement's text."""

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="signatures")
    side = models.CharField(max_length=10, choices=Side)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()
    text_hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        constraints = (models.UniqueConstraint(fields=("agreement", "side"), name="one_signature_per_side"),)

    def __str__(self) -> str:
        return f"{self.signed_by} for {self.side}"


class Commitment(models.Model):
    """One promise of one side; keeps its id over all versions of agreements."""

    class Measure(models.TextChoices):
        """What is measured. The first nine are clocks: a share kept in time; the rest are counts and rates."""

        DECIDE = "decide", _("Decided in time")
        FIRST_FOLLOW_UP = "first_follow_up", _("First follow-up in time")
        ATTEMPTS = "attempts", _("Attempts before giving up")
        FIRST_RESULT = "first_result", _("First result reported")
        UPDATE = "update", _("Open leads updated")
        OUTCOME = "outcome", _("Outcomes reported")
        FIX = "fix", _("Returned leads fixed")
        HAND_OVER = "hand_over", _("Handed over in time")
        ANSWER = "answer", _("Requests answered")
        QUANTITY = "quantity", _("Qualified leads")
        ACCEPTED = "accepted", _("Accepted by sales")
        OPPORTUNITIES = "opportunities", _("Become opportunities")
        CUSTOMERS = "customers", _("Become customers")
        USABLE_REASONS = "usable_reasons", _("Usable reasons given")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    measure = models.CharField(max_length=16, choices=Measure)
    side = models.CharField(max_length=10, choices=Side)

    class Meta:
        verbose_name = _("commitment")
        verbose_name_plural = _("commitments")
        constraints = (models.UniqueConstraint(fields=("measure", "side"), name="one_commitment_per_measure_and_side"),)

    def __str__(self) -> str:
        return self.get_measure_display()


class Target(models.Model):
    """What one agreement promises under one commitment: a range or a rate."""

    agreement = models.ForeignKey(Agreement, on_delete=models.CASCADE, related_name="targets")
    commitment = models.ForeignKey(Commitment, on_delete=models.PROTECT, related_name="targets")
    position = models.PositiveSmallIntegerField(default=0)  # contract order
    at_least = models.DecimalField(max_digits=8, decimal_places=4)  # rate 0–1, or a count
    at_most = models.DecimalField(max_digits=8, decimal_places=4, null=True)  # upper end of a range
    note = models.CharField(max_length=250, blank=True)  # where the figure comes from

    class Meta:
        ordering = ("position",)
        verbose_name = _("target")
        verbose_name_plural = _("targets")
        constraints = (
            models.UniqueConstraint(fields=("agreement", "commitment"), name="one_target_per_commitment"),
            models.CheckConstraint(
                condition=Q(at_most=None) | Q(at_most__gte=F("at_least")), name="target_range_is_in_order"
            ),
        )

    def __str__(self) -> str:
        return f"{self.commitment}: {self.at_least}"


class TimeLimit(models.Model):
    """The time that a clock of a commitment has, for one temperature."""

    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="limits")
    temperature = models.CharField(max_length=4, choices=Temperature)
    minutes = models.PositiveIntegerField(null=True)  # either working minutes …
    working_days = models.PositiveSmallIntegerField(null=True)  # … or working days of the calendar
    calendar = models.ForeignKey(Calendar, on_delete=models.PROTECT, related_name="+")
    attempts = models.PositiveSmallIntegerField(null=True)  # of `attempts`: how many
    channels = models.PositiveSmallIntegerField(null=True)  # … on how many channels
    warn_share = models.DecimalField(max_digits=3, decimal_places=2, default=0.8)  # of the budget used

    class Meta:
        verbose_name = _("time limit")
        verbose_name_plural = _("time limits")
        constraints = (
            models.UniqueConstraint(fields=("target", "temperature"), name="one_limit_per_target_and_temperature"),
            models.CheckConstraint(
                condition=Q(minutes=None) ^ Q(working_days=None), name="limit_is_minutes_or_working_days"
            ),
        )

    def __str__(self) -> str:
        return f"{self.temperature}: {self.minutes or self.working_days}"


# --- routing ---------------------------------------------------------------------------------------------------------


class Capacity(models.Model):
    """How much a rep gets: a weight among the team and a cap of open handoffs."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="capacity")
    weight = models.DecimalField(
        _("weight"), max_digits=4, decimal_places=2, default=1, validators=[MinValueValidator(0)]
    )
    open_at_most = models.PositiveSmallIntegerField(_("open handoffs at most"), default=40)

    class Meta:
        verbose_name = _("capacity")
        verbose_name_plural = _("capacities")

    def __str__(self) -> str:
        return f"{self.user}: {self.weight}"


class RoutingRule(models.Model):
    """Which team gets leads that meet a condition; the first that holds decides."""

    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(_("name"), max_length=120)
    condition = models.JSONField(null=True, blank=True)  # null holds for every lead
    team = models.ForeignKey(Team, verbose_name=_("team"), on_delete=models.PROTECT, related_name="routing_rules")
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        ordering = ("position", "pk")
        verbose_name = _("routing rule")
        verbose_name_plural = _("routing rules")

    def __str__(self) -> str:
        return self.name


# --- handoff ---------------------------------------------------------------------------------------------------------


class Decision(models.TextChoices):
    """Sales's answer to a round."""

    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Rejected")


@pghistory.track(
    pghistory.InsertEvent("created"),
    pghistory.UpdateEvent(
        "changed",
        condition=pghistory.AnyChange("owner", "to_team", "decision", "round", "closed_at", "given_back_at"),
    ),
    fields=["owner", "to_team", "decision", "reason", "round", "closed_at", "given_back_at"],
    model_name="HandoffEvent",
    obj_field=pghistory.ObjForeignKey(related_name="history", related_query_name="history"),
)
class Handoff(models.Model):
    """One transfer of one lead from one team to another. `sla.handoff` is the only writer of its moments."""

    class ClosedBecause(models.TextChoices):
        REJECTED = "rejected", _("Rejected")
        GIVEN_BACK = "given_back", _("Given back")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")
        WITHDRAWN = "withdrawn", _("Withdrawn by marketing")
        NOTICE = "notice", _("Notice to the account's owner")
        MERGED = "merged", _("Merged")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="handoffs")
    leg = models.PositiveSmallIntegerField(default=1)
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.LIVE)
    is_notice = models.BooleanField(default=False)  # customer or open opportunity: told, not owed, not counted
    joins = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="joined"
    )  # a colleague's handoff of the same company
    counts = models.BooleanField(default=True)  # in quantity; one per company in 30 days
    is_above_range = models.BooleanField(default=False)  # measured, not counted

    # Copied when it was handed over; compliance and insight group by these only.
    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, null=True, related_name="handoffs")
    definition = models.ForeignKey(Definition, on_delete=models.PROTECT, null=True, related_name="+")
    score_model = models.ForeignKey(ScoreModel, on_delete=models.PROTECT, null=True, related_name="+")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, related_name="handoffs")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, null=True, related_name="handoffs")
    from_team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="handoffs_given")
    to_team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="handoffs_taken")
    door = models.CharField(max_length=8, choices=Door, blank=True)
    temperature = models.CharField(max_length=4, choices=Temperature, blank=True)
    score = models.DecimalField(max_digits=6, decimal_places=1, null=True)
    grade = models.CharField(max_length=2, blank=True)
    band = models.CharField(max_length=20, blank=True)
    override_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    override_reason = models.TextField(blank=True)
    routing = models.JSONField(default=dict)  # why this team and this person

    handed_over_at = models.DateTimeField(null=True)  # null: an imported past that does not know
    handed_over_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="handoffs_given"
    )  # null: by itself
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="handoffs"
    )  # null: in the team's queue
    owner_since = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()

    # Moments of the current round, kept here for lists and compliance; the round keeps its own.
    round = models.PositiveSmallIntegerField(default=1)
    decision = models.CharField(max_length=8, choices=Decision, blank=True)
    reason = models.SlugField(max_length=40, blank=True)
    decided_at = models.DateTimeField(null=True)
    is_returned = models.BooleanField(default=False)  # with marketing, to be fixed
    first_follow_up_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_follow_up_at = models.DateTimeField(null=True)
    next_step_at = models.DateTimeField(null=True)
    reached_at = models.DateTimeField(null=True)
    meeting_at = models.DateTimeField(null=True)
    opportunity_at = models.DateTimeField(null=True)
    given_back_at = models.DateTimeField(null=True)
    given_back_reason = models.SlugField(max_length=40, blank=True)
    given_back_blames_marketing = models.BooleanField(default=False)  # for a reason that is "not as defined"
    won_at = models.DateTimeField(null=True)
    lost_at = models.DateTimeField(null=True)
    revenue = models.DecimalField(max_digits=14, decimal_places=2, null=True, validators=[MinValueValidator(0)])
    currency = models.CharField(max_length=3, blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_because = models.CharField(max_length=10, choices=ClosedBecause, blank=True)
    moments_are_dates = models.BooleanField(default=False)  # imported moments know only the day
    flag = models.CharField(max_length=250, blank=True)  # what is odd, as "won before its first contact"

    objects: ClassVar[HandoffQuerySet] = HandoffQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ("-handed_over_at", "-pk")
        verbose_name = _("handoff")
        verbose_name_plural = _("handoffs")
        constraints = (
            models.UniqueConstraint(
                fields=("lead", "leg"), condition=Q(closed_at=None), name="one_open_handoff_per_lead_and_leg"
            ),
            models.CheckConstraint(condition=Q(closed_at=None) ^ ~Q(closed_because=""), name="closed_handoff_says_why"),
            models.CheckConstraint(condition=Q(decided_at=None) ^ ~Q(decision=""), name="decision_has_its_moment"),
            models.CheckConstraint(condition=Q(revenue=None) | ~Q(currency=""), name="revenue_has_a_currency"),
            models.CheckConstraint(condition=Q(revenue=None) | Q(revenue__gte=0), name="revenue_is_not_negative"),
            models.CheckConstraint(
                condition=Q(origin="import") | Q(handed_over_at__isnull=False), name="live_handoff_has_its_moment"
            ),
        )
        indexes = (
            models.Index(fields=("owner",), condition=Q(closed_at=None), name="handoff_open_by_owner"),
            models.Index(fields=("to_team",), condition=Q(closed_at=None), name="handoff_open_by_team"),
            models.Index(fields=("agreement", "handed_over_at"), name="handoff_by_period"),
            models.Index(fields=("lead",), name="handoff_by_lead"),
            models.Index(fields=("-handed_over_at", "-id"), name="handoff_by_moment"),
            models.Index(fields=("decided_at",), name="handoff_by_decision"),
        )

    def __str__(self) -> str:
        return f"{self.lead}, handed over {self.handed_over_at:%Y-%m-%d}" if self.handed_over_at else str(self.lead)


class Round(models.Model):
    """One question to sales about a handoff: its own pack, decision and clocks."""

    class OpenedBecause(models.TextChoices):
        HANDED_OVER = "handed_over", _("Handed over")
        FIXED = "fixed", _("Fixed and returned by marketing")
        REROUTED = "rerouted", _("Rerouted")

    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveSmallIntegerField()
    opened_at = models.DateTimeField(null=True)
    opened_because = models.CharField(max_length=12, choices=OpenedBecause, default=OpenedBecause.HANDED_OVER)
    to_team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="+")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    pack = models.JSONField(default=dict)  # versioned; everything known at that moment
    person = models.JSONField(default=dict)  # name, contact, free text; erasure empties it
    pack_version = models.PositiveSmallIntegerField(default=1)
    decision = models.CharField(max_length=8, choices=Decision, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.SlugField(max_length=40, blank=True)
    is_not_as_defined = models.BooleanField(null=True)  # the reason counts against marketing
    is_counted = models.BooleanField(default=True)  # false: the reason does not count against marketing
    is_usable = models.BooleanField(default=True)  # a reason that marketing can act on
    quality = models.PositiveSmallIntegerField(null=True, validators=[MinValueValidator(1), MaxValueValidator(5)])
    returned_at = models.DateTimeField(null=True)  # given to marketing to be fixed

    class Meta:
        ordering = ("number",)
        verbose_name = _("round")
        verbose_name_plural = _("rounds")
        constraints = (
            models.UniqueConstraint(fields=("handoff", "number"), name="one_round_per_number"),
            models.CheckConstraint(condition=Q(decided_at=None) ^ ~Q(decision=""), name="round_decision_has_moment"),
            models.CheckConstraint(
                condition=~Q(decision="rejected") | ~Q(reason=""), name="rejected_round_has_a_reason"
            ),
            models.CheckConstraint(condition=Q(quality=None) | Q(quality__range=(1, 5)), name="quality_is_one_to_five"),
        )

    def __str__(self) -> str:
        return f"round {self.number}"


class Assignment(models.Model):
    """One line of the fairness ledger: who was given which handoff, when and why."""

    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="assignments")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="assignments")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="assignments")
    temperature = models.CharField(max_length=4, choices=Temperature)
    assigned_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=250)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    counts = models.BooleanField(default=True)  # in the ledger of turns
    credited_back = models.BooleanField(default=False)

    class Meta:
        ordering = ("assigned_at", "pk")
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        indexes = (models.Index(fields=("team", "temperature", "assigned_at"), name="assignment_ledger"),)

    def __str__(self) -> str:
        return f"{self.user}: {self.why}"


# --- clocks ----------------------------------------------------------------------------------------------------------


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
    budget_seconds = models.FloatField()  # working seconds, pauses included
    due_at = models.DateTimeField()
    warn_at = models.DateTimeField(null=True)
    warned_at = models.DateTimeField(null=True)
    next_step_at = models.DateTimeField(null=True)  # the next moment at which the sweep has something to do
    breached_at = models.DateTimeField(null=True)  # the due time, never when it was noticed
    paused_at = models.DateTimeField(null=True)
    paused_seconds = models.FloatField(default=0)
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
        WARNED = "warned", _("Owner warned")
        BREACHED = "breached", _("Past due")

    clock = models.ForeignKey(Clock, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=10, choices=Kind)
    due_at = models.DateTimeField()  # when it was to be taken
    taken_at = models.DateTimeField()

    class Meta:
        ordering = ("taken_at", "pk")
        verbose_name = _("clock step")
        verbose_name_plural = _("clock steps")
        constraints = (models.UniqueConstraint(fields=("clock", "kind"), name="each_step_once_per_clock"),)

    def __str__(self) -> str:
        return self.kind


# --- compliance ------------------------------------------------------------------------------------------------------


class ComplianceStatus(models.TextChoices):
    """How a promise stands, in the words that every page uses."""

    EARLY = "early", _("Too early")
    TRACK = "track", _("On track")
    RISK = "risk", _("At risk")
    MET = "met", _("Met")
    MISSED = "missed", _("Missed")
    TOO_FEW = "too_few", _("Too few to say")


class Compliance(models.Model):
    """How one commitment of one agreement stands in one period. Derived; recompute replaces it."""

    agreement = models.ForeignKey(Agreement, on_delete=models.CASCADE, related_name="compliance")
    commitment = models.ForeignKey(Commitment, on_delete=models.CASCADE, related_name="compliance")
    period_start = models.DateField()
    period_end = models.DateField()  # the first day after it
    at_least = models.DecimalField(max_digits=8, decimal_places=4)
    at_most = models.DecimalField(max_digits=8, decimal_places=4, null=True)
    kept = models.PositiveIntegerField()  # numerator; of quantity: how many
    cases = models.PositiveIntegerField()  # denominator; of quantity: the same
    open_cases = models.PositiveIntegerField(default=0)  # running clocks, waiting decisions …
    waived = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)  # overrides, reasons that do not count
    value = models.FloatField(null=True)  # kept ÷ cases, or kept
    low = models.FloatField(null=True)  # 95 % Wilson interval
    high = models.FloatField(null=True)
    expected = models.FloatField(null=True)  # at the period's end
    expected_low = models.FloatField(null=True)
    expected_high = models.FloatField(null=True)
    probability = models.FloatField(null=True)  # of keeping the promise
    status = models.CharField(max_length=8, choices=ComplianceStatus)
    is_settled = models.BooleanField(default=False)
    counts_from = models.DateField(null=True)  # of "too early": from when it can be judged
    settled_kept = models.PositiveIntegerField(null=True)  # what was shown when it was settled; later facts restate it
    settled_cases = models.PositiveIntegerField(null=True)
    settled_at = models.DateTimeField(null=True)
    computed_at = models.DateTimeField()

    class Meta:
        ordering = ("-period_start", "commitment")
        verbose_name = _("compliance")
        verbose_name_plural = _("compliance")
        constraints = (
            models.UniqueConstraint(
                fields=("agreement", "commitment", "period_start"), name="one_compliance_row_per_period"
            ),
        )

    def __str__(self) -> str:
        return f"{self.commitment}, {self.period_start:%Y-%m}: {self.value}"


class AcceptanceRate(models.Model):
    """How many handed over and decided leads were accepted, by one dimension in one period. Derived."""

    class Dimension(models.TextChoices):
        ALL = "all", _("All")
        SOURCE = "source", _("Source")
        CAMPAIGN = "campaign", _("Campaign")
        TEAM = "team", _("Team")
        PERSON = "person", _("Person")
        BAND = "band", _("Score band")

    period_start = models.DateField()
    period_end = models.DateField()
    dimension = models.CharField(max_length=8, choices=Dimension)
    key = models.CharField(max_length=60)  # id of the source, campaign, team or user; the band's code; "" for none
    label = models.CharField(max_length=200)
    handed_over = models.PositiveIntegerField()
    decided = models.PositiveIntegerField()
    accepted = models.PositiveIntegerField()
    left_out = models.PositiveIntegerField(default=0)
    won = models.PositiveIntegerField(default=0)
    rate = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    computed_at = models.DateTimeField()

    objects: ClassVar[AcceptanceRateQuerySet] = AcceptanceRateQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ("-period_start", "dimension", "label")
        verbose_name = _("acceptance rate")
        verbose_name_plural = _("acceptance rates")
        constraints = (
            models.UniqueConstraint(fields=("period_start", "dimension", "key"), name="one_acceptance_row_per_key"),
        )

    def __str__(self) -> str:
        return f"{self.label}, {self.period_start:%Y-%m}: {self.rate}"
