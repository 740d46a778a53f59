"""What qualified means: definitions, criteria, and what people answered to these."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from leads.models.leads import Lead
from leads.models.scores import ScoreModel
from leads.querysets import DefinitionQuerySet


class Definition(models.Model):
    """A signed, versioned meaning of "qualified" for leads of its scope. The first in order that holds applies."""

    version = models.PositiveIntegerField(unique=True)
    name = models.CharField(_("name"), max_length=120)
    scope = models.JSONField(null=True, blank=True)  # condition; null holds for every lead
    position = models.PositiveSmallIntegerField(default=0)
    in_force_from = models.DateTimeField(null=True)
    in_force_until = models.DateTimeField(null=True)
    score_model = models.ForeignKey(ScoreModel, on_delete=models.PROTECT, related_name="definitions")
    threshold = models.DecimalField(_("score of at least"), max_digits=6, decimal_places=1, default=100)
    intent_at_least = models.DecimalField(max_digits=6, decimal_places=1, default=20)
    interactions_at_least = models.PositiveSmallIntegerField(default=2)
    valid_days = models.PositiveSmallIntegerField(_("stays qualified for days"), default=30)
    asked_within_days = models.PositiveSmallIntegerField(_("a request counts for days"), default=30)
    created_at = models.DateTimeField()

    objects: ClassVar[DefinitionQuerySet] = DefinitionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ("position", "-version")
        verbose_name = _("definition of qualified")
        verbose_name_plural = _("definitions of qualified")
        constraints = (
            models.CheckConstraint(
                condition=Q(in_force_until=None) | Q(in_force_until__gt=F("in_force_from")),
                name="definition_ends_after_it_begins",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} (version {self.version})"


class Criterion(models.Model):
    """One clause of a definition; required by a door, or only recorded."""

    definition = models.ForeignKey(Definition, on_delete=models.CASCADE, related_name="criteria")
    code = models.SlugField(max_length=60)
    label = models.CharField(_("label"), max_length=120)
    position = models.PositiveSmallIntegerField(default=0)
    condition = models.JSONField(null=True, blank=True)  # null: only a person can say
    field = models.CharField(max_length=40, blank=True)  # the lead's field that answers it, to open when missing
    question = models.CharField(max_length=250, blank=True)  # what to ask when it is open
    required_by_asked = models.BooleanField(default=False)
    required_by_nurtured = models.BooleanField(default=False)

    class Meta:
        ordering = ("position", "pk")
        verbose_name = _("criterion")
        verbose_name_plural = _("criteria")
        constraints = (
            models.UniqueConstraint(fields=("definition", "code"), name="one_criterion_per_code_and_definition"),
        )

    def __str__(self) -> str:
        return self.label


class Verdict(models.TextChoices):
    """How a criterion stands for a lead."""

    MET = "met", _("met")
    NOT_MET = "not_met", _("not met")
    UNKNOWN = "unknown", _("unknown")


class CriterionAnswer(models.Model):
    """What a person says of a criterion of a lead; it counts before the criterion's condition."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="criterion_answers")
    code = models.SlugField(max_length=60)
    verdict = models.CharField(max_length=8, choices=Verdict)
    evidence = models.TextField(max_length=2000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    answered_at = models.DateTimeField()

    class Meta:
        verbose_name = _("answer to a criterion")
        verbose_name_plural = _("answers to criteria")
        constraints = (models.UniqueConstraint(fields=("lead", "code"), name="one_answer_per_lead_and_criterion"),)

    def __str__(self) -> str:
        return f"{self.code}: {self.verdict}"
