"""What marketing hears from sales: to fix first, then the newest, with what came of each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from feedback import decisions, outcomes
from feedback.models import Answer, Reason
from leads import intake
from leads.models import Lead
from leadsla.accounts.models import Role, Team, User
from sla import handoff as handoffs
from sla.models import Handoff

SignIn = Callable[[User], Client]
Capture = Callable[..., Lead]
PAGE = "/sales-feedback/"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def handed(asks: Capture, mia: User, sam: User, tuesday: datetime) -> Callable[..., Handoff]:
    """Return a function that captures somebody who asks for a demo and hands them to Sam."""

    def hand(name: str = "Ines Kaltenbach", **more: object) -> Handoff:
        company = name.split(maxsplit=1)[0].lower()
        return handoffs.hand_over(asks(name, **{"domain": f"{company}.example", **more}), by=mia, now=tuesday)

    return hand


def reject(handoff: Handoff, code: str, *, by: User, now: datetime, **asked: str) -> Answer:
    given = decisions.reject(
        handoff,
        reason=Reason.objects.get(code=code),
        by=by,
        now=now,
        asked=asked or {"text": "said on the phone"},
        remark="The number is <b>dead</b>.",
        quality=2,
    )
    assert given.answer is not None
    return given.answer


def carried_out(now: datetime) -> None:
    assert decisions.carry_out_due(now=now + MINUTE) >= 1


def shown(client: Client, **query: str) -> list[str]:
    return [row.entry.handoff.lead.name for row in client.get(PAGE, query).context["rows"]]


def test_a_rejection_to_fix_stands_first_with_its_reason_clock_and_buttons(
    handed: Callable[..., Handoff], mia: User, sam: User, signed_in: SignIn, settings: Settings, tuesday: datetime
) -> None:
    to_fix, accepted = handed("Ines Kaltenbach"), handed("Olaf Olsen")
    reject(to_fix, "bad_contact_data", by=sam, now=tuesday, field="phone")
    later = tuesday + timedelta(minutes=10)
    decisions.accept(accepted, by=sam, now=later)
    carried_out(later)
    settings.LEADSLA_NOW = (later + 2 * MINUTE).isoformat()
    response = signed_in(mia).get(PAGE)
    html = response.content.decode()
    assert response.context["tab"] == "fix"
    assert shown(signed_in(mia), show="all") == ["Ines Kaltenbach", "Olaf Olsen"]
    (row,) = response.context["rows"]
    assert row.entry.happened == "Put it right and send it again, or withdraw it."
    assert row.countdown.text.endswith("left")
    assert "Wrong or missing phone or e-mail" in html
    assert "The number is &lt;b&gt;dead&lt;/b&gt;." in html
    assert reverse("sla:send_again", args=(to_fix.public_id,)) in html
    assert reverse("sla:withdraw", args=(to_fix.public_id,)) in html
    assert reverse("leads:edit", args=(to_fix.lead.public_id,)) in html
    counts = {code: count for code, _label, count in response.context["tabs"]}
    assert counts == {"fix": 1, "rejected": 1, "given_back": 0, "accepted": 1, "won": 0, "all": 2}


def test_an_answer_in_its_undo_minute_is_not_shown(
    handed: Callable[..., Handoff], mia: User, sam: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    decisions.accept(handed(), by=sam, now=at_tuesday)
    assert shown(signed_in(mia)) == []
    carried_out(at_tuesday)
    assert shown(signed_in(mia)) == ["Ines Kaltenbach"]


def test_an_undone_answer_is_never_shown(
    handed: Callable[..., Handoff], mia: User, sam: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    answer = decisions.accept(handed(), by=sam, now=at_tuesday).answer
    assert answer is not None
    assert decisions.undo(answer, by=sam, now=at_tuesday + timedelta(seconds=30))
    decisions.carry_out_due(now=at_tuesday + 2 * MINUTE)
    assert shown(signed_in(mia), show="all") == []


def test_fixed_and_sent_again_it_leaves_the_tab_and_says_so(
    handed: Callable[..., Handoff], mia: User, sam: User, signed_in: SignIn, settings: Settings, tuesday: datetime
) -> None:
    handoff = handed()
    reject(handoff, "bad_contact_data", by=sam, now=tuesday, field="phone")
    carried_out(tuesday)
    settings.LEADSLA_NOW = (tuesday + 5 * MINUTE).isoformat()
    client = signed_in(mia)
    intake.amend(handoff.lead, facts={"phone": "+49 7131 5550199"}, by=mia, now=tuesday + 5 * MINUTE)
    response = client.post(reverse("sla:send_again", args=(handoff.public_id,)), {"next": PAGE})
    assert response["Location"] == PAGE
    assert shown(client, show="fix") == []
    (row,) = client.get(PAGE, {"show": "rejected"}).context["rows"]
    assert row.entry.happened == "Fixed and sent again as round 2."
    assert row.may_fix is False


def test_a_recycled_lead_says_until_when_it_rests(
    handed: Callable[..., Handoff], mia: User, sam: User, signed_in: SignIn, at_tuesday: datetime
) -> None:
    reject(handed(), "too_early", by=sam, now=at_tuesday)
    carried_out(at_tuesday)
    (row,) = signed_in(mia).get(PAGE).context["rows"]
    # 60 days after Tue 3 March 2026
    assert row.entry.happened == "Back to nurturing, rests until Sat 2 May."


def test_a_won_deal_is_shown_with_its_revenue(
    handed: Callable[..., Handoff], mia: User, sam: User, signed_in: SignIn, settings: Settings, tuesday: datetime
) -> None:
    handoff = handed()
    decisions.accept(handoff, by=sam, now=tuesday)
    carried_out(tuesday)
    handoff.refresh_from_db()
    won = tuesday + timedelta(hours=3)
    outcomes.report(handoff, by=sam, kind="won", occurred_at=won, now=won, amount=Decimal("12500.00"), currency="EUR")
    settings.LEADSLA_NOW = (won + MINUTE).isoformat()
    response = signed_in(mia).get(PAGE, {"show": "won"})
    (row,) = response.context["rows"]
    assert row.entry.happened == "12,500\u202f€"
    assert shown(signed_in(mia), show="all") == ["Ines Kaltenbach", "Ines Kaltenbach"]
    (accepted,) = signed_in(mia).get(PAGE, {"show": "accepted"}).context["rows"]
    assert accepted.entry.happened == "Won."


def test_new_answers_carry_a_dot_until_their_marketer_saw_them(
    handed: Callable[..., Handoff],
    mia: User,
    max_: User,
    sam: User,
    signed_in: SignIn,
    at_tuesday: datetime,
) -> None:
    decisions.accept(handed("Ines Kaltenbach"), by=sam, now=at_tuesday)
    decisions.accept(handed("Olaf Olsen"), by=sam, now=at_tuesday)
    carried_out(at_tuesday)
    seen = reverse("home:sales_feedback_seen")
    client = signed_in(mia)
    (first, second) = client.get(PAGE).context["new_ids"]
    # A manager who reads along marks nothing for the marketer.
    assert signed_in(max_).post(seen).status_code == 302
    assert Answer.objects.filter(seen_at=None).count() == 2
    response = client.post(seen, {"answer": [str(first)]}, headers={"HX-Request": "true"})
    assert response.status_code == 204
    assert client.get(PAGE).context["new_ids"] == [second]
    assert client.post(seen).status_code == 302
    assert client.get(PAGE).context["new_ids"] == []
    assert set(Answer.objects.values_list("seen_at", flat=True)) == {at_tuesday}


def test_mine_my_teams_and_all(
    handed: Callable[..., Handoff],
    mia: User,
    sam: User,
    max_: User,
    signed_in: SignIn,
    at_tuesday: datetime,
) -> None:
    other_team = Team.objects.create(name="Outbound", side="marketing")
    tom = User.objects.create_user("tom@leadsla.example", name="Tom", roles=[Role.MARKETER], team=other_team)
    decisions.accept(handed(), by=sam, now=at_tuesday)
    carried_out(at_tuesday)
    assert shown(signed_in(mia)) == ["Ines Kaltenbach"]
    assert shown(signed_in(max_)) == ["Ines Kaltenbach"]  # a manager starts with the team's
    assert shown(signed_in(max_), whose="mine") == []
    assert shown(signed_in(tom)) == []
    assert shown(signed_in(tom), whose="team") == []
    assert shown(signed_in(tom), whose="all") == ["Ines Kaltenbach"]


def test_another_teams_marketer_sees_but_cannot_fix(
    handed: Callable[..., Handoff], mia: User, sam: User, signed_in: SignIn, settings: Settings, tuesday: datetime
) -> None:
    other_team = Team.objects.create(name="Outbound", side="marketing")
    tom = User.objects.create_user("tom@leadsla.example", name="Tom", roles=[Role.MARKETER], team=other_team)
    handoff = handed()
    reject(handoff, "bad_contact_data", by=sam, now=tuesday, field="phone")
    carried_out(tuesday)
    settings.LEADSLA_NOW = (tuesday + 5 * MINUTE).isoformat()
    (row,) = signed_in(tom).get(PAGE, {"whose": "all"}).context["rows"]
    assert row.may_fix is False
    assert signed_in(tom).post(reverse("sla:send_again", args=(handoff.public_id,))).status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_answers(
    handed: Callable[..., Handoff],
    mia: User,
    sam: User,
    signed_in: SignIn,
    at_tuesday: datetime,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for name in ("Ada", "Bea", "Cid", "Dora", "Emil"):
        reject(handed(f"{name} Kern"), "bad_contact_data", by=sam, now=at_tuesday, field="phone")
    carried_out(at_tuesday)
    client = signed_in(mia)
    with django_assert_max_num_queries(18):
        assert len(client.get(PAGE).context["rows"]) == 5


def test_an_empty_list_says_what_comes_here(mia: User, signed_in: SignIn, at_tuesday: datetime) -> None:
    html = signed_in(mia).get(PAGE).content.decode()
    assert "Sales has not answered yet" in html


@pytest.mark.parametrize("query", [{"show": "nonsense"}, {"whose": "everybody"}])
def test_an_unknown_tab_is_not_found(mia: User, signed_in: SignIn, query: dict[str, str]) -> None:
    assert signed_in(mia).get(PAGE, query).status_code == 404


def test_who_may_and_who_may_not(
    client: Client, mia: User, max_: User, sam: User, sue: User, ada: User, olga: User, signed_in: SignIn
) -> None:
    assert client.get(PAGE)["Location"].startswith("/accounts/login/")
    allowed = {user.email: signed_in(user).get(PAGE).status_code for user in (mia, max_, sam, sue, ada, olga)}
    assert list(allowed.values()) == [200, 200, 403, 403, 403, 403]
    assert signed_in(mia).post(PAGE).status_code == 405
    assert signed_in(mia).get(reverse("home:sales_feedback_seen")).status_code == 405
    assert signed_in(mia).post(reverse("home:sales_feedback_seen"), {"answer": "nonsense"}).status_code == 404
