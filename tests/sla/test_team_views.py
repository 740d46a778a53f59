"""The team pages: who sees which team, what can be set for whom, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import Lead
from leadsla.accounts.models import AwayTime, Role, Team, User
from sla import handoff, team_editing
from sla.models import Calendar, Capacity, Handoff, PersonalCalendar, Succession, Turn

SignedIn = Callable[[User], Client]
MakeLead = Callable[..., Lead]


@pytest.fixture(autouse=True)
def it_is_tuesday(settings: object) -> None:
    settings.LEADSLA_NOW = "2026-03-03T10:00"  # type: ignore[attr-defined]


def page_of(answer: object) -> str:
    return unescape(answer.content.decode())  # type: ignore[attr-defined]


def test_a_manager_sees_their_own_team_only(signed_in: SignedIn, sue: User, sam: User, nia: User) -> None:
    page = page_of(signed_in(sue).get(reverse("sla:teams")))
    assert "Sam Becker" in page
    assert "Nia Novak" not in page


def test_operations_sees_all_teams(signed_in: SignedIn, olga: User, sam: User, nia: User, mia: User) -> None:
    page = page_of(signed_in(olga).get(reverse("sla:teams")))
    assert all(name in page for name in ("Sam Becker", "Nia Novak", "Mia Albrecht"))


def test_a_person_without_a_team_is_told_so(signed_in: SignedIn, sue: User) -> None:
    User.objects.filter(pk=sue.pk).update(team=None)
    assert "You have no team yet" in page_of(signed_in(sue).get(reverse("sla:teams")))


def test_load_cap_and_balance_are_shown(
    signed_in: SignedIn, sue: User, sam: User, north: Team, asks: MakeLead, tuesday: datetime
) -> None:
    Capacity.objects.create(user=sam, weight=Decimal("1.5"), open_at_most=12)
    handoff.hand_over(asks(at=tuesday), by=None, now=tuesday)
    Turn.objects.update_or_create(team=north, user=sam, temperature="warm", defaults={"balance": 0.4})
    Turn.objects.update_or_create(team=north, user=sam, temperature="cool", defaults={"balance": -2.0})
    page = page_of(signed_in(sue).get(reverse("sla:teams")))
    assert "1 of 12" in page
    assert "1.50" in page
    assert "owed 0.4" in page
    assert "ahead by 2.0" in page
    assert "had 1 of 1 in 30 days" in page  # hot


def test_weight_and_cap_are_set(signed_in: SignedIn, sue: User, sam: User) -> None:
    url = reverse("sla:member_capacity", args=(sam.public_id,))
    answer = signed_in(sue).post(url, {"weight": "0.5", "open_at_most": "20"}, follow=True)
    assert "It counts from the next lead on" in page_of(answer)
    capacity = Capacity.objects.get(user=sam)
    assert (capacity.weight, capacity.open_at_most) == (Decimal("0.5"), 20)


@pytest.mark.parametrize(
    ("weight", "most", "field"),
    [("-1", "20", "weight"), ("100", "20", "weight"), ("much", "20", "weight"), ("NaN", "20", "weight"),
     ("1.234", "20", "weight"), ("1", "-1", "open_at_most"), ("1", "", "open_at_most"), ("1", "10001", "open_at_most")],
)  # fmt: skip
def test_a_bad_share_is_refused_at_its_field_and_kept(
    weight: str, most: str, field: str, signed_in: SignedIn, sue: User, sam: User
) -> None:
    url = reverse("sla:member_capacity", args=(sam.public_id,))
    answer = signed_in(sue).post(url, {"weight": weight, "open_at_most": most})
    assert answer.status_code == 400
    assert f'href="#id_{field}"' in page_of(answer)
    assert f'value="{weight}"' in page_of(answer)
    assert not Capacity.objects.exists()


def test_who_takes_no_turns_has_no_share(signed_in: SignedIn, sue: User) -> None:
    url = reverse("sla:member_capacity", args=(sue.public_id,))
    assert signed_in(sue).post(url, {"weight": "1", "open_at_most": "5"}).status_code == 400
    assert not Capacity.objects.exists()


def test_own_hours_are_given_and_taken(signed_in: SignedIn, sue: User, sam: User) -> None:
    url = reverse("sla:member_hours", args=(sam.public_id,))
    browser, office = signed_in(sue), Calendar.objects.get(name="Office hours")
    browser.post(url, {"calendar": str(office.public_id)})
    assert PersonalCalendar.objects.get(user=sam).calendar == office
    assert "Office hours" in page_of(browser.get(reverse("sla:teams")))
    assert browser.post(url, {"calendar": "no such"}).status_code == 400
    browser.post(url, {"calendar": ""})
    assert not PersonalCalendar.objects.exists()


def test_a_time_away_with_a_stand_in(signed_in: SignedIn, sue: User, sam: User, nia: User) -> None:
    url = reverse("sla:away_new", args=(sam.public_id,))
    told = {"starts_at": "2026-03-09T00:00", "ends_at": "2026-03-14T00:00", "stand_in": str(nia.public_id)}
    browser = signed_in(sue)
    page = page_of(browser.post(url, told, follow=True))
    assert "Nia Novak stands in" in page
    away = AwayTime.objects.get(user=sam)
    assert away.starts_at == datetime.fromisoformat("2026-03-09T00:00+01:00")
    browser.post(reverse("sla:away_remove", args=(sam.public_id, away.pk)))
    assert not AwayTime.objects.exists()


def test_a_time_away_that_has_begun_ends_now(sam: User, tuesday: datetime) -> None:
    away = AwayTime.objects.create(user=sam, starts_at=tuesday - timedelta(days=1), ends_at=tuesday + timedelta(days=1))
    assert team_editing.remove_away(away, now=tuesday)
    away.refresh_from_db()
    assert away.ends_at == tuesday
    assert not team_editing.remove_away(away, now=tuesday)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"starts_at": "2026-03-14T00:00", "ends_at": "2026-03-09T00:00"}, "ends_at"),
        ({"starts_at": "2026-03-09T00:00", "ends_at": "2026-03-09T00:00"}, "ends_at"),
        ({"starts_at": "2026-03-01T00:00", "ends_at": "2026-03-02T00:00"}, "ends_at"),
        ({"starts_at": "soon", "ends_at": "2026-03-14T00:00"}, "starts_at"),
        ({"starts_at": "2026-02-30T00:00", "ends_at": "2026-03-14T00:00"}, "starts_at"),
        ({"starts_at": "2026-04-02T00:00", "ends_at": "2026-04-03T00:00"}, "starts_at"),  # away then already
        ({"starts_at": "2026-03-09T00:00", "ends_at": "2026-03-14T00:00", "stand_in": "nobody"}, "stand_in"),
    ],
)
def test_a_bad_time_away_is_refused_at_its_field(
    told: dict[str, str], field: str, signed_in: SignedIn, sue: User, sam: User
) -> None:
    at = datetime.fromisoformat
    AwayTime.objects.create(user=sam, starts_at=at("2026-04-01T00:00+02:00"), ends_at=at("2026-04-05T00:00+02:00"))
    answer = signed_in(sue).post(reverse("sla:away_new", args=(sam.public_id,)), told)
    assert answer.status_code == 400
    assert f'href="#id_{field}"' in page_of(answer)
    assert AwayTime.objects.count() == 1


@pytest.mark.parametrize("name", ["member_capacity", "member_hours", "away_new"])
def test_setting_is_shut_to_others(
    name: str, client: Client, signed_in: SignedIn, sue: User, sam: User, nia: User, max_: User
) -> None:
    url = reverse(f"sla:{name}", args=(nia.public_id,))
    assert "login" in client.post(url)["Location"]
    assert signed_in(sam).post(url).status_code == 403
    assert signed_in(sue).post(url).status_code == 404  # another team's
    assert signed_in(max_).post(url).status_code == 404
    assert signed_in(sue).get(reverse(f"sla:{name}", args=(sam.public_id,))).status_code == 405
    assert signed_in(sue).get(reverse("sla:member", args=(nia.public_id,))).status_code == 404


# --- deactivating


def test_deactivating_asks_who_takes_over(
    signed_in: SignedIn, ada: User, sam: User, sue: User, nia: User, asks: MakeLead, tuesday: datetime
) -> None:
    handed = handoff.hand_over(asks(at=tuesday), by=None, now=tuesday)
    assert handed.owner == sam
    url, browser = reverse("sla:deactivate", args=(sam.public_id,)), signed_in(ada)
    assert "1 open handoff; its clocks go on" in page_of(browser.get(url))
    refused = browser.post(url, {"to": ""})
    assert refused.status_code == 400
    assert "Choose who takes over what is open" in page_of(refused)
    assert User.objects.get(pk=sam.pk).is_active
    assert browser.post(url, {"to": str(ada.public_id)}).status_code == 400  # not in sales
    page = page_of(browser.post(url, {"to": str(nia.public_id)}, follow=True))
    assert "Sam Becker is inactive; Nia Novak takes over" in page
    assert not User.objects.get(pk=sam.pk).is_active
    assert Handoff.objects.get(pk=handed.pk).owner == nia
    assert Succession.objects.get().handoffs == 1


def test_who_has_nothing_open_just_leaves(signed_in: SignedIn, ada: User, sam: User) -> None:
    url = reverse("sla:deactivate", args=(sam.public_id,))
    assert "nobody has to take over" in page_of(signed_in(ada).get(url))
    assert "is inactive" in page_of(signed_in(ada).post(url, follow=True))
    assert not User.objects.get(pk=sam.pk).is_active
    assert not Succession.objects.exists()


def test_nobody_deactivates_themselves_or_the_last_administrator(signed_in: SignedIn, ada: User) -> None:
    answer = signed_in(ada).post(reverse("sla:deactivate", args=(ada.public_id,)))
    assert answer.status_code == 400
    assert "Nobody deactivates themselves" in page_of(answer)
    assert User.objects.get(pk=ada.pk).is_active


def test_deactivating_is_the_administrator_s(
    client: Client, signed_in: SignedIn, sue: User, olga: User, sam: User, ada: User
) -> None:
    url = reverse("sla:deactivate", args=(sam.public_id,))
    assert "login" in client.post(url)["Location"]
    assert signed_in(sue).post(url).status_code == 403
    assert signed_in(olga).post(url).status_code == 403
    assert signed_in(ada).put(url).status_code == 405
    assert (
        signed_in(ada).get(reverse("sla:deactivate", args=("0" * 8 + "-0000-4000-8000-" + "0" * 12,))).status_code
        == 404
    )
    assert User.objects.get(pk=sam.pk).is_active


def test_the_administration_s_box_does_not_go_around_it(signed_in: SignedIn, ada: User, sam: User) -> None:
    url, browser = reverse("admin:accounts_user_change", args=(sam.pk,)), signed_in(ada)
    page = page_of(browser.get(url))
    assert reverse("sla:deactivate", args=(sam.public_id,)) in page
    assert 'name="is_active"' not in page
    assert sam.team is not None
    told = {"email": sam.email, "name": "Sam Neu", "timezone": sam.timezone, "roles": sam.roles, "team": sam.team.pk}
    browser.post(url, told)  # without is_active, as an unticked box is sent
    changed = User.objects.get(pk=sam.pk)
    assert (changed.name, changed.is_active) == ("Sam Neu", True)


def test_the_administration_makes_somebody_active_again(signed_in: SignedIn, ada: User, sam: User) -> None:
    User.objects.filter(pk=sam.pk).update(is_active=False)
    url = reverse("admin:accounts_user_change", args=(sam.pk,))
    assert sam.team is not None
    told = {
        "email": sam.email,
        "name": sam.name,
        "timezone": sam.timezone,
        "roles": [Role.SALES_REP],
        "is_active": "on",
    }
    signed_in(ada).post(url, {**told, "team": sam.team.pk})
    assert User.objects.get(pk=sam.pk).is_active
