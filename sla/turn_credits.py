"""Turns that are given back because a second fact confirms that the lead was none. A sweep: facts arrive late."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from leads.models import Interaction, InteractionKind, Lead, Merge, Stage
from sla import turns
from sla.models import Assignment, Decision, Handoff, Round

log = logging.getLogger(__name__)

WRONG_TERRITORY = "wrong_territory"  # confirmed by rerouting, which credits at once


def _confirmed(*, now: datetime) -> Q:
    """Return the filter for rejected rounds whose reason a second fact confirms; the reason alone never does.

    A duplicate was merged. Somebody of the customer's has bought, or the company is on record as one. Contact data are
    dead when an e-mail bounced, or marketing took the lead back instead of putting them right. Junk is excluded by its
    own facts, or its e-mail bounced.
    """
    lead = OuterRef("handoff__lead")
    merged = Merge.objects.filter(kept=lead, undone_at=None, merged_at__gte=OuterRef("decided_at"), merged_at__lte=now)
    bounced = Interaction.objects.filter(lead=lead, kind=InteractionKind.EMAIL_BOUNCE, occurred_at__lte=now)
    bought = Lead.objects.filter(company=OuterRef("handoff__lead__company"), merged_into=None, stage=Stage.CUSTOMER)
    is_customer = Q(handoff__lead__company__relation="customer") | Exists(bought.exclude(pk=lead))
    taken_back = Q(handoff__closed_because=Handoff.ClosedBecause.WITHDRAWN)
    is_excluded = Q(handoff__lead__excluded_because__gt="")
    return (
        (Q(reason="duplicate") & Exists(merged))
        | (Q(reason="existing_customer") & is_customer)
        | (Q(reason="bad_contact_data") & (taken_back | Exists(bounced)))
        | (Q(reason="spam_or_test") & (is_excluded | Exists(bounced)))
    )


def sweep(*, now: datetime, limit: int = 200) -> int:
    """Give turns of the last 30 days back that a second fact confirms; never for an overturned or open rejection.

    Args:
        now: what is known by then.
        limit: how many at most.

    Returns:
        How many turns were given back; of one person at most two in 30 days.
    """
    line = Assignment.objects.filter(
        handoff=OuterRef("handoff"), counts=True, user__isnull=False, assigned_at__lte=OuterRef("decided_at")
    ).order_by("-assigned_at", "-pk")
    rejected = (
        Round.objects.filter(_confirmed(now=now), decision=Decision.REJECTED, decided_at__gt=now - turns.WINDOW)
        .filter(Q(contested_at=None) | Q(ruling__in=(Round.Ruling.UPHELD, Round.Ruling.NEITHER)))
        .annotate(line=line.values("pk")[:1])
        .filter(Exists(Assignment.objects.filter(pk=OuterRef("line"), credited_back=False)))
        .order_by("decided_at", "pk")
    )
    given = 0
    for pk in rejected.values_list("line", flat=True)[:limit]:
        try:
            with transaction.atomic():
                given += turns.credit_back(Assignment.objects.select_related("user", "team").get(pk=pk), now=now)
        except Exception:
            # One bad row never stops a sweep.
            log.exception("The turn of assignment %s could not be given back", pk)
    return given


def rerouted(handoff: Handoff, *, now: datetime) -> bool:
    """Give the turn of a handoff back that another team turns out to be right for; False when it is not given back."""
    line = handoff.assignments.filter(counts=True).exclude(user=None).select_related("user", "team").last()
    return line is not None and turns.credit_back(line, now=now)


def revoke(handoff: Handoff) -> int:
    """Take turns that were given back again, because the rejection was overturned; returns how many."""
    lines = handoff.assignments.filter(credited_back=True).select_related("team")
    return sum(turns.take_again(line) for line in lines)
