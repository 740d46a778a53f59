"""Who gets leads: capacities, rules, the ledger of turns, successors, and plans that release lists bit by bit."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.models import Lead, Temperature
from leadsla.accounts.models import Team
from sla.models.handoffs import Handoff


class Capacity(models.Model):
    """How much a rep gets: a weight among the team and a cap of open handoffs."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="capacity")
    weight = models.DecimalField(
        _("weight"), max_digits=4, decimal_places=2, default=1, validators=[MinValueValidator(0)]
    )
    open_at_most = models.PositiveSmallIntegerField(_("open handoffs at most"), default=40)

    class Meta:
        verbose_name = _("capacity")
        verbose_name_plural = _("capacities")

    def __str__(self) -> str:
        return f"{self.user}: {self.weight}"


class RoutingRule(models.Model):
    """Which team gets leads that meet a condition; the first that holds decides."""

    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(_("name"), max_length=120)
    leg = models.PositiveSmallIntegerField(
        _("leg"), default=1, choices=((1, _("marketing to sales")), (2, _("on to the account executive")))
    )
    condition = models.JSONField(null=True, blank=True)  # null holds for every lead
    team = models.ForeignKey(Team, verbose_name=_("team"), on_delete=models.PROTECT, related_name="routing_rules")
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        ordering = ("position", "pk")
        verbose_name = _("routing rule")
        verbose_name_plural = _("routing rules")

    def __str__(self) -> str:
        return self.name


class Assignment(models.Model):
    """One line of the fairness ledger: who was given which handoff, when and why."""

    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="assignments")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="assignments")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="assignments")
    temperature = models.CharField(max_length=4, choices=Temperature)
    assigned_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=250)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    counts = models.BooleanField(default=True)  # in the ledger of turns
    shares = models.JSONField(default=dict)  # what it added to the balances of those who were there: user id → share
    credited_back = models.BooleanField(default=False)
    lapses_at = models.DateTimeField(null=True)  # of a claim: back to the team's queue, unless followed up by then

    class Meta:
        ordering = ("assigned_at", "pk")
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        indexes = (
            models.Index(fields=("team", "temperature", "assigned_at"), name="assignment_ledger"),
            models.Index(fields=("lapses_at",), condition=Q(lapses_at__isnull=False), name="assignment_lapses"),
        )

    def __str__(self) -> str:
        return f"{self.user}: {self.why}"


class Turn(models.Model):
    """How far a person is ahead of or behind their fair share of a team's leads of one temperature.

    Each assignment adds to the balance of everybody who was there their share of it (weight ÷ all weights) and takes
    one from the balance of who got it. The largest balance is next; who is away neither gains nor loses.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="turns")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="turns")
    temperature = models.CharField(max_length=4, choices=Temperature)
    balance = models.FloatField(default=0)  # leads; positive: is owed some

    class Meta:
        verbose_name = _("turn")
        verbose_name_plural = _("turns")
        constraints = (
            models.UniqueConstraint(fields=("team", "user", "temperature"), name="one_balance_per_person_and_ledger"),
        )

    def __str__(self) -> str:
        return f"{self.user}: {self.balance:+.2f}"


class Succession(models.Model):
    """Who took over from a person that was deactivated."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="successions")
    successor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    handoffs = models.PositiveIntegerField()  # open ones that changed hands
    leads = models.PositiveIntegerField()  # recycled ones that come back to the successor

    class Meta:
        ordering = ("-at",)
        verbose_name = _("succession")
        verbose_name_plural = _("successions")

    def __str__(self) -> str:
        return f"{self.successor} after {self.user}"


class ReleasePlan(models.Model):
    """A list of leads, as of an event, that is handed over bit by bit: best first, so many per rep and day."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="release_plans")
    per_rep_and_day = models.PositiveSmallIntegerField(_("leads per rep and working day"), default=5)
    starts_on = models.DateField(_("from"))
    decide_working_days = models.PositiveSmallIntegerField(null=True, blank=True)  # own targets; null: as agreed
    follow_up_working_days = models.PositiveSmallIntegerField(null=True, blank=True)
    override_reason = models.TextField(blank=True)  # why leads that are not qualified go, too
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)  # all released, or stopped

    class Meta:
        ordering = ("-created_at",)
        verbose_name = _("release plan")
        verbose_name_plural = _("release plans")
        constraints = (models.CheckConstraint(condition=Q(per_rep_and_day__gte=1), name="release_plan_releases"),)

    def __str__(self) -> str:
        return self.name


class ReleaseItem(models.Model):
    """One lead of a release plan."""

    plan = models.ForeignKey(ReleasePlan, on_delete=models.CASCADE, related_name="items")
    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="release_items")
    handoff = models.OneToOneField(Handoff, on_delete=models.PROTECT, null=True, related_name="release_item")
    released_at = models.DateTimeField(null=True)
    dropped_at = models.DateTimeField(null=True)  # it was refused, or the plan was stopped
    why = models.CharField(max_length=250, blank=True)

    class Meta:
        ordering = ("plan", "pk")
        verbose_name = _("release item")
        verbose_name_plural = _("release items")
        constraints = (
            models.UniqueConstraint(fields=("plan", "lead"), name="a_lead_once_per_release_plan"),
            models.UniqueConstraint(
                fields=("lead",),
                condition=Q(released_at=None, dropped_at=None),
                name="a_lead_waits_in_one_release_plan",
            ),
            models.CheckConstraint(
                condition=Q(released_at=None) | Q(dropped_at=None), name="release_item_is_released_or_dropped"
            ),
        )

    def __str__(self) -> str:
        return str(self.lead)
