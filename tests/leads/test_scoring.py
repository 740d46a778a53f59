"""Scores by hand calculation, lines that add up, writing only what changed, and SQL against plain Python."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads import scoring
from leads.models import Definition, Interaction, Lead, ScoreModel, ScoreRule

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 3, 10, 0, tzinfo=BERLIN)
_keys = itertools.count()


def a_lead(**columns: Any) -> Lead:
    return Lead.objects.create(**{"created_at": NOW, "stage_since": NOW, **columns})


def did(lead: Lead, kind: str, at: datetime | float, *, recorded_at: datetime = NOW) -> Interaction:
    """Let a lead do something at a moment, or so many days ago."""
    when = at if isinstance(at, datetime) else NOW - timedelta(days=at)
    return Interaction.objects.create(
        lead=lead, kind=kind, occurred_at=when, recorded_at=recorded_at, key=str(next(_keys))
    )


def scored(lead: Lead, now: datetime = NOW) -> Lead:
    scoring.score([lead.pk], now=now)
    return Lead.objects.get(pk=lead.pk)


def jana(**columns: Any) -> Lead:
    """35 business e-mail + 15 industry + 10 size + 5 region + 15 director = 80, of which fit takes 70."""
    return a_lead(
        name="Jana Steiner",
        email="jana@voss.example",
        email_kind="business",
        industry="machinery",
        employees=260,
        country="DE",
        seniority="director",
        **columns,
    )


# --- the default model, by hand --------------------------------------------------------------------------------------


def test_a_score_by_hand() -> None:
    lead = jana()
    did(lead, "pricing_view", 1)  # 25 × 0.5^(1/30) = 24.43
    did(lead, "analyst_report", 28)  # 35 × 0.5^(28/60) = 25.33
    did(lead, "webinar_on_demand", 14)  # 10 × 0.5^(14/60) = 8.51
    did(lead, "email_click", 4)  # 0.5^(4/30) = 0.912
    did(lead, "email_click", 7)  # 0.5^(7/30) = 0.851, with the other 1.763
    did(lead, "careers_view", 12)  # −10
    lead = scored(lead)
    # engagement: 25.3 + 8.5 + 1.8 = 35.6; in all 70 + 24.4 + 35.6 − 10 = 120.0
    assert (lead.fit, lead.intent, lead.engagement, lead.negative) == (
        Decimal("70.0"),
        Decimal("24.4"),
        Decimal("35.6"),
        Decimal("-10.0"),
    )
    assert lead.score == Decimal("120.0")
    assert lead.grade == "A2"  # fit from 55; intent and engagement 60.0 is from 40, under 75
    assert lead.counted_interactions == 5  # the careers page counts against, not as interest
    assert lead.scored_at == NOW
    assert lead.score_model is not None
    assert lead.score_model.version == 1


@pytest.mark.parametrize(
    ("facts", "fit"),
    [
        ({}, "0"),
        ({"email_kind": "free"}, "-10"),
        ({"country": "DE"}, "5"),
        ({"country": "US"}, "-30"),
        ({"industry": "Automotive"}, "5"),
        ({"employees": 49}, "0"),
        ({"employees": 50}, "10"),
        ({"employees": 1000}, "10"),
        ({"employees": 1001}, "0"),
        ({"seniority": "student"}, "-20"),
        ({"seniority": "manager", "job_function": "purchasing"}, "30"),
        ({"seniority": "staff", "job_function": "marketing"}, "5"),
    ],
)
def test_fit_by_hand(facts: dict[str, Any], fit: str) -> None:
    assert scored(a_lead(**facts)).fit == Decimal(fit)


def test_a_score_is_not_negative_and_its_parts_stay() -> None:
    lead = a_lead(email_kind="free", country="US")
    did(lead, "newsletter_signup", 0)
    lead = scored(lead)
    assert (lead.fit, lead.engagement, lead.score, lead.grade) == (Decimal("-40.0"), Decimal("5.0"), 0, "D4")


@pytest.mark.parametrize(
    ("ages", "intent"),
    [
        ([0], "100.0"),
        ([1], "97.7"),  # 100 × 0.5^(1/30) = 97.72
        ([30], "50.0"),
        ([60, 90], "37.5"),  # 25 + 12.5
        ([30, 30], "50.0"),  # one a day counts
        ([0, 30], "100.0"),  # 150, capped
        ([-1], "0.0"),  # dated tomorrow
    ],
)
def test_requests_fade_and_are_limited(ages: list[float], intent: str) -> None:
    lead = a_lead()
    for age in ages:
        did(lead, "demo_request", age)
    assert scored(lead).intent == Decimal(intent)


def test_the_limit_of_a_rule_holds_over_all_its_kinds() -> None:
    lead = a_lead()
    did(lead, "demo_request", 30)
    did(lead, "contact_request", 30)
    assert scored(lead).intent == 50


def test_the_newest_of_a_week_counts() -> None:
    lead = a_lead()
    did(lead, "pricing_view", datetime(2026, 2, 23, 9, tzinfo=BERLIN))  # Monday, 8 days
    did(lead, "pricing_view", datetime(2026, 3, 1, 9, tzinfo=BERLIN))  # Sunday of the same week, 2 days
    assert scored(lead).intent == Decimal("23.9")  # 25 × 0.5^(2/30) = 23.87
    did(lead, "pricing_view", datetime(2026, 3, 2, 9, tzinfo=BERLIN))  # Monday of the next, 1 day: 24.43
    assert scored(lead).intent == Decimal("48.3")


def test_age_is_in_calendar_days_of_the_portals_zone() -> None:
    lead = a_lead()
    # 23:30 in Berlin is 22:30 in UTC: one day old at 00:30, though an hour has passed
    did(lead, "demo_request", datetime(2026, 3, 2, 23, 30, tzinfo=BERLIN))
    assert scored(lead, datetime(2026, 3, 3, 0, 30, tzinfo=BERLIN)).intent == Decimal("97.7")


def test_days_are_counted_over_the_change_of_the_clock() -> None:
    lead = a_lead()
    did(lead, "demo_request", datetime(2026, 3, 28, 12, tzinfo=BERLIN))  # the clock changes on 29 March
    assert scored(lead, datetime(2026, 3, 29, 12, tzinfo=BERLIN)).intent == Decimal("97.7")


def test_three_clicks_a_day_count() -> None:
    lead = a_lead()
    for minute in range(5):
        did(lead, "email_click", NOW - timedelta(minutes=minute))
    lead = scored(lead)
    assert (lead.engagement, lead.counted_interactions) == (3, 3)


def test_one_bounce_a_month_counts_and_does_not_fade() -> None:
    lead = jana()
    for day in (date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28)):
        did(lead, "email_bounce", datetime(day.year, day.month, day.day, 12, tzinfo=BERLIN))
    lead = scored(lead)
    assert (lead.negative, lead.score) == (-40, 30)


def test_the_unsubscribed_keep_intent_and_lose_engagement() -> None:
    lead = jana(unsubscribed_at=NOW)
    did(lead, "demo_request", 30)
    did(lead, "webinar_attend", 0)
    lead = scored(lead)
    assert (lead.intent, lead.engagement, lead.score, lead.counted_interactions) == (50, 0, 120, 1)


def test_who_unsubscribes_later_is_not_unsubscribed_yet() -> None:
    lead = a_lead(unsubscribed_at=NOW + timedelta(hours=1))
    did(lead, "webinar_attend", 0)
    assert scored(lead).engagement == 40


def test_the_excluded_get_no_score() -> None:
    lead = jana(excluded_because="competitor", score=50, grade="A1")
    did(lead, "demo_request", 0)
    lead = scored(lead)
    assert (lead.score, lead.fit, lead.intent, lead.engagement, lead.negative) == (None,) * 5
    assert (lead.grade, lead.score_model, lead.counted_interactions) == ("", None, 0)


def test_what_was_done_before_recycling_counts_against_only() -> None:
    lead = jana(engagement_since=NOW - timedelta(days=10))
    did(lead, "demo_request", 10)  # at the very moment
    did(lead, "webinar_attend", 20)
    did(lead, "careers_view", 20)
    did(lead, "newsletter_signup", 0)
    lead = scored(lead)
    assert (lead.fit, lead.intent, lead.engagement, lead.negative) == (70, 0, 5, -10)


# --- which model, which rows -----------------------------------------------------------------------------------------


def no_definition() -> None:
    Definition.objects.update(in_force_from=None)


def a_model(version: int, points: int, *, status: str = "retired") -> ScoreModel:
    model = ScoreModel.objects.create(
        version=version,
        name=f"Model {version}",
        status=status,
        fit_grades=[50, 30, 10],
        engagement_grades=[50, 30, 10],
        created_at=NOW,
        published_at=NOW,
    )
    ScoreRule.objects.create(
        model=model,
        code="known",
        label="Country",
        group="fit",
        points=points,
        condition={"field": "country", "op": "filled"},
    )
    return model


def a_definition(model: ScoreModel, *, position: int, scope: Any, version: int) -> Definition:
    return Definition.objects.create(
        version=version, name="x", scope=scope, position=position, in_force_from=NOW, score_model=model, created_at=NOW
    )


def test_a_lead_is_scored_by_the_model_of_its_definition() -> None:
    a_definition(a_model(7, 33), position=1, scope={"field": "country", "op": "is", "value": "AT"}, version=7)
    austrian, german = a_lead(country="AT"), a_lead(country="DE")
    assert scoring.score(Lead.objects.all(), now=NOW) == 2
    austrian.refresh_from_db()
    german.refresh_from_db()
    assert austrian.score == 33
    assert german.score == 5
    assert austrian.score_model is not None
    assert austrian.score_model.version == 7
    assert scored(austrian, NOW - timedelta(seconds=1)).score == 5  # that definition was not in force yet


def test_without_a_definition_the_published_model_counts() -> None:
    no_definition()
    assert scored(a_lead(country="DE")).score == 5
    a_definition(a_model(7, 33), position=1, scope={"field": "country", "op": "is", "value": "AT"}, version=7)
    austrian, german = a_lead(country="AT"), a_lead(country="DE")
    scoring.score([austrian.pk, german.pk], now=NOW)
    assert list(
        Lead.objects.filter(pk__in=[austrian.pk, german.pk]).order_by("pk").values_list("score", flat=True)
    ) == [
        33,
        5,
    ]


def test_without_a_model_nothing_is_scored() -> None:
    no_definition()
    ScoreModel.objects.update(status="retired")
    assert scored(a_lead(country="DE")).score is None


def test_nobody_is_no_error() -> None:
    assert scoring.score([], now=NOW) == 0
    assert scoring.score(Lead.objects.none(), now=NOW) == 0
    assert scoring.rescore_all(now=NOW) == 0


def test_only_the_given_leads_are_scored_and_merged_ones_never() -> None:
    lead, other = jana(), jana()
    gone = jana(merged_into=lead)
    assert scoring.score([lead.pk, gone.pk], now=NOW) == 1
    assert Lead.objects.filter(score=None).count() == 2
    assert {other.pk, gone.pk} == set(Lead.objects.filter(score=None).values_list("pk", flat=True))


def test_only_what_changed_is_written() -> None:
    fading, still = jana(), jana()
    did(fading, "demo_request", 0)
    assert scoring.score(Lead.objects.all(), now=NOW) == 2
    assert scoring.score(Lead.objects.all(), now=NOW + timedelta(hours=1)) == 0
    tomorrow = NOW + timedelta(days=1)
    assert scoring.rescore_all(now=tomorrow) == 1
    assert Lead.objects.get(pk=fading.pk).scored_at == tomorrow
    assert Lead.objects.get(pk=still.pk).scored_at == NOW


def test_something_done_is_seen_by_the_moment_even_if_no_figure_changes() -> None:
    lead = a_lead()
    did(lead, "demo_request", 0)
    did(lead, "pricing_view", 0)
    assert scored(lead).intent == 100
    later = NOW + timedelta(hours=1)
    did(lead, "pricing_view", later, recorded_at=later)  # over the cap and over the week's limit
    assert scored(lead, later).scored_at == later
    assert scoring.score([lead.pk], now=later) == 0
    assert scoring.score([lead.pk], now=later + timedelta(hours=1), touch=True) == 1


def test_one_statement_scores_any_number_of_leads() -> None:
    leads = [jana() for _each in range(20)]
    for lead in leads:
        did(lead, "demo_request", 3)
    with CaptureQueriesContext(connection) as seen:
        assert scoring.score(Lead.objects.all(), now=NOW) == 20
    assert len([query for query in seen if "UPDATE" in query["sql"]]) == 1
    assert len(seen) <= 4  # definitions, the published model, rules, the statement


def test_rescoring_goes_in_batches_and_tells_how_far_it_is() -> None:
    leads = [jana() for _each in range(5)]
    told: list[tuple[int, int]] = []
    written = scoring.rescore_all(now=NOW, batch=2, progress=lambda done, of: told.append((done, of)))
    assert written == 5
    assert told == [(2, 5), (4, 5), (5, 5)]
    assert set(Lead.objects.filter(pk__in=[lead.pk for lead in leads]).values_list("score", flat=True)) == {70}


def test_a_loss_without_measure_is_kept_within_the_column() -> None:
    model = ScoreModel.objects.get()
    ScoreRule.objects.create(model=model, code="chat", label="Chat", group="negative", points=-200, kinds=["chat"])
    lead = a_lead()
    Interaction.objects.bulk_create(
        Interaction(lead=lead, kind="chat", occurred_at=NOW, recorded_at=NOW, key=str(number)) for number in range(600)
    )
    assert scored(lead).negative == Decimal("-99999.9")


# --- explanation -----------------------------------------------------------------------------------------------------


def lines_of(lead: Lead) -> list[tuple[str, str, Decimal, str]]:
    explained = scoring.explain(lead)
    return [(line.label, line.detail, line.points, line.kind) for group in explained.groups for line in group.lines]


def test_an_explanation_line_by_line() -> None:
    lead = jana()
    did(lead, "pricing_view", 1)
    did(lead, "analyst_report", 28)
    did(lead, "careers_view", 12)
    lead = scored(lead)
    explained = scoring.explain(lead)
    # 70 + 24.4 + 25.3 − 10 = 109.7
    assert explained.total == lead.score == Decimal("109.7")
    assert lines_of(lead) == [
        ("Business e-mail", "voss.example", 35, "normal"),
        ("Industry on target", "machinery", 15, "normal"),
        ("Company size in range", "260 people", 10, "normal"),
        ("Region served", "DE", 5, "normal"),
        ("Seniority: director or above", "Director, head of", 15, "normal"),
        ("Over the cap", "80 counts as 70", -10, "over_cap"),
        ("Looked at prices", "yesterday, 25 when new, 1 a week counts", Decimal("24.4"), "normal"),
        ("Downloaded an analyst report", "3 Feb, 35 when new", Decimal("25.3"), "normal"),
        ("Looked at the careers page", "19 Feb", -10, "negative"),
    ]
    assert [(group.code, group.detail, group.sum) for group in explained.groups] == [
        ("fit", "who they are, at most 70", 70),
        ("intent", "fades by half every 30 days", Decimal("24.4")),
        ("engagement", "fades by half every 60 days", Decimal("25.3")),
        ("negative", "does not fade", -10),
    ]
    # The highest that the bars reach is 119.7, so that the scale ends at 120; the line is at 100 ÷ 120.
    assert explained.widest == 120
    first, last = explained.groups[0].lines[0], explained.groups[-1].lines[-1]
    assert (first.start, first.end) == (0, 29.17)  # 35 ÷ 120
    assert (last.start, last.end) == (99.75, 91.42)  # 119.7 and 109.7 of 120
    drawn = explained.waterfall
    assert drawn is not None
    assert (drawn.threshold, drawn.threshold_label, drawn.total_end) == (83.33, "100 qualified", 91.42)


def test_the_day_on_which_a_score_falls_below_the_line() -> None:
    lead = jana()
    did(lead, "demo_request", 0)
    did(lead, "careers_view", 0)
    lead = scored(lead)
    # 70 − 10 + 100 × 0.5^(n/30) ≥ 100 while 0.5^(n/30) ≥ 0.4, n ≤ 39.66: after 39 days 40.6, after 40 days 39.7
    explained = scoring.explain(lead)
    assert explained.falls_below_on == date(2026, 3, 3) + timedelta(days=40)
    assert explained.sentence.startswith("Without anything new it falls below 100 on 12 Apr 2026.")


def test_a_score_below_the_line_says_what_would_help() -> None:
    lead = scored(a_lead(email="j@voss.example", email_kind="business", country="DE"))
    explained = scoring.explain(lead)
    assert explained.falls_below_on is None
    assert explained.over == -60
    # function 20, industry 15, seniority 15, size 10 are unknown; the best three give 50, the cap leaves 70 − 40 = 30
    assert explained.advice == [
        "Knowing the function, industry and seniority could add up to 30 points.",
        "“Attended an event or webinar” would add 40 points.",
    ]


def test_at_the_cap_more_facts_would_not_help() -> None:
    assert "Knowing the function would not add points: fit is at its cap." in scoring.explain(scored(jana())).advice


def test_lines_of_the_unsubscribed_and_of_a_score_under_zero_add_up() -> None:
    lead = a_lead(email_kind="free", email="x@gmx.de", country="US", unsubscribed_at=NOW)
    did(lead, "webinar_attend", 60)
    lead = scored(lead)
    assert lines_of(lead) == [
        ("Free-mail address", "gmx.de", -10, "negative"),
        ("Region not served", "US", -30, "negative"),
        ("Attended an event or webinar", "2 Jan, 40 when new", 20, "normal"),
        ("Unsubscribed", "engagement counts 0", -20, "over_cap"),
        ("At least 0", "a score does not go below", 40, "normal"),
    ]


def test_the_stored_score_is_explained_as_of_its_moment() -> None:
    lead = jana()
    did(lead, "demo_request", 0)
    lead = scored(lead)
    did(lead, "trial_start", NOW + timedelta(hours=2), recorded_at=NOW + timedelta(hours=2))
    explained = scoring.explain(lead)
    assert (explained.total, explained.as_of) == (170, NOW)
    assert scoring.explain(lead, at=NOW + timedelta(days=30)).total == 135  # 70 + 50 + 30 × 0.5^(30/30)


def test_many_are_explained_as_each_is_alone() -> None:
    first, second = jana(), a_lead(email="j@gmail.example", email_kind="free", country="US")
    did(first, "pricing_view", 1)
    did(first, "webinar_attend", 5)
    did(second, "demo_request", 3)
    excluded = a_lead(excluded_because="test")
    ids = [scored(first).pk, scored(second, NOW + timedelta(days=2)).pk, scored(excluded).pk]
    leads = list(Lead.objects.select_related("score_model", "qualified_by").filter(pk__in=ids).order_by("pk"))
    with CaptureQueriesContext(connection) as queries:
        many = scoring.explain_many(leads)
    assert len(queries) == 2  # the rules of the model, and one statement
    assert sorted(many) == [first.pk, second.pk]
    for lead in leads[:2]:
        alone = scoring.explain(lead)
        assert many[lead.pk] == replace(alone, falls_below_on=None)
        assert alone.grade == lead.grade


def test_who_has_no_score_has_no_lines() -> None:
    for lead in (a_lead(), scored(jana(excluded_because="test"))):
        explained = scoring.explain(lead)
        assert (explained.total, explained.groups, explained.waterfall) == (None, [], None)


def test_the_course_of_a_score() -> None:
    lead = jana()
    did(lead, "demo_request", datetime(2026, 3, 2, 18, tzinfo=BERLIN))
    days = [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3), date(2026, 4, 1)]
    assert scoring.course(scored(lead), days=days, now=NOW) == [
        (days[0], 70),
        (days[1], 170),
        (days[2], Decimal("167.7")),  # 70 + 97.72
        (days[3], 120),  # 30 days old: 70 + 50
    ]


@pytest.mark.parametrize(
    ("score", "band"),
    [(None, ""), ("0", "0"), ("49.9", "0"), ("50", "50"), ("99.9", "75"), ("100", "100"), ("430", "150")],
)
def test_a_band_is_a_range_of_the_total(score: str | None, band: str) -> None:
    assert scoring.band_of(None if score is None else Decimal(score)) == band


def test_bands_have_no_gaps() -> None:
    bands = scoring.bands()
    assert bands[0][:3] == ("0", "0 to 49", 0)
    assert bands[-1] == ("150", "150 and more", 150, None)
    assert all(here[3] == after[2] for here, after in itertools.pairwise(bands))


# --- SQL and plain Python agree --------------------------------------------------------------------------------------

KINDS = ["chat", "download", "survey_answer"]
tenths = st.integers(-500, 500).map(lambda points: Decimal(points) / 10)
on_interactions = st.fixed_dictionaries(
    {
        "kinds": st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique=True),
        "group": st.sampled_from(["intent", "engagement", "negative", "fit"]),
        "points": tenths,
        "cap": st.one_of(st.none(), st.integers(1, 400).map(lambda cap: Decimal(cap) / 10)),
        "half_life_days": st.one_of(st.none(), st.integers(1, 60)),
        "per": st.sampled_from(["", "day", "week", "month", "ever"]),
        "limit": st.integers(0, 3),
    }
)
on_facts = st.fixed_dictionaries(
    {
        "field": st.sampled_from(["country", "city"]),
        "group": st.sampled_from(["fit", "intent", "negative"]),
        "points": tenths,
        "cap": st.one_of(st.none(), st.integers(1, 400).map(lambda cap: Decimal(cap) / 10)),
    }
)
deeds = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(-48, 24 * 80)), max_size=12)
RNG = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def rounded(points: float) -> Decimal:
    """Round as PostgreSQL does: a float becomes numeric with 15 digits, numeric rounds half away from zero."""
    return Decimal(f"{points:.15g}").quantize(Decimal("0.1"), ROUND_HALF_UP)


def limited(points: Decimal, cap: Decimal | None) -> Decimal:
    return points if cap is None else max(min(points, cap), -cap)


def bucket(day: date, per: str) -> Any:
    return {"day": day, "week": day.isocalendar()[:2], "month": (day.year, day.month)}.get(per)


def plainly(
    rules: Sequence[dict[str, Any]], lead: Lead, done: Sequence[tuple[str, datetime]]
) -> dict[str, Decimal | int]:
    """Score a lead row by row, as the rules of the score say."""
    sums = dict.fromkeys(["fit", "intent", "engagement", "negative"], Decimal(0))
    counted = 0
    for rule in rules:
        if "field" in rule:
            points = rule["points"] if getattr(lead, rule["field"]) else Decimal(0)
            sums[rule["group"]] += limited(points, rule["cap"])
            continue
        restarts = rule["group"] in {"intent", "engagement"}
        mine = [
            at
            for kind, at in done
            if kind in rule["kinds"]
            and at <= NOW
            and not (restarts and lead.engagement_since and at <= lead.engagement_since)
        ]
        seen: dict[Any, int] = {}
        total = 0.0
        for at in sorted(mine, reverse=True):
            day = at.astimezone(BERLIN).date()
            which = bucket(day, rule["per"])
            seen[which] = seen.get(which, 0) + 1
            if rule["per"] and seen[which] > rule["limit"]:
                continue
            age = (NOW.date() - day).days
            total += float(rule["points"]) * 0.5 ** (age / rule["half_life_days"] if rule["half_life_days"] else 0)
            silent = rule["group"] == "engagement" and lead.unsubscribed_at
            counted += restarts and rule["points"] > 0 and not silent
        sums[rule["group"]] += limited(rounded(total), rule["cap"])
    sums["fit"] = min(sums["fit"], Decimal(30))
    sums["intent"] = min(sums["intent"], Decimal(40))
    sums["engagement"] = Decimal(0) if lead.unsubscribed_at else min(sums["engagement"], Decimal(20))
    return {**sums, "score": max(sum(sums.values(), Decimal(0)), Decimal(0)), "counted_interactions": counted}


@RNG
@given(
    rules=st.lists(st.one_of(on_interactions, on_facts), max_size=6),
    done=deeds,
    since=st.one_of(st.none(), st.integers(0, 24 * 60)),
    silent=st.booleans(),
    country=st.sampled_from(["", "DE"]),
)
def test_sql_and_plain_python_agree(
    rules: list[dict[str, Any]], done: list[tuple[str, int]], since: int | None, silent: bool, country: str
) -> None:
    with transaction.atomic():
        no_definition()
        ScoreModel.objects.update(status="retired")
        model = ScoreModel.objects.create(
            version=2,
            name="Random",
            status="published",
            fit_cap=30,
            intent_cap=40,
            engagement_cap=20,
            fit_grades=[30, 20, 10],
            engagement_grades=[30, 20, 10],
            created_at=NOW,
            published_at=NOW,
        )
        for number, rule in enumerate(rules):
            told: dict[str, Any] = (
                {"condition": {"field": rule["field"], "op": "filled"}}
                if "field" in rule
                else {
                    "kinds": rule["kinds"],
                    "half_life_days": rule["half_life_days"],
                    "limit": rule["limit"] if rule["per"] else None,
                    "limit_per": rule["per"],
                }
            )
            ScoreRule.objects.create(
                model=model,
                code=f"rule-{number}",
                label=f"Rule {number}",
                position=number,
                group=rule["group"],
                points=rule["points"],
                cap=rule["cap"],
                **told,
            )
        lead = a_lead(
            country=country,
            engagement_since=None if since is None else NOW - timedelta(hours=since),
            unsubscribed_at=NOW if silent else None,
        )
        happened = [(kind, NOW - timedelta(hours=hours)) for kind, hours in done]
        for kind, at in happened:
            did(lead, kind, at)
        other = a_lead()
        did(other, "chat", 1)

        lead = scored(lead)
        expected = plainly(rules, lead, happened)
        assert {name: getattr(lead, name) for name in expected} == expected

        explained = scoring.explain(lead)
        assert explained.total == lead.score
        assert sum((line.points for group in explained.groups for line in group.lines), Decimal(0)) == lead.score
        for group in explained.groups:
            assert sum((line.points for line in group.lines), Decimal(0)) == group.sum
        transaction.set_rollback(True)
