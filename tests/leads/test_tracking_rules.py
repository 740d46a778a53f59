"""Tracking rules: which source and campaign utm parameters stand for, in order, at the door and tried out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from leads import intake, tracking_rules
from leads.models import Campaign, Hook, Interaction, InteractionKind, Lead, Source, UtmRule
from leadsla.accounts.models import User

SignIn = Callable[[User], Client]


@pytest.fixture
def spring(db: None) -> Campaign:
    return Campaign.objects.create(code="spring", name="Spring")


@pytest.fixture
def social(db: None) -> Source:
    return Source.objects.create(code="paid-social", name="LinkedIn ads", channel=Source.objects.all()[0].channel)


def rule(place: Source | None = None, effort: Campaign | None = None, /, **patterns: str) -> UtmRule:
    return tracking_rules.save(
        None, patterns={f"utm_{name}": text for name, text in patterns.items()}, source=place, campaign=effort
    )


def arrival(number: int = 0, **told: Any) -> intake.Arrival:
    return intake.Arrival(
        facts={"email": f"p{number}@kern.example"}, kind=InteractionKind.FORM_SUBMIT, source="website-demo", **told
    )


@pytest.mark.parametrize(
    ("pattern", "told", "holds"),
    [
        ({"source": "linked*"}, {"utm_source": "LinkedIn"}, True),
        ({"source": "linked*"}, {"utm_source": "xlinkedin"}, False),
        ({"source": "linkedin", "medium": "cpc"}, {"utm_source": "linkedin", "utm_medium": "CPC"}, True),
        ({"source": "linkedin", "medium": "cpc"}, {"utm_source": "linkedin"}, False),
        ({"content": "a[b]?"}, {"utm_content": "a[b]?"}, True),  # only * stands for something else
        ({"content": "a?"}, {"utm_content": "ab"}, False),
        ({"campaign": "*"}, {"utm_campaign": "x"}, True),
        ({"source": "linkedin"}, {"UTM_Source": " linkedin "}, True),
        ({"source": "linkedin"}, {"utm_source": ["linkedin"]}, False),
        ({"source": "17"}, {"utm_source": 17}, True),
    ],
)
def test_when_a_rule_holds(social: Source, pattern: dict[str, str], told: dict[str, Any], holds: bool) -> None:
    rule(social, **pattern)
    assert (tracking_rules.judge([told]) == [tracking_rules.Verdict("paid-social", "")]) is holds


def test_an_arrival_counts_for_what_the_first_rule_says(spring: Campaign, social: Source, tuesday: datetime) -> None:
    rule(social, spring, source="linkedin", campaign="spring*")
    rule(None, spring, source="*")
    told: tuple[dict[str, str], ...] = (
        {"utm_source": "linkedin", "utm_campaign": "spring-26"},
        {"utm_source": "newsletter"},
        {},
    )
    batch = [arrival(number, data=data, key=str(number)) for number, data in enumerate(told)]
    intake.receive_many(batch, now=tuesday)
    found = [
        (str(lead.first_source), str(lead.last_campaign), lead.interactions.get().source_id == lead.first_source_id)
        for lead in Lead.objects.order_by("email").select_related("first_source", "last_campaign")
    ]
    site = Source.objects.get(code="website-demo").name
    assert found == [("LinkedIn ads", "Spring", True), (site, "Spring", True), (site, "None", True)]


def test_a_repeated_delivery_stays_one_act_when_rules_change(
    spring: Campaign, social: Source, tuesday: datetime
) -> None:
    sent = arrival(data={"utm_source": "linkedin"}, occurred_at=tuesday)
    intake.receive(sent, now=tuesday)
    rule(social, spring, source="linkedin")
    intake.receive(sent, now=tuesday + timedelta(hours=1))
    assert Interaction.objects.count() == 1


def test_a_batch_reads_the_rules_once_and_only_if_it_needs_them(
    social: Source, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rule(social, source="linkedin")
    with django_assert_num_queries(1):
        assert len(tracking_rules.judge([{"utm_source": "linkedin"}] * 300)) == 300
    with django_assert_num_queries(0):
        assert tracking_rules.judge([{"shoe": 44}] * 300) == [None] * 300


def test_hidden_parameters_of_a_webhook_are_seen(
    social: Source, spring: Campaign, max_: User, tuesday: datetime
) -> None:
    rule(social, spring, source="linkedin")
    hook = Hook.objects.create(
        name="Form", kind="json", secret="a key that nobody guesses", created_at=tuesday, mapping={"mail": "email"}
    )
    Client().post(
        reverse("leads:deliver", args=(hook.public_id,)),
        {"id": "7", "mail": "karin@kern.example", "utm_source": "linkedin"},
        content_type="application/json",
        headers={"authorization": "Bearer a key that nobody guesses"},
    )
    lead = Lead.objects.get()
    assert (lead.first_source, lead.first_campaign) == (social, spring)


# --- the pages


def test_rules_are_made_put_in_order_left_out_and_tried(
    spring: Campaign, social: Source, mia: User, signed_in: SignIn
) -> None:
    client = signed_in(mia)
    new, listed = reverse("leads:utm_rule_new"), reverse("leads:utm_rules")
    assert client.post(new, {"utm_source": "linkedin", "source": social.code}).status_code == 302
    assert client.post(new, {"utm_source": "*", "campaign": spring.code}).status_code == 302
    first, second = UtmRule.objects.all()
    address = "https://example.com/?utm_source=LinkedIn&x=1"
    assert client.get(listed, {"address": address}).context["trial"].rule == first
    client.post(reverse("leads:utm_rule_move", args=(second.pk,)), {"way": "up"})
    assert client.get(listed, {"address": address}).context["trial"].rule == second
    client.post(reverse("leads:utm_rule_switch", args=(second.pk,)), {"off": ""})
    page = client.get(listed, {"address": address})
    assert page.context["trial"].rule == first
    assert "LinkedIn ads" in page.content.decode()
    client.post(reverse("leads:utm_rule", args=(first.pk,)), {"utm_source": "xing", "source": social.code})
    assert client.get(listed, {"address": address}).context["trial"].rule is None
    assert client.post(reverse("leads:utm_rule_move", args=(first.pk,)), {"way": "in"}).status_code == 400


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"source": "paid-social"}, "utm_source"),
        ({"utm_source": "x"}, "source"),
        ({"utm_source": "x", "source": "nowhere"}, "source"),
        ({"utm_medium": "x" * 121, "source": "paid-social"}, "utm_medium"),
    ],
)
def test_a_wrong_rule_is_refused_at_its_field(
    social: Source, mia: User, signed_in: SignIn, typed: dict[str, str], field: str
) -> None:
    answer = signed_in(mia).post(reverse("leads:utm_rule_new"), typed)
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, [field])
    assert not UtmRule.objects.exists()


@pytest.mark.parametrize("address", ["", "linkedin", "ftp://example.com/?utm_source=x", "http://[", "javascript:x"])
def test_what_is_no_address_is_refused(mia: User, signed_in: SignIn, address: str) -> None:
    answer = signed_in(mia).get(reverse("leads:utm_rules"), {"address": address})
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, ["address"])


def test_sales_has_no_rules_to_keep(sam: User, signed_in: SignIn) -> None:
    assert signed_in(sam).get(reverse("leads:utm_rules")).status_code == 403
