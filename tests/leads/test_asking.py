"""Asking a lead: which questions, the link, the public page without sign-in, and what the answers do."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from leads import asking, intake, qualification, stages
from leads.models import Asking, Criterion, InteractionKind, Lead, Stage, Verdict
from leadsla.accounts.models import Role, Team, User
from leadsla.outbox.models import Message

SignIn = Callable[[User], Client]
NASTY = "<script>alert(1)</script>"


@pytest.fixture
def now(db: None, settings: Settings, tuesday: datetime) -> datetime:
    settings.LEADSLA_NOW = tuesday.isoformat()
    return tuesday


@pytest.fixture
def lead(mia: User, now: datetime) -> Lead:
    """Somebody with points enough who lacks need and decision maker.

    Business e-mail 35, industry 15, region 5, director 15, function 20: over the cap of fit, 70. Live webinar 40,
    download 15: 125, over the line of 100. Webinar and download are two interactions that count.
    """
    facts = {"name": "Jana Steiner", "email": "jana@voss.example", "company_name": "Voss", "country": "DE"}
    facts |= {"industry": "Machinery", "title": "Director Operations"}
    for kind in (InteractionKind.WEBINAR_ATTEND, InteractionKind.DOWNLOAD):
        found = intake.receive(intake.Arrival(facts=facts, kind=kind, occurred_at=now), now=now, by=mia, owner=mia).lead
    return found


def make(lead: Lead, by: User, now: datetime, *keys: str, days: int = 14) -> tuple[Asking, str]:
    """Return a link and the address of its page."""
    texts = {question.key: question.text for question in asking.open_questions(lead, now=now)}
    chosen = {key: texts[key] for key in keys or ("need", "decision_maker")}
    made = asking.ask(lead, texts=chosen, by=by, now=now, public_id=uuid4(), days=days)
    return made.asking, reverse("leads:asked", args=(made.key,))


def story(lead: Lead) -> list[str]:
    return list(lead.interactions.filter(via="asked").order_by("occurred_at", "pk").values_list("detail", flat=True))


# --- the flow


def test_who_lacks_two_facts_is_asked_answers_and_is_qualified_at_once(
    lead: Lead, mia: User, signed_in: SignIn, now: datetime, settings: Settings
) -> None:
    assert lead.stage == Stage.NURTURING
    marketer = signed_in(mia)
    page = marketer.get(reverse("leads:ask", args=(lead.public_id,)))
    form = page.context["form"]
    ticked = [question.key for question, tick, _text in form.rows() if tick.value()]
    assert ticked == ["need", "decision_maker"]
    assert (
        reverse("leads:ask", args=(lead.public_id,))
        in marketer.get(reverse("home:lead", args=(lead.public_id,))).content.decode()
    )
    told = {"days": "14", "link": str(uuid4())}
    for key, text in (("need", "What slows you down?"), ("decision_maker", "Who decides?")):
        told |= {f"ask-{key}": "on", f"text-{key}": text}
    made = marketer.post(reverse("leads:ask", args=(lead.public_id,)), told)
    assert made.status_code == 200
    link = made.context["link"]
    assert f'value="{link}"' in made.content.decode()
    assert "mailto:jana%40voss.example" in made.content.decode()

    settings.LEADSLA_NOW = (now + timedelta(hours=1)).isoformat()
    phone = Client()
    address = link.removeprefix("http://testserver")
    page = phone.get(address)
    html = page.content.decode()
    assert "What slows you down?" in html
    assert "Mia Albrecht" in html
    settings.LEADSLA_NOW = (now + timedelta(hours=2)).isoformat()
    answer = phone.post(address, {"need": "Gears come late", "decision_maker": "Our plant manager"})
    assert (answer.status_code, answer["Location"]) == (302, address)
    lead.refresh_from_db()
    assert (lead.stage, lead.door) == (Stage.QUALIFIED, "nurtured")
    assert (lead.need, lead.decision_maker) == ("Gears come late", "Our plant manager")
    thanks = phone.get(address).content.decode()
    assert "Thank you" in thanks
    assert "Gears come late" in thanks
    assert not phone.cookies

    assert story(lead) == [
        "Asked by a personal link: Need expressed and Decision maker identified",
        "Opened the questions that were asked on 3 Mar 2026",
        "Answered when asked: Need expressed and Decision maker identified",
    ]
    states = {state.code: state for state in qualification.criteria(lead, now=now + timedelta(hours=2))}
    need = states["need-expressed"]
    assert (need.verdict, need.evidence, need.who) == (Verdict.MET, "Gears come late", "said so when asked")
    assert need.when == now + timedelta(hours=2)
    told_story = marketer.get(reverse("home:lead", args=(lead.public_id,)), {"tab": "story"}).content.decode()
    assert "Answered when asked: Need expressed and Decision maker identified" in told_story


def test_a_part_of_the_answers_is_fine_and_can_be_corrected_until_the_end(
    lead: Lead, mia: User, now: datetime, settings: Settings
) -> None:
    _link, address = make(lead, mia, now)
    phone = Client()
    phone.post(address, {"need": "Gears come late", "decision_maker": ""})
    lead.refresh_from_db()
    assert (lead.need, lead.stage) == ("Gears come late", Stage.NURTURING)
    settings.LEADSLA_NOW = (now + timedelta(days=1)).isoformat()
    phone.post(address, {"need": "Gears come too late", "decision_maker": "The owner"})
    lead.refresh_from_db()
    assert (lead.need, lead.decision_maker, lead.stage) == ("Gears come too late", "The owner", Stage.QUALIFIED)
    settings.LEADSLA_NOW = (now + timedelta(days=2)).isoformat()
    phone.post(address, {"need": "", "decision_maker": "The owner"})
    lead.refresh_from_db()
    assert (lead.need, lead.decision_maker) == ("", "The owner")
    kinds = lead.interactions.filter(via="asked", key__contains="answered").order_by("occurred_at")
    # only the first answer earns points
    assert [row.kind for row in kinds] == ["survey_answer", "other", "other"]


def test_the_same_answers_twice_change_nothing(lead: Lead, mia: User, now: datetime) -> None:
    _link, address = make(lead, mia, now)
    for _click in range(2):
        assert Client().post(address, {"need": "Gears"}).status_code == 302
    assert story(lead)[1:] == ["Answered when asked: Need expressed"]


def test_what_a_marketer_put_right_since_is_not_taken_back(lead: Lead, mia: User, now: datetime) -> None:
    _link, address = make(lead, mia, now)
    Client().post(address, {"need": "Gears", "decision_maker": "The owner"})
    intake.amend(lead, facts={"need": "Gears for 20 presses"}, by=mia, now=now)
    Client().post(address, {"need": "", "decision_maker": "The owner"})
    lead.refresh_from_db()
    assert lead.need == "Gears for 20 presses"


# --- criteria that people judge


@pytest.fixture
def by_person(lead: Lead, now: datetime) -> Criterion:
    """A criterion that no fact answers."""
    definition = qualification.definition_for(lead, now=now)
    assert definition is not None
    return Criterion.objects.create(
        definition=definition, code="site-visit", label="Site visit possible", question="May we visit your plant?"
    )


@pytest.mark.parametrize(("said", "verdict"), [("yes", Verdict.MET), ("no", Verdict.NOT_MET)])
def test_a_yes_or_no_becomes_the_answer_with_its_day(
    lead: Lead, by_person: Criterion, mia: User, now: datetime, said: str, verdict: Verdict
) -> None:
    _link, address = make(lead, mia, now, "criterion-site-visit")
    told = {"criterion-site-visit": said, "criterion-site-visit-words": "From May on"}
    assert Client().post(address, told).status_code == 302
    state = {each.code: each for each in qualification.criteria(lead, now=now)}["site-visit"]
    assert (state.verdict, state.evidence) == (verdict, "Said so on 3 Mar 2026: From May on")


def test_words_without_yes_or_no_are_asked_back(lead: Lead, by_person: Criterion, mia: User, now: datetime) -> None:
    _link, address = make(lead, mia, now, "criterion-site-visit")
    answer = Client().post(address, {"criterion-site-visit-words": "From May on"})
    assert answer.status_code == 400
    assert "Say yes or no" in answer.content.decode()
    assert not lead.criterion_answers.exists()


def test_the_leads_own_words_count_before_what_was_said_of_it(lead: Lead, mia: User, now: datetime) -> None:
    qualification.answer(lead, code="need-expressed", verdict="not_met", evidence="No need, I think", by=mia, now=now)
    _link, address = make(lead, mia, now)
    Client().post(address, {"need": "Gears", "decision_maker": "The owner"})
    lead.refresh_from_db()
    assert lead.stage == Stage.QUALIFIED
    answered = lead.interactions.get(kind=InteractionKind.SURVEY_ANSWER)
    assert answered.data == {
        "answers_before": [{"criterion": "need-expressed", "verdict": "not_met", "evidence": "No need, I think"}]
    }


# --- the public page


def test_the_page_shows_nothing_else_that_is_known(lead: Lead, mia: User, now: datetime) -> None:
    intake.amend(lead, facts={"phone": "+49 7131 204455", "note": "Difficult person"}, by=mia, now=now)
    html = Client().get(make(lead, mia, now)[1]).content.decode()
    for known in ("Jana", "Steiner", "jana@voss", "Voss", "204455", "Director", "Machinery", "Difficult", "110"):
        assert known not in html


def test_the_page_is_for_nobody_else(lead: Lead, mia: User, now: datetime) -> None:
    _link, address = make(lead, mia, now)
    page = Client().get(address)
    assert page["Referrer-Policy"] == "no-referrer"
    assert "noindex" in page["X-Robots-Tag"]
    assert "no-store" in page["Cache-Control"]
    assert not page.cookies
    assert Client().put(address).status_code == 405


def test_only_the_hash_of_the_key_is_kept(lead: Lead, mia: User, now: datetime) -> None:
    _link, address = make(lead, mia, now)
    key = address.strip("/").rpartition("/")[2]
    assert len(key) >= 32
    assert key not in str(Asking.objects.values())
    assert key not in str(list(lead.interactions.values()))


def test_a_colleague_sees_it_but_neither_opens_nor_answers_it(
    lead: Lead, mia: User, signed_in: SignIn, now: datetime
) -> None:
    link, address = make(lead, mia, now)
    client = signed_in(mia)
    assert "this is what the lead sees" in client.get(address).content.decode()
    assert client.post(address, {"need": "I say so"}).status_code == 403
    link.refresh_from_db()
    lead.refresh_from_db()
    assert (link.opened_at, link.answered_at, lead.need) == (None, None, "")


def test_a_link_that_nobody_made_is_not_found(now: datetime) -> None:
    answer = Client().get(reverse("leads:asked", args=("nonsense",)))
    assert answer.status_code == 404
    assert "We do not know this link" in answer.content.decode()


def _expire(link: Asking, lead: Lead, now: datetime, settings: Settings) -> None:
    settings.LEADSLA_NOW = (now + timedelta(days=14)).isoformat()


def _withdraw(link: Asking, lead: Lead, now: datetime, settings: Settings) -> None:
    assert asking.withdraw(link, now=now)


def _suppress(link: Asking, lead: Lead, now: datetime, settings: Settings) -> None:
    stages.disqualify(lead, because="Asked us not to", now=now, suppress=True)


def _block(link: Asking, lead: Lead, now: datetime, settings: Settings) -> None:
    stages.disqualify(lead, because="Junk", now=now, block=True)


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (_expire, "This link has expired"),
        (_withdraw, "This link was withdrawn"),
        (_suppress, "This link was withdrawn"),
        (_block, "This link was withdrawn"),
    ],
)
def test_a_link_that_ended_says_whom_to_write_to(
    lead: Lead, mia: User, now: datetime, settings: Settings, end: Callable[..., None], words: str
) -> None:
    link, address = make(lead, mia, now)
    end(link, lead, now, settings)
    for answer in (Client().get(address), Client().post(address, {"need": "Gears"})):
        assert answer.status_code == 410
        assert words in answer.content.decode()
        assert "mailto:mia@leadsla.example" in answer.content.decode()
    lead.refresh_from_db()
    assert lead.need == ""


def test_too_many_answers_to_one_link_wait_and_others_do_not(
    lead: Lead, mia: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leads.asking_views.MOST_ANSWERS", 2)
    _link, address = make(lead, mia, now)
    _other, free = make(lead, mia, now, "budget")
    answers = [Client().post(address, {"need": text}).status_code for text in ("one", "two", "three")]
    assert answers == [302, 302, 429]
    lead.refresh_from_db()
    assert lead.need == "two"
    assert Client().post(free, {"budget": "50,000"}).status_code == 302


def test_guessing_keys_is_slowed_down(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.asking_views.MOST_GUESSES", 1)
    answers = [Client().get(reverse("leads:asked", args=(f"guess{n}",))) for n in range(2)]
    assert [answer.status_code for answer in answers] == [404, 429]
    assert answers[1]["Retry-After"] == "600"


@pytest.mark.parametrize(
    ("keys", "told", "field"),
    [
        (("need",), {}, "Answer at least one question"),
        (("employees",), {"employees": "a few"}, "is no number of people"),
        (("need",), {"need": "x" * 4001}, "At most 4000 characters"),
        (("decision_maker",), {"decision_maker": "x" * 251}, "At most 250 characters"),
    ],
)
def test_what_cannot_be_read_is_named_and_nothing_is_lost(
    lead: Lead, mia: User, now: datetime, keys: tuple[str, ...], told: dict[str, str], field: str
) -> None:
    link, address = make(lead, mia, now, *keys)
    answer = Client().post(address, told)
    assert answer.status_code == 400
    html = answer.content.decode()
    assert field in html
    assert all(text in html for text in told.values())
    link.refresh_from_db()
    assert link.answered_at is None


def test_script_is_text_on_every_page(lead: Lead, mia: User, signed_in: SignIn, now: datetime) -> None:
    texts = {"need": f"Need? {NASTY}"}
    made = asking.ask(lead, texts=texts, by=mia, now=now, public_id=uuid4())
    address = reverse("leads:asked", args=(made.key,))
    Client().post(address, {"need": NASTY + "\x00"})
    pages = [Client().get(address), signed_in(mia).get(reverse("home:lead", args=(lead.public_id,)))]
    for page in pages:
        assert NASTY not in page.content.decode()
        assert "&lt;script&gt;" in page.content.decode()


def test_another_leads_address_is_not_given_away(lead: Lead, mia: User, now: datetime) -> None:
    other = intake.Arrival(facts={"name": "Otto Other", "email": "otto@other.example"}, kind=None)
    intake.receive(other, now=now, by=mia, owner=mia)
    caller = intake.Arrival(facts={"name": "Carl Caller", "phone": "+49 7131 204455"}, kind=None)
    unknown = intake.receive(caller, now=now, by=mia, owner=mia).lead
    _link, address = make(unknown, mia, now, "email")
    answer = Client().post(address, {"email": "otto@other.example"}, follow=True)
    assert "Otto" not in answer.content.decode().replace("otto@other.example", "")
    unknown.refresh_from_db()
    assert unknown.email == ""
    assert unknown.duplicate_proposals.exists() or Lead.objects.get(name="Otto Other").duplicate_proposals.exists()


# --- making a link


def test_a_double_click_makes_one_link_and_the_last_key_works(lead: Lead, mia: User, now: datetime) -> None:
    same = uuid4()
    keys = [asking.ask(lead, texts={"need": "Need?"}, by=mia, now=now, public_id=same).key for _click in range(2)]
    assert Asking.objects.count() == 1
    assert [Client().get(reverse("leads:asked", args=(key,))).status_code for key in keys] == [404, 200]
    assert len(story(lead)) == 2  # asked once, opened once


def _post(client: Client, lead: Lead, **told: Any) -> Any:
    return client.post(reverse("leads:ask", args=(lead.public_id,)), {"days": "14", "link": str(uuid4()), **told})


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "Choose at least one question."),
        ({"ask-need": "on", "text-need": " "}, "Put it as a question that the lead understands."),
        ({"ask-need": "on", "text-need": "x" * 251}, "At most 250 characters fit here."),
        ({"ask-need": "on", "text-need": "Need?", "days": "0"}, "greater than or equal to 1"),
        ({"ask-need": "on", "text-need": "Need?", "days": "91"}, "less than or equal to 90"),
        ({"ask-need": "on", "text-need": "Need?", "link": ""}, "Open this page again."),
    ],
)
def test_a_link_that_cannot_be_made_says_why(
    lead: Lead, mia: User, signed_in: SignIn, now: datetime, told: dict[str, str], words: str
) -> None:
    answer = _post(signed_in(mia), lead, **told)
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not Asking.objects.exists()


def test_what_is_known_is_not_asked_for(lead: Lead, mia: User, now: datetime) -> None:
    keys = {question.key for question in asking.open_questions(lead, now=now)}
    assert keys == {"need", "decision_maker", "authority", "budget", "phone", "city", "employees", "timeframe"}
    with pytest.raises(intake.Refused) as refused:
        asking.ask(lead, texts={"country": "Where are you?"}, by=mia, now=now, public_id=uuid4())
    assert set(refused.value.errors) == {"country"}


@pytest.mark.parametrize("end", [_suppress, _block])
def test_who_must_not_be_contacted_is_never_asked(
    lead: Lead, mia: User, signed_in: SignIn, now: datetime, settings: Settings, end: Callable[..., None]
) -> None:
    end(None, lead, now, settings)
    client = signed_in(mia)
    address = reverse("leads:ask", args=(lead.public_id,))
    assert _post(client, lead, **{"ask-need": "on", "text-need": "Need?"}).status_code == 400
    assert "Make the link" not in client.get(address).content.decode()
    assert address not in client.get(reverse("home:lead", args=(lead.public_id,))).content.decode()
    assert not Asking.objects.exists()


def test_who_may_make_and_withdraw_links(
    lead: Lead, mia: User, sam: User, signed_in: SignIn, now: datetime, north: Team
) -> None:
    link, address = make(lead, mia, now)
    page = reverse("leads:ask", args=(lead.public_id,))
    end = reverse("leads:withdraw_asking", args=(link.public_id,))
    elsewhere = Team.objects.create(name="Outbound", side="marketing")
    tom = User.objects.create_user("tom@leadsla.example", name="Tom", roles=[Role.MARKETER], team=elsewhere)
    for where, method in ((page, "get"), (end, "post")):
        assert getattr(Client(), method)(where)["Location"].startswith("/accounts/login/")
        assert getattr(signed_in(sam), method)(where).status_code == 403
        assert getattr(signed_in(tom), method)(where).status_code == 404
    client = signed_in(mia)
    assert (client.put(page).status_code, client.get(end).status_code) == (405, 405)
    assert client.post(end)["Location"] == page
    assert "Asked on 3 Mar 2026, withdrawn" in client.get(page).content.decode()
    assert Client().get(address).status_code == 410


# --- by e-mail


def test_the_portal_sends_the_link_once(lead: Lead, mia: User, signed_in: SignIn, now: datetime) -> None:
    same = str(uuid4())
    told = {"ask-need": "on", "text-need": "Need?", "mail": "yes", "link": same}
    for _click in range(2):
        assert _post(signed_in(mia), lead, **told).status_code == 302
    message = Message.objects.get(address="jana@voss.example")
    assert message.subject == "A few questions from Mia Albrecht"
    assert re.fullmatch(r"/leads/asked/[\w-]{32}/", message.url)
    assert Client().get(message.url).status_code == 200
    assert story(lead)[0] == "Asked by e-mail: Need expressed"


def test_who_unsubscribed_gets_no_mail(lead: Lead, mia: User, signed_in: SignIn, now: datetime) -> None:
    Lead.objects.filter(pk=lead.pk).update(unsubscribed_at=now)
    answer = _post(signed_in(mia), lead, **{"ask-need": "on", "text-need": "Need?", "mail": "yes"})
    assert answer.status_code == 400
    assert "unsubscribed" in answer.content.decode()
    assert not Message.objects.filter(address="jana@voss.example").exists()
