"""What plans start from: a company's assumptions about money, and questions that are replayed on its past."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from sla.models.agreements import Agreement


class Assumptions(models.Model):
    """What plans assume about money and hours: one row, edited by managers and operations."""

    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    revenue_goal = models.DecimalField(
        _("new revenue a period, the goal"),
        max_digits=14,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    marketing_share = models.DecimalField(
        _("of it from marketing's leads"),
        max_digits=4,
        decimal_places=3,
        default=1,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
    )
    average_deal = models.DecimalField(
        _("average deal"), max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )  # null: from own history
    customer_rate = models.DecimalField(
        _("leads that become customers"),
        max_digits=5,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
    )  # null: from own history
    customer_days = models.PositiveSmallIntegerField(
        _("days to become a customer"), null=True, blank=True, validators=[MinValueValidator(1)]
    )  # null: from own history
    hourly_cost = models.DecimalField(
        _("cost of an hour of sales"), max_digits=8, decimal_places=2, default=60, validators=[MinValueValidator(0)]
    )
    minutes_per_rejected = models.PositiveSmallIntegerField(_("minutes for a rejected lead"), default=45)
    minutes_per_accepted = models.PositiveSmallIntegerField(_("minutes for an accepted lead"), default=120)

    class Meta:
        verbose_name = _("assumptions")
        verbose_name_plural = _("assumptions")
        constraints = (models.CheckConstraint(condition=Q(pk=1), name="one_row_of_assumptions"),)

    def __str__(self) -> str:
        return str(_("assumptions"))


class WhatIf(models.Model):
    """A question to the past: what would another line, criterion, target or capacity have given?"""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    agreement = models.ForeignKey(Agreement, on_delete=models.CASCADE, related_name="what_ifs")
    question = models.JSONField()
    status = models.CharField(max_length=9, choices=Status, default=Status.WAITING)
    done = models.PositiveIntegerField(default=0)  # handoffs looked at …
    of = models.PositiveIntegerField(default=0)  # … of so many
    result = models.JSONField(null=True)
    error = models.TextField(blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    touched_at = models.DateTimeField()  # a run that has not been heard of for a while is taken up again
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-asked_at",)
        verbose_name = _("what-if")
        verbose_name_plural = _("what-ifs")

    def __str__(self) -> str:
        return f"{self.agreement}, {self.asked_at:%Y-%m-%d %H:%M}"
