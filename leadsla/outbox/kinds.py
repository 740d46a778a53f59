"""The kinds of notices that people choose among, and the types of events that webhooks are told."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """What a notice to a person is about; each person chooses by kind how they get it."""

    HANDED_OVER = "handed_over", _("A lead comes to you or leaves you")
    DUE_SOON = "due_soon", _("Something is due soon")
    OVERDUE = "overdue", _("Something is overdue")
    ANSWERED = "answered", _("Sales answered a lead of yours")
    RETURNED = "returned", _("A decision is contested, ruled on or taken back")
    AGREEMENT = "agreement", _("An agreement is proposed, commented, signed or changed")
    PEOPLE = "people", _("People and teams change")
    INTEGRATIONS = "integrations", _("A connection to another system fails")
    OTHER = "other", _("Anything else")


class Announcement(models.TextChoices):
    """The type of an event that other programs are told; it never changes its meaning."""

    HANDED_OVER = "lead.handed_over", _("A lead was handed over")
    ACCEPTED = "lead.accepted", _("Sales accepted a lead")
    REJECTED = "lead.rejected", _("Sales rejected a lead")
    GIVEN_BACK = "lead.given_back", _("Sales gave an accepted lead back")
    CLOCK_BREACHED = "clock.breached", _("A promised time has passed")
    AGREEMENT_ACTIVE = "agreement.active", _("An agreement came into force")
    TEST = "webhook.test", _("A test")
