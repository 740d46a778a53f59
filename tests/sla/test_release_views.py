"""Release plans: choosing leads, what is refused, progress, stopping."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import Campaign, Channel, Lead, Source
from leadsla.accounts.models import Team, User
from sla import handoff, release, release_views
from sla.models import ReleasePlan

SignedIn = Callable[[User], Client]
MakeLead = Callable[..., Lead]


@pytest.fixture(autouse=True)
def it_is_tuesday(settings: object) -> None:
    settings.LEADSLA_NOW = "2026-03-03T10:00"  # type: ignore[attr-defined]


def page_of(answer: object) -> str:
    return unescape(answer.content.decode())  # type: ignore[attr-defined]


@pytest.fixture
def booth(asks: MakeLead, mia: User, tuesday: datetime) -> list[Lead]:
    """Return three qualified leads of Mia's."""
    leads = [
        asks(name, at=tuesday, domain=f"{name.split()[1].lower()}.example")
        for name in ("Anna Abel", "Ben Bach", "Cora Clam")
    ]
    Lead.objects.filter(pk__in=[lead.pk for lead in leads]).update(owner=mia, team=mia.team)
    return leads


def typed(leads: list[Lead], **changes: str) -> dict[str, object]:
    told = {"name": "Fair in Hannover", "per_rep_and_day": "2", "starts_on": "2026-03-04", **changes}
    return {**told, "lead": [str(lead.public_id) for lead in leads]}


def test_ticked_leads_make_a_plan(signed_in: SignedIn, mia: User, sam: User, booth: list[Lead]) -> None:
    browser = signed_in(mia)
    page = page_of(browser.get(reverse("sla:release_new")))
    assert "3 leads match" in page
    told = typed(booth[:2], decide_working_days="3", follow_up_working_days="2")
    answer = browser.post(reverse("sla:release_new"), told)
    plan = ReleasePlan.objects.get()
    assert answer["Location"] == reverse("sla:release", args=(plan.public_id,))
    assert (plan.name, plan.per_rep_and_day, str(plan.starts_on)) == ("Fair in Hannover", 2, "2026-03-04")
    assert (plan.decide_working_days, plan.follow_up_working_days) == (3, 2)
    assert {item.lead for item in plan.items.all()} == set(booth[:2])
    assert "Waiting 2" in page_of(browser.get(answer["Location"]))
    assert "Fair in Hannover" in page_of(browser.get(reverse("sla:releases")))


def test_the_list_is_narrowed_by_words(signed_in: SignedIn, mia: User, booth: list[Lead]) -> None:
    page = page_of(signed_in(mia).get(reverse("sla:release_new"), {"text": "abel"}))
    assert "1 lead matches" in page
    assert "Ben Bach" not in page


def test_the_list_is_narrowed_by_source_and_campaign(signed_in: SignedIn, mia: User, booth: list[Lead]) -> None:
    fair = Source.objects.create(code="fair", name="Fair", channel=Channel.objects.all()[0])
    spring = Campaign.objects.create(code="spring", name="Spring")
    Lead.objects.filter(pk=booth[0].pk).update(last_source=fair)
    Lead.objects.filter(pk=booth[1].pk).update(last_campaign=spring)
    url, browser = reverse("sla:release_new"), signed_in(mia)
    by_source = page_of(browser.get(url, {"source": "fair"}))
    assert "1 lead matches" in by_source
    assert "Anna Abel" in by_source
    by_campaign = page_of(browser.get(url, {"campaign": "spring"}))
    assert "1 lead matches" in by_campaign
    assert "Ben Bach" in by_campaign
    browser.post(url, typed(booth, source="fair"))
    assert [item.lead for item in ReleasePlan.objects.get().items.all()] == [booth[0]]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"per_rep_and_day": "0"}, "per_rep_and_day"),
        ({"per_rep_and_day": "many"}, "per_rep_and_day"),
        ({"starts_on": "2026-03-02"}, "starts_on"),
        ({"starts_on": "2026-02-30"}, "starts_on"),
        ({"decide_working_days": "-1"}, "decide_working_days"),
        ({"follow_up_working_days": "9999"}, "follow_up_working_days"),
        ({"team": "none"}, "team"),
    ],
)
def test_bad_input_is_refused_at_its_field_and_ticks_are_kept(
    changes: dict[str, str], field: str, signed_in: SignedIn, mia: User, booth: list[Lead]
) -> None:
    answer = signed_in(mia).post(reverse("sla:release_new"), typed(booth[:1], **changes))
    assert answer.status_code == 400
    assert f'href="#id_{field}"' in page_of(answer)
    assert page_of(answer).count(" checked>") == 1  # one lead of three
    assert not ReleasePlan.objects.exists()


