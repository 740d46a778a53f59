"""Addresses at which other systems deliver leads, and what they delivered."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from leads.models.interactions import InteractionKind
from leads.models.leads import Lead
from leads.models.sources import Campaign, Source
from leadsla.accounts.models import Team


class Hook(models.Model):
    """An address at which another system delivers leads, and how its deliveries are read."""

    class Kind(models.TextChoices):
        GOOGLE_ADS = "google_ads", _("Google Ads lead form")
        TYPEFORM = "typeform", _("Typeform")
        META = "meta", _("Meta lead ads")
        JSON = "json", _("Any other system that sends JSON")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120, unique=True)
    kind = models.CharField(_("what sends to it"), max_length=10, choices=Kind)
    secret = models.CharField(max_length=120)  # proves the sender; how, is the matter of the kind
    source = models.ForeignKey(
        Source, verbose_name=_("source"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    team = models.ForeignKey(
        Team, verbose_name=_("team that gets them"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    counts_as = models.CharField(
        _("counts as"), max_length=20, choices=InteractionKind, default=InteractionKind.FORM_SUBMIT
    )
    mapping = models.JSONField(default=dict)  # part of the delivery → what it holds (a code of `columns.TARGETS`)
    sample = models.JSONField(null=True)  # a delivery to match the parts of
    is_active = models.BooleanField(_("takes deliveries"), default=True)
    refused_unsigned = models.PositiveIntegerField(default=0)  # deliveries without the right secret; not kept
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("name",)
        verbose_name = _("inbound webhook")
        verbose_name_plural = _("inbound webhooks")

    def __str__(self) -> str:
        return self.name


class HookDelivery(models.Model):
    """One delivery as it came, and what became of it. The same one again is recognised by its key."""

    class Outcome(models.TextChoices):
        CREATED = "created", _("New lead")
        UPDATED = "updated", _("Known lead")
        TEST = "test", _("Test, not taken")
        REFUSED = "refused", _("Refused")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    hook = models.ForeignKey(Hook, on_delete=models.CASCADE, related_name="deliveries")
    key = models.CharField(max_length=190)
    body = models.JSONField()
    received_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)  # how often it was delivered
    outcome = models.CharField(max_length=8, choices=Outcome)
    problem = models.TextField(blank=True)
    lead = models.ForeignKey(Lead, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ("-received_at", "-pk")
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = (models.UniqueConstraint(fields=("hook", "key"), name="one_delivery_per_key"),)
        indexes = (models.Index(fields=("hook", "-received_at"), name="hook_deliveries"),)

    def __str__(self) -> str:
        return f"{self.hook}: {self.outcome}"
