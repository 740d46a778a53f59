"""Files on their way in, row by row, and how their columns were matched."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.models.leads import Lead
from leadsla.accounts.models import Team


class Import(models.Model):
    """One file of leads (or outcomes) on its way in: uploaded, mapped, run, with what became of each row."""

    class Kind(models.TextChoices):
        LEADS = "leads", _("Leads")
        OUTCOMES = "outcomes", _("Outcomes")

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("Waiting for its columns to be matched")
        READY = "ready", _("Ready to run")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Stopped")
        CANCELLED = "cancelled", _("Cancelled")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.LEADS)
    file = models.FileField(upload_to="imports/%Y/%m/")
    file_name = models.CharField(max_length=250)
    system = models.CharField(_("system it comes from"), max_length=60)
    timezone = models.CharField(_("time zone of its dates"), max_length=64)
    encoding = models.CharField(max_length=40)
    delimiter = models.CharField(max_length=1)
    date_format = models.CharField(max_length=20, blank=True)  # ymd, dmy, mdy; blank while unknown
    decimal_mark = models.CharField(max_length=1, default=".")
    columns = models.JSONField(default=list)  # headers as in the file
    mapping = models.JSONField(default=dict)  # column → field
    is_history = models.BooleanField(default=False)  # a past that is imported: no handover, outside compliance
    overwrites = models.BooleanField(default=False)  # replaces what is known; else it only fills what is empty
    status = models.CharField(max_length=10, choices=Status, default=Status.UPLOADED)
    problem = models.TextField(blank=True)
    rows_total = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    rows_created = models.PositiveIntegerField(default=0)
    rows_updated = models.PositiveIntegerField(default=0)
    rows_unchanged = models.PositiveIntegerField(default=0)
    rows_failed = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True)  # last sign of life of the worker that runs it
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-pk")
        verbose_name = _("import")
        verbose_name_plural = _("imports")

    def __str__(self) -> str:
        return self.file_name


class ImportRow(models.Model):
    """One line of a file: as it came, and what became of it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        CREATED = "created", _("New")
        UPDATED = "updated", _("Updated")
        UNCHANGED = "unchanged", _("Unchanged")
        FAILED = "failed", _("Not imported")

    run = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rows")
    line = models.PositiveIntegerField()  # in the file, from 1, where the record starts
    cells = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    problem = models.TextField(blank=True)
    lead = models.ForeignKey(Lead, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ("line",)
        constraints = (models.UniqueConstraint(fields=("run", "line"), name="one_row_per_line"),)
        indexes = (models.Index(fields=("run", "line"), condition=Q(state="waiting"), name="import_row_waiting"),)
        verbose_name = _("import row")
        verbose_name_plural = _("import rows")

    def __str__(self) -> str:
        return f"line {self.line}: {self.state}"


class ImportMapping(models.Model):
    """How the columns of a system's files were matched last time, found again by the set of headers."""

    headers_hash = models.CharField(max_length=64)
    kind = models.CharField(max_length=8, choices=Import.Kind)
    mapping: Any = models.JSONField()
    system = models.CharField(max_length=60)
    timezone = models.CharField(max_length=64)
    date_format = models.CharField(max_length=20, blank=True)
    used_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("headers_hash", "kind"), name="one_mapping_per_headers_and_kind"),
        )
        verbose_name = _("remembered mapping")
        verbose_name_plural = _("remembered mappings")

    def __str__(self) -> str:
        return f"{self.system} ({self.kind})"
