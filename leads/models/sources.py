"""Where leads come from: channels, sources, campaigns and what they cost."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leadsla.accounts.models import Side, Team


class Channel(models.Model):
    """A kind of place where leads come from."""

    class Direction(models.TextChoices):
        INBOUND = "inbound", _("Inbound")
        OUTBOUND = "outbound", _("Outbound")
        REFERRAL = "referral", _("Referral")

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    direction = models.CharField(_("direction"), max_length=10, choices=Direction)
    side = models.CharField(_("whose"), max_length=10, choices=Side)

    class Meta:
        ordering = ("name",)
        verbose_name = _("channel")
        verbose_name_plural = _("channels")

    def __str__(self) -> str:
        return self.name


class Source(models.Model):
    """One place where leads come from, as sources are named in reports."""

    code = models.SlugField(max_length=80, unique=True, allow_unicode=True)
    name = models.CharField(_("name"), max_length=120)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="sources", verbose_name=_("channel"))
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        ordering = ("name",)
        verbose_name = _("source")
        verbose_name_plural = _("sources")

    def __str__(self) -> str:
        return self.name


class Campaign(models.Model):
    """A marketing effort with its brief for sales."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    code = models.CharField(_("code"), max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=160)
    source = models.ForeignKey(
        Source, verbose_name=_("source"), on_delete=models.PROTECT, null=True, blank=True, related_name="campaigns"
    )
    team = models.ForeignKey(
        Team, verbose_name=_("team"), on_delete=models.PROTECT, null=True, blank=True, related_name="campaigns"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="campaigns",
    )
    audience = models.TextField(_("audience"), blank=True)
    message = models.TextField(_("message"), blank=True, help_text=_("What the audience was told, in one sentence."))
    question = models.TextField(_("question to ask"), blank=True)
    expected_leads = models.PositiveIntegerField(_("expected leads"), null=True, blank=True)
    starts_on = models.DateField(_("from"), null=True, blank=True)
    ends_on = models.DateField(_("until"), null=True, blank=True)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        ordering = ("name",)
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")

    def __str__(self) -> str:
        return self.name


class CampaignCost(models.Model):
    """What a campaign cost in one month."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="costs")
    source = models.ForeignKey(
        Source, verbose_name=_("source"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )  # None: not split, it counts for the campaign's source
    month = models.DateField(_("month"), help_text=_("The first day of the month."))
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2, validators=[MinValueValidator(0)])
    currency = models.CharField(_("currency"), max_length=3)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("campaign", "month"), condition=Q(source=None), name="one_cost_per_campaign_and_month"
            ),
            models.UniqueConstraint(
                fields=("campaign", "month", "source"), name="one_cost_per_campaign_month_and_source"
            ),
        )
        verbose_name = _("campaign cost")
        verbose_name_plural = _("campaign costs")

    def __str__(self) -> str:
        return f"{self.campaign}, {self.month:%Y-%m}: {self.amount} {self.currency}"