@pytest.mark.parametrize(("told", "box"), [({}, 'id="id_others">'), ({"others": "yes"}, 'id="id_others" checked>')])
def test_whether_those_that_are_not_shown_go_too_is_kept(
    told: dict[str, str],
    box: str,
    signed_in: SignedIn,
    mia: User,
    booth: list[Lead],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(release_views, "SHOWN", 1)
    answer = signed_in(mia).post(reverse("sla:release_new"), typed(booth[:1], name="", **told))
    assert answer.status_code == 400
    assert "also 2 more that match" in page_of(answer)
    assert box in page_of(answer)


def test_a_plan_of_nobody_is_refused(signed_in: SignedIn, mia: User, booth: list[Lead]) -> None:
    answer = signed_in(mia).post(reverse("sla:release_new"), typed([]))
    assert answer.status_code == 400
    assert "Choose at least one lead" in page_of(answer)


def test_leads_of_another_team_and_unqualified_ones_are_not_taken(
    signed_in: SignedIn, mia: User, booth: list[Lead], asks: MakeLead, tuesday: datetime
) -> None:
    stranger = asks("Dora Dahl", at=tuesday, domain="dahl.example")
    far = asks("Emil Ebel", at=tuesday, domain="ebel.example", country="BR")  # not qualified
    Lead.objects.filter(pk=far.pk).update(owner=mia, team=mia.team)
    Lead.objects.filter(pk=stranger.pk).update(owner=None, team=Team.objects.create(name="Partners", side="marketing"))
    signed_in(mia).post(reverse("sla:release_new"), typed([booth[0], far, stranger]))
    assert [item.lead for item in ReleasePlan.objects.get().items.all()] == [booth[0]]


def test_a_marketing_manager_sends_unqualified_ones_with_a_reason(
    signed_in: SignedIn, max_: User, mia: User, booth: list[Lead], asks: MakeLead, tuesday: datetime
) -> None:
    far = asks("Emil Ebel", at=tuesday, domain="ebel.example", country="BR")
    Lead.objects.filter(pk=far.pk).update(owner=mia, team=mia.team)
    why = "They asked at the booth for a call."
    told = typed([booth[0], far], unqualified="on", override_reason=why)
    signed_in(max_).post(reverse("sla:release_new"), told)
    plan = ReleasePlan.objects.get()
    assert plan.override_reason == why
    assert {item.lead for item in plan.items.all()} == {booth[0], far}


def test_what_was_released_and_dropped_is_told_apart(
    signed_in: SignedIn, mia: User, sam: User, booth: list[Lead], tuesday: datetime
) -> None:
    handoff.hand_over(booth[0], by=mia, now=tuesday)
    plan = release.plan("Fair", booth, by=mia, now=tuesday, per_rep_and_day=1)
    release.release_due(now=tuesday)
    url, browser = reverse("sla:release", args=(plan.public_id,)), signed_in(mia)
    page = page_of(browser.get(url))
    assert "Sales has it already." in page
    assert "Handed over 1" in page
    assert "Waiting 1" in page
    assert "Dropped 1" in page
    assert "Anna Abel" in page_of(browser.get(url, {"state": "dropped"}))
    assert "Anna Abel" not in page_of(browser.get(url, {"state": "waiting"}))


def test_a_plan_is_stopped_once(
    signed_in: SignedIn, mia: User, max_: User, booth: list[Lead], tuesday: datetime
) -> None:
    plan = release.plan("Fair", booth, by=mia, now=tuesday)
    url = reverse("sla:release_stop", args=(plan.public_id,))
    page = page_of(signed_in(max_).post(url, follow=True))
    assert "is stopped" in page
    assert "Stopped by Max Lindner." in page
    assert "ended already" in page_of(signed_in(mia).post(url, follow=True))


def test_plans_are_marketing_s(
    client: Client, signed_in: SignedIn, mia: User, sam: User, booth: list[Lead], tuesday: datetime
) -> None:
    plan = release.plan("Fair", booth, by=mia, now=tuesday)
    url = reverse("sla:release_stop", args=(plan.public_id,))
    assert "login" in client.post(url)["Location"]
    assert signed_in(sam).post(url).status_code == 403
    assert signed_in(mia).get(url).status_code == 405
    User.objects.filter(pk=mia.pk).update(team=None)
    other = User.objects.create_user("ole@leadsla.example", "a long password", name="Ole", roles=["marketer"])
    assert signed_in(other).post(url).status_code == 404  # another team's
    assert signed_in(mia).get(reverse("sla:release", args=("00000000-0000-4000-8000-000000000000",))).status_code == 404
