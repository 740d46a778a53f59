"""The one order in which rows are locked: the lead, then its handoff, then clocks, then ledgers of turns."""

from __future__ import annotations

from leads.models import Lead
from sla.models import Handoff


def lead_first(handoff: Handoff) -> None:
    """Hold the lead of a handoff before the handoff is written.

    Merging locks both leads and then moves their handoffs; whoever answered a handoff first and moved its lead after it
    would meet it the other way round.

    Args:
        handoff: as it was loaded; a merge since then is noticed.
    """
    held: set[int] = set()
    lead_id: int | None = handoff.lead_id
    while lead_id is not None and lead_id not in held:
        list(Lead.objects.select_for_update(of=("self",), no_key=True).filter(pk=lead_id).values_list("pk"))
        held.add(lead_id)
        lead_id = Handoff.objects.filter(pk=handoff.pk).values_list("lead_id", flat=True).first()
