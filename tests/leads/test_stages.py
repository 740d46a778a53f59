"""Stages move by one conditional update, keep since when, and the database refuses a move that does not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import InternalError, transaction

from leads import scoring, stages
from leads.models import Interaction, InteractionKind, Lead, Stage
from leadsla.accounts.models import User

pytestmark = pytest.mark.django_db


def a_lead(now: datetime, **columns: Any) -> Lead:
    return Lead.objects.create(**{"name": "Jana Steiner", "created_at": now, "stage_since": now, **columns})


def test_a_move_writes_the_stage_its_moment_and_what_belongs_to_it(tuesday: datetime) -> None:
    lead = a_lead(tuesday - timedelta(days=9))
    moved = stages.move(
        Lead.objects.filter(pk=lead.pk), to=Stage.QUALIFIED, now=tuesday, qualified_at=tuesday, door="asked"
    )
    lead.refresh_from_db()
    assert moved == 1
    assert (lead.stage, lead.stage_since, lead.qualified_at, lead.door) == ("qualified", tuesday, tuesday, "asked")


def test_what_stands_there_already_is_left_alone(tuesday: datetime) -> None:
    lead = a_lead(tuesday, stage=Stage.NURTURING)
    later = tuesday + timedelta(days=1)
    assert stages.move(Lead.objects.filter(pk=lead.pk), to=Stage.NURTURING, now=later, door="asked") == 0
    lead.refresh_from_db()
    assert (lead.stage_since, lead.door) == (tuesday, "")


def test_only_leads_of_the_given_stages_are_moved(tuesday: datetime) -> None:
    lead = a_lead(tuesday, stage=Stage.CUSTOMER)
    waiting = Lead.objects.filter(pk=lead.pk, stage=Stage.HANDED_OVER)
    assert stages.move(waiting, to=Stage.ACCEPTED, now=tuesday) == 0


def test_moves_at_one_moment_keep_their_order(tuesday: datetime) -> None:
    lead = a_lead(tuesday)
    rows = Lead.objects.filter(pk=lead.pk)
    stages.move(rows, to=Stage.NURTURING, now=tuesday)
    stages.move(rows, to=Stage.QUALIFIED, now=tuesday, qualified_at=tuesday)
    lead.refresh_from_db()
    assert lead.stage_since == tuesday + timedelta(microseconds=2)


def test_the_database_refuses_a_stage_without_its_moment(tuesday: datetime) -> None:
    lead = a_lead(tuesday)
    with pytest.raises(InternalError, match="without stage_since"), transaction.atomic():
        Lead.objects.filter(pk=lead.pk).update(stage=Stage.NURTURING)
    lead.refresh_from_db()
    assert lead.stage == Stage.INQUIRY


def test_each_move_is_in_the_history(tuesday: datetime) -> None:
    lead = a_lead(tuesday)
    stages.move(Lead.objects.filter(pk=lead.pk), to=Stage.NURTURING, now=tuesday + timedelta(hours=1))
    told = list(lead.history.order_by("pgh_id").values_list("pgh_label", "stage"))
    assert told == [("created", "inquiry"), ("changed", "nurturing")]


def test_recycling_keeps_fit_and_starts_the_rest_afresh(tuesday: datetime, sam: User) -> None:
    lead = a_lead(
        tuesday,
        stage=Stage.HANDED_OVER,
        email="jana@voss.example",
        email_kind="business",
        country="DE",
        door="asked",
        temperature="hot",
        qualified_at=tuesday,
        qualified_until=tuesday + timedelta(days=30),
    )
    Interaction.objects.create(
        lead=lead, kind=InteractionKind.DEMO_REQUEST, occurred_at=tuesday, recorded_at=tuesday, key="demo"
    )
    scoring.score([lead.pk], now=tuesday)
    lead.refresh_from_db()
    assert lead.score == 140  # business e-mail 35 + region 5 + request 100

    later = tuesday + timedelta(hours=3)
    until = tuesday + timedelta(days=60)
    stages.recycle(lead, until=until, because="Too early", previous_owner=sam, now=later)
    stored = Lead.objects.get(pk=lead.pk)
    for row in (lead, stored):
        assert (row.stage, row.stage_since, row.cycle) == ("nurturing", later, 2)
        assert (row.recycled_until, row.recycled_because, row.previous_owner) == (until, "Too early", sam)
        assert (row.door, row.temperature, row.qualified_until) == ("", "", None)
        assert (row.score, row.fit, row.intent, row.counted_interactions) == (40, 40, 0, 0)


def test_a_lead_in_nurturing_can_be_recycled_again(tuesday: datetime) -> None:
    lead = a_lead(tuesday, stage=Stage.NURTURING)
    until = tuesday + timedelta(days=90)
    stages.recycle(lead, until=until, because="No budget", previous_owner=None, now=tuesday + timedelta(days=1))
    assert (lead.recycled_until, lead.cycle, lead.stage_since) == (until, 2, tuesday)


def test_a_merged_lead_is_not_recycled(tuesday: datetime) -> None:
    kept = a_lead(tuesday)
    gone = a_lead(tuesday, merged_into=kept)
    stages.recycle(gone, until=tuesday + timedelta(days=9), because="No need", previous_owner=None, now=tuesday)
    assert (gone.stage, gone.recycled_until, gone.cycle) == ("inquiry", None, 1)


def test_disqualifying_ends_a_lead_and_can_block_and_suppress_it(tuesday: datetime) -> None:
    lead = a_lead(tuesday, stage=Stage.HANDED_OVER, qualified_until=tuesday)
    later = tuesday + timedelta(hours=1)
    stages.disqualify(lead, because="Junk, fake, test", now=later)
    assert (lead.stage, lead.stage_since, lead.disqualified_because) == ("disqualified", later, "Junk, fake, test")
    assert (lead.blocked_at, lead.suppressed_at, lead.qualified_until) == (None, None, None)

    stages.disqualify(lead, because="No consent", now=later, block=True, suppress=True)
    assert (lead.disqualified_because, lead.blocked_at, lead.suppressed_at) == ("No consent", later, later)
    assert lead.stage_since == later
