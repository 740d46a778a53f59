"""What people do on the pages arrives on the scoreboard: handed over, accepted, rejected, fixed, overridden."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from feedback import decisions
from feedback.models import Reason
from leads.models import Lead
from leadsla.accounts.models import User
from sla import handoff as handoffs
from sla import measures, scoreboard
from sla.compliance import recompute
from sla.models import Compliance, Handoff

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(sam: User, mia: User, asks: Callable[..., Lead], tuesday: datetime) -> Callable[[str], Handoff]:
    """Return a function that hands over somebody who asked for a demo, each of a company of their own."""

    def hand(name: str) -> Handoff:
        lead = asks(name, domain=f"{name.split(maxsplit=1)[0].lower()}.example")
        return handoffs.hand_over(lead, by=mia, now=tuesday)

    return hand


def figures(measure: str) -> tuple[int, int, int]:
    row = Compliance.objects.get(commitment__measure=measure)
    return row.kept, row.cases, row.left_out


def test_answers_arrive_on_the_scoreboard(
    asked: Callable[[str], Handoff],
    sam: User,
    mia: User,
    max_: User,
    tuesday: datetime,
    settings: Any,
    signed_in: Callable[[User], Client],
) -> None:
    anna, bert, carl, doro = (asked(name) for name in ("Anna Alt", "Bert Bock", "Carl Clas", "Doro Dahl"))
    soon, later = tuesday + timedelta(hours=1), tuesday + timedelta(hours=2)
    decisions.accept(anna, by=sam, now=soon)
    fields: dict[str, Any] = {"by": sam, "now": soon, "quality": 2}
    wrong = Reason.objects.get(code="bad_contact_data")
    decisions.reject(bert, reason=wrong, asked={"text": "phone"}, **fields)
    person = Reason.objects.get(code="wrong_person")
    decisions.reject(carl, reason=person, asked={"text": "student"}, **fields)
    decisions.carry_out_due(now=soon + timedelta(minutes=2))
    bert.refresh_from_db()
    handoffs.send_again(bert, by=mia, now=later)
    bert.refresh_from_db()
    decisions.accept(bert, by=sam, now=later + timedelta(minutes=5))

    now = tuesday + timedelta(hours=3)
    recompute(now=now)
    assert figures("quantity") == (4, 4, 0)
    assert figures("accepted") == (2, 3, 0)
    assert figures("decide") == (4, 4, 0)  # three answers and the second one to Bert; Doro's is not due
    assert figures("fix") == (1, 1, 0)
    assert figures("usable_reasons") == (2, 2, 0)
    assert figures("hand_over") == (4, 4, 0)

    settings.LEADSLA_NOW = now.isoformat()
    context = signed_in(max_).get("/scoreboard/").context
    assert [part["count"] for part in context["strip"]["parts"]] == [2, 1, 1]
    assert [row["label"] for row in context["why"]["rows"]] == [person.label]
    agreement = doro.agreement
    assert agreement is not None
    scope = measures.scope(agreement, scoreboard.current_period(agreement, now=now), now=now)
    notes = scoreboard.parts_of([scope], now=now, measure="accepted")["kept"]
    assert sorted(notes) == [("accepted", 1), ("fixed", 1)]


def test_an_override_and_a_withdrawal_stand_apart(
    asked: Callable[[str], Handoff], capture: Callable[..., Lead], mia: User, max_: User, tuesday: datetime
) -> None:
    cold = capture("Emil Ernst", kind=None, at=tuesday, domain="emil.example", phone="+49 7131 5550143")
    handoffs.hand_over(cold, by=max_, now=tuesday, override_reason="met at the fair, wants a call")
    taken_back = asked("Frida Fuchs")
    handoffs.withdraw(taken_back, by=mia, now=tuesday + timedelta(minutes=10))
    asked("Gerd Groß")
    recompute(now=tuesday + timedelta(hours=1))
    assert figures("quantity") == (1, 1, 2)
