"""The cast and the calendar that the tests share. Default data comes from the migrations, as on a new portal.

Tests that commit for real say `@pytest.mark.django_db(transaction=True)`: all tables are emptied after them, and the
default data is put back for the next test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from pytest_django.plugin import blocking_manager_key

from leads.models import ScoreModel
from leadsla.accounts.models import Role, Side, Team, User

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Put the default data back after a test that emptied the tables."""
    yield
    if nextitem is None:
        return  # the test database is gone
    if "transactional_db" in getattr(item, "fixturenames", ()) or _commits(item):
        with item.config.stash[blocking_manager_key].unblock():
            if not ScoreModel.objects.exists():
                contents: str = connection._test_serialized_contents  # type: ignore[attr-defined]
                connection.creation.deserialize_db_from_string(contents)


def _commits(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    return marker is not None and bool(marker.kwargs.get("transaction") or (marker.args and marker.args[0]))


@pytest.fixture
def tuesday() -> datetime:
    """Tue 3 March 2026, 10:00 in Berlin: a working day without a holiday near it."""
    return datetime(2026, 3, 3, 10, 0, tzinfo=BERLIN)


@pytest.fixture
def inbound(db: None) -> Team:
    return Team.objects.create(name="Inbound", side=Side.MARKETING)


@pytest.fixture
def north(db: None) -> Team:
    return Team.objects.create(name="North", side=Side.SALES)


@pytest.fixture
def south(db: None) -> Team:
    return Team.objects.create(name="South", side=Side.SALES)


def person(name: str, *roles: Role, team: Team | None = None, manager: User | None = None) -> User:
    """Make a member of the cast; everybody's address is their first name."""
    email = f"{name.split(maxsplit=1)[0].lower()}@leadsla.example"
    return User.objects.create_user(email, "a long password", name=name, roles=list(roles), team=team, manager=manager)


@pytest.fixture
def max_(inbound: Team) -> User:
    return person("Max Lindner", Role.MARKETING_MANAGER, team=inbound)


@pytest.fixture
def mia(inbound: Team, max_: User) -> User:
    return person("Mia Albrecht", Role.MARKETER, team=inbound, manager=max_)


@pytest.fixture
def sue(north: Team) -> User:
    return person("Sue Vogt", Role.SALES_MANAGER, team=north)


@pytest.fixture
def sam(north: Team, sue: User) -> User:
    return person("Sam Becker", Role.SALES_REP, team=north, manager=sue)


@pytest.fixture
def nia(south: Team) -> User:
    """A rep of another team; sees nothing of Sam's."""
    return person("Nia Novak", Role.SALES_REP, team=south)


@pytest.fixture
def olga(db: None) -> User:
    return person("Olga Brandt", Role.OPERATIONS)


@pytest.fixture
def ada(db: None) -> User:
    return person("Ada Keller", Role.ADMINISTRATOR)


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """Return a function that gives a browser in which a person is signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in
