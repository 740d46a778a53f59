"""Inbound webhooks: deliveries as Google Ads, Typeform and Meta write them, their proof, and what was refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from leads import intake
from leads.models import Hook, HookDelivery, Interaction, Lead, Source
from leadsla.accounts.models import Team, User

SECRET = "a key that nobody guesses"
SignIn = Callable[[User], Client]

GOOGLE = {
    "lead_id": "Cj0-17",
    "user_column_data": [
        {"column_name": "Full Name", "string_value": "Karin Kern", "column_id": "FULL_NAME"},
        {"column_name": "User Phone", "string_value": "+49 30 901820", "column_id": "PHONE_NUMBER"},
        {"column_name": "User Email", "string_value": "karin@kern.example", "column_id": "EMAIL"},
        {"string_value": "Roofing", "column_id": "SERVICE"},
    ],
    "api_version": "1.0",
    "form_id": 18698608977,
    "campaign_id": 991214827,
    "google_key": SECRET,
}
TYPEFORM = {
    "event_id": "LtWXD3crgy",
    "event_type": "form_response",
    "form_response": {
        "form_id": "lT4Z3j",
        "token": "a3a12ec67a1365927098a606107fac15",
        "submitted_at": "2026-03-02T18:17:02Z",
        "definition": {
            "title": "Ask for a demo",
            "fields": [
                {"id": "1", "title": "What is your first name?", "ref": "first", "type": "short_text"},
                {"id": "2", "title": "Your e-mail", "ref": "mail", "type": "email"},
                {"id": "3", "title": "What brings you here?", "ref": "why", "type": "multiple_choice"},
            ],
        },
        "answers": [
            {"type": "text", "text": "Karin", "field": {"id": "1", "type": "short_text", "ref": "first"}},
            {"type": "email", "email": "karin@kern.example", "field": {"id": "2", "type": "email", "ref": "mail"}},
            {
                "type": "choices",
                "choices": {"labels": ["Price", "Speed"]},
                "field": {"id": "3", "type": "multiple_choice", "ref": "why"},
            },
        ],
        "hidden": {"utm_campaign": "spring"},
    },
}
META = {
    "entry": [
        {
            "changes": [
                {
                    "field": "leadgen",
                    "value": {
                        "leadgen_id": "2046983545902460",
                        "form_id": "1",
                        "created_time": "2026-03-02T00:12:13+0300",
                        "field_data": [
                            {"name": "full_name", "values": ["Karin Kern"]},
                            {"name": "email", "values": ["karin@kern.example"]},
                            {"name": "phone_number", "values": ["p:+4930901820"]},
                        ],
                    },
                }
            ]
        }
    ]
}


@pytest.fixture
def hook(inbound: Team, tuesday: datetime) -> Callable[..., Hook]:
    """Return a function that sets up an address."""

    def make(kind: str, **columns: Any) -> Hook:
        return Hook.objects.create(
            name=f"From {kind}", kind=kind, secret=SECRET, team=inbound, created_at=tuesday, **columns
        )

    return make


def deliver(hook: Hook, body: Any, **headers: str) -> Any:
    raw = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return Client().post(
        reverse("leads:deliver", args=(hook.public_id,)), raw, content_type="application/json", headers=headers
    )


def signed(body: Any) -> str:
    return hmac.new(SECRET.encode(), json.dumps(body).encode(), hashlib.sha256).hexdigest()


def test_a_lead_form_of_google_ads_becomes_a_lead(hook: Callable[..., Hook], inbound: Team) -> None:
    source = Source.objects.get(code="paid-search")
    answer = deliver(hook("google_ads", source=source), GOOGLE)
    assert answer.status_code == 200
    lead = Lead.objects.get()
    assert (lead.name, lead.email, lead.team, lead.first_source) == (
        "Karin Kern",
        "karin@kern.example",
        inbound,
        source,
    )
    assert lead.phone == "+49 30 901820"
    interaction = Interaction.objects.get()
    assert interaction.data == {"SERVICE": "Roofing", "form_id": 18698608977, "campaign_id": 991214827}
    kept = HookDelivery.objects.get()
    assert (kept.outcome, kept.key, kept.lead) == ("created", "Cj0-17", lead)
    assert "google_key" not in kept.body


def test_the_same_delivery_again_changes_nothing(hook: Callable[..., Hook]) -> None:
    google = hook("google_ads")
    deliver(google, GOOGLE)
    again = deliver(google, GOOGLE)
    assert again.status_code == 200
    assert (Lead.objects.count(), Interaction.objects.count()) == (1, 1)
    assert HookDelivery.objects.get().times == 2


def test_a_test_of_google_makes_no_lead(hook: Callable[..., Hook]) -> None:
    assert deliver(hook("google_ads"), {**GOOGLE, "is_test": True}).status_code == 200
    assert HookDelivery.objects.get().outcome == "test"
    assert not Lead.objects.exists()


def test_a_response_of_typeform_becomes_a_lead_at_its_moment(hook: Callable[..., Hook]) -> None:
    form = hook("typeform", mapping={"first": "name", "why": "need", "hidden.utm_campaign": ""})
    digest = hmac.new(SECRET.encode(), json.dumps(TYPEFORM).encode(), hashlib.sha256).digest()
    answer = deliver(form, TYPEFORM, typeform_signature=f"sha256={base64.b64encode(digest).decode()}")
    assert answer.status_code == 200, answer.json()
    lead = Lead.objects.get()
    assert (lead.name, lead.email, lead.need) == ("Karin", "karin@kern.example", "Price, Speed")
    interaction = Interaction.objects.get()
    assert interaction.occurred_at == datetime(2026, 3, 2, 18, 17, 2, tzinfo=UTC)
    assert interaction.data["utm_campaign"] == "spring"


def test_a_lead_of_meta_with_its_answers_becomes_a_lead(hook: Callable[..., Hook]) -> None:
    answer = deliver(hook("meta"), META, x_hub_signature_256=f"sha256={signed(META)}")
    assert answer.status_code == 200, answer.json()
    lead = Lead.objects.get()
    assert (lead.name, lead.phone) == ("Karin Kern", "+49 30 901820")
    assert Interaction.objects.get().occurred_at == datetime(2026, 3, 1, 21, 12, 13, tzinfo=UTC)
    assert HookDelivery.objects.get().key == "2046983545902460"


def test_meta_is_told_that_the_address_is_ours(hook: Callable[..., Hook]) -> None:
    url = reverse("leads:deliver", args=(hook("meta").public_id,))
    asked = {"hub.mode": "subscribe", "hub.challenge": "4711", "hub.verify_token": SECRET}
    assert Client().get(url, asked).content == b"4711"
    assert Client().get(url, {**asked, "hub.verify_token": "guessed"}).status_code == 405


@pytest.mark.parametrize("headers", [{"authorization": f"Bearer {SECRET}"}, {"x_signature_256": "signed"}])
def test_any_json_is_matched_by_its_paths(hook: Callable[..., Hook], headers: dict[str, str]) -> None:
    body = {"id": "7", "person": {"mail": "otto@brandt.example", "called": "Otto Brandt"}, "tags": ["a", "b"]}
    other = hook("json", mapping={"person.mail": "email", "person.called": "name"})
    told = {name: f"sha256={signed(body)}" if value == "signed" else value for name, value in headers.items()}
    assert deliver(other, body, **told).status_code == 200
    assert Lead.objects.get().name == "Otto Brandt"
    assert Interaction.objects.get().data == {"id": "7", "0": "a", "1": "b"}


@pytest.mark.parametrize("kind", ["google_ads", "typeform", "meta", "json"])
def test_without_the_key_nothing_is_kept(hook: Callable[..., Hook], kind: str) -> None:
    guarded = hook(kind)
    body = {**GOOGLE, "google_key": "guessed"}
    answer = deliver(guarded, body, authorization="Bearer guessed", x_hub_signature_256="sha256=00")
    assert answer.status_code == 401
    guarded.refresh_from_db()
    assert (guarded.refused_unsigned, HookDelivery.objects.count(), Lead.objects.count()) == (1, 0, 0)


@pytest.mark.parametrize(
    ("body", "status"),
    [("{", 400), ("[" * 100_000, 400), ("x" * 300_000, 413), ('{"google_key": "' + SECRET + '"}', 400)],
    ids=["no JSON", "endless nesting", "too large", "another shape"],
)
def test_what_cannot_be_read_is_refused_in_words(hook: Callable[..., Hook], body: str, status: int) -> None:
    answer = deliver(hook("google_ads"), body)
    assert (answer.status_code, bool(answer.json()["message"])) == (status, True)
    assert not Lead.objects.exists()


def test_what_was_refused_is_kept_and_taken_once_the_matching_is_right(
    hook: Callable[..., Hook], max_: User, signed_in: SignIn
) -> None:
    body = {"id": "7", "mail": "otto at brandt", "real": "otto@brandt.example"}
    other = hook("json", mapping={"mail": "email"})
    assert deliver(other, body, authorization=f"Bearer {SECRET}").status_code == 400
    kept = HookDelivery.objects.get()
    assert kept.outcome == "refused"
    assert "E-mail" in kept.problem
    Hook.objects.update(mapping={"mail": "", "real": "email"})
    page = signed_in(max_).post(reverse("leads:delivery_again", args=(kept.public_id,)), follow=True)
    assert "New lead" in page.content.decode()
    assert Lead.objects.get().email == "otto@brandt.example"
    # Taken now, so it cannot be taken a second time.
    assert signed_in(max_).post(reverse("leads:delivery_again", args=(kept.public_id,))).status_code == 404


def test_an_address_that_is_switched_off_takes_nothing(
    hook: Callable[..., Hook], max_: User, signed_in: SignIn
) -> None:
    google = hook("google_ads")
    signed_in(max_).post(reverse("leads:hook_switch", args=(google.public_id,)), {"off": ""})
    assert deliver(google, GOOGLE).status_code == 410
    signed_in(max_).post(reverse("leads:hook_switch", args=(google.public_id,)), {"on": ""})
    assert deliver(google, GOOGLE).status_code == 200


def test_a_known_lead_gets_the_delivery(hook: Callable[..., Hook], tuesday: datetime) -> None:
    known = intake.receive(intake.Arrival(facts={"email": "karin@kern.example"}), now=tuesday).lead
    deliver(hook("google_ads"), GOOGLE)
    assert Lead.objects.get() == known
    assert HookDelivery.objects.get().outcome == "updated"


# --- the pages


def test_a_marketing_manager_sets_up_an_address_and_sees_its_key(max_: User, signed_in: SignIn) -> None:
    client = signed_in(max_)
    made = client.post(
        reverse("leads:hook_new"), {"name": "Spring form", "kind": "typeform", "counts_as": "form_submit", "secret": ""}
    )
    found = Hook.objects.get()
    assert made.url == reverse("leads:hook", args=(found.public_id,))
    page = client.get(made.url).content.decode()
    assert found.secret in page
    assert len(found.secret) > 40
    assert reverse("leads:deliver", args=(found.public_id,)) in page
    # Saving it again without a key keeps the key.
    client.post(
        reverse("leads:hook_edit", args=(found.public_id,)),
        {"name": "Spring", "kind": "typeform", "counts_as": "demo_request", "secret": ""},
    )
    changed = Hook.objects.get()
    assert (changed.name, changed.counts_as, changed.secret) == ("Spring", "demo_request", found.secret)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"kind": "fax"}, "kind"),
        ({"secret": "short"}, "secret"),
        ({"counts_as": "imported"}, "counts_as"),
    ],
)
def test_a_wrong_setting_is_refused_at_its_field(
    max_: User, signed_in: SignIn, typed: dict[str, str], field: str
) -> None:
    right = {"name": "Form", "kind": "json", "counts_as": "form_submit", "secret": ""}
    answer = signed_in(max_).post(reverse("leads:hook_new"), right | typed)
    assert answer.status_code == 400
    assert field in answer.context["form"].errors
    assert not Hook.objects.exists()


def test_a_sample_is_matched_and_shows_what_would_come_in(
    hook: Callable[..., Hook], max_: User, signed_in: SignIn
) -> None:
    other, client = hook("json"), signed_in(max_)
    url = reverse("leads:hook_matching", args=(other.public_id,))
    sample = {"contact": {"email": "otto@brandt.example", "nick": "Otto"}, "shoe": 44}
    assert client.post(url, {"sample": json.dumps(sample)}).status_code == 302
    page = client.get(url)
    # The e-mail is known by its name; the rest is kept beside.
    fields = {field.label: field for field, _text in page.context["form"].rows()}
    assert {label: field.value() for label, field in fields.items()} == {"email": "email", "nick": "", "shoe": ""}
    client.post(url, {fields["email"].html_name: "email", fields["nick"].html_name: "name"})
    page = client.get(url)
    assert dict(page.context["facts"]) == {"E-mail": "otto@brandt.example", "Name": "Otto"}
    assert not Lead.objects.exists()


def test_two_parts_cannot_be_the_same_fact(hook: Callable[..., Hook], max_: User, signed_in: SignIn) -> None:
    other = hook("json", sample={"a": "x", "b": "y"})
    url = reverse("leads:hook_matching", args=(other.public_id,))
    answer = signed_in(max_).post(url, {"part-0": "name", "part-1": "name"})
    assert answer.status_code == 400
    assert "part-1" in answer.context["form"].errors
    other.refresh_from_db()
    assert other.mapping == {}


@pytest.mark.parametrize("sample", ["", "{", "[1]", "[" * 5000])
def test_a_sample_that_is_no_delivery_is_refused(
    hook: Callable[..., Hook], max_: User, signed_in: SignIn, sample: str
) -> None:
    url = reverse("leads:hook_matching", args=(hook("json").public_id,))
    answer = signed_in(max_).post(url, {"sample": sample})
    assert answer.status_code == 400
    assert "sample" in answer.context["sample_form"].errors


def test_a_marketer_does_not_see_the_keys(hook: Callable[..., Hook], mia: User, signed_in: SignIn) -> None:
    google = hook("google_ads")
    for name, args in (("hooks", ()), ("hook", (google.public_id,)), ("hook_matching", (google.public_id,))):
        assert signed_in(mia).get(reverse(f"leads:{name}", args=args)).status_code == 403


def test_an_address_that_does_not_exist_is_not_found(db: None) -> None:
    url = reverse("leads:deliver", args=("00000000-0000-0000-0000-000000000000",))
    assert Client().post(url, "{}", content_type="application/json").status_code == 404
