"""Other programs are told what happens to a lead: by public ids, after the undo, and nothing personal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from feedback import decisions, outcomes
from feedback.models import Reason
from leadsla.accounts.models import User
from leadsla.outbox import endpoints, webhooks
from leadsla.outbox.models import Message
from sla import escalation
from sla.models import Handoff
from tests.outbox.receiver import Receiver, receiving

FindReason = Callable[[str], Reason]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def crm(settings: Any, ada: User, tuesday: datetime) -> Iterator[Receiver]:
    """A program on this machine that wants to be told of everything."""
    settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    with receiving() as receiver:
        endpoints.create(name="CRM", url=receiver.url, kinds=endpoints.CHOOSABLE, by=ada, now=tuesday)
        yield receiver


def heard(crm: Receiver, *, now: datetime) -> list[tuple[str, dict[str, Any]]]:
    """Deliver what is due and return what the program heard: type and data."""
    webhooks.deliver_due(now=now)
    said = [json.loads(got.body) for got in crm.got]
    crm.got.clear()
    return [(payload["type"], payload["data"]) for payload in said]


def test_a_handover_is_told_at_once_and_names_nobody(
    crm: Receiver, handoff: Handoff, sam: User, tuesday: datetime
) -> None:
    webhooks.deliver_due(now=tuesday)
    (got,) = crm.got
    assert json.loads(got.body) == {
        "type": "lead.handed_over",
        "timestamp": "2026-03-03T09:00:00Z",
        "data": {
            "handoff": str(handoff.public_id),
            "lead": str(handoff.lead.public_id),
            "round": 1,
            "temperature": "hot",
            "team": str(handoff.to_team.public_id),
            "owner": str(sam.public_id),
            "url": f"http://localhost:8000/handoff/{handoff.public_id}/",
        },
    }
    assert not any(word in got.body for word in ("Ines", "Kaltenbach", "rotek", "Sam", "Becker"))


def test_an_acceptance_is_told_after_the_undo(crm: Receiver, handoff: Handoff, sam: User, tuesday: datetime) -> None:
    heard(crm, now=tuesday)
    decisions.accept(handoff, by=sam, now=tuesday + MINUTE, quality=4)
    assert heard(crm, now=tuesday + MINUTE + timedelta(seconds=59)) == []
    ((kind, data),) = heard(crm, now=tuesday + 2 * MINUTE)
    assert kind == "lead.accepted"
    assert (data["handoff"], data["by"]) == (str(handoff.public_id), str(sam.public_id))
    assert (data["reason"], data["quality"], data["round"]) == (None, 4, 1)


def test_an_answer_that_is_undone_is_never_told(
    crm: Receiver, handoff: Handoff, sam: User, tuesday: datetime, reason: FindReason
) -> None:
    heard(crm, now=tuesday)
    given = decisions.accept(handoff, by=sam, now=tuesday + MINUTE)
    assert given.answer is not None
    assert decisions.undo(given.answer, by=sam, now=tuesday + MINUTE + timedelta(seconds=30))
    handoff.refresh_from_db()
    remark = {"asked": {"text": "said on the phone"}, "remark": "Ines is no buyer", "quality": 1}
    decisions.reject(handoff, reason=reason("spam_or_test"), by=sam, now=tuesday + 2 * MINUTE, **remark)  # type: ignore[arg-type]
    ((kind, data),) = heard(crm, now=tuesday + 4 * MINUTE)
    assert (kind, data["reason"], data["quality"]) == ("lead.rejected", "spam_or_test", 1)
    assert not Message.objects.filter(channel="webhook", body__contains="buyer").exists()


def test_giving_back_is_told_at_once(
    crm: Receiver, handoff: Handoff, sam: User, tuesday: datetime, reason: FindReason
) -> None:
    decisions.accept(handoff, by=sam, now=tuesday)
    handoff.refresh_from_db()
    outcomes.log_follow_up(
        handoff, by=sam, channel="call", result="reached", occurred_at=tuesday + MINUTE, now=tuesday + MINUTE
    )
    heard(crm, now=tuesday + 2 * MINUTE)
    handoff.refresh_from_db()
    at = tuesday + 3 * MINUTE
    assert decisions.give_back(handoff, reason=reason("no_need"), by=sam, now=at, asked={}, quality=3) is not None
    ((kind, data),) = heard(crm, now=at)
    assert (kind, data["reason"]) == ("lead.given_back", "no_need")


def test_a_breach_is_told_with_the_due_time(crm: Receiver, handoff: Handoff, tuesday: datetime) -> None:
    heard(crm, now=tuesday)
    now = tuesday + 7 * MINUTE
    escalation.sweep(now=now)
    ((kind, data),) = heard(crm, now=now)
    assert kind == "clock.breached"
    # Hot: the first follow-up within five working minutes of 10:00 in Berlin, which is 09:00 in UTC.
    assert (data["measure"], data["side"], data["due_at"]) == ("first_follow_up", "sales", "2026-03-03T09:05:00Z")
    assert data["handoff"] == str(handoff.public_id)
    escalation.sweep(now=now + MINUTE)
    assert heard(crm, now=now + MINUTE) == []
