"""What sales says: reasons, answers, follow-ups, outcomes."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from sla.models import Decision, Handoff, Round


class Reason(models.Model):
    """Why sales rejects or gives back a lead, and what follows. Retired, never deleted."""

    class When(models.TextChoices):
        REJECT = "reject", _("When rejecting")
        AFTER_CONTACT = "after_contact", _("After contact")
        AFTER_ATTEMPTS = "after_attempts", _("After the agreed attempts")
        ANY = "any", _("At any time")

    class Consequence(models.TextChoices):
        FIX = "fix", _("marketing fixes")
        MERGE = "merge", _("merged")
        ATTACH = "attach", _("attached to the opportunity")
        ACCOUNT_MANAGER = "account_manager", _("account manager told")
        REROUTE = "reroute", _("other team")
        DISQUALIFY = "disqualify", _("ends here")
        BLOCK = "block", _("ends here, blocked")
        SUPPRESS = "suppress", _("ends here, not contacted again")
        RECYCLE = "recycle", _("back to nurturing")
        REVIEW = "review", _("manager decides")

    class Asks(models.TextChoices):
        NOTHING = "", _("nothing")
        FIELD = "field", _("Which field is wrong?")
        CORRECTION = "correction", _("Which one, and what is right?")
        LEAD = "lead", _("Which lead is the other one? (e-mail or link)")
        OPPORTUNITY = "opportunity", _("Which opportunity?")
        TEAM = "team", _("Which team is right?")
        CRITERION = "criterion", _("Which criterion?")
        ROLE = "role", _("Which role did you see?")
        MISREAD = "misread", _("What was misread?")
        DATE = "date", _("When should they come back?")
        WHO = "who", _("Who did they choose?")
        FEATURE = "feature", _("Which feature is missing?")
        TEXT = "text", _("What happened?")

    class Counts(models.TextChoices):
        NOT_AS_DEFINED = "not_as_defined", _("not as defined: counts against marketing's quality")
        AS_DEFINED_BUT = "as_defined_but", _("as defined, but: counts against the definition")
        NEITHER = "neither", _("counts against neither side")

    code = models.SlugField(max_length=40, unique=True)
    label = models.CharField(_("label"), max_length=120)
    when = models.CharField(_("when"), max_length=14, choices=When)
    consequence = models.CharField(_("then"), max_length=16, choices=Consequence)
    recycle_days = models.PositiveSmallIntegerField(_("recycled for days"), null=True, blank=True)
    asks = models.CharField(_("asks for"), max_length=12, choices=Asks, blank=True)
    counts = models.CharField(_("counts"), max_length=14, choices=Counts)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        ordering = ("position", "pk")
        verbose_name = _("decision reason")
        verbose_name_plural = _("decision reasons")
        constraints = (
            models.CheckConstraint(
                condition=Q(consequence="recycle") | Q(recycle_days=None), name="only_recycling_has_days"
            ),
        )

    def __str__(self) -> str:
        return self.label


class Answer(models.Model):
    """One decision on one round (or a giving back), with all that sales said. Undone ones are kept."""

    class Kind(models.TextChoices):
        DECISION = "decision", _("Decision")
        GIVEN_BACK = "given_back", _("Given back")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="answers")
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="answers")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.DECISION)
    decision = models.CharField(max_length=8, choices=Decision)
    reason = models.ForeignKey(Reason, on_delete=models.PROTECT, null=True, related_name="answers")
    asked = models.JSONField(default=dict)  # what the reason asks for: {"text": …}, {"date": …}, {"team": id} …
    remark = models.TextField(max_length=4000, blank=True)
    quality = models.PositiveSmallIntegerField(null=True, validators=[MinValueValidator(1), MaxValueValidator(5)])
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="answers")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    not_before = models.DateTimeField()  # when messages and consequence are carried out
    carried_out_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    seen_at = models.DateTimeField(null=True)  # by marketing, under "Sales feedback"

    class Meta:
        ordering = ("-occurred_at", "-pk")
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = (
            models.UniqueConstraint(
                fields=("round", "kind"), condition=Q(undone_at=None), name="one_standing_answer_per_round_and_kind"
            ),
            models.CheckConstraint(
                condition=Q(undone_at=None) | Q(carried_out_at=None), name="answer_is_undone_or_carried_out"
            ),
            models.CheckConstraint(
                condition=Q(decision="accepted", kind="decision") | Q(reason__isnull=False),
                name="answer_other_than_accepting_has_a_reason",
            ),
        )
        indexes = (
            models.Index(
                fields=("not_before",), condition=Q(carried_out_at=None, undone_at=None), name="answer_to_carry_out"
            ),
            # Counted on every page of marketing.
            models.Index(
                fields=("handoff",), condition=Q(seen_at=None, carried_out_at__isnull=False), name="answer_unseen"
            ),
        )

    def __str__(self) -> str:
        return f"{self.decision} by {self.by}"


class FollowUp(models.Model):
    """One attempt of sales to reach a lead, and how it went."""

    class Channel(models.TextChoices):
        CALL = "call", _("Call")
        EMAIL = "email", _("E-mail")
        MESSAGE = "message", _("Message")
        MEETING = "meeting", _("Meeting")

    class Result(models.TextChoices):
        NO_ANSWER = "no_answer", _("No answer")
        LEFT_MESSAGE = "left_message", _("Left a message")
        REACHED = "reached", _("Reached")
        WRONG_CONTACT = "wrong_contact", _("Wrong number or address")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="follow_ups")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="follow_ups")
    channel = models.CharField(_("channel"), max_length=8, choices=Channel)
    result = models.CharField(_("result"), max_length=14, choices=Result)
    occurred_at = models.DateTimeField(_("when"))
    recorded_at = models.DateTimeField()
    by_hand = models.BooleanField(default=True)
    counts = models.BooleanField(default=True)  # as an attempt
    note = models.TextField(_("note"), max_length=4000, blank=True)
    next_step = models.CharField(_("next step"), max_length=200, blank=True)
    next_step_at = models.DateTimeField(_("on"), null=True, blank=True)
    system = models.CharField(max_length=60, blank=True)
    external_id = models.CharField(max_length=190, blank=True)

    class Meta:
        ordering = ("-occurred_at", "-pk")
        verbose_name = _("follow-up")
        verbose_name_plural = _("follow-ups")
        constraints = (
            models.UniqueConstraint(
                fields=("system", "external_id"), condition=~Q(external_id=""), name="one_follow_up_per_external_id"
            ),
        )

    def __str__(self) -> str:
        return f"{self.channel}: {self.result}"


class OutcomeReport(models.Model):
    """One result that sales reports: meeting, opportunity, won or lost."""

    class Kind(models.TextChoices):
        MEETING = "meeting", _("Meeting")
        OPPORTUNITY = "opportunity", _("Opportunity")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="outcomes")
    kind = models.CharField(_("outcome"), max_length=11, choices=Kind)
    amount = models.DecimalField(
        _("amount"), max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    lost_because = models.CharField(_("why lost"), max_length=200, blank=True)
    note = models.TextField(_("note"), max_length=4000, blank=True)
    occurred_at = models.DateTimeField(_("when"))
    is_date = models.BooleanField(default=False)  # only the day is known
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="outcomes")
    system = models.CharField(max_length=60, blank=True)
    external_id = models.CharField(max_length=190, blank=True)
    attributes = models.JSONField(default=dict, blank=True)  # what else the other system said
    flag = models.CharField(max_length=250, blank=True)

    class Meta:
        ordering = ("-occurred_at", "-pk")
        verbose_name = _("outcome")
        verbose_name_plural = _("outcomes")
        constraints = (
            models.UniqueConstraint(
                fields=("system", "external_id", "kind"),
                condition=~Q(external_id=""),
                name="one_outcome_per_external_id",
            ),
            models.CheckConstraint(condition=Q(amount=None) | ~Q(currency=""), name="outcome_amount_has_a_currency"),
            models.CheckConstraint(condition=Q(amount=None) | Q(amount__gte=0), name="outcome_amount_not_negative"),
        )

    def __str__(self) -> str:
        return self.get_kind_display()
