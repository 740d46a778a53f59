"""What leads did, and what was done with them. Append-only."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.models.leads import Lead
from leads.models.sources import Campaign, Source


class InteractionKind(models.TextChoices):
    """What a lead did, or what was done with it."""

    PAGE_VIEW = "page_view", _("Looked at a page")
    PRICING_VIEW = "pricing_view", _("Looked at prices")
    CAREERS_VIEW = "careers_view", _("Looked at the careers page")
    DOWNLOAD = "download", _("Downloaded")
    ANALYST_REPORT = "analyst_report", _("Downloaded an analyst report")
    SYNDICATED = "syndicated", _("Downloaded from a partner's site")
    FORM_SUBMIT = "form_submit", _("Filled in a form")
    DEMO_REQUEST = "demo_request", _("Asked for a demo")
    CONTACT_REQUEST = "contact_request", _("Asked to be contacted")
    PRICING_REQUEST = "pricing_request", _("Asked for a quote")
    TRIAL_START = "trial_start", _("Started a trial")
    WEBINAR_REGISTER = "webinar_register", _("Registered for a webinar")
    WEBINAR_ATTEND = "webinar_attend", _("Attended a webinar")
    WEBINAR_ON_DEMAND = "webinar_on_demand", _("Watched a webinar recording")
    EVENT_ATTEND = "event_attend", _("Attended an event")
    BOOTH_VISIT = "booth_visit", _("Visited the booth")
    NEWSLETTER_SIGNUP = "newsletter_signup", _("Signed up for the newsletter")
    EMAIL_CLICK = "email_click", _("Clicked in an e-mail")
    EMAIL_REPLY = "email_reply", _("Replied to an e-mail")
    EMAIL_BOUNCE = "email_bounce", _("E-mail bounced")
    UNSUBSCRIBE = "unsubscribe", _("Unsubscribed")
    CHAT = "chat", _("Chatted")
    CALL_IN = "call_in", _("Called")
    MEETING_BOOKED = "meeting_booked", _("Booked a meeting")
    SURVEY_ANSWER = "survey_answer", _("Answered a survey")
    SOCIAL_ENGAGE = "social_engage", _("Reacted on social media")
    MARKETING_TOUCH = "marketing_touch", _("Contacted by marketing")
    IMPORTED = "imported", _("Imported")
    OTHER = "other", _("Other")


ASKED_KINDS = (
    InteractionKind.DEMO_REQUEST,
    InteractionKind.CONTACT_REQUEST,
    InteractionKind.PRICING_REQUEST,
)


class Interaction(models.Model):
    """One thing that a lead did, or that was done with it. Append-only; no row refers to it by foreign key."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="interactions")
    kind = models.CharField(max_length=20, choices=InteractionKind)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    is_date = models.BooleanField(default=False)  # only the day is known
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, null=True, related_name="+")
    detail = models.CharField(max_length=500, blank=True)
    data = models.JSONField(default=dict, blank=True)
    key = models.CharField(max_length=190)  # tells a repeated delivery from a second interaction
    via = models.CharField(max_length=40, blank=True)  # form, api, import …
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ("-occurred_at", "-pk")
        verbose_name = _("interaction")
        verbose_name_plural = _("interactions")
        constraints = (
            models.UniqueConstraint(fields=("lead", "key", "occurred_at"), name="one_interaction_per_delivery"),
        )
        indexes = (
            models.Index(fields=("lead", "kind", "occurred_at"), name="interaction_by_lead"),
            models.Index(fields=("recorded_at",), condition=Q(kind__in=ASKED_KINDS), name="interaction_that_asks"),
        )

    def __str__(self) -> str:
        return f"{self.kind} at {self.occurred_at:%Y-%m-%d %H:%M}"
