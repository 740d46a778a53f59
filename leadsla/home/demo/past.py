"""Put the demo's leads on the moments at which things happened: they are taken in by weeks, as of each week's end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pgtrigger
from django.db import connection

from leads.models import Interaction, Lead, Stage
from leadsla.accounts.models import User
from leadsla.home.demo.arrivals import Person

RELATED = (
    "company",
    "score_model",
    "qualified_by",
    "first_source",
    "last_source__channel",
    "first_campaign",
    "last_campaign",
)


def put(leads: Sequence[Lead], columns: Mapping[str, tuple[str, Callable[[Lead], Any]]]) -> None:
    """Write columns of many leads in one statement.

    Args:
        leads: whose.
        columns: of the table, each with its type there and where its value comes from.
    """
    sets = ", ".join(f"{name} = told.{name}" for name in columns)
    told = ", ".join(f"unnest(%s::{kind}[]) AS {name}" for name, (kind, _value) in columns.items())
    values = [[value(lead) for lead in leads] for _kind, value in columns.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE leads_lead SET {sets} FROM (SELECT unnest(%s::bigint[]) AS id, {told}) AS told"  # noqa: S608
            " WHERE leads_lead.id = told.id",
            [[lead.pk for lead in leads], *values],
        )


def qualified(people: Mapping[str, Person], owners: Mapping[str, User], *, until: datetime) -> list[Lead]:
    """Return the leads that were found qualified at a moment, each as of the act that made it so, oldest first."""
    leads = list(Lead.objects.filter(stage=Stage.QUALIFIED, qualified_at=until).select_related(*RELATED))
    for lead in leads:
        done = [act for act in people[lead.email].told if act.at < until]
        moment = done[-1].at
        lead.qualified_at = lead.stage_since = lead.scored_at = moment
        lead.qualified_until = moment + ((lead.qualified_until or until) - until)
        lead.owner = owners[lead.email]
        lead.team = lead.owner.team
        told_at = {code: act.at for act in reversed(done) for code in act.facts}
        for code, proof in lead.fact_sources.items():
            proof["at"] = told_at.get(code, done[0].at).isoformat(timespec="seconds")
    if leads:
        put(
            leads,
            {
                "qualified_at": ("timestamptz", lambda lead: lead.qualified_at),
                "qualified_until": ("timestamptz", lambda lead: lead.qualified_until),
                "stage_since": ("timestamptz", lambda lead: lead.stage_since),
                "scored_at": ("timestamptz", lambda lead: lead.scored_at),
                "fact_sources": ("jsonb", lambda lead: json.dumps(lead.fact_sources)),
            },
        )
    return sorted(leads, key=lambda lead: (lead.qualified_at or until, lead.pk))


_OWNED = """
UPDATE leads_lead SET owner_id = told.owner_id, team_id = told.team_id, created_at = captured_at,
    stage_since = CASE WHEN qualified_at IS NULL THEN captured_at + (stage <> 'inquiry')::int * interval '1 microsecond'
        ELSE stage_since END,
    fact_sources = CASE WHEN qualified_at IS NULL THEN replace(
            fact_sources::text,
            to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS'),
            to_char(captured_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
        )::jsonb ELSE fact_sources END
FROM (SELECT unnest(%s::text[]) AS email, unnest(%s::bigint[]) AS owner_id, unnest(%s::bigint[]) AS team_id) AS told
WHERE leads_lead.email = told.email AND leads_lead.owner_id IS NULL"""

_RECORDED = "UPDATE leads_interaction SET recorded_at = occurred_at WHERE recorded_at > occurred_at"

_EVENTS = """
UPDATE leads_leadevent e SET owner_id = l.owner_id, team_id = l.team_id, stage_since = CASE e.stage
    WHEN 'inquiry' THEN l.captured_at
    WHEN 'nurturing' THEN l.captured_at + interval '1 microsecond'
    ELSE l.qualified_at END
FROM leads_lead l WHERE l.id = e.pgh_obj_id"""


def date_back(owners: Mapping[str, User]) -> None:
    """Give all leads to their marketers, by e-mail, and put them with their history on their first contact."""
    ids, teams = [owner.pk for owner in owners.values()], [owner.team_id for owner in owners.values()]
    # The history is put right below; recording each of these steps would tell of a day that never was.
    with pgtrigger.ignore("leads.Lead:changed_update"), connection.cursor() as cursor:
        cursor.execute(_OWNED, [[*owners], ids, teams])
        cursor.execute(_RECORDED)
        cursor.execute(_EVENTS)


def add_small_acts(people: Sequence[Person], ids: Mapping[str, int], *, since: datetime, until: datetime) -> None:
    """Add what people did in a time that changes nothing but their story and a few points."""
    Interaction.objects.bulk_create(
        Interaction(
            lead_id=ids[person.email],
            kind=act.kind,
            occurred_at=act.at,
            recorded_at=act.at,
            detail=act.detail,
            key=f"demo-{number}",
            via="tracking",
        )
        for person in people
        for number, act in enumerate(person.acts)
        if not act.is_told and since <= act.at < until
    )


def settle_history() -> None:
    """Let the recorded history say when things were true; the triggers know only the moment of loading."""
    with pgtrigger.ignore("leads.Lead:changed_update"), connection.cursor() as cursor:
        cursor.execute(_RECORDED)
        cursor.execute("UPDATE leads_lead SET created_at = captured_at WHERE created_at > captured_at")
        cursor.execute("UPDATE leads_leadevent SET pgh_created_at = stage_since")
