"""The normal forms in which people are compared, and the locks under which two arrivals of one person wait."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

import idna
import phonenumbers
from django.db import connection

from leads.facts import email_kind
from leads.models import EmailKind

# Locks are taken on so many numbers, not on each key: PostgreSQL's table of locks has room for some thousand.
LOCKS = 2048
_PEOPLE, _COMPANIES = 7131, 7132  # two kinds of keys: whoever needs both takes people first


def normal_email(text: str) -> str:
    """Return an address in the form it is compared in; "" when it is none.

    Lower case, Unicode NFC, the domain in ASCII (IDNA 2008). Dots and tags stay: they tell people apart at most hosts.
    """
    if match := re.fullmatch(r".*<([^<>]+)>\s*", text.strip()):
        text = match[1]
    text = unicodedata.normalize("NFC", text.strip().removeprefix("mailto:"))
    local, _at, domain = text.rpartition("@")
    local, domain = local.lower(), domain.lower().rstrip(".")
    if not local or len(local) > 64 or re.search(r"[\s@<>()\[\],;:\\\"\x00-\x1f]|\.\.|^\.|\.$", local):
        return ""
    try:
        host = idna.encode(domain, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return ""
    if not re.fullmatch(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", host):
        return ""
    address = f"{local}@{host}"
    return address if len(address) <= 254 else ""


def _parsed_phone(text: str, country: str) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, country.upper() or None)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def normal_phone(text: str, country: str = "") -> str:
    """Return a number as E.164; "" when it cannot be told without guessing.

    Args:
        text: the number as written.
        country: two letters, for numbers without a country code.
    """
    number = _parsed_phone(text, country)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if number else ""


def written_phone(text: str, country: str = "") -> str:
    """Return a number as people write it, `+49 7131 204455`; as it came when it cannot be read."""
    number = _parsed_phone(text, country)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL) if number else text


def domain_of(email: str) -> str:
    """Return the domain that tells a company by a normal address; "" for free providers."""
    return email.rpartition("@")[2] if email_kind(email) == EmailKind.BUSINESS else ""


def lock_key(kind: str, system: str, value: str) -> str:
    """Return the key under which an identity is locked."""
    return f"{kind}:{system}:{value}"


def lock(keys: Iterable[str], *, companies: bool = False) -> None:
    """Wait until nobody else works on these keys, and keep them until the transaction ends.

    Two arrivals of the same person at once make one lead: the second waits here and then finds it. Sorted, so that
    nobody waits in a circle.
    """
    numbers = sorted({int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest()) % LOCKS for key in keys})
    if numbers:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_advisory_xact_lock(%s, number)) FROM unnest(%s::int[]) AS number",
                [_COMPANIES if companies else _PEOPLE, numbers],
            )
