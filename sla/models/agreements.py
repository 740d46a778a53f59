"""What marketing and sales promise each other: agreements, signatures, commitments, targets, escalation."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from leads.models import Definition, Temperature
from leadsla.accounts.models import Side
from sla.models.calendars import Calendar
from sla.querysets import AgreementQuerySet


class Agreement(models.Model):
    """The SLA: a version of what marketing and sales promise each other for leads of a scope."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PROPOSED = "proposed", _("Proposed")
        SIGNED = "signed", _("Signed")
        ACTIVE = "active", _("In force")
        SUPERSEDED = "superseded", _("Superseded")
        ENDED = "ended", _("Ended")
        WITHDRAWN = "withdrawn", _("Taken back")

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
    ruling_person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )  # rules on a contest where the managers of both sides differ; null: then it counts for neither
    ruling_working_days = models.PositiveSmallIntegerField(default=5)
    restarts_on_reassignment = models.BooleanField(_("reassigning starts the clocks anew"), default=False)
    covers_second_leg = models.BooleanField(_("the times hold for the second leg, too"), default=False)
    based_on = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="drafts")
    why = models.TextField(_("why it should change"), blank=True)
    changes_score_model_only = models.BooleanField(default=False)  # holds as soon as both have signed
    starts_on = models.DateField(_("from"), null=True)  # a period boundary; null: as soon as both have signed
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    proposed_at = models.DateTimeField(null=True)
    text = models.JSONField(null=True)  # what was proposed and signed, word for word
    text_hash = models.CharField(max_length=64, blank=True)  # SHA-256 of `text`

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
            models.UniqueConstraint(
                fields=("series",),
                condition=Q(status__in=("draft", "proposed"), changes_score_model_only=False),
                name="one_open_draft_per_series",
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
    deputy_of = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
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
    counts_owner_hours = models.BooleanField(default=False)  # whose calendar counts: the owner's own, if they have one

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


class EscalationStep(models.Model):
    """What is done for a clock that nobody stops: at share × budget + minutes of working time after its start."""

    class Action(models.TextChoices):
        """What the step does, and for whom."""

        OWNER = "owner", _("remind the owner")
        MANAGER = "manager", _("tell the owner's manager")
        OTHER_SIDE = "other_side", _("tell the other side's person of the lead")
        PERSON = "person", _("tell a named person")
        OFFER = "offer", _("offer it to the whole team")
        REASSIGN = "reassign", _("give it to the next in turn")

    agreement = models.ForeignKey(Agreement, on_delete=models.CASCADE, related_name="escalation")
    temperature = models.CharField(max_length=4, choices=Temperature)
    measures = ArrayField(
        models.CharField(max_length=16, choices=Commitment.Measure), default=list, blank=True
    )  # of which clocks; empty: of all that no other step of this temperature names
    share = models.DecimalField(max_digits=5, decimal_places=3, default=1)  # of the budget; 0 is the start
    minutes = models.PositiveIntegerField(default=0)  # working minutes more
    action = models.CharField(max_length=10, choices=Action)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    is_urgent = models.BooleanField(_("also outside of the recipient's working hours"), default=False)

    class Meta:
        ordering = ("temperature", "share", "minutes", "pk")
        verbose_name = _("escalation step")
        verbose_name_plural = _("escalation steps")
        constraints = (
            models.CheckConstraint(
                condition=Q(action="person", recipient__isnull=False) | ~Q(action="person"),
                name="escalation_to_a_person_names_them",
            ),
            models.CheckConstraint(condition=Q(share__gte=0, share__lte=10), name="escalation_share_is_sensible"),
        )

    def __str__(self) -> str:
        return f"{self.temperature}: {self.action} at {self.share}"


class AgreementComment(models.Model):
    """Something said about a version, or about one of its clauses."""

    agreement = models.ForeignKey(Agreement, on_delete=models.CASCADE, related_name="comments")
    commitment = models.ForeignKey(Commitment, on_delete=models.PROTECT, null=True, related_name="+")  # null: the whole
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    said_at = models.DateTimeField()
    text = models.TextField()

    class Meta:
        ordering = ("said_at", "pk")
        verbose_name = _("comment")
        verbose_name_plural = _("comments")

    def __str__(self) -> str:
        return f"{self.by}: {self.text[:60]}"


class Deputy(models.Model):
    """Who may sign for a manager, from a day to a day."""

    side = models.CharField(max_length=10, choices=Side)
    manager = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="deputies")
    deputy = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until and including"))
    named_at = models.DateTimeField()

    class Meta:
        ordering = ("-starts_on", "pk")
        verbose_name = _("deputy")
        verbose_name_plural = _("deputies")
        constraints = (
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="deputy_ends_after_the_start"),
            models.CheckConstraint(condition=~Q(manager=F("deputy")), name="deputy_is_somebody_else"),
        )

    def __str__(self) -> str:
        return f"{self.deputy} for {self.manager}"
