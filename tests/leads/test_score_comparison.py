"""What a draft would change, by hand on a handful of leads; nothing is written."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads import rescans, score_comparison, score_models, scoring
from leads.models import Definition, Interaction, Lead, ScoreModel, ScoreRescan
from leadsla.accounts.models import User

pytestmark = pytest.mark.django_db


def a_lead(name: str, now: datetime, **columns: Any) -> Lead:
    """35 business e-mail + 5 region = 40 by the first version."""
    facts = {"email_kind": "business", "country": "DE", "stage": "nurturing"}
    return Lead.objects.create(name=name, created_at=now, stage_since=now, **facts | columns)


def did(lead: Lead, kind: str, now: datetime, *, days: int = 0) -> None:
    when = now - timedelta(days=days)
    Interaction.objects.create(lead=lead, kind=kind, occurred_at=when, recorded_at=when, key=f"{kind}{days}")


@pytest.fixture
def first(db: None) -> ScoreModel:
    Definition.objects.update(threshold=60)
    return ScoreModel.objects.get(status="published")


@pytest.fixture
def draft(first: ScoreModel, max_: User, tuesday: datetime) -> ScoreModel:
    """A webinar gives 10 instead of 40, prices 60 instead of 25."""
    made = score_models.draft(first, by=max_, now=tuesday)
    assert made.rules.filter(code="attended", points=40).update(points=10) == 1
    assert made.rules.filter(code="pricing-page", points=25).update(points=60) == 1
    return made


@pytest.fixture
def leads(tuesday: datetime) -> dict[str, Lead]:
    made = {name: a_lead(name, tuesday) for name in ("plain", "webinar", "prices", "both")}
    made["gone"] = a_lead("gone", tuesday, stage="handed_over")
    made["rival"] = a_lead("rival", tuesday, excluded_because="competitor")
    for name in ("webinar", "both", "gone", "rival"):
        did(made[name], "webinar_attend", tuesday)
    for name in ("prices", "both"):
        did(made[name], "pricing_view", tuesday)
    return made


def test_moves_over_the_line_by_hand(
    first: ScoreModel, draft: ScoreModel, leads: dict[str, Lead], tuesday: datetime
) -> None:
    # the line is 60
    # plain   40       → 40
    # webinar 40+40=80 → 40+10=50    under
    # prices  40+25=65 → 40+60=100   stays over
    # both    40+40+25=105 → 40+10+60=110
    found = score_comparison.compare(first, draft, now=tuesday)
    assert (found.of, found.compared, found.is_sample) == (4, 4, False)
    assert (found.over_before, found.over_after, found.up, found.down) == (3, 2, 0, 1)
    assert found.changed == 3
    assert [(each.lead.name, each.before, each.after, each.moves) for each in found.affected] == [
        ("prices", 65, 100, ""),
        ("webinar", 80, 50, "down"),
        ("both", 105, 110, ""),
    ]
    assert [(band.before, band.after) for band in found.bands] == [(1, 1), (1, 1), (1, 0), (1, 2), (0, 0), (0, 0)]
    back = score_comparison.compare(draft, first, now=tuesday)
    assert (back.up, back.down) == (1, 0)


def test_it_agrees_with_scoring(
    first: ScoreModel, draft: ScoreModel, leads: dict[str, Lead], tuesday: datetime
) -> None:
    found = {each.lead.pk: each for each in score_comparison.compare(first, draft, now=tuesday).affected}
    scoring.rescore_all(now=tuesday)
    assert all(Lead.objects.get(pk=pk).score == each.before for pk, each in found.items())


def test_volume_counts_doors_not_only_the_line(
    first: ScoreModel, draft: ScoreModel, leads: dict[str, Lead], tuesday: datetime
) -> None:
    Definition.objects.get().criteria.update(required_by_asked=False, required_by_nurtured=False)
    # Nurtured: over the line, with 20 of intent or 2 interactions. Before: prices (25), both; webinar has 1 and 0.
    # After: prices and both. Who asks for a demo qualifies by either.
    asks = a_lead("asks", tuesday, email_kind="free", country="")
    did(asks, "demo_request", tuesday)
    found = score_comparison.compare(first, draft, now=tuesday)
    assert (found.qualify_before, found.qualify_after) == (3, 3)
    draft.rules.filter(code="pricing-page").delete()
    # prices falls to 40, both to 50: only who asks is left.
    found = score_comparison.compare(first, draft, now=tuesday)
    assert (found.qualify_before, found.qualify_after, found.volume_change) == (3, 1, None)  # too few for a share
    for n in range(7):
        did(a_lead(f"asks {n}", tuesday, email_kind="free", country=""), "demo_request", tuesday)
    found = score_comparison.compare(first, draft, now=tuesday)
    assert (found.qualify_before, found.qualify_after) == (10, 8)
    assert found.volume_change == pytest.approx(-0.2)


def test_criteria_are_asked(first: ScoreModel, draft: ScoreModel, leads: dict[str, Lead], tuesday: datetime) -> None:
    assert Definition.objects.get().criteria.filter(required_by_nurtured=True).count() == 4
    found = score_comparison.compare(first, draft, now=tuesday)
    assert (found.qualify_before, found.qualify_after) == (0, 0)  # nobody told a need


def test_a_sample_takes_each_nth(first: ScoreModel, draft: ScoreModel, tuesday: datetime) -> None:
    for n in range(12):
        a_lead(f"lead {n}", tuesday)
    found = score_comparison.compare(first, draft, now=tuesday, most=4)
    assert (found.of, found.is_sample) == (12, True)
    assert found.compared == 4  # ids follow one another, so each third


def test_without_leads_there_is_nothing(first: ScoreModel, draft: ScoreModel, tuesday: datetime) -> None:
    found = score_comparison.compare(first, draft, now=tuesday)
    assert (found.of, found.compared, found.affected, found.volume_change) == (0, 0, [], None)


def test_it_only_reads(first: ScoreModel, draft: ScoreModel, leads: dict[str, Lead], tuesday: datetime) -> None:
    with CaptureQueriesContext(connection) as queries:
        score_comparison.compare(first, draft, now=tuesday)
    words = {query["sql"].split()[0] for query in queries}
    assert words <= {"SELECT", "WITH"}
    assert not any("UPDATE" in query["sql"] or "INSERT" in query["sql"] for query in queries)
    assert Lead.objects.exclude(score=None).count() == 0


# --- everybody again


def test_a_rescan_scores_all_and_says_so(
    first: ScoreModel, leads: dict[str, Lead], max_: User, tuesday: datetime
) -> None:
    row = rescans.start(first, by=max_, now=tuesday)
    assert rescans.stopped(now=tuesday) == [row.pk]
    assert rescans.run_through(row.pk, now=lambda: tuesday)
    row.refresh_from_db()
    assert (row.begun_at, row.finished_at, row.written, row.done) == (tuesday, tuesday, 5, row.total)  # not the rival
    assert Lead.objects.get(name="both").score == Decimal(105)
    assert not rescans.run_through(row.pk, now=lambda: tuesday)
    assert rescans.stopped(now=tuesday) == []


def test_a_rescan_whose_worker_died_is_taken_up(first: ScoreModel, max_: User, tuesday: datetime) -> None:
    row = rescans.start(first, by=max_, now=tuesday)
    ScoreRescan.objects.filter(pk=row.pk).update(begun_at=tuesday, beat_at=tuesday)
    assert rescans.stopped(now=tuesday + timedelta(minutes=9)) == []
    assert not rescans.run_through(row.pk, now=lambda: tuesday + timedelta(minutes=9))
    later = tuesday + timedelta(minutes=10)
    assert rescans.stopped(now=later) == [row.pk]
    assert rescans.run_through(row.pk, now=lambda: later)
    row.refresh_from_db()
    assert (row.begun_at, row.finished_at) == (tuesday, later)


def test_a_rescan_that_waits_serves_the_next_version_too(
    first: ScoreModel, draft: ScoreModel, max_: User, tuesday: datetime
) -> None:
    waiting = rescans.start(first, by=max_, now=tuesday)
    assert rescans.start(draft, by=max_, now=tuesday).pk == waiting.pk
    assert ScoreRescan.objects.get().model == draft
