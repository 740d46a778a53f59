"""How other systems sign and write what they deliver. Knows no database."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from leads.columns import guess
from leads.models import Hook

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

DEEPEST = 8  # levels of a delivery that are looked into
MOST_PARTS = 200
LONGEST_PART = 4000


@dataclass(frozen=True)
class Part:
    """One value of a delivery that can be matched with a fact.

    Attributes:
        path: tells it among the parts of every delivery of this sender.
        label: how the sender calls it.
        text: the value as text.
    """

    path: str
    label: str
    text: str


@dataclass(frozen=True)
class Delivered:
    """A delivery in parts.

    Attributes:
        key: the sender's own id of it, the same with each retry; "" where it gives none.
        parts: its values.
        mapping: path → code of a target, as far as the format itself or the names tell.
        occurred_at: when it happened, as the sender writes it; "" where it does not say.
        is_test: the sender says that nobody stands behind it.
        data: what else is worth keeping, as ids of the form and the campaign there.
    """

    key: str
    parts: list[Part]
    mapping: Mapping[str, str] = field(default_factory=dict)
    occurred_at: str = ""
    is_test: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)


class NotReadable(ValueError):  # noqa: N818  # it names what happened
    """A delivery is not shaped as its sender's are."""


# --- proof of the sender


def is_signed(kind: str, *, secret: str, raw: bytes, body: Any, headers: Mapping[str, str]) -> bool:
    """Tell whether a delivery proves that its sender knows the secret.

    Google sends it in the body (`google_key`). Typeform and Meta send a SHA-256 HMAC of the raw body, Typeform in
    base64 (`Typeform-Signature`), Meta in hexadecimal (`X-Hub-Signature-256`). Others send the secret as a bearer
    token, or such an HMAC in hexadecimal (`X-Signature-256`).

    Args:
        kind: of `Hook.Kind`.
        secret: shared with the sender.
        raw: the body as it came.
        body: the same as JSON.
        headers: of the request, without regard to case.
    """
    digest = hmac.new(secret.encode(), raw, hashlib.sha256)
    if kind == Hook.Kind.GOOGLE_ADS:
        return isinstance(body, dict) and _same(str(body.get("google_key", "")), secret)
    if kind == Hook.Kind.TYPEFORM:
        wanted = "sha256=" + base64.b64encode(digest.digest()).decode()
        return _same(headers.get("Typeform-Signature", ""), wanted)
    wanted = "sha256=" + digest.hexdigest()
    if kind == Hook.Kind.META:
        return _same(headers.get("X-Hub-Signature-256", ""), wanted)
    return _same(headers.get("X-Signature-256", ""), wanted) or _same(
        headers.get("Authorization", ""), f"Bearer {secret}"
    )


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


# --- reading


def read(kind: str, body: Any) -> Delivered:
    """Take a delivery apart.

    Args:
        kind: of `Hook.Kind`.
        body: as JSON.

    Raises:
        NotReadable: it is not shaped as this sender's deliveries are.
    """
    if not isinstance(body, dict):
        raise NotReadable("a JSON object is expected")
    delivered = _READERS[Hook.Kind(kind)](body)
    named = {part.label: part.path for part in reversed(delivered.parts)}
    guessed = {named[label]: code for label, code in guess(list(named)).items()}
    taken = set(delivered.mapping.values())
    # What is called `id` tells the delivery, not the person: that it does is for somebody to say.
    guessed = {path: code for path, code in guessed.items() if code not in taken and code != "external_id"}
    return Delivered(
        delivered.key,
        delivered.parts,
        {**guessed, **delivered.mapping},
        delivered.occurred_at,
        delivered.is_test,
        delivered.data,
    )


GOOGLE_COLUMNS = {
    "FULL_NAME": "name",
    "FIRST_NAME": "first_name",
    "LAST_NAME": "last_name",
    "EMAIL": "email",
    "WORK_EMAIL": "email",
    "PHONE_NUMBER": "phone",
    "WORK_PHONE": "phone",
    "COMPANY_NAME": "company_name",
    "JOB_TITLE": "title",
    "CITY": "city",
    "REGION": "region",
    "COUNTRY": "country",
}


def _google_ads(body: dict[str, Any]) -> Delivered:
    """Read a lead form extension's lead (Google Ads, “Lead form webhook”, schema 1.0)."""
    columns = body.get("user_column_data")
    if not isinstance(columns, list):
        raise NotReadable("user_column_data is missing")
    parts = [
        Part(str(column.get("column_id", "")), str(column.get("column_name") or column.get("column_id", "")), text)
        for column in columns[:MOST_PARTS]
        if isinstance(column, dict) and (text := _text(column.get("string_value")))
    ]
    found = {part.path for part in parts}
    mapping: dict[str, str] = {}
    for path, code in GOOGLE_COLUMNS.items():
        if path in found and code not in mapping.values():
            mapping[path] = code
    kept = ("form_id", "campaign_id", "adgroup_id", "creative_id", "gcl_id")
    data = {name: body[name] for name in kept if isinstance(body.get(name), (str, int))}
    return Delivered(
        _text(body.get("lead_id")),
        parts,
        mapping,
        _text(body.get("lead_submit_time")),
        body.get("is_test") is True,
        data,
    )


TYPEFORM_TYPES = {"email": "email", "phone_number": "phone"}


