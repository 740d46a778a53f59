"""Working time: calendars, their versions, and whose own hours differ."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Calendar(models.Model):
    """Working time under a name; its hours are in versions."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120, unique=True)

    class Meta:
        ordering = ("name",)
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")

    def __str__(self) -> str:
        return self.name


class CalendarVersion(models.Model):
    """The hours of a calendar from a moment on; never changed once a clock ran under it."""

    calendar = models.ForeignKey(Calendar, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    timezone = models.CharField(_("time zone"), max_length=64)
    hours = models.JSONField()  # {"mon": [["09:00", "12:00"], …], …} in local wall-clock time
    holidays_country = models.CharField(_("holidays of"), max_length=2, blank=True)
    holidays_region = models.CharField(_("region"), max_length=10, blank=True)
    closed_days = models.JSONField(default=list, blank=True)  # own closed days, ISO dates
    special_days = models.JSONField(default=dict, blank=True)  # ISO date → windows that replace the weekly ones
    created_at = models.DateTimeField()  # from when it holds
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    note = models.CharField(_("why it changed"), max_length=250, blank=True)

    class Meta:
        ordering = ("calendar", "-version")
        verbose_name = _("calendar version")
        verbose_name_plural = _("calendar versions")
        constraints = (models.UniqueConstraint(fields=("calendar", "version"), name="one_calendar_version_per_number"),)

    def __str__(self) -> str:
        return f"{self.calendar} (version {self.version})"


class PersonalCalendar(models.Model):
    """The own hours of a person; a target says whether they count instead of the agreed calendar."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="personal_calendar")
    calendar = models.ForeignKey(Calendar, on_delete=models.PROTECT, related_name="persons")

    class Meta:
        verbose_name = _("personal calendar")
        verbose_name_plural = _("personal calendars")

    def __str__(self) -> str:
        return f"{self.user}: {self.calendar}"
