"""Personal links that ask a lead for what is missing."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from leads.models.leads import Lead


class Asking(models.Model):
    """A personal link at which one lead is asked for what is missing. Of its key only the hash is kept."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="askings")
    key_hash = models.CharField(max_length=64, unique=True)
    questions = models.JSONField()  # list of key, fact or "", criterion or "", label, text: `asking.Question`
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True)  # the portal sent it; else the marketer does
    opened_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)  # for the first time
    answers = models.JSONField(default=dict)  # key of the question → as it was given here, so that it can be corrected
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-asked_at", "-pk")
        verbose_name = _("link that asks a lead")
        verbose_name_plural = _("links that ask leads")
        constraints = (
            models.CheckConstraint(condition=Q(expires_at__gt=F("asked_at")), name="asking_expires_after_it_began"),
        )

    def __str__(self) -> str:
        return f"{self.lead}, {self.asked_at:%Y-%m-%d}"
