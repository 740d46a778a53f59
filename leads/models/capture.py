"""Capture pages, the versions of their questions, and what was submitted."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.models.interactions import InteractionKind
from leads.models.leads import Lead
from leads.models.sources import Campaign, Source
from leadsla.accounts.models import Team


class CapturePage(models.Model):
    """A form of ours that visitors fill in, at an address of its own or inside another website."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    slug = models.SlugField(_("address"), max_length=60, unique=True)  # stays: links and snippets lead to it
    name = models.CharField(_("name"), max_length=120, unique=True)
    title = models.CharField(_("heading"), max_length=150)
    intro = models.TextField(_("text above the fields"), max_length=2000, blank=True)
    button = models.CharField(_("words on the button"), max_length=60, default="Send")
    thanks = models.TextField(
        _("thank-you text"), max_length=2000, default="Thank you. We have your message and will come back to you."
    )
    redirect_url = models.CharField(_("go on to"), max_length=500, blank=True)
    sites = ArrayField(models.CharField(max_length=200), verbose_name=_("your websites"), default=list, blank=True)
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
    confirms_email = models.BooleanField(_("ask for a click in an e-mail first"), default=False)
    is_active = models.BooleanField(_("takes submissions"), default=True)
    robots_caught = models.PositiveIntegerField(default=0)  # what robots sent; not kept
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("name",)
        verbose_name = _("capture page")
        verbose_name_plural = _("capture pages")

    def __str__(self) -> str:
        return self.name


class CaptureVersion(models.Model):
    """What a capture page asks and the consent it asks for, at a time. It never changes: submissions refer to it."""

    page = models.ForeignKey(CapturePage, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    asked = models.JSONField()  # [{"fact", "label", "help", "is_required"}, …] in the order of the page
    consent_text = models.TextField(blank=True)  # "" asks for none
    consent_is_required = models.BooleanField(default=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-number",)
        verbose_name = _("version of a capture page")
        verbose_name_plural = _("versions of capture pages")
        constraints = (models.UniqueConstraint(fields=("page", "number"), name="one_capture_version_per_number"),)

    def __str__(self) -> str:
        return f"{self.page} {self.number}"


class CaptureSubmission(models.Model):
    """One submission and what became of it. What was typed stands at the lead; here only until it is confirmed."""

    class Outcome(models.TextChoices):
        CREATED = "created", _("New lead")
        UPDATED = "updated", _("Known lead")
        WAITING = "waiting", _("Waits for the click in the e-mail")
        EXPIRED = "expired", _("Never confirmed")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    page = models.ForeignKey(CapturePage, on_delete=models.CASCADE, related_name="submissions")
    version = models.ForeignKey(CaptureVersion, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=64)  # the same form with the same words, sent twice, is one submission
    facts = models.JSONField(default=dict)
    has_agreed = models.BooleanField(default=False)
    received_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=8, choices=Outcome)
    lead = models.ForeignKey(Lead, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ("-received_at", "-pk")
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")
        constraints = (
            models.UniqueConstraint(fields=("page", "key"), name="one_capture_submission_per_key"),
            models.CheckConstraint(
                condition=Q(outcome="waiting") | Q(facts={}), name="capture_facts_only_while_waiting"
            ),
        )
        indexes = (
            models.Index(fields=("page", "-received_at"), name="capture_submissions"),
            models.Index(fields=("received_at",), condition=Q(outcome="waiting"), name="capture_waiting"),
        )

    def __str__(self) -> str:
        return f"{self.page}: {self.outcome}"
