"""What belongs to campaigns: corrections of costs, briefs for sales, tracking rules, asks of sales."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.models.sources import Campaign, Source


class CampaignCostChange(models.Model):
    """What was entered or corrected about a cost, in words."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="cost_changes")
    words = models.CharField(max_length=400)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ("-at", "-pk")
        verbose_name = _("change of a cost")
        verbose_name_plural = _("changes of costs")

    def __str__(self) -> str:
        return self.words


class CampaignBrief(models.Model):
    """The brief for sales as it read at a time. The newest version is the campaign's own text."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="briefs")
    number = models.PositiveIntegerField()
    audience = models.TextField(blank=True)
    message = models.TextField(blank=True)
    question = models.TextField(blank=True)
    expected_leads = models.PositiveIntegerField(null=True)
    starts_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ("-number",)
        verbose_name = _("version of a brief")
        verbose_name_plural = _("versions of briefs")
        constraints = (models.UniqueConstraint(fields=("campaign", "number"), name="one_brief_per_number"),)

    def __str__(self) -> str:
        return f"{self.campaign} {self.number}"


class UtmRule(models.Model):
    """Which source and campaign an arrival with these `utm_` parameters comes from. The first that holds counts."""

    position = models.IntegerField(default=0)
    utm_source = models.CharField("utm_source", max_length=120, blank=True)
    utm_medium = models.CharField("utm_medium", max_length=120, blank=True)
    utm_campaign = models.CharField("utm_campaign", max_length=120, blank=True)
    utm_content = models.CharField("utm_content", max_length=120, blank=True)
    source = models.ForeignKey(
        Source, verbose_name=_("source"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, null=True, blank=True, related_name="utm_rules"
    )
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        ordering = ("position", "pk")
        verbose_name = _("tracking rule")
        verbose_name_plural = _("tracking rules")
        constraints = (
            models.CheckConstraint(
                condition=~Q(utm_source="", utm_medium="", utm_campaign="", utm_content=""),
                name="utm_rule_asks_for_something",
            ),
            models.CheckConstraint(condition=~Q(source=None, campaign=None), name="utm_rule_says_something"),
        )

    def __str__(self) -> str:
        return f"{self.position}: {self.source or ''} {self.campaign or ''}"


class Ask(models.Model):
    """What sales asks marketing for, and the answer."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    text = models.TextField()
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, null=True, blank=True, related_name="asks")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="asks")
    asked_at = models.DateTimeField()
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-asked_at", "-pk")
        verbose_name = _("ask of sales")
        verbose_name_plural = _("asks of sales")
        constraints = (
            models.CheckConstraint(
                condition=Q(answered_at=None, answer="") | (Q(answered_at__isnull=False) & ~Q(answer="")),
                name="answered_ask_has_an_answer",
            ),
        )
        indexes = (models.Index(fields=("asked_at",), condition=Q(answered_at=None), name="ask_open"),)

    def __str__(self) -> str:
        return self.text[:80]
