"""A person keeps their own settings."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from leadsla.accounts.models import User

SignIn = Callable[[User], Client]
SETTINGS = {"name": "Sam B.", "timezone": "America/Sao_Paulo", "wants_email": "on"}


def test_a_person_changes_name_zone_and_notices(sam: User, signed_in: SignIn) -> None:
    assert signed_in(sam).post(reverse("accounts:profile"), SETTINGS).status_code == 302
    sam.refresh_from_db()
    assert (sam.name, sam.timezone, sam.wants_email, sam.wants_shortcuts) == (
        "Sam B.",
        "America/Sao_Paulo",
        True,
        False,
    )


@pytest.mark.parametrize("url", ["/queue/", "/handoffs/?format=csv", "/api/v1/handoffs/"])
def test_what_a_person_gets_is_for_no_shared_cache(sam: User, signed_in: SignIn, url: str) -> None:
    kept = signed_in(sam).get(url).headers["Cache-Control"]
    assert {word.strip() for word in kept.split(",")} == {"private", "no-cache"}


def test_the_page_with_a_key_is_kept_nowhere(sam: User, signed_in: SignIn) -> None:
    told = {"name": "crm", "scopes": ["handoffs:read"], "days": 30}
    page = signed_in(sam).post(reverse("accounts:token_new"), told)
    assert "lsla_" in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]


def test_an_unknown_zone_is_refused_and_named(sam: User, signed_in: SignIn) -> None:
    response = signed_in(sam).post(reverse("accounts:profile"), SETTINGS | {"timezone": "Mars/Base"})
    assert response.status_code == 400
    assert response.context["profile_form"].errors == {
        "timezone": ["“Mars/Base” is not a time zone. Use a name like Europe/Berlin."]
    }


def test_nobody_gives_themselves_a_role(sam: User, signed_in: SignIn) -> None:
    signed_in(sam).post(reverse("accounts:profile"), SETTINGS | {"roles": ["administrator"]})
    sam.refresh_from_db()
    assert sam.roles == ["sales_rep"]
