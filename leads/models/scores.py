"""Score models, their rules, and runs that score everybody again."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.models.interactions import InteractionKind


class ScoreModel(models.Model):
    """A version of the score: rules, caps and the line. Published versions never change."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        RETIRED = "retired", _("Retired")

    version = models.PositiveIntegerField(unique=True)
    name = models.CharField(_("name"), max_length=120)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    fit_cap = models.DecimalField(max_digits=5, decimal_places=1, default=70)
    intent_cap = models.DecimalField(max_digits=5, decimal_places=1, default=100)
    engagement_cap = models.DecimalField(max_digits=5, decimal_places=1, default=60)
    fit_grades = ArrayField(models.DecimalField(max_digits=5, decimal_places=1), size=3, default=list)  # A, B, C from
    engagement_grades = ArrayField(
        models.DecimalField(max_digits=5, decimal_places=1), size=3, default=list
    )  # 1, 2, 3 from, of intent + engagement
    based_on = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, editable=False, related_name="+")
    why = models.TextField(_("why it is changed"), max_length=500, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    published_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )

    class Meta:
        ordering = ("-version",)
        verbose_name = _("score model")
        verbose_name_plural = _("score models")
        constraints = (
            models.UniqueConstraint(
                fields=("status",), condition=Q(status="published"), name="one_published_score_model"
            ),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(published_at__isnull=False), name="published_score_model_has_moment"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} (version {self.version})"


class ScoreRule(models.Model):
    """One line of a score: points for a fact or for interactions."""

    class Group(models.TextChoices):
        FIT = "fit", _("Fit")
        INTENT = "intent", _("Intent")
        ENGAGEMENT = "engagement", _("Engagement")
        NEGATIVE = "negative", _("Against")

    class Per(models.TextChoices):
        DAY = "day", _("a day")
        WEEK = "week", _("a week")
        MONTH = "month", _("a month")
        EVER = "ever", _("ever")

    model = models.ForeignKey(ScoreModel, on_delete=models.CASCADE, related_name="rules")
    code = models.SlugField(max_length=60)
    label = models.CharField(_("label"), max_length=120)
    group = models.CharField(_("group"), max_length=10, choices=Group)
    position = models.PositiveSmallIntegerField(default=0)
    condition = models.JSONField(null=True, blank=True)  # a rule on facts, in the condition language
    kinds = ArrayField(models.CharField(max_length=20, choices=InteractionKind), default=list, blank=True)
    points = models.DecimalField(
        _("points"), max_digits=5, decimal_places=1, validators=[MinValueValidator(-200), MaxValueValidator(200)]
    )
    cap = models.DecimalField(_("at most"), max_digits=5, decimal_places=1, null=True, blank=True)
    limit = models.PositiveSmallIntegerField(_("counts at most"), null=True, blank=True)
    limit_per = models.CharField(_("times"), max_length=5, choices=Per, blank=True)
    half_life_days = models.PositiveSmallIntegerField(_("half-life in days"), null=True, blank=True)

    class Meta:
        ordering = ("position", "pk")
        verbose_name = _("score rule")
        verbose_name_plural = _("score rules")
        constraints = (
            models.UniqueConstraint(fields=("model", "code"), name="one_rule_per_code_and_model"),
            models.CheckConstraint(
                condition=Q(condition__isnull=False) ^ ~Q(kinds=[]), name="rule_is_on_facts_or_on_interactions"
            ),
            models.CheckConstraint(condition=Q(limit=None) ^ ~Q(limit_per=""), name="rule_limit_names_its_bucket"),
            models.CheckConstraint(
                condition=Q(half_life_days=None) | Q(half_life_days__gte=1), name="rule_half_life_is_positive"
            ),
        )

    def __str__(self) -> str:
        return self.label


class ScoreRescan(models.Model):
    """One run over all leads after a score model was published: how far it is, or what it changed."""

    model = models.ForeignKey(ScoreModel, on_delete=models.CASCADE, related_name="rescans")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True)  # last sign of life of the worker that runs it
    finished_at = models.DateTimeField(null=True)
    done = models.PositiveBigIntegerField(default=0)  # of the range of ids
    total = models.PositiveBigIntegerField(default=0)
    written = models.PositiveIntegerField(default=0)  # leads whose score changed
    qualified = models.PositiveIntegerField(default=0)  # leads that went through a door by it

    class Meta:
        ordering = ("-asked_at", "-pk")
        verbose_name = _("rescan")
        verbose_name_plural = _("rescans")
        constraints = (
            models.CheckConstraint(
                condition=Q(finished_at=None) | Q(begun_at__isnull=False), name="finished_rescan_has_begun"
            ),
        )

    def __str__(self) -> str:
        return f"{self.model}, {self.asked_at:%Y-%m-%d %H:%M}"
