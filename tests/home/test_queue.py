"""My queue: three lists, soonest due first, for those in sales."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.urls import reverse

from feedback import decisions, outcomes
from feedback.models import Reason
from leads import intake
from leads.models import InteractionKind
from leadsla.accounts.models import AwayTime, Role, User
from leadsla.home import queue as queues
from sla import handoff as handoffs
from sla.models import Handoff

MINUTE = timedelta(minutes=1)
HTMX = {"HX-Request": "true"}
HandOver = Callable[..., Handoff]


@pytest.fixture
def hand_over(sam: User, mia: User, tuesday: datetime) -> HandOver:
    """Return a function that lets somebody ask for a demo and hands them to Sam."""

    def hand(name: str, *, at: datetime = tuesday, **facts: str) -> Handoff:
        domain = f"{name.rsplit(maxsplit=1)[-1].lower()}.example"
        told = {
            "name": name,
            "email": f"info@{domain}",
            "company_name": name.rsplit(maxsplit=1)[-1],
            "country": "DE",
            **facts,
        }
        arrival = intake.Arrival(
            facts=told,
            source="Website form",
            campaign="Fair 26",
            kind=InteractionKind.DEMO_REQUEST,
            occurred_at=at,
            key=name,
            detail="line audit",
        )
        lead = intake.receive(arrival, now=at, by=mia).lead
        return handoffs.hand_over(lead, by=mia, now=at)

    return hand


def names(group: queues.Group) -> list[str]:
    return [str(row.handoff.lead) for row in group.rows]


def test_soonest_due_first(hand_over, sam, tuesday) -> None:
    hand_over("Late Comer", at=tuesday + 3 * MINUTE)
    hand_over("Early Bird", at=tuesday)
    answer, follow_up, report = queues.of(sam, now=tuesday + 4 * MINUTE).groups
    assert names(answer) == ["Early Bird", "Late Comer"]
    first = answer.rows[0]
    assert first.countdown is not None
    assert (first.countdown.text, first.countdown.state) == ("60 s left", "soon")  # 5 min to follow up, 4 used
    assert first.why == "Asked for a demo: line audit"
    assert first.beside == ("Website form", "Fair 26")
    assert (follow_up.rows, report.rows) == ([], [])


def test_need_stands_beside_the_reason(hand_over, sam, tuesday) -> None:
    hand_over("Ines Kaltenbach", need="Fewer stops")
    row = queues.of(sam, now=tuesday).groups[0].rows[0]
    assert row.why == "Asked for a demo: line audit; “Fewer stops”"


def test_what_follows_moves_through_the_lists(hand_over, sam, tuesday) -> None:
    handoff = hand_over("Ines Kaltenbach")
    now = tuesday + 2 * MINUTE
    decisions.accept(handoff, by=sam, now=tuesday)
    assert [group.count for group in queues.of(sam, now=now).groups] == [0, 1, 0]
    row = queues.of(sam, now=now).groups[1].rows[0]
    assert row.why == "Attempt 1 of 6 · Asked for a demo: line audit"
    assert row.beside == ("Accepted today", "not tried yet")

    outcomes.log_follow_up(
        handoff,
        by=sam,
        channel="call",
        result="no_answer",
        occurred_at=now,
        now=now,
        next_step="Call again",
        next_step_at=tuesday + timedelta(days=1),
    )
    assert [group.count for group in queues.of(sam, now=now + MINUTE).groups] == [0, 0, 0]
    tomorrow = tuesday + timedelta(hours=20)
    row = queues.of(sam, now=tomorrow).groups[1].rows[0]
    assert row.why == "Attempt 2 of 6 · Call again"
    assert row.beside == ("Accepted yesterday", "no answer, yesterday 10:02")

    outcomes.log_follow_up(handoff, by=sam, channel="call", result="reached", occurred_at=tomorrow, now=tomorrow)
    assert [group.count for group in queues.of(sam, now=tomorrow).groups] == [0, 0, 1]
    assert queues.of(sam, now=tomorrow).groups[2].rows[0].why == "Reached today: what came of it, or what is next?"


def test_late_follow_up_comes_before_one_that_nobody_planned(hand_over, sam, tuesday) -> None:
    unplanned = hand_over("Una Planned", at=tuesday)
    decisions.accept(unplanned, by=sam, now=tuesday)
    outcomes.log_follow_up(unplanned, by=sam, channel="call", result="no_answer", occurred_at=tuesday, now=tuesday)
    decisions.accept(hand_over("Lena Late", at=tuesday + MINUTE), by=sam, now=tuesday + MINUTE)
    follow_up = queues.of(sam, now=tuesday + 10 * MINUTE).groups[1]  # the call to Lena was due after 5 minutes
    assert names(follow_up) == ["Lena Late", "Una Planned"]
    assert follow_up.rows[0].countdown is not None
    assert follow_up.rows[0].countdown.text == "4 min overdue"  # handed over at 10:01, due at 10:06, now 10:10


def test_long_lists_are_cut_until_somebody_asks(signed_in, hand_over, sam, settings, tuesday, monkeypatch) -> None:
    settings.LEADSLA_NOW = "2026-03-03T10:01"
    monkeypatch.setattr(queues, "SHOWN_FIRST", 2)
    for name in ("Ann One", "Ben Two", "Cleo Three"):
        decisions.accept(hand_over(name, at=tuesday), by=sam, now=tuesday)
    browser = signed_in(sam)
    address = reverse("home:queue")
    cut = browser.get(address).content.decode()
    assert ("Ann One" in cut, "Cleo Three" in cut, "Show all 3" in cut) == (True, False, True)
    whole = browser.get(f"{address}?all=follow-up").content.decode()
    assert ("Cleo Three" in whole, "Show the first 2" in whole) == (True, True)
    assert f'hx-get="{address}?all=follow-up&amp;tab=answer"' in whole  # the refresh keeps it open


def test_undo_line_stands_where_the_row_was(hand_over, sam, tuesday) -> None:
    hand_over("Ann First", at=tuesday)
    middle = hand_over("Ben Middle", at=tuesday + MINUTE)
    hand_over("Cleo Last", at=tuesday + 2 * MINUTE)
    decisions.accept(middle, by=sam, now=tuesday + 3 * MINUTE)
    answer = queues.of(sam, now=tuesday + 3 * MINUTE + timedelta(seconds=8)).groups[0]
    assert names(answer) == ["Ann First", "Ben Middle", "Cleo Last"]
    assert [row.undo_seconds for row in answer.rows] == [0, 52, 0]
    assert answer.count == 2
    later = queues.of(sam, now=tuesday + 4 * MINUTE)
    assert [group.count for group in later.groups] == [2, 1, 0]


def test_team_s_queue_is_everybody_s_until_somebody_takes_it(hand_over, sam, sue, north, nia, tuesday) -> None:
    for person in (sam, sue):
        AwayTime.objects.create(user=person, starts_at=tuesday, ends_at=tuesday + timedelta(days=1))
    waiting = hand_over("Ines Kaltenbach")
    kim = User.objects.create_user("kim@leadsla.example", name="Kim", roles=[Role.SALES_REP], team=north)
    assert names(queues.of(kim, now=tuesday).groups[0]) == ["Ines Kaltenbach"]
    assert names(queues.of(sam, now=tuesday).groups[0]) == ["Ines Kaltenbach"]
    assert names(queues.of(nia, now=tuesday).groups[0]) == []
    decisions.accept(waiting, by=kim, now=tuesday + MINUTE)
    seen = queues.of(sam, now=tuesday + 2 * MINUTE)
    assert seen.groups[0].rows == []
    assert seen.taken == ["Kim has taken Ines Kaltenbach."]
    assert queues.of(kim, now=tuesday + 2 * MINUTE).taken == []
    assert queues.of(sam, now=tuesday + 4 * MINUTE).taken == []


def test_manager_sees_what_is_left_to_them(hand_over, sam, sue, tuesday) -> None:
    handoff = hand_over("Ines Kaltenbach")
    other = Reason.objects.get(code="other")
    decisions.reject(handoff, reason=other, by=sam, now=tuesday, asked={"text": "Moved to Mars"}, quality=1)
    assert queues.of(sue, now=tuesday).to_rule == []
    decisions.carry_out_due(now=tuesday + MINUTE)
    (row,) = queues.of(sue, now=tuesday + MINUTE).to_rule
    assert (row.why, row.beside) == ("Moved to Mars", ("Sam Becker", "Other"))
    assert queues.of(sam, now=tuesday + MINUTE).to_rule == []
    assert [group.count for group in queues.of(sam, now=tuesday + MINUTE).groups] == [0, 0, 0]


def test_day_ends_with_the_last_opening(hand_over, sam, tuesday) -> None:
    hand_over("Ines Kaltenbach")
    assert queues.of(sam, now=tuesday).day_ends == tuesday.replace(hour=17, minute=30)


# --- The page


def test_page_and_part(signed_in, hand_over, sam, settings) -> None:
    settings.LEADSLA_NOW = "2026-03-03T10:01"
    handoff = hand_over("<b>Ines</b> Kaltenbach")
    browser = signed_in(sam)
    page = browser.get(reverse("home:queue"))
    text = page.content.decode()
    assert page.status_code == 200
    assert "&lt;b&gt;Ines&lt;/b&gt; Kaltenbach" in text
    assert "1 handoff to answer" in text
    assert 'hx-trigger="every 30s, queue-changed from:body"' in text
    assert reverse("feedback:accept", args=(handoff.public_id,)) in text
    part = browser.get(reverse("home:queue") + "?tab=report", headers=HTMX).content.decode()
    assert "<html" not in part
    assert 'id="queue-sub" hx-swap-oob="true"' in part
    assert re.search(r'href="\?tab=report" aria-current="page"', part)


def test_empty_queue_says_what_comes(signed_in, sam) -> None:
    text = signed_in(sam).get(reverse("home:queue") + "?tab=nonsense").content.decode()
    assert "Nothing waits for your answer." in text
    assert "New handoffs appear here by themselves" in text


def test_who_may_open_it(client, signed_in, sue, mia, olga, ada) -> None:
    address = reverse("home:queue")
    assert client.get(address).status_code == 302
    assert signed_in(sue).get(address).status_code == 200
    for other in (mia, olga, ada):
        assert signed_in(other).get(address).status_code == 403
    assert signed_in(sue).post(address).status_code == 405


def test_queries_do_not_grow_with_the_queue(hand_over, sam, tuesday, django_assert_max_num_queries) -> None:
    for number in range(6):
        hand_over(f"Person{number} Company{number}", at=tuesday)
    accepted = [hand_over(f"Done{number} Firm{number}", at=tuesday) for number in range(3)]
    for handoff in accepted:
        decisions.accept(handoff, by=sam, now=tuesday)
    with django_assert_max_num_queries(8):
        queue = queues.of(sam, now=tuesday + 2 * MINUTE)
    assert [group.count for group in queue.groups] == [6, 3, 0]


def test_page_stays_within_its_query_budget(
    signed_in, hand_over, sam, tuesday, settings, django_assert_max_num_queries
) -> None:
    settings.LEADSLA_NOW = "2026-03-03T10:01"
    for number in range(6):
        hand_over(f"Person{number} Company{number}", at=tuesday)
    browser = signed_in(sam)
    with django_assert_max_num_queries(14):
        assert browser.get(reverse("home:queue")).status_code == 200
