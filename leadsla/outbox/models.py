"""Messages out, as rows that are written in the transaction of the fact they tell."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Message(models.Model):
    """One message to one recipient over one channel; (event, recipient, channel) is unique, so it is told once."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("E-mail")
        IN_APP = "in_app", _("In the portal")
        WEBHOOK = "webhook", _("Webhook")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    event = models.CharField(max_length=190)
    channel = models.CharField(max_length=10, choices=Channel)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="messages"
    )
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
        )
        indexes = (
            models.Index(
                fields=("next_attempt_at",),
                condition=Q(sent_at=None, dead_at=None),
                name="message_waiting",
            ),
            models.Index(fields=("recipient", "-not_before"), condition=Q(channel="in_app"), name="message_inbox"),
        )

    def __str__(self) -> str:
        return f"{self.channel} to {self.address}: {self.subject}"
