"""Every address × every role: open only where it was declared. A new page without a declaration fails here."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from leadsla.accounts.access import ROLES, Act, may
from leadsla.accounts.middleware import declared_act, is_guarded_elsewhere
from leadsla.accounts.models import ApiToken, Role, User

SAMPLES = {"uuid": str(uuid.uuid4()), "int": "1", "slug": "sample", "str": "sample", "path": "sample"}
# Guarded by Django's administration and by allauth, which have tests of their own.
ELSEWHERE = {"admin", "account", "mfa", "socialaccount"}


def _patterns(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from _patterns(entry, ":".join(filter(None, (namespace, entry.namespace))))
        elif entry.name:
            yield f"{namespace}:{entry.name}" if namespace else entry.name, entry


def _views() -> list[tuple[str, URLPattern]]:
    return [
        (name, entry)
        for name, entry in _patterns(get_resolver())
        if name.split(":")[0] not in ELSEWHERE and not name.startswith(("account_", "mfa_", "socialaccount_"))
    ]


def _acts(entry: URLPattern) -> set[Act]:
    """Return the acts that open a view by some method; empty when it declares none."""
    view_class: Any = getattr(entry.callback, "cls", None) or getattr(entry.callback, "view_class", None)
    acts = set(getattr(view_class, "required_acts", {}).values())
    act = declared_act(entry.callback)
    return acts | ({act} if act else set())


def _url(name: str, entry: URLPattern) -> str:
    kwargs = {}
    for key, converter in entry.pattern.converters.items():
        kind = type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")
        kwargs[key] = SAMPLES[kind]
    return reverse(name, kwargs=kwargs)


VIEWS = _views()


@pytest.mark.parametrize(("name", "entry"), VIEWS, ids=[name for name, _ in VIEWS])
def test_every_address_declares_who_may_open_it(name: str, entry: URLPattern) -> None:
    assert _acts(entry), f"{name}: say @requires(Act.…), or set required_act(s) on the API view"


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: role or "anonymous")
def test_every_address_opens_for_declared_roles_only(role: Role | None, db: None) -> None:
    client = Client(raise_request_exception=False)
    if role:
        user = User.objects.create_user("somebody@leadsla.example", "a long password", name="Somebody", roles=[role])
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    wrong = []
    for name, entry in VIEWS:
        acts = _acts(entry)
        is_open = Act.PUBLIC in acts or (
            role is not None and any(act is Act.SIGNED_IN or role in ROLES[act] for act in acts)
        )
        response = client.get(_url(name, entry))
        status = response.status_code
        is_api = is_guarded_elsewhere(entry.callback)
        if is_open:
            # No such row, another method or bad input is fine; being sent away or an error is not.
            refused = status in {401, 403} and not is_api  # of an API, tests of its own try the right method
            to_sign_in = status == 302 and response["Location"].startswith("/accounts/login/")
            if refused or to_sign_in or status >= 500:
                wrong.append(f"{name}: {status} though it is open")
        elif role is None and not is_api:
            if not (status == 302 and response["Location"].startswith("/accounts/login/")):
                wrong.append(f"{name}: {status} instead of the sign-in page")
        elif status not in {401, 403}:
            wrong.append(f"{name}: {status} though it is closed")
    assert not wrong, "\n".join(wrong)


def test_every_act_names_its_roles() -> None:
    assert set(ROLES) == set(Act) - {Act.PUBLIC, Act.SIGNED_IN} | {Act.SIGNED_IN}


def test_somebody_without_a_role_may_do_nothing_but_see_themselves(db: None) -> None:
    nobody = User.objects.create_user("nobody@leadsla.example", "a long password", name="Nobody")
    assert may(nobody, Act.SIGNED_IN)
    assert [act for act in ROLES if act is not Act.SIGNED_IN and may(nobody, act)] == []


def test_an_inactive_person_may_do_nothing(sam: User) -> None:
    sam.is_active = False
    assert not may(sam, Act.WORK_QUEUE)


def test_operations_neither_answers_nor_manages_people(olga: User) -> None:
    assert not may(olga, Act.ANSWER_HANDOFFS)
    assert not may(olga, Act.MANAGE_PEOPLE)


SignIn = Callable[[User], Client]


class TestTokens:
    def _issue(self, browser: Client) -> str:
        page = browser.post(
            reverse("accounts:token_new"), {"name": "website", "scopes": ["leads:write"], "days": 30}
        ).content.decode()
        return page.split("</code>")[0].rsplit(">", maxsplit=1)[1]

    def test_the_key_is_shown_once_and_only_its_hash_is_kept(self, mia: User, signed_in: SignIn) -> None:
        browser = signed_in(mia)
        key = self._issue(browser)
        assert key.startswith("lsla_")
        assert key not in browser.get(reverse("accounts:profile")).content.decode()
        assert key not in str(ApiToken.objects.values().get())

    def test_without_a_scope_the_field_is_named(self, mia: User, signed_in: SignIn) -> None:
        response = signed_in(mia).post(reverse("accounts:token_new"), {"name": "website", "days": 30})
        assert response.status_code == 400
        assert response.context["token_form"].errors.keys() == {"scopes"}

    def test_another_persons_token_cannot_be_revoked(self, mia: User, max_: User, signed_in: SignIn) -> None:
        self._issue(signed_in(mia))
        token = ApiToken.objects.get()
        assert signed_in(max_).post(reverse("accounts:token_revoke", args=[token.public_id])).status_code == 404
        assert ApiToken.objects.get().revoked_at is None
        assert signed_in(mia).post(reverse("accounts:token_revoke", args=[token.public_id])).status_code == 302
        assert ApiToken.objects.get().revoked_at is not None


class TestSignIn:
    def test_by_email_of_any_case_and_landing_on_ones_work(self, sam: User) -> None:
        browser = Client()
        login = {"login": "SAM@leadsla.example", "password": "a long password"}
        assert browser.post("/accounts/login/", login)["Location"] == "/"
        assert browser.get("/")["Location"] == reverse("home:queue")

    def test_guessing_is_stopped_after_eight_times(self, sam: User, db: None) -> None:
        browser = Client()
        wrong = {"login": "sam@leadsla.example", "password": "wrong"}
        answers = [browser.post("/accounts/login/", wrong).status_code for _ in range(9)]
        assert answers[0] == 200
        assert answers[-1] in {403, 429}
        right = {"login": "sam@leadsla.example", "password": "a long password"}
        assert browser.post("/accounts/login/", right).status_code in {403, 429}

    def test_nobody_registers_by_themselves(self, db: None) -> None:
        login = {"email": "x@leadsla.example", "password1": "a long password", "password2": "a long password"}
        Client().post("/accounts/signup/", login)
        assert not User.objects.exists()
