"""Answers of sales: the first counts, a minute for the undo, then what follows from the reason."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection

from feedback import decisions, outcomes
from feedback.models import Answer, Reason
from leads.models import DuplicateProposal, Lead, Stage
from leadsla.accounts.models import AwayTime, Role, User
from leadsla.outbox.models import Message
from sla.models import Clock, Handoff, Round

FindReason = Callable[[str], Reason]
HandOver = Callable[..., Handoff]

MINUTE = timedelta(minutes=1)


def clock(handoff: Handoff, measure: str) -> Clock:
    return Clock.objects.get(handoff=handoff, measure=measure, round=handoff.round)


def told(event: str) -> set[tuple[str, str]]:
    """Return who was told of an event in the portal, and the subject."""
    return set(Message.objects.filter(event__startswith=event, channel="in_app").values_list("address", "subject"))


def rejected(handoff: Handoff, reason: Reason, by: User, now: datetime, **more: object) -> Answer:
    said = {"asked": {"text": "said on the phone"}, "quality": 2} | more
    given = decisions.reject(handoff, reason=reason, by=by, now=now, **said)  # type: ignore[arg-type]
    assert given.answer is not None
    return given.answer


def test_accepting_counts_at_once_and_tells_marketing_a_minute_later(handoff, sam, tuesday) -> None:
    at = tuesday + timedelta(minutes=20)
    given = decisions.accept(handoff, by=sam, now=at)
    assert given.first is None
    handoff.refresh_from_db()
    assert (handoff.decision, handoff.decided_at) == ("accepted", at)
    assert handoff.lead.__class__.objects.get(pk=handoff.lead_id).stage == Stage.ACCEPTED
    decide = clock(handoff, "decide")
    assert (decide.outcome, decide.stopped_at, decide.used_seconds) == ("met", at, 20 * 60)

    assert decisions.carry_out_due(now=at + timedelta(seconds=59)) == 0
    assert told("answer:") == set()
    assert decisions.carry_out_due(now=at + MINUTE) == 1
    assert told("answer:") == {("mia@leadsla.example", "Sam Becker accepted Ines Kaltenbach (Rotek)")}
    assert decisions.carry_out_due(now=at + 2 * MINUTE) == 0
    assert Message.objects.filter(event__startswith="answer:").count() == 2  # in the portal and by e-mail, once


def test_second_answer_is_told_who_was_first(handoff, sam, sue, tuesday, reason) -> None:
    stale = Handoff.objects.get(pk=handoff.pk)
    decisions.accept(handoff, by=sam, now=tuesday + MINUTE)
    late = decisions.reject(stale, reason=reason("no_consent"), by=sue, now=tuesday + 2 * MINUTE, asked={}, quality=1)
    assert late.answer is None
    assert late.first is not None
    assert (late.first.by, late.first.at, late.first.decision) == (sam, tuesday + MINUTE, "accepted")
    assert str(late.first) == "Sam Becker accepted this lead first."
    assert Answer.objects.count() == 1
    handoff.refresh_from_db()
    assert (handoff.decision, handoff.decided_at) == ("accepted", tuesday + MINUTE)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_connections_at_once_make_one_answer(handoff, sam, sue, tuesday, reason) -> None:
    ready = threading.Barrier(2)
    given: dict[str, decisions.Given] = {}

    def answer(name: str, act: Callable[[Handoff], decisions.Given]) -> None:
        mine = Handoff.objects.get(pk=handoff.pk)
        ready.wait(timeout=10)
        given[name] = act(mine)
        connection.close()

    spam = reason("spam_or_test")
    threads = [
        threading.Thread(target=answer, args=("sam", lambda mine: decisions.accept(mine, by=sam, now=tuesday))),
        threading.Thread(
            target=answer,
            args=("sue", lambda mine: decisions.reject(mine, reason=spam, by=sue, now=tuesday, asked={}, quality=1)),
        ),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    winners = [name for name, one in given.items() if one.answer is not None]
    losers = [one for one in given.values() if one.answer is None]
    assert len(winners) == 1
    assert len(losers) == 1
    assert losers[0].first is not None
    assert losers[0].first.by == {"sam": sam, "sue": sue}[winners[0]]
    assert Answer.objects.count() == 1
    assert Round.objects.get().decided_by == {"sam": sam, "sue": sue}[winners[0]]


def test_from_api_nothing_waits(handoff, sam, tuesday) -> None:
    given = decisions.accept(handoff, by=sam, now=tuesday, via="api")
    assert given.answer is not None
    assert given.answer.not_before == tuesday
    assert not decisions.undo(given.answer, by=sam, now=tuesday)
    assert decisions.carry_out_due(now=tuesday) == 1


def test_undo_within_the_minute_lets_the_clock_go_on(handoff, sam, tuesday) -> None:
    given = decisions.accept(handoff, by=sam, now=tuesday + 5 * MINUTE)
    assert given.answer is not None
    assert decisions.undo(given.answer, by=sam, now=tuesday + 5 * MINUTE + timedelta(seconds=59))
    handoff.refresh_from_db()
    assert (handoff.decision, handoff.decided_at) == ("", None)
    assert Lead.objects.get(pk=handoff.lead_id).stage == Stage.HANDED_OVER
    decide = clock(handoff, "decide")
    assert (decide.outcome, decide.stopped_at, decide.due_at) == ("running", None, tuesday + timedelta(hours=4))
    assert decisions.carry_out_due(now=tuesday + timedelta(hours=1)) == 0
    assert told("answer:") == set()
    assert not decisions.undo(given.answer, by=sam, now=tuesday + 6 * MINUTE - timedelta(seconds=1))


def test_undo_after_the_minute_or_by_another_changes_nothing(handoff, sam, sue, tuesday, reason) -> None:
    answer = rejected(handoff, reason("too_early"), sam, tuesday)
    assert not decisions.undo(answer, by=sue, now=tuesday + timedelta(seconds=10))
    assert not decisions.undo(answer, by=sam, now=tuesday + MINUTE)
    handoff.refresh_from_db()
    assert handoff.decision == "rejected"


def test_undone_and_answered_again_keeps_both(handoff, sam, tuesday, reason) -> None:
    first = rejected(handoff, reason("spam_or_test"), sam, tuesday)
    decisions.undo(first, by=sam, now=tuesday + timedelta(seconds=5))
    handoff.refresh_from_db()
    second = decisions.accept(handoff, by=sam, now=tuesday + timedelta(seconds=20))
    assert second.answer is not None
    assert decisions.carry_out_due(now=tuesday + 2 * MINUTE) == 1
    assert Lead.objects.get(pk=handoff.lead_id).stage == Stage.ACCEPTED
    assert Lead.objects.get(pk=handoff.lead_id).blocked_at is None


@pytest.mark.parametrize(
    ("code", "asked", "quality", "field", "words"),
    [
        ("too_early", {}, 2, "asked", "What was misread?"),
        ("too_early", {"text": "x"}, None, "quality", "from 1 (useless) to 5 (excellent)"),
        ("too_early", {"text": "x"}, 6, "quality", "Quality goes from 1"),
        ("bad_contact_data", {"field": "budget"}, 2, "asked", "Choose one of: Name, E-mail, Phone"),
        ("wrong_territory", {"team": "4711"}, 2, "asked", "Choose another team of sales: South."),
        ("duplicate", {"lead": "nobody@nowhere.example"}, 2, "asked", "No lead has this e-mail or link."),
        ("duplicate", {"lead": "ines@rotek.example"}, 2, "asked", "This is the lead itself."),
        ("wrong_company", {"criterion": "colour"}, 2, "asked", "Choose one of:"),
        ("no_budget", {"date": "2026-09-01"}, 2, "reason", "after talking to them, none logged"),
        ("unreachable", {}, 2, "reason", "after 6 attempts, 0 made"),
        ("other", {"text": " "}, 2, "asked", "What happened?"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    handoff, south, sam, tuesday, reason, code, asked, quality, field, words
) -> None:
    with pytest.raises(decisions.Refused) as refusal:
        decisions.reject(handoff, reason=reason(code), by=sam, now=tuesday, asked=asked, quality=quality)
    assert words in refusal.value.errors[field]
    handoff.refresh_from_db()
    assert handoff.decision == ""
    assert Answer.objects.count() == 0


def test_retired_reason_is_refused(handoff, sam, tuesday, reason) -> None:
    Reason.objects.filter(code="spam_or_test").update(is_active=False)
    with pytest.raises(decisions.Refused) as refusal:
        decisions.reject(handoff, reason=reason("spam_or_test"), by=sam, now=tuesday, asked={}, quality=1)
    assert "is not in use any more" in refusal.value.errors["reason"]


def test_dates_asked_for_lie_ahead(handoff, sam, tuesday, reason) -> None:
    outcomes.log_follow_up(
        handoff, by=sam, channel="call", result="reached", occurred_at=tuesday + MINUTE, now=tuesday + MINUTE
    )
    handoff.refresh_from_db()
    for text, words in (
        ("2026-03-03", "not in the future"),
        ("2030-03-03", "more than three years"),
        ("soon", "year-month-day"),
    ):
        with pytest.raises(decisions.Refused) as refusal:
            decisions.reject(
                handoff, reason=reason("bad_timing"), by=sam, now=tuesday + 2 * MINUTE, asked={"date": text}, quality=3
            )
        assert words in refusal.value.errors["asked"]


def test_not_now_rests_until_the_day_that_was_named(handoff, sam, tuesday, reason) -> None:
    outcomes.log_follow_up(
        handoff, by=sam, channel="call", result="reached", occurred_at=tuesday + MINUTE, now=tuesday + MINUTE
    )
    handoff.refresh_from_db()
    rejected(handoff, reason("bad_timing"), sam, tuesday + 2 * MINUTE, asked={"date": "2026-09-01"})
    decisions.carry_out_due(now=tuesday + 5 * MINUTE)
    lead = Lead.objects.get(pk=handoff.lead_id)
    assert (lead.stage, lead.cycle, lead.previous_owner) == (Stage.NURTURING, 2, sam)
    assert lead.recycled_until is not None
    assert lead.recycled_until.isoformat() == "2026-08-31T22:00:00+00:00"  # midnight of 1 September in Berlin
    handoff.refresh_from_db()
    assert (handoff.closed_because, handoff.closed_at) == ("rejected", tuesday + 5 * MINUTE)


def test_too_early_rests_for_sixty_days(handoff, sam, tuesday, reason) -> None:
    answer = rejected(handoff, reason("too_early"), sam, tuesday)
    round_ = Round.objects.get(pk=answer.round_id)
    assert (round_.is_not_as_defined, round_.is_counted, round_.is_usable, round_.quality) == (False, False, True, 2)
    assert Lead.objects.get(pk=handoff.lead_id).stage == Stage.HANDED_OVER  # what follows waits for the undo
    decisions.carry_out_due(now=tuesday + MINUTE)
    lead = Lead.objects.get(pk=handoff.lead_id)
    assert lead.recycled_until == tuesday + MINUTE + timedelta(days=60)
    assert lead.recycled_because == "Too early: meets the definition, but no intent"
    (message,) = Message.objects.filter(event__startswith="answer:", channel="email")
    assert message.subject == "Sam Becker rejected Ines Kaltenbach (Rotek)"
    assert "What was misread? said on the phone" in message.body
    assert "Back to nurturing until Sat 2 May 2026." in message.body


def test_wrong_contact_data_goes_back_to_marketing(handoff, sam, tuesday, reason) -> None:
    answer = rejected(handoff, reason("bad_contact_data"), sam, tuesday, asked={"field": "phone"})
    assert answer.asked == {"field": "phone", "text": "Phone"}
    assert Round.objects.get(pk=answer.round_id).is_not_as_defined is True
    decisions.carry_out_due(now=tuesday + MINUTE)
    handoff.refresh_from_db()
    assert (handoff.is_returned, handoff.closed_at) == (True, None)
    assert clock(handoff, "fix").outcome == "running"


def test_duplicate_is_merged_into_the_other_lead(hand_over, sam, tuesday, reason) -> None:
    other = hand_over("Ina Kaltenbach", domain="rotek-ag.example").lead
    handoff = hand_over()
    rejected(handoff, reason("duplicate"), sam, tuesday, asked={"lead": f"http://portal/lead/{other.public_id}/"})
    decisions.carry_out_due(now=tuesday + MINUTE)
    assert Lead.objects.get(email="ines@rotek.example").merged_into == other
    kept = Lead.objects.get(pk=other.pk)
    assert (kept.merged_into, kept.stage) == (None, Stage.HANDED_OVER)
    handoff.refresh_from_db()
    assert (handoff.closed_because, handoff.lead) == ("rejected", other)
    (told_to,) = Message.objects.filter(event__startswith="answer:", channel="in_app")
    assert "Merged with Ina Kaltenbach." in told_to.body


def test_what_cannot_be_merged_is_proposed_to_marketing(hand_over, sam, tuesday, reason) -> None:
    other = hand_over("Ina Kaltenbach", domain="rotek-ag.example")
    handoff = hand_over()
    second = Handoff.objects.get(pk=handoff.pk)
    rejected(handoff, reason("duplicate"), sam, tuesday, asked={"lead": "ina@rotek-ag.example"})
    # Another open handoff of the same lead, as a second leg would be: both leads are in work on it.
    for each in (second, other):
        Handoff.objects.create(
            lead_id=each.lead_id, leg=2, handed_over_at=tuesday, recorded_at=tuesday, to_team=each.to_team
        )
    decisions.carry_out_due(now=tuesday + MINUTE)
    proposal = DuplicateProposal.objects.get(lead=handoff.lead)
    assert (proposal.other, proposal.resolution) == (other.lead, "open")
    lead = Lead.objects.get(pk=handoff.lead_id)
    assert (lead.merged_into, lead.stage) == (None, Stage.NURTURING)
    assert lead.recycled_until == tuesday + MINUTE + timedelta(days=14)
    assert Answer.objects.get().carried_out_at == tuesday + MINUTE


def test_wrong_territory_goes_to_the_team_that_was_named(handoff, sam, nia, south, tuesday, reason) -> None:
    rejected(handoff, reason("wrong_territory"), sam, tuesday, asked={"team": str(south.public_id)})
    decisions.carry_out_due(now=tuesday + MINUTE)
    handoff.refresh_from_db()
    assert (handoff.to_team, handoff.owner, handoff.round, handoff.decision) == (south, nia, 2, "")


@pytest.mark.parametrize(
    ("code", "is_blocked", "is_suppressed"),
    [("wrong_company", False, False), ("competitor_or_vendor", True, False), ("no_consent", False, True)],
)
def test_the_lead_ends(handoff, sam, tuesday, reason, code, is_blocked, is_suppressed) -> None:
    asked = {"criterion": "location-served"} if code == "wrong_company" else {}
    rejected(handoff, reason(code), sam, tuesday, asked=asked)
    decisions.carry_out_due(now=tuesday + MINUTE)
    lead = Lead.objects.get(pk=handoff.lead_id)
    assert lead.stage == Stage.DISQUALIFIED
    assert (lead.blocked_at is not None, lead.suppressed_at is not None) == (is_blocked, is_suppressed)
    handoff.refresh_from_db()
    assert handoff.closed_because == "rejected"


def test_customer_s_owner_is_told(handoff, sam, sue, tuesday, reason) -> None:
    lead = Lead.objects.get(pk=handoff.lead_id)
    assert lead.company is not None
    lead.company.owner = sue
    lead.company.save(update_fields=["owner"])
    rejected(handoff, reason("existing_customer"), sam, tuesday, asked={})
    decisions.carry_out_due(now=tuesday + MINUTE)
    assert ("sue@leadsla.example", "Ines Kaltenbach (Rotek) came in again") in told("answer:")
    handoff.refresh_from_db()
    assert handoff.closed_because == "rejected"


def test_other_waits_for_the_manager_who_rules_once(handoff, sam, sue, tuesday, reason) -> None:
    answer = rejected(handoff, reason("other"), sam, tuesday, asked={"text": "They moved to Mars"})
    assert Round.objects.get(pk=answer.round_id).is_usable is False
    decisions.carry_out_due(now=tuesday + MINUTE)
    assert ("sue@leadsla.example", "Decide what happens with Ines Kaltenbach (Rotek)") in told("answer:")
    handoff.refresh_from_db()
    assert handoff.closed_at is None

    answer.refresh_from_db()
    with pytest.raises(decisions.Refused) as refusal:
        decisions.rule(answer, reason=reason("other"), by=sue, now=tuesday + 2 * MINUTE, asked={"text": "x"})
    assert "reason" in refusal.value.errors
    assert decisions.rule(answer, reason=reason("spam_or_test"), by=sue, now=tuesday + 2 * MINUTE, asked={})
    assert decisions.carry_out_due(now=tuesday + 2 * MINUTE) == 1
    lead = Lead.objects.get(pk=handoff.lead_id)
    assert (lead.stage, lead.blocked_at) == (Stage.DISQUALIFIED, tuesday + 2 * MINUTE)
    assert not decisions.rule(answer, reason=reason("no_consent"), by=sue, now=tuesday + 3 * MINUTE, asked={})


def test_answer_that_fails_is_put_off_and_stops_no_other(hand_over, sam, tuesday, reason, south) -> None:
    failing, fine = hand_over(), hand_over("Petra Lang", domain="lang.example")
    rejected(failing, reason("wrong_territory"), sam, tuesday, asked={"team": str(south.pk)})
    decisions.accept(fine, by=sam, now=tuesday)
    Answer.objects.filter(handoff=failing).update(asked={"team": 0})
    assert decisions.carry_out_due(now=tuesday + MINUTE) == 1
    put_off = Answer.objects.get(handoff=failing)
    assert (put_off.failures, put_off.not_before) == (1, tuesday + 2 * MINUTE)
    assert "Team" in put_off.error
    assert put_off.carried_out_at is None
    assert not decisions.undo(put_off, by=sam, now=tuesday + MINUTE)
    assert told(f"answer:{put_off.pk}:") == set()

    Answer.objects.filter(handoff=failing).update(asked={"team": south.pk})
    assert decisions.carry_out_due(now=tuesday + 2 * MINUTE) == 1
    put_off.refresh_from_db()
    assert (put_off.error, put_off.carried_out_at) == ("", tuesday + 2 * MINUTE)


def test_marketing_s_managers_are_told_where_nobody_owns_the_lead(handoff, sam, mia, max_, tuesday) -> None:
    Lead.objects.filter(pk=handoff.lead_id).update(owner=None)
    User.objects.filter(pk=mia.pk).update(is_active=False)
    decisions.accept(handoff, by=sam, now=tuesday)
    decisions.carry_out_due(now=tuesday + MINUTE)
    assert {address for address, _subject in told("answer:")} == {"max@leadsla.example"}


def test_given_back_after_contact_keeps_the_decision(handoff, sam, tuesday, reason) -> None:
    decisions.accept(handoff, by=sam, now=tuesday)
    handoff.refresh_from_db()
    with pytest.raises(decisions.Refused) as refusal:
        decisions.give_back(handoff, reason=reason("no_need"), by=sam, now=tuesday + MINUTE, asked={})
    assert "Log a follow-up first" in refusal.value.errors[""]
    outcomes.log_follow_up(
        handoff, by=sam, channel="call", result="reached", occurred_at=tuesday + MINUTE, now=tuesday + MINUTE
    )
    handoff.refresh_from_db()
    answer = decisions.give_back(handoff, reason=reason("no_need"), by=sam, now=tuesday + 2 * MINUTE, asked={})
    assert answer is not None
    decisions.carry_out_due(now=tuesday + 2 * MINUTE)
    handoff.refresh_from_db()
    assert (handoff.decision, handoff.given_back_reason, handoff.closed_because) == (
        "accepted",
        "no_need",
        "given_back",
    )
    assert handoff.given_back_blames_marketing is False
    lead = Lead.objects.get(pk=handoff.lead_id)
    assert (lead.stage, lead.recycled_until) == (Stage.NURTURING, tuesday + 2 * MINUTE + timedelta(days=180))
    assert decisions.give_back(handoff, reason=reason("no_need"), by=sam, now=tuesday + 3 * MINUTE, asked={}) is None
    assert Answer.objects.filter(kind="given_back").count() == 1


def test_unreachable_after_the_agreed_attempts_on_two_channels(handoff, sam, tuesday, reason) -> None:
    decisions.accept(handoff, by=sam, now=tuesday)
    at = tuesday + MINUTE
    for day in range(3):
        for hours in (0, 3):
            when = at + timedelta(days=day, hours=hours)
            outcomes.log_follow_up(handoff, by=sam, channel="call", result="no_answer", occurred_at=when, now=when)
    handoff.refresh_from_db()
    assert handoff.attempts == 6
    by_code = {choice.reason.code: choice for choice in decisions.choices(handoff, now=when)}
    assert by_code["unreachable"].why_not == "after attempts on 2 channels, 1 used"
    outcomes.log_follow_up(handoff, by=sam, channel="email", result="left_message", occurred_at=when, now=when)
    handoff.refresh_from_db()
    assert decisions.give_back(handoff, reason=reason("unreachable"), by=sam, now=when, asked={}) is not None


def test_choices_say_what_follows_and_why_not(handoff, sam, tuesday) -> None:
    by_code = {choice.reason.code: choice for choice in decisions.choices(handoff, now=tuesday)}
    assert len(by_code) == 21
    too_early = by_code["too_early"]
    assert too_early.is_allowed
    assert too_early.consequence == (
        "Back to nurturing for 60 days. Marketing may hand it over again from Sat 2 May 2026, as cycle 2."
    )
    assert too_early.counts == "Counts against the definition of qualified, not against marketing."
    assert not by_code["unreachable"].is_allowed
    assert by_code["unreachable"].why_not == "after 6 attempts, 0 made"
    assert by_code["no_need"].why_not == "after talking to them, none logged"


def test_a_waiting_lead_of_the_team_becomes_the_accepting_person_s(hand_over, sam, sue, north, tuesday) -> None:
    for person in (sam, sue):
        AwayTime.objects.create(user=person, starts_at=tuesday, ends_at=tuesday + timedelta(days=1))
    handoff = hand_over()
    assert (handoff.owner, handoff.to_team) == (None, north)
    kim = User.objects.create_user("kim@leadsla.example", name="Kim", roles=[Role.SALES_REP], team=north)
    given = decisions.accept(handoff, by=kim, now=tuesday + MINUTE)
    assert given.answer is not None
    handoff.refresh_from_db()
    assert handoff.owner == kim
    assert decisions.undo(given.answer, by=kim, now=tuesday + MINUTE + timedelta(seconds=30))
    handoff.refresh_from_db()
    assert (handoff.owner, handoff.decision) == (None, "")


def test_a_lead_is_not_sent_to_the_team_that_has_it(handoff, sam, tuesday, reason, north, south) -> None:
    with pytest.raises(decisions.Refused) as refusal:
        decisions.reject(
            handoff,
            reason=reason("wrong_territory"),
            by=sam,
            now=tuesday,
            asked={"team": str(north.public_id)},
            quality=3,
        )
    assert refusal.value.errors == {"asked": "Choose another team of sales: South."}
