"""Two people, or two clicks, at the same moment over HTTP: one wins, the other is told who was first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from feedback.models import Answer
from leads import intake
from leads.models import Interaction, InteractionKind, Lead
from leadsla.accounts.models import AwayTime, Role, Team, User
from sla import handoff as handoffs
from sla.models import Clock, Handoff, Round

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

SignIn = Callable[[User], Client]
Act = Callable[[], HttpResponse]
HTMX = {"HX-Request": "true"}


def at_once(*acts: Act) -> list[HttpResponse]:
    """Do things at the same moment, each over a connection of its own; return the answers in their order."""
    start = threading.Barrier(len(acts))
    answers: dict[int, HttpResponse] = {}

    def do(place: int, act: Act) -> None:
        try:
            start.wait(timeout=30)
            answers[place] = act()
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return [answers[place] for place in range(len(acts))]


@pytest.fixture
def lead(settings: Settings, tuesday: datetime, mia: User, sam: User) -> Lead:
    """Otto, who asked for a demo on Tuesday at 10:00; the pages read that moment."""
    settings.LEADSLA_NOW = tuesday.isoformat()
    told = {"name": "Otto Brandt", "email": "otto@brandt.example", "phone": "+49 30 901820", "country": "DE"}
    arrival = intake.Arrival(facts=told, kind=InteractionKind.DEMO_REQUEST, occurred_at=tuesday, key="otto")
    return intake.receive(arrival, now=tuesday, by=mia, owner=mia).lead


@pytest.fixture
def queued(lead: Lead, mia: User, sam: User, sue: User, tuesday: datetime) -> Handoff:
    """Otto in the queue of team North: nobody of it was there when he came."""
    for one in (sam, sue):
        AwayTime.objects.create(user=one, starts_at=tuesday, ends_at=tuesday + timedelta(days=1))
    handed = handoffs.hand_over(lead, by=mia, now=tuesday)
    assert handed.owner is None
    return handed


@pytest.fixture
def kim(north: Team) -> User:
    return User.objects.create_user("kim@leadsla.example", name="Kim Lang", roles=[Role.SALES_REP], team=north)


def url(name: str, of: Handoff | Lead) -> str:
    return reverse(name, args=(of.public_id,))


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["in the queue", "as a page"])
def test_of_two_reps_who_answer_one_wins_and_the_other_is_told(
    signed_in: SignIn, queued: Handoff, sam: User, kim: User, headers: dict[str, str]
) -> None:
    first, second = signed_in(sam), signed_in(kim)
    rejection = {"reason": "spam_or_test", "quality": "1"}
    answers = at_once(
        lambda: first.post(url("feedback:accept", queued), headers=headers),
        lambda: second.post(url("feedback:reject", queued), rejection, headers=headers),
    )
    answer = Answer.objects.get()
    is_sam = answer.by == sam
    told = "Sam Becker accepted this lead first." if is_sam else "Kim Lang rejected this lead first."
    too_late = answers[1] if is_sam else answers[0]
    if headers:
        assert too_late.status_code == 409
        assert told in too_late.content.decode()
    else:
        assert too_late.status_code == 302
        assert told in (second if is_sam else first).get(reverse("home:queue")).content.decode()
    queued.refresh_from_db()
    assert (queued.decision, Round.objects.get().decided_by) == ("accepted" if is_sam else "rejected", answer.by)
    assert Clock.objects.get(handoff=queued, measure="decide").outcome == "met"


def test_the_loser_of_the_same_moment_is_told_at_once(signed_in: SignIn, queued: Handoff, sam: User, kim: User) -> None:
    people = {sam: signed_in(sam), kim: signed_in(kim)}
    answers = at_once(
        *(lambda one=one: one.post(url("feedback:accept", queued), headers=HTMX) for one in people.values())
    )
    winner = Answer.objects.get().by
    for person, answer in zip(people, answers, strict=True):
        text = answer.content.decode()
        if person == winner:
            assert answer.status_code == 200
            assert "Accepted <b>Otto Brandt</b>" in text
        else:
            assert answer.status_code == 409
            assert f"{winner.name} accepted this lead first." in text
    queued.refresh_from_db()
    assert queued.owner == winner


def test_two_clicks_on_accept_make_one_answer(
    signed_in: SignIn, lead: Lead, mia: User, sam: User, tuesday: datetime
) -> None:
    handed = handoffs.hand_over(lead, by=mia, now=tuesday)
    clients = [signed_in(sam) for _click in range(2)]
    answers = at_once(*(lambda one=one: one.post(url("feedback:accept", handed), headers=HTMX) for one in clients))
    undo = reverse("feedback:undo", args=(Answer.objects.get().public_id,))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert all(undo in answer.content.decode() for answer in answers)


def test_two_clicks_on_hand_over_make_one_handoff(signed_in: SignIn, lead: Lead, mia: User) -> None:
    clients = [signed_in(mia) for _click in range(2)]
    answers = at_once(*(lambda one=one: one.post(url("sla:hand_over", lead)) for one in clients))
    assert Handoff.objects.get().owner is not None
    assert sorted(answer.status_code for answer in answers) == [302, 400]
    told = next(answer for answer in answers if answer.status_code == 400)
    assert "Already handed over: it is with Sam Becker." in told.content.decode()


def test_two_clicks_on_save_make_one_lead_and_one_request(
    signed_in: SignIn, settings: Settings, tuesday: datetime, mia: User
) -> None:
    settings.LEADSLA_NOW = tuesday.isoformat()
    form = {"name": "Karin Kern", "email": "karin@kern.example", "kind": "demo_request", "key": str(uuid4())}
    clients = [signed_in(mia) for _click in range(2)]
    answers = at_once(*(lambda one=one: one.post(reverse("leads:new"), form) for one in clients))
    assert {answer["Location"] for answer in answers} == {url("home:lead", Lead.objects.get())}
    assert Interaction.objects.count() == 1


def test_two_clicks_on_send_again_open_one_round(
    signed_in: SignIn, lead: Lead, mia: User, sam: User, tuesday: datetime
) -> None:
    handed = handoffs.hand_over(lead, by=mia, now=tuesday)
    rejection = {"reason": "bad_contact_data", "asked_field": "phone", "quality": "2"}
    signed_in(sam).post(url("feedback:reject", handed), rejection)
    handed.refresh_from_db()
    handoffs.return_to_marketing(handed, now=tuesday + timedelta(minutes=1))
    clients = [signed_in(mia) for _click in range(2)]
    answers = at_once(*(lambda one=one: one.post(url("sla:send_again", handed)) for one in clients))
    assert [answer.status_code for answer in answers] == [302, 302]
    assert list(handed.rounds.order_by("number").values_list("number", "decision")) == [(1, "rejected"), (2, "")]
