"""How promises stand, and acceptance by dimension. Derived; recompute replaces the rows."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from sla.models.agreements import Agreement, Commitment
from sla.querysets import AcceptanceRateQuerySet


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
