"""How numbers, rates, times and money are written. Every expected text is put down by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone, translation

from leadsla import display

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 17, 14, 20, tzinfo=BERLIN)  # a Tuesday


@pytest.fixture(autouse=True)
def in_berlin_in_english():
    with timezone.override(BERLIN), translation.override("en"):
        yield


def render(text: str, **context: object) -> str:
    return Template(text).render(Context(context))


@pytest.mark.parametrize(
    ("value", "places", "written"),
    [
        (1536, 0, "1,536"),
        (0, 0, "0"),
        (1234567, 0, "1,234,567"),
        (-31, 0, "−31"),
        (2.5, 0, "3"),
        (70, 1, "70.0"),
        (Decimal("-10"), 1, "−10.0"),
        (None, 0, "–"),
    ],
)
def test_number(value, places, written):
    assert display.number(value, places) == written


def test_number_follows_the_language():
    with translation.override("de"):
        assert display.number(1536.5, 1) == "1.536,5"


@pytest.mark.parametrize(
    ("share", "cases", "written"),
    [
        (37 / 61, 61, "61\u202f%"),
        (0.61, None, "61\u202f%"),
        (1 / 74, 74, "1.4\u202f%"),  # below 10 %: one decimal
        (0.0996, 500, "10\u202f%"),  # rounds to 10.0, which is no longer below 10 %
        (0.0994, 500, "9.9\u202f%"),
        (0.6147, 999, "61\u202f%"),
        (0.6147, 1000, "61.5\u202f%"),  # from 1,000 cases on: one decimal
        (0.105, 20, "11\u202f%"),  # half upwards, where floats say 10.5 exactly
        (0, 12, "0\u202f%"),
        (1, 4, "100\u202f%"),
        (-0.031, None, "−3.1\u202f%"),
        (None, None, "–"),
    ],
)
def test_percent(share, cases, written):
    assert display.percent(share, cases) == written


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (216000, "EUR", "216,000\u202f€"),
        (Decimal("19.90"), "EUR", "19.90\u202f€"),
        (Decimal("-48000.00"), "USD", "−48,000\u202f$"),
        (5, "CHF", "5\u202fCHF"),
        (None, "EUR", "–"),
    ],
)
def test_money(amount, currency, written):
    assert display.money(amount, currency) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(35, "+35.0"), (Decimal("-10.0"), "−10.0"), (0, "0.0"), (-0.04, "0.0"), (24.36, "+24.4"), (None, "–")],
)
def test_points(value, written):
    assert display.points(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(99.9, "99"), (Decimal("119.5"), "119"), (100, "100"), (0, "0"), (None, "–")]
)
def test_a_score_is_rounded_down(value, written):
    assert display.score_floor(value) == written


@pytest.mark.parametrize(
    ("low", "high", "unit", "written"),
    [
        (120, 150, "", "120–150"),
        (0.9, None, "percent", "≥\u202f90\u202f%"),
        (None, 5, "", "≤\u202f5"),
        (0.55, 0.65, "percent", "55–65\u202f%"),
        (40000, 60000, "EUR", "40,000–60,000\u202f€"),
        (1, 1, "percent", "100\u202f%"),
        (None, None, "", "–"),
    ],
)
def test_range_words(low, high, unit, written):
    assert display.range_words(low, high, unit) == written


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2026, 11, 17, 15, 40, tzinfo=BERLIN), "today 15:40"),
        (datetime(2026, 11, 18, 9, 0, tzinfo=BERLIN), "tomorrow 09:00"),
        (datetime(2026, 11, 16, 16, 48, tzinfo=BERLIN), "yesterday 16:48"),
        (datetime(2026, 11, 12, 17, 10, tzinfo=BERLIN), "Thu 12 Nov, 17:10"),
        (datetime(2027, 1, 4, 9, 0, tzinfo=BERLIN), "Mon 4 Jan 2027, 09:00"),
        # 23:30 in London is half past midnight in Berlin: tomorrow.
        (datetime(2026, 11, 17, 23, 30, tzinfo=UTC), "tomorrow 00:30"),
    ],
)
def test_moment(moment, written):
    assert display.moment_text(moment, NOW) == written


def test_a_moment_without_now_says_its_year():
    assert display.moment_text(NOW) == "Tue 17 Nov 2026, 14:20"
    assert display.moment_text(None, NOW) == "–"


def test_the_moment_tag_takes_now_from_the_page_and_shows_the_zone():
    written = render("{% moment at %}", at=NOW - timedelta(days=1), now=NOW)

    assert written == (
        '<time datetime="2026-11-16T14:20:00+01:00" title="Mon 16 Nov 2026, 14:20 CET">yesterday 14:20</time>'
    )


def test_the_moment_tag_takes_now_from_the_shell():
    assert ">today 14:20<" in render("{% moment at %}", at=NOW, shell={"now_epoch": NOW.timestamp()})
    assert ">Tue 17 Nov 2026, 14:20<" in render("{% moment at %}", at=NOW, shell=None)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (date(2026, 11, 17), "today"),
        (date(2026, 11, 30), "Mon 30 Nov"),
        (date(2027, 1, 18), "Mon 18 Jan 2027"),
        (datetime(2026, 11, 17, 23, 30, tzinfo=UTC), "tomorrow"),
        (None, "–"),
    ],
)
def test_day(value, written):
    assert display.day_text(value, NOW) == written


def test_the_day_tag():
    assert render("{% day on %}", on=date(2026, 11, 30), now=NOW) == '<time datetime="2026-11-30">Mon 30 Nov</time>'


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0 s"),
        (95, "95 s"),
        (119.9, "119 s"),
        (120, "2 min"),
        (12 * 60 + 59, "12 min"),
        (3600, "1 h"),
        (80 * 60, "1 h 20"),
        (125 * 60, "2 h 05"),
        (timedelta(hours=5, minutes=10), "5 h 10"),
        (-70 * 60, "1 h 10"),  # the words around it say overdue
        (None, "–"),
    ],
)
def test_duration(seconds, written):
    assert display.duration(seconds) == written


@pytest.mark.parametrize(
    ("hours", "written"),
    [(7.5, "1 day"), (7.5 + 3 + 40 / 60, "1 day 3 h 40"), (15 + 40 / 60, "2 days 40 min"), (7, "7 h")],
)
def test_a_day_of_a_duration_is_a_working_day(hours, written):
    assert display.duration(round(hours * 3600), 7.5 * 3600) == written


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Miriam Vogt", "MV"),
        ("Dr. Katrin Sommer", "KS"),
        ("Anna Maria von Berg", "AB"),
        ("Cher", "C"),
        ("élodie ørsted", "ÉØ"),
        ("", "?"),
        (None, "?"),
    ],
)
def test_initials(name, written):
    assert display.initials(name) == written


def test_icon_points_into_the_sprite_and_is_hidden_from_readers():
    assert render('{% icon "check" %}') == (
        '<svg class="i" aria-hidden="true"><use href="/static/build/sprite.svg#i-check"></use></svg>'
    )


def test_query_changes_one_parameter_and_keeps_the_others():
    request = RequestFactory().get("/leads/", {"stage": "nurturing", "page": "3"})

    assert render("{% query page=4 %}", request=request) == "?stage=nurturing&amp;page=4"
    assert render("{% query page=None %}", request=request) == "?stage=nurturing"
    assert render("{% query page=1 %}") == "?page=1"


def test_coordinates_are_the_same_in_every_language():
    with translation.override("de"):
        assert render("{{ at|coord }} {{ low|width_to:high }}", at=46.25, low=75, high=93.8) == "46.25 18.8"
    assert display.width_to(50, 40) == "0"
    assert display.per_cent(0.6147) == "61.47"
    assert display.per_cent_to(0.25, 0.75) == "50"


def test_labels_near_an_end_stay_inside():
    assert [display.anchor(place) for place in (0, 11.9, 12, 50, 88, 88.1, 100)] == [
        "start", "start", "middle", "middle", "middle", "end", "end",
    ]  # fmt: skip


def test_a_sparkline_runs_from_its_lowest_to_its_highest_figure():
    # Three values over 58 x 21 px: x at 2, 28, 54; y between 3 (highest) and 18 (lowest), the promise in the middle.
    assert display.spark_line([10, 20, 10], 15) == {
        "points": "2,18 28,3 54,18",
        "promise": "10.5",
        "last_x": "54",
        "last_y": "18",
        "width": "58",
        "height": "21",
    }


def test_a_sparkline_needs_two_figures():
    assert display.spark_line([None, 3, None]) == {}


def test_a_sparkline_leaves_out_periods_without_a_figure():
    assert display.spark_line([1, None, 2])["points"] == "2,18 54,3"


def test_a_stacked_bar_shares_the_width_and_counts_the_overdue_among_the_waiting():
    laid_out = display.stacked(
        [
            {"count": 50, "kind": "accepted", "label": "accepted"},
            {"count": 30, "kind": "rejected", "label": "rejected"},
            {"count": 18, "kind": "waiting", "label": "waiting", "detail": "2 overdue"},
            {"count": 2, "kind": "overdue"},
        ]
    )

    assert [(bar["x"], bar["width"]) for bar in laid_out["bars"]] == [
        ("0", "49.7"), ("50", "29.7"), ("80", "17.7"), ("98", "1.7"),
    ]  # fmt: skip
    assert [(label["count"], label["x"], label["width"]) for label in laid_out["labels"]] == [
        (50, "0", "50"), (30, "50", "30"), (20, "80", "20"),
    ]  # fmt: skip


def test_labels_of_narrow_parts_get_room_from_wide_ones():
    # 98 + 1 + 1: the two narrow ones are raised to 17, the wide one gives the 32 that this takes.
    labels = display.stacked(
        [{"count": 98, "kind": "a", "label": "a"}, {"count": 1, "kind": "b", "label": "b"},
         {"count": 1, "kind": "c", "label": "c"}]
    )["labels"]  # fmt: skip

    assert [label["width"] for label in labels] == ["66", "17", "17"]
    assert [label["x"] for label in labels] == ["0", "66", "83"]


def test_a_stacked_bar_of_nothing():
    laid_out = display.stacked([{"count": 0, "kind": "accepted", "label": "accepted"}])

    assert laid_out["bars"][0]["width"] == "0"
    assert laid_out["labels"][0]["count"] == 0


def test_a_pareto_bar_leaves_room_for_its_figure():
    # The longest bar takes 72 per cent: 7 of 7 is 72, so one is 72 / 7; 2 of 6 are contested.
    assert display.pareto_bar(7, 0, 7) == {"plain": "72", "contested": "0", "end": "72"}
    assert display.pareto_bar(6, 2, 8) == {"plain": "36", "contested": "18", "end": "54"}
    assert display.pareto_bar(0, None, 0) == {"plain": "0", "contested": "0", "end": "0"}


def test_chart_data_cannot_leave_its_block():
    written = render("{{ data|chart_data:'pace' }}", data={"label": "</script><b>"})

    assert written.startswith('<script id="pace-data" type="application/json">')
    assert "</script><b>" not in written
