"""Messages out, as rows that are written in the transaction of the fact they tell."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leadsla.outbox.kinds import Announcement, Kind


class WebhookEndpoint(models.Model):
    """An address of another program that is told of events. It is switched off or removed, never deleted."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=80)
    url = models.CharField(_("address"), max_length=500)
    kinds = ArrayField(models.CharField(max_length=40, choices=Announcement), verbose_name=_("events"))
    secret = models.CharField(max_length=120)
    old_secret = models.CharField(max_length=120, blank=True)
    old_secret_until = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    failing_since = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    disabled_because = models.CharField(max_length=500, blank=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("name", "pk")
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        constraints = (
            models.CheckConstraint(
                condition=Q(disabled_at=None, disabled_because="")
                | (Q(disabled_at__isnull=False) & ~Q(disabled_because="")),
                name="webhook_is_off_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(removed_at=None) | Q(disabled_at__isnull=False), name="webhook_removed_is_off"
            ),
            models.CheckConstraint(
                condition=Q(old_secret="", old_secret_until=None)
                | (~Q(old_secret="") & Q(old_secret_until__isnull=False)),
                name="webhook_old_secret_ends",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        """Whether events are sent to it."""
        return self.disabled_at is None


class Message(models.Model):
    """One message to one recipient over one channel; (event, recipient, channel) is unique, so it is told once."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("E-mail")
        IN_APP = "in_app", _("In the portal")
        WEBHOOK = "webhook", _("Webhook")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    event = models.CharField(max_length=190)
    kind = models.CharField(max_length=40, default=Kind.OTHER)  # a `Kind`; for webhooks an `Announcement`
    channel = models.CharField(max_length=10, choices=Channel)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="messages"
    )
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, null=True, related_name="messages")
    address = models.CharField(max_length=254)
    subject = models.CharField(max_length=250)
    body = models.TextField()
    url = models.CharField(max_length=250, blank=True)
    not_before = models.DateTimeField()
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-pk")
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = (
            models.UniqueConstraint(fields=("event", "address", "channel"), name="one_message_per_event"),
            models.CheckConstraint(
                condition=Q(sent_at=None) | Q(dead_at=None), name="message_is_not_both_sent_and_dead"
            ),
            models.CheckConstraint(
                condition=Q(channel="webhook", endpoint__isnull=False) | (~Q(channel="webhook") & Q(endpoint=None)),
                name="message_webhook_has_endpoint",
            ),
        )
        indexes = (
            models.Index(
                fields=("next_attempt_at",),
                condition=Q(sent_at=None, dead_at=None),
                name="message_waiting",
            ),
            models.Index(fields=("recipient", "-not_before"), condition=Q(channel="in_app"), name="message_inbox"),
            models.Index(fields=("-dead_at",), condition=Q(dead_at__isnull=False), name="message_dead"),
            models.Index(
                fields=("endpoint", "-created_at"), condition=Q(endpoint__isnull=False), name="message_endpoint"
            ),
        )

    def __str__(self) -> str:
        return f"{self.channel} to {self.address}: {self.subject}"


class Attempt(models.Model):
    """One try to tell an endpoint: what it answered, or why there was no answer."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    status_code = models.PositiveSmallIntegerField(null=True)
    answer = models.CharField(max_length=500, blank=True)
    error = models.CharField(max_length=500, blank=True)
    milliseconds = models.PositiveIntegerField()

    class Meta:
        ordering = ("at", "pk")
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}: {self.status_code or self.error}"


class Preference(models.Model):
    """A person does, or does not, want one kind of notice over one channel. Without a row they do."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notice_preferences")
    kind = models.CharField(max_length=40, choices=Kind)
    channel = models.CharField(max_length=10, choices=Message.Channel)
    is_wanted = models.BooleanField()

    class Meta:
        verbose_name = _("notice preference")
        verbose_name_plural = _("notice preferences")
        constraints = (
            models.UniqueConstraint(fields=("user", "kind", "channel"), name="one_preference_per_kind_and_channel"),
        )

    def __str__(self) -> str:
        return f"{self.user}: {self.kind} {self.channel} {self.is_wanted}"


class MailText(models.Model):
    """What a company puts before and after the portal's own words in mails of one kind."""

    kind = models.CharField(max_length=40, choices=Kind, unique=True)
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("text of mails")
        verbose_name_plural = _("texts of mails")

    def __str__(self) -> str:
        return str(Kind(self.kind).label)
