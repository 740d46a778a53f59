"""Follow-ups and outcomes: what counts, what is refused, what is the same report again."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from feedback import decisions, outcomes
from feedback.models import Answer, FollowUp, OutcomeReport
from feedback.outcomes import Refused
from leads.models import Lead, Stage
from sla.models import Clock, Handoff

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def accepted(handoff, sam, tuesday) -> Handoff:
    """Ines Kaltenbach, accepted by Sam at 10:01."""
    decisions.accept(handoff, by=sam, now=tuesday + MINUTE)
    handoff.refresh_from_db()
    return handoff


def tried(handoff: Handoff, by, at: datetime, *, channel: str = "call", result: str = "no_answer", **more) -> FollowUp:
    return outcomes.log_follow_up(
        handoff, by=by, channel=channel, result=result, occurred_at=at, now=more.pop("now", at), **more
    )


# --- Follow-ups


def test_first_follow_up_stops_its_clock_also_before_the_decision(handoff, sam, tuesday) -> None:
    tried(handoff, sam, tuesday + 4 * MINUTE)
    clock = Clock.objects.get(handoff=handoff, measure="first_follow_up")
    assert (clock.outcome, clock.stopped_at, clock.used_seconds) == ("met", tuesday + 4 * MINUTE, 240)
    handoff.refresh_from_db()
    assert (handoff.attempts, handoff.decision, handoff.reached_at) == (1, "", None)
    assert Clock.objects.get(handoff=handoff, measure="decide").outcome == "running"


def test_attempts_count_two_hours_apart_and_twice_a_day_on_each_channel(accepted, sam, tuesday) -> None:
    at = datetime(2026, 3, 4, 9, 0, tzinfo=BERLIN)
    tries = [
        (at, "call", True),
        (at + HOUR, "call", False),  # one hour after the first
        (at + HOUR, "email", True),  # another channel
        (at + 2 * HOUR, "call", True),  # exactly two hours after
        (at + 6 * HOUR, "call", False),  # the third of the day
        (at + 24 * HOUR, "call", True),  # the next day
    ]
    counted = [tried(accepted, sam, when, channel=channel).counts for when, channel, _counts in tries]
    assert counted == [counts for _when, _channel, counts in tries]
    accepted.refresh_from_db()
    assert accepted.attempts == 4


def test_entry_by_hand_two_working_hours_later_does_not_count_at_its_time(handoff, sam, tuesday) -> None:
    tried(handoff, sam, tuesday + 2 * MINUTE, now=tuesday + 3 * HOUR + 3 * MINUTE)  # an hour of it is lunch
    clock = Clock.objects.get(handoff=handoff, measure="first_follow_up")
    assert clock.outcome == "late"
    handoff.refresh_from_db()
    assert handoff.first_follow_up_at == tuesday + 2 * MINUTE


def test_entry_by_hand_within_two_working_hours_counts_at_its_time(handoff, sam, tuesday) -> None:
    tried(handoff, sam, tuesday + 2 * MINUTE, now=tuesday + 3 * HOUR + 2 * MINUTE)
    clock = Clock.objects.get(handoff=handoff, measure="first_follow_up")
    assert (clock.outcome, clock.stopped_at) == ("met", tuesday + 2 * MINUTE)


def test_a_system_counts_at_its_time_however_late_it_reports(handoff, sam, tuesday) -> None:
    tried(
        handoff,
        sam,
        tuesday + 2 * MINUTE,
        now=tuesday + 30 * HOUR,
        by_hand=False,
        system="crm",
        external_id="call-1",
    )
    assert Clock.objects.get(handoff=handoff, measure="first_follow_up").outcome == "met"


def test_same_call_reported_twice_is_logged_once(handoff, sam, tuesday) -> None:
    reported = {"now": tuesday + 10 * MINUTE, "system": "crm", "external_id": "call-1", "by_hand": False}
    first = tried(handoff, sam, tuesday + 5 * MINUTE, **reported)
    again = tried(handoff, sam, tuesday + 6 * MINUTE, **reported)
    assert again == first
    handoff.refresh_from_db()
    assert handoff.attempts == 1


def test_reached_asks_once_for_the_quality(accepted, sam, tuesday) -> None:
    tried(accepted, sam, tuesday + 5 * MINUTE, result="reached", quality=4)
    tried(accepted, sam, tuesday + 3 * HOUR, result="reached", quality=1)
    assert Answer.objects.get(handoff=accepted).quality == 4
    accepted.refresh_from_db()
    assert accepted.reached_at == tuesday + 5 * MINUTE


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"occurred_at": timedelta(hours=1)}, "occurred_at", "in the future"),
        ({"occurred_at": -timedelta(hours=1)}, "occurred_at", "before the lead was handed over"),
        ({"channel": "pigeon"}, "channel", "call, email, message, meeting"),
        ({"result": "fine"}, "result", "no_answer, left_message, reached, wrong_contact"),
        ({"next_step_at": -timedelta(hours=1)}, "next_step_at", "lies in the past"),
        ({"next_step_at": timedelta(days=3650)}, "next_step_at", "two years"),
        ({"note": "x" * 4001}, "note", "longer than 4000"),
        ({"external_id": "7"}, "system", "Name the system"),
        ({"quality": 9}, "quality", "from 1"),
    ],
)
def test_wrong_follow_up_is_named(handoff, sam, tuesday, changes, field, words) -> None:
    now = tuesday + 10 * MINUTE
    said = {"channel": "call", "result": "no_answer", "occurred_at": timedelta()} | changes
    for name in ("occurred_at", "next_step_at"):
        if name in said:
            said[name] = now + said[name]
    with pytest.raises(Refused) as refusal:
        outcomes.log_follow_up(handoff, by=sam, now=now, **said)
    assert words in refusal.value.errors[field]
    assert FollowUp.objects.count() == 0


def test_rejected_lead_is_not_followed_up(handoff, sam, tuesday, reason) -> None:
    decisions.reject(handoff, reason=reason("spam_or_test"), by=sam, now=tuesday, asked={}, quality=1)
    with pytest.raises(Refused) as refusal:
        tried(handoff, sam, tuesday + MINUTE)
    assert refusal.value.errors == {"": "This lead was rejected; there is nothing to follow up."}


# --- Outcomes


def test_won_closes_with_its_revenue(accepted, sam, tuesday) -> None:
    at = tuesday + timedelta(days=2)
    outcomes.report(accepted, by=sam, kind="meeting", occurred_at=tuesday + HOUR, now=tuesday + HOUR)
    outcomes.report(accepted, by=sam, kind="opportunity", occurred_at=at, now=at, amount=Decimal(50000), currency="eur")
    assert Lead.objects.get(pk=accepted.lead_id).stage == Stage.OPPORTUNITY
    won = outcomes.report(
        accepted, by=sam, kind="won", occurred_at=at + HOUR, now=at + HOUR, amount=Decimal("48000.50"), currency="EUR"
    )
    assert (won.amount, won.currency, won.flag) == (Decimal("48000.50"), "EUR", "")
    lead = Lead.objects.get(pk=accepted.lead_id)
    assert (lead.stage, lead.stage_since) == (Stage.CUSTOMER, at + HOUR)
    accepted.refresh_from_db()
    assert (accepted.closed_because, accepted.won_at, accepted.revenue, accepted.currency) == (
        "won",
        at + HOUR,
        Decimal("48000.50"),
        "EUR",
    )
    assert (accepted.meeting_at, accepted.opportunity_at) == (tuesday + HOUR, at)


def test_second_report_corrects_the_first(accepted, sam, tuesday) -> None:
    now = tuesday + HOUR
    said = {"by": sam, "kind": "won", "occurred_at": now, "currency": "EUR"}
    first = outcomes.report(accepted, now=now, amount=Decimal(10), **said)
    again = outcomes.report(accepted, now=now + HOUR, amount=Decimal(20), **said)
    assert again == first
    accepted.refresh_from_db()
    assert accepted.revenue == Decimal(20)
    assert OutcomeReport.objects.count() == 1


def test_lost_after_won_replaces_it(accepted, sam, tuesday) -> None:
    now = tuesday + HOUR
    outcomes.report(accepted, by=sam, kind="won", occurred_at=now, now=now, amount=Decimal(10), currency="EUR")
    outcomes.report(accepted, by=sam, kind="lost", occurred_at=now, now=now + HOUR, lost_because="They withdrew")
    accepted.refresh_from_db()
    assert (accepted.closed_because, accepted.won_at, accepted.lost_at, accepted.revenue) == ("lost", None, now, None)
    assert Lead.objects.get(pk=accepted.lead_id).stage == Stage.LOST
    assert OutcomeReport.objects.get(kind="won").flag == "replaced by a later report: Lost"


def test_won_before_it_was_handed_over_is_kept_and_flagged(accepted, sam, tuesday) -> None:
    Lead.objects.filter(pk=accepted.lead_id).update(captured_at=tuesday - timedelta(days=30))
    won = outcomes.report(
        accepted,
        by=sam,
        kind="won",
        occurred_at=tuesday - timedelta(days=1),
        now=tuesday + HOUR,
        amount=Decimal(0),
        currency="EUR",
    )
    assert won.flag == "dated before it was handed over"
    accepted.refresh_from_db()
    assert accepted.won_at == tuesday - timedelta(days=1)


def test_same_deal_reported_twice_is_one_row_and_changes_are_taken(accepted, sam, tuesday) -> None:
    said = {"by": None, "kind": "opportunity", "occurred_at": tuesday + HOUR, "system": "crm", "external_id": "42"}
    first = outcomes.report(accepted, now=tuesday + 2 * HOUR, **said)
    again = outcomes.report(accepted, now=tuesday + 3 * HOUR, **said)
    changed = outcomes.report(accepted, now=tuesday + 4 * HOUR, amount=Decimal(7), currency="USD", **said)
    assert first == again == changed
    assert OutcomeReport.objects.get().amount == Decimal(7)
    assert OutcomeReport.objects.get().recorded_at == tuesday + 2 * HOUR


def test_same_id_for_another_handoff_is_refused(accepted, hand_over, sam, tuesday) -> None:
    other = hand_over("Petra Lang", domain="lang.example")
    decisions.accept(other, by=sam, now=tuesday + MINUTE)
    said = {"by": None, "kind": "opportunity", "occurred_at": tuesday + HOUR, "system": "crm", "external_id": "42"}
    outcomes.report(accepted, now=tuesday + HOUR, **said)
    with pytest.raises(Refused) as refusal:
        outcomes.report(other, now=tuesday + HOUR, **said)
    assert "another handoff" in refusal.value.errors["external_id"]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"amount": None}, "amount", "Say how much it is worth"),
        ({"amount": Decimal("-1")}, "amount", "0 or more"),
        ({"amount": Decimal("NaN")}, "amount", "0 or more"),
        ({"amount": Decimal("1e15")}, "amount", "too large"),
        ({"currency": "EURO"}, "currency", "three letters"),
        ({"currency": "XXQ"}, "currency", "three letters"),
        ({"kind": "lost"}, "lost_because", "Say why it was lost"),
        ({"kind": "stolen"}, "kind", "meeting, opportunity, won, lost"),
        ({"occurred_at": datetime(2027, 1, 1, tzinfo=BERLIN)}, "occurred_at", "in the future"),
        ({"occurred_at": datetime(1, 1, 1, tzinfo=BERLIN)}, "occurred_at", "too long ago"),
    ],
)
def test_wrong_outcome_is_named(accepted, sam, tuesday, changes, field, words) -> None:
    said = {
        "kind": "won",
        "occurred_at": tuesday + HOUR,
        "now": tuesday + HOUR,
        "amount": Decimal(10),
        "currency": "EUR",
    } | changes
    with pytest.raises(Refused) as refusal:
        outcomes.report(accepted, by=sam, **said)
    assert words in refusal.value.errors[field]
    assert OutcomeReport.objects.count() == 0


def test_outcome_needs_an_accepted_lead(handoff, sam, tuesday) -> None:
    with pytest.raises(Refused) as refusal:
        outcomes.report(handoff, by=sam, kind="meeting", occurred_at=tuesday, now=tuesday)
    assert "Accept the lead first" in refusal.value.errors[""]