def _typeform(body: dict[str, Any]) -> Delivered:
    """Read a form response (Typeform webhooks, event `form_response`)."""
    response = body.get("form_response")
    if body.get("event_type") != "form_response" or not isinstance(response, dict):
        raise NotReadable("form_response is missing")
    definition = response.get("definition")
    fields = definition.get("fields") if isinstance(definition, dict) else None
    titles = {str(each.get("id")): str(each.get("title", "")) for each in fields or () if isinstance(each, dict)}
    parts: list[Part] = []
    mapping: dict[str, str] = {}
    answers = response.get("answers")
    for answer in (answers if isinstance(answers, list) else [])[:MOST_PARTS]:
        asked = answer.get("field") if isinstance(answer, dict) else None
        if not isinstance(asked, dict):
            continue
        path = str(asked.get("ref") or asked.get("id", ""))
        text = _answer(answer)
        if not text:
            continue
        parts.append(Part(path, titles.get(str(asked.get("id")), path), text))
        code = TYPEFORM_TYPES.get(str(answer.get("type")), "")
        if code and code not in mapping.values():
            mapping[path] = code
    hidden = response.get("hidden")
    if isinstance(hidden, dict):
        parts += [Part(f"hidden.{name}", str(name), text) for name, value in hidden.items() if (text := _text(value))]
    title = definition.get("title") if isinstance(definition, dict) else ""
    data = {"form_id": _text(response.get("form_id")), "form": _text(title)}
    return Delivered(_text(response.get("token")), parts, mapping, _text(response.get("submitted_at")), data=data)


def _answer(answer: dict[str, Any]) -> str:
    value = answer.get(str(answer.get("type")))
    if isinstance(value, dict):
        labels = value.get("labels")
        return ", ".join(map(str, labels)) if isinstance(labels, list) else _text(value.get("label"))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _text(value)


META_FIELDS = {"full_name": "name", "email": "email", "phone_number": "phone", "company_name": "company_name"}


def _meta(body: dict[str, Any]) -> Delivered:
    """Read a lead with its answers (`field_data`), alone or inside a page's `leadgen` change."""
    lead = _meta_lead(body)
    answers = lead.get("field_data")
    if not isinstance(answers, list):
        raise NotReadable("field_data is missing: let the connection send the answers along with the lead's id")
    parts = []
    for answer in answers[:MOST_PARTS]:
        if isinstance(answer, dict) and isinstance(answer.get("values"), list):
            name = str(answer.get("name", ""))
            text = ", ".join(filter(None, map(_text, answer["values"])))
            # Exports write a telephone number as `p:+61…`.
            parts.append(Part(name, name, text.removeprefix("p:")))
    found = {part.path for part in parts}
    mapping = {path: code for path, code in META_FIELDS.items() if path in found}
    kept = ("form_id", "form_name", "campaign_id", "campaign_name", "ad_id", "adset_id", "platform", "page_id")
    data = {name: lead[name] for name in kept if isinstance(lead.get(name), (str, int))}
    key = _text(lead.get("leadgen_id") or lead.get("id")).removeprefix("l:")
    is_test = any("<test lead:" in part.text for part in parts)
    return Delivered(
        key, [part for part in parts if part.text], mapping, _text(lead.get("created_time")), is_test, data
    )


def _meta_lead(body: dict[str, Any]) -> dict[str, Any]:
    entries = body.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        changes = entry.get("changes") if isinstance(entry, dict) else None
        for change in changes if isinstance(changes, list) else ():
            if isinstance(change, dict) and isinstance(change.get("value"), dict):
                found: dict[str, Any] = change["value"]
                return found
    return body


KEYS = ("id", "event_id", "lead_id", "submission_id", "uuid")
MOMENTS = ("occurred_at", "submitted_at", "created_at", "timestamp")


def _json(body: dict[str, Any]) -> Delivered:
    """Read anything else: every value under its path, as `contact.email` or `answers.0.text`."""
    parts = [Part(path, path.rsplit(".", maxsplit=1)[-1], text) for path, text in _walk(body, "", DEEPEST)][:MOST_PARTS]
    top = {name: _text(body.get(name)) for name in (*KEYS, *MOMENTS)}
    return Delivered(
        next((top[name] for name in KEYS if top[name]), ""),
        parts,
        {},
        next((top[name] for name in MOMENTS if top[name]), ""),
        body.get("is_test") is True,
    )


def _walk(value: Any, path: str, levels: int) -> Iterator[tuple[str, str]]:
    if levels < 0:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _walk(inner, f"{path}.{name}" if path else str(name), levels - 1)
    elif isinstance(value, list):
        for place, inner in enumerate(value[:MOST_PARTS]):
            yield from _walk(inner, f"{path}.{place}", levels - 1)
    elif text := _text(value):
        yield path, text


def _text(value: Any) -> str:
    """Return a plain value as text; "" for what is none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip()[:LONGEST_PART] if isinstance(value, (str, int, float)) else ""


_READERS: dict[Hook.Kind, Callable[[dict[str, Any]], Delivered]] = {
    Hook.Kind.GOOGLE_ADS: _google_ads,
    Hook.Kind.TYPEFORM: _typeform,
    Hook.Kind.META: _meta,
    Hook.Kind.JSON: _json,
}


_PROOFS: dict[Hook.Kind, StrOrPromise] = {
    Hook.Kind.GOOGLE_ADS: _("Paste the address and the key into the lead form's webhook integration in Google Ads."),
    Hook.Kind.TYPEFORM: _("Add the address under Connect, Webhooks, and paste the key as the webhook's secret."),
    Hook.Kind.META: _(
        "Let your connection to Meta post each lead with its answers (field_data) to the address, signed with the key "
        "as the app secret. The key is also what Meta asks for as “verify token”."
    ),
    Hook.Kind.JSON: _(
        "Send JSON by POST to the address, with the header “Authorization: Bearer” and the key, or with the header "
        "X-Signature-256: sha256= and the hexadecimal HMAC of the body."
    ),
}


def words_of_proof(kind: str) -> StrOrPromise:
    """Return how a sender of a kind proves itself, for the page that shows the secret."""
    return _PROOFS[Hook.Kind(kind)]
