"""Packs: all that was known at that moment, frozen; the person apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from leads import intake, qualification
from leads.models import Campaign, InteractionKind, Lead
from leadsla.accounts.models import User
from sla import handoff as handoffs
from sla import packs
from sla.models import Decision, Handoff

MakeLead = Callable[..., Lead]


def handed_over(lead: Lead, *, at: datetime) -> Handoff:
    return handoffs.hand_over(lead, by=None, now=at)


def test_a_pack_never_changes_after_the_handover(asks: MakeLead, sam: User, tuesday: datetime) -> None:
    handed = handed_over(asks(at=tuesday), at=tuesday)
    before = json.dumps(packs.read(handed.rounds.get()), sort_keys=True)
    Lead.objects.filter(pk=handed.lead_id).update(need="Something else", country="AT", score=1)
    later = tuesday + timedelta(hours=1)
    intake.receive(
        intake.Arrival(
            facts={"email": "karin.kern@kern.example"}, kind=InteractionKind.DOWNLOAD, occurred_at=later, key="later"
        ),
        now=later,
    )
    assert json.dumps(packs.read(handed.rounds.get()), sort_keys=True) == before


def test_the_person_stands_apart(asks: MakeLead, sam: User, mia: User, tuesday: datetime) -> None:
    lead = asks(at=tuesday, need="Fewer stops of line 4", phone="+49 7131 123456", decision_maker="Otto Oberst")
    qualification.answer(lead, code="budget", verdict="met", evidence="Otto says 40,000 €", by=mia, now=tuesday)
    round_ = handed_over(lead, at=tuesday).rounds.get()
    frozen = json.dumps(round_.pack, ensure_ascii=False)
    for personal in ("Karin", "karin.kern", "7131", "line 4", "Oberst", "40,000"):
        assert personal not in frozen, personal
    assert round_.person["name"] == "Karin Kern"
    assert round_.pack["facts"]["need"] is True
    whole = packs.read(round_)
    assert whole["answers"]["need"]["text"] == "Fewer stops of line 4"
    budget = next(each for each in whole["criteria"] if each["code"] == "budget")
    assert (budget["verdict"], budget["evidence"], budget["who"]) == ("met", "Otto says 40,000 €", "Mia Albrecht")


def test_an_erased_person_leaves_a_readable_pack(asks: MakeLead, sam: User, tuesday: datetime) -> None:
    round_ = handed_over(asks(at=tuesday, need="Fewer stops"), at=tuesday).rounds.get()
    round_.person = {}
    whole = packs.read(round_)
    assert whole["answers"]["need"]["text"] == ""
    assert whole["facts"]["country"] == "DE"


def test_many_are_frozen_as_each_is_alone(asks: MakeLead, sam: User, tuesday: datetime) -> None:
    leads = [
        asks(at=tuesday, need="Fewer stops of line 4"),
        asks("Otto Ahlers", at=tuesday - timedelta(hours=1), budget="40,000 €"),
    ]
    handed_over(leads[1], at=tuesday - timedelta(minutes=30))
    Handoff.objects.update(closed_at=tuesday, closed_because="rejected", decision="rejected", decided_at=tuesday)
    frozen = packs.freeze_many(leads, agreement=None, now=tuesday)
    for lead in leads:
        pack, person = packs.freeze(lead, agreement=None, now=lead.scored_at or tuesday)
        assert pack["score"].pop("falls_below_on")
        assert frozen[lead.pk][0]["score"].pop("falls_below_on") is None
        assert frozen[lead.pk] == (pack, person)
    assert [each["decision"] for each in frozen[leads[1].pk][0]["earlier"]] == ["rejected"]


def test_score_lines_add_up(asks: MakeLead, sam: User, tuesday: datetime) -> None:
    score = handed_over(asks(at=tuesday), at=tuesday).rounds.get().pack["score"]
    lines = [line["points"] for group in score["groups"] for line in group["lines"]]
    assert score["total"] == 140.0  # business e-mail 35, region served 5, request 100
    assert sum(lines) == 140.0
    assert (score["threshold"], score["model"]["version"]) == (100.0, 1)


def test_the_three_answers(asks: MakeLead, sam: User, tuesday: datetime) -> None:
    lead = asks(at=tuesday, phone="+49 7131 123456")
    campaign = Campaign.objects.create(
        code="line4", name="Line 4", message="Stops cost more than you think.", question="Which line stops most?"
    )
    Lead.objects.filter(pk=lead.pk).update(last_campaign=campaign)
    pack = packs.read(handed_over(lead, at=tuesday).rounds.get())
    assert pack["answers"]["why_now"] == {
        "text": "Asked for a demo",
        "source": "their request",
        "at": tuesday.astimezone(UTC).isoformat(),
    }
    assert pack["answers"]["next_step"] == {
        "text": "Call them. Ask: Which line stops most?",
        "source": "brief of Line 4",
    }
    assert pack["campaign"]["message"] == "Stops cost more than you think."
    assert [each["question"] for each in pack["questions"]][:2] == [
        "What does your company do?",
        "What do you want to solve?",
    ]


def test_the_story_says_what_the_score_counts(asks: MakeLead, sam: User, tuesday: datetime) -> None:
    before = tuesday - timedelta(days=2)
    intake.receive(
        intake.Arrival(
            facts={"email": "karin.kern@kern.example"},
            kind=InteractionKind.MARKETING_TOUCH,
            occurred_at=before,
            key="touch",
        ),
        now=before,
    )
    story = handed_over(asks(at=tuesday), at=tuesday).rounds.get().pack["story"]
    assert [(each["kind"], each["counted"]) for each in story] == [("demo_request", True), ("marketing_touch", False)]


def test_earlier_handoffs_travel_along(asks: MakeLead, sam: User, tuesday: datetime) -> None:
    first = handed_over(asks(at=tuesday), at=tuesday)
    handoffs.record_decision(first, decision=Decision.REJECTED, by=sam, now=tuesday, reason="too_early")
    handoffs.close(first, because="rejected", now=tuesday)
    Lead.objects.filter(pk=first.lead_id).update(stage="qualified", stage_since=tuesday)
    later = tuesday + timedelta(days=10)
    second = handed_over(Lead.objects.get(pk=first.lead_id), at=later)
    (earlier,) = second.rounds.get().pack["earlier"]
    assert (earlier["owner"], earlier["decision"], earlier["reason"]) == ("Sam Becker", "rejected", "too_early")
