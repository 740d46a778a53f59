"""Handoffs and their rounds. `sla.handoff` is the only writer of their moments."""

from __future__ import annotations

import uuid
from typing import ClassVar

import pghistory
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.models import Campaign, Definition, Door, Lead, Origin, ScoreModel, Source, Temperature
from leadsla.accounts.models import Side, Team
from sla.models.agreements import Agreement
from sla.querysets import HandoffQuerySet


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
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="second_legs"
    )  # of leg 2: the handoff from marketing that it goes on with
    is_notice = models.BooleanField(default=False)  # customer or open opportunity: told, not owed, not counted
    joins = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="joined"
    )  # a colleague's handoff of the same company
    counts = models.BooleanField(default=True)  # in quantity; one per company in 30 days
    is_above_range = models.BooleanField(default=False)  # measured, not counted
    is_above_share = models.BooleanField(default=False)  # more than the range gives a working day: no times are owed

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
            # The few whose clocks count differently: compliance joins its clocks with these only.
            models.Index(
                fields=("id",),
                include=("is_above_range", "is_above_share", "is_notice", "origin", "leg"),
                condition=Q(is_above_range=True)
                | Q(is_above_share=True)
                | Q(is_notice=True)
                | Q(leg__gt=1)
                | ~Q(origin="live"),
                name="handoff_apart",
            ),
        )

    def __str__(self) -> str:
        return f"{self.lead}, handed over {self.handed_over_at:%Y-%m-%d}" if self.handed_over_at else str(self.lead)


class Round(models.Model):
    """One question to sales about a handoff: its own pack, decision and clocks."""

    class Ruling(models.TextChoices):
        """What came of marketing's contest of a rejection."""

        UPHELD = "upheld", _("Upheld: the rejection stands")
        OVERTURNED = "overturned", _("Overturned: it counts as accepted")
        NEITHER = "neither", _("Not ruled in time: it counts for neither side")

    class OpenedBecause(models.TextChoices):
        HANDED_OVER = "handed_over", _("Handed over")
        FIXED = "fixed", _("Fixed and returned by marketing")
        REROUTED = "rerouted", _("Rerouted")
        OVERTURNED = "overturned", _("The rejection was overturned")

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
    contested_at = models.DateTimeField(null=True)  # marketing says the rejection is wrong; once
    contested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    contest = models.TextField(blank=True)  # why, in marketing's words
    ruling_due_at = models.DateTimeField(null=True)  # after it, without a ruling, the rejection counts for neither side
    ruling = models.CharField(max_length=10, choices=Ruling, blank=True)
    ruled_at = models.DateTimeField(null=True)
    ruled_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

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
            models.CheckConstraint(condition=Q(ruled_at=None) ^ ~Q(ruling=""), name="ruling_has_its_moment"),
            models.CheckConstraint(
                condition=Q(contested_at=None, ruling_due_at=None, ruling="")
                | Q(contested_at__isnull=False, ruling_due_at__isnull=False, decision="rejected"),
                name="only_a_rejection_is_contested",
            ),
        )
        indexes = (
            models.Index(
                fields=("ruling_due_at",),
                condition=Q(contested_at__isnull=False, ruling=""),
                name="round_waits_for_a_ruling",
            ),
            # Compliance reads a period's rounds from here: the rows themselves are long, because of the packs.
            models.Index(
                fields=("opened_at",),
                include=(
                    "handoff",
                    "number",
                    "opened_because",
                    "decision",
                    "decided_at",
                    "reason",
                    "is_counted",
                    "is_usable",
                    "returned_at",
                    "contested_at",
                    "ruling_due_at",
                    "ruling",
                    "ruled_at",
                ),
                name="round_by_opening",
            ),
        )

    def __str__(self) -> str:
        return f"round {self.number}"


class RulingWord(models.Model):
    """What one person says about a contested rejection: a manager of each side, and a third person if they differ."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="ruling_words")
    side = models.CharField(max_length=10, choices=Side, blank=True)  # empty: the third person that is named
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ruling = models.CharField(max_length=10, choices=Round.Ruling)
    why = models.TextField(blank=True)
    said_at = models.DateTimeField()

    class Meta:
        ordering = ("said_at", "pk")
        verbose_name = _("word on a contest")
        verbose_name_plural = _("words on contests")
        constraints = (
            models.UniqueConstraint(fields=("round", "side"), name="one_word_per_side_and_contest"),
            models.CheckConstraint(condition=~Q(ruling="neither"), name="a_word_is_for_one_side"),
        )

    def __str__(self) -> str:
        return f"{self.by}: {self.ruling}"
