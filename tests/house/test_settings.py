"""The settings: what production refuses, what is nonsense, what is taken."""

import json
from pathlib import Path

import pytest

from .conftest import python, said

PRODUCTION = {
    "LEADSLA_ENV": "production",
    "SECRET_KEY": "a-long-random-text-of-at-least-thirty-two-characters",
    "ALLOWED_HOSTS": "leads.example.com",
    "DATABASE_URL": "postgresql://leadsla:secret@db.example.com/leadsla",
    "REDIS_URL": "redis://redis.example.com:6379/0",
}
SHOW = """
import json
from leadsla import settings as s
names = ("DEBUG", "ALLOWED_HOSTS", "SESSION_COOKIE_SECURE", "CELERY_BROKER_URL", "TIME_ZONE", "EMAIL_BACKEND")
print(json.dumps({name: getattr(s, name) for name in names} | {"HOST": s.DATABASES["default"]["HOST"]}))
"""


def test_production_starts_with_what_it_needs(home: Path) -> None:
    shown = json.loads(said(python("-c", SHOW, **PRODUCTION)))
    assert shown == {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["leads.example.com"],
        "SESSION_COOKIE_SECURE": True,
        "CELERY_BROKER_URL": "redis://redis.example.com:6379/0",
        "TIME_ZONE": "Europe/Berlin",
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "HOST": "db.example.com",
    }


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is missing or shorter than 32"),
        ({"DEBUG": "true"}, "DEBUG is on"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is empty"),
        ({"ALLOWED_HOSTS": " , "}, "ALLOWED_HOSTS is empty"),
        ({"LEADSLA_NOW": "+1d"}, "LEADSLA_NOW is set"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is missing"),
        ({"REDIS_URL": ""}, "REDIS_URL is missing"),
        ({"LEADSLA_ENV": "prod"}, "say development, test or production"),
        ({"DEBUG": "maybe"}, "DEBUG is 'maybe': say true or false"),
        ({"LEADSLA_TIMEZONE": "Berlin"}, "give a time zone such as Europe/Berlin"),
        ({"DATABASE_URL": "sqlite:///db"}, "PostgreSQL is the only database"),
        ({"SECURE_HSTS_SECONDS": "a year"}, "SECURE_HSTS_SECONDS is 'a year': give a whole number"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL is 'LOUD'"),
    ],
)
def test_production_refuses_with_a_sentence(home: Path, wrong: dict[str, str], message: str) -> None:
    process = python("-c", SHOW, **(PRODUCTION | wrong))
    assert message in said(process).splitlines()[-1]
    assert process.returncode == 1


def test_a_checkout_needs_no_settings_and_keeps_its_own_secret(home: Path) -> None:
    key = "from leadsla.settings import SECRET_KEY; print(SECRET_KEY)"
    first, second = said(python("-c", key)), said(python("-c", key))
    assert first == second
    assert len(first.strip()) > 32
    assert (home / "secret-key").stat().st_mode & 0o077 == 0
