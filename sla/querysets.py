"""Populations of agreements, handoffs, clocks and acceptance rates, as queryset methods."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet

from leadsla.accounts import visibility

if TYPE_CHECKING:
    from leadsla.accounts.models import User
    from sla.models import AcceptanceRate, Agreement, Clock, Handoff  # noqa: F401  # names for the type parameters only


class AgreementQuerySet(QuerySet["Agreement"]):
    """Agreements by when they hold."""

    def in_force(self, *, now: datetime) -> Self:
        """Agreements in force at a moment, in the order in which they are tried."""
        still = Q(in_force_until=None) | Q(in_force_until__gt=now)
        return self.filter(still, in_force_from__lte=now).exclude(status="draft").order_by("position", "-version")

    def ever_in_force(self) -> Self:
        """Agreements that are or were in force."""
        return self.filter(in_force_from__isnull=False).exclude(status__in=("draft", "proposed", "signed"))


class HandoffQuerySet(QuerySet["Handoff"]):
    """Handoffs by what is open and who may see them."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Handoffs that a person sees; who sees one leg of a lead sees the other, too."""
        reach = visibility.handoffs(user)
        rows = reach.rows(owner="owner", team="to_team")
        if reach.everything or reach.user_id is None:
            return self.filter(rows)
        mine = self.model._default_manager.filter(rows)
        first = mine.filter(parent__isnull=False).values("parent")
        return self.filter(rows | Q(parent__in=mine.filter(leg=1).values("pk")) | Q(pk__in=first))

    def answerable_by(self, user: User | AnonymousUser) -> Self:
        """Handoffs that a person may answer."""
        return self.filter(visibility.answerable_handoffs(user).rows(owner="owner", team="to_team"))

    def for_work_of(self, user: User) -> Self:
        """Handoffs that are a person's own, or wait in their team's queue; whatever else they see and may answer."""
        reach = visibility.Reach(user_id=user.pk, team_id=user.team_id, team_queue_only=True)
        return self.filter(reach.rows(owner="owner", team="to_team"))

    def open(self) -> Self:
        """Handoffs that are not closed."""
        return self.filter(closed_at=None)

    def waiting(self) -> Self:
        """Handoffs that sales has to decide on."""
        return self.open().filter(decision="", is_returned=False, is_notice=False)

    def accepted(self) -> Self:
        """Open handoffs that sales works on."""
        return self.open().filter(decision="accepted")

    def in_work(self) -> Self:
        """Open handoffs that whoever has them works on: not first legs that somebody else goes on with."""
        second = self.model._default_manager.filter(parent=OuterRef("pk"), closed_at=None).exclude(decision="rejected")
        return self.open().filter(~Exists(second))

    def returned(self) -> Self:
        """Open handoffs that marketing has to fix."""
        return self.open().filter(is_returned=True)


class ClockQuerySet(QuerySet["Clock"]):
    """Clocks by what they need."""

    def running(self) -> Self:
        """Clocks that nobody stopped and that are not past due for ever."""
        return self.filter(stopped_at=None, outcome__in=("running", "missed"))

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Clocks of the handoffs that a person sees, the other leg's too, and of leads before one that they see."""
        of_handoffs = Q()
        if not visibility.handoffs(user).everything:
            of_the_clock = self.model._meta.get_field("handoff").related_model
            handoffs: HandoffQuerySet = of_the_clock._default_manager  # type: ignore[assignment]  # the own manager
            of_handoffs = Q(handoff__in=handoffs.visible_to(user))
        of_leads = visibility.leads(user).rows(owner="lead__owner", team="lead__team")
        return self.filter((Q(handoff__isnull=False) & of_handoffs) | (Q(handoff=None) & of_leads))

    def at_risk(self, *, now: datetime) -> Self:
        """Running clocks that are past due or past their first warning; paused ones wait for somebody else."""
        runs_on = Q(paused_until=None) | Q(paused_until__lte=now) | Q(paused_at__gt=now)
        return self.running().filter(runs_on, Q(due_at__lt=now) | Q(warn_at__lte=now), started_at__lte=now)

    def worst_of_each_lead(self) -> Self:
        """Of each lead the clock that is due first."""
        worst = self.order_by("lead_id", "due_at", "pk").distinct("lead_id").values("pk")
        return self.model._default_manager.filter(pk__in=worst)  # type: ignore[return-value]  # the own manager


class AcceptanceRateQuerySet(QuerySet["AcceptanceRate"]):
    """Acceptance rates by who may see them."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Rates that a person sees; those of a person only for that person and their own manager."""
        if not user.is_authenticated:
            return self.none()
        seen = [str(pk) for pk in visibility.figures_of(user)]
        return self.filter(~Q(dimension="person") | Q(key__in=seen))
