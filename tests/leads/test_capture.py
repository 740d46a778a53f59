"""Capture pages: what visitors send becomes leads through intake, with consent as evidence; robots and floods not."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from leads import capture, capture_gate
from leads.capture import Asked
from leads.intake import Refused
from leads.models import CapturePage, CaptureSubmission, Interaction, InteractionKind, Lead, Source
from leadsla.accounts.models import Team, User
from leadsla.outbox import messages
from leadsla.outbox.models import Message

SignIn = Callable[[User], Client]
MakePage = Callable[..., CapturePage]
KARIN = {"name": "Karin Kern", "email": "karin@kern.example", "need": "A quote", "consent": "on"}
ASKED = (
    Asked("name", is_required=True),
    Asked("email", label="Work e-mail", help="We answer there.", is_required=True),
    Asked("need"),
    Asked("employees"),
)
CONSENT = "I agree that you call me."


@pytest.fixture(autouse=True)
def _clock(settings: Settings, tuesday: datetime) -> None:
    settings.LEADSLA_NOW = tuesday.isoformat()


@pytest.fixture
def make_page(max_: User, inbound: Team, tuesday: datetime) -> MakePage:
    """Return a function that makes a capture page through the front door."""

    def make(**told: Any) -> CapturePage:
        columns = {
            "name": "Demo",
            "slug": "demo",
            "title": "Ask for a demo",
            "team": inbound,
            "source": Source.objects.get(code="website-demo"),
            "counts_as": InteractionKind.DEMO_REQUEST,
            "thanks": "Thank you, we call you.",
        }
        found = {"asked": ASKED, "consent_text": CONSENT, "consent_is_required": True} | {
            name: told.pop(name) for name in ("asked", "consent_text", "consent_is_required") if name in told
        }
        made = CapturePage(**(columns | told))
        capture.save(made, by=max_, now=tuesday, **found)
        return made

    return make


def token_of(page: CapturePage, now: datetime, *, seconds: float = 30) -> str:
    """Return the note of a form that was opened some seconds ago."""
    return capture_gate.token(capture.current(page), now=now - timedelta(seconds=seconds))


def send(page: CapturePage, now: datetime, *, view: str = "capture_hosted", **told: Any) -> Any:
    body = KARIN | {"form": token_of(page, now)} | told
    return Client().post(reverse(f"leads:{view}", args=(page.slug,)), body)


def test_the_page_says_what_it_asks_and_sets_no_cookie(make_page: MakePage) -> None:
    make_page(intro="Half an hour.\nNo slides.")
    answer = Client().get("/leads/form/demo/")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert not answer.cookies
    for words in ("Ask for a demo", "Half an hour.<br>No slides.", "Work e-mail", "We answer there.", CONSENT):
        assert words in text
    assert "<script" not in text
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"


def test_what_is_sent_becomes_a_lead_with_the_consent_as_evidence(
    make_page: MakePage, inbound: Team, tuesday: datetime
) -> None:
    demo = make_page()
    answer = send(demo, tuesday)
    assert answer.status_code == 200
    assert "Thank you, we call you." in answer.content.decode()
    assert not answer.cookies
    lead = Lead.objects.get()
    assert (lead.name, lead.email, lead.need, lead.team) == ("Karin Kern", "karin@kern.example", "A quote", inbound)
    assert lead.first_source == Source.objects.get(code="website-demo")
    act = Interaction.objects.get()
    assert (act.kind, act.via, act.detail, act.occurred_at) == ("demo_request", "form", "Demo", tuesday)
    assert act.data == {
        "form": "Demo",
        "version": 1,
        "consent": {"is_given": True, "at": "2026-03-03T09:00:00+00:00", "text": CONSENT, "version": 1},
    }
    kept = CaptureSubmission.objects.get()
    assert (kept.outcome, kept.lead, kept.facts, kept.has_agreed) == ("created", lead, {}, True)


def test_the_same_form_sent_twice_is_one_submission(make_page: MakePage, tuesday: datetime) -> None:
    demo = make_page()
    token = token_of(demo, tuesday)
    assert send(demo, tuesday, form=token).status_code == 200
    assert send(demo, tuesday, form=token).status_code == 200
    assert (CaptureSubmission.objects.count(), Interaction.objects.count()) == (1, 1)
    send(demo, tuesday, form=token, need="Two quotes")
    assert Interaction.objects.count() == 2
    assert CaptureSubmission.objects.first().outcome == "updated"  # type: ignore[union-attr]  # there are two
    assert Lead.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"name": " "}, "name", "Please fill this in."),
        ({"email": "karin at kern"}, "email", "is no e-mail address"),
        ({"employees": "many"}, "employees", "is no number of people"),
        ({"name": "x" * 300}, "name", "these are 300"),
        ({"consent": ""}, "consent", "Please agree to this"),
    ],
)
def test_bad_input_is_said_at_the_field_and_what_was_typed_stays(
    make_page: MakePage, tuesday: datetime, wrong: dict[str, str], field: str, words: str
) -> None:
    answer = send(make_page(), tuesday, **wrong)
    assert answer.status_code == 400
    assert words in answer.context["form"].errors[field][0]
    text = answer.content.decode()
    assert f'id="f-{field}_error"' in text
    assert ">\nA quote</textarea>" in text
    assert not Lead.objects.exists()
    assert not CaptureSubmission.objects.exists()


def test_a_corrected_form_keeps_its_note(make_page: MakePage, tuesday: datetime) -> None:
    demo = make_page()
    token = token_of(demo, tuesday)
    assert send(demo, tuesday, form=token, email="").context["token"] == token
    assert send(demo, tuesday, form=token).status_code == 200
    assert Lead.objects.count() == 1


def test_script_in_any_text_is_shown_as_text(make_page: MakePage, tuesday: datetime) -> None:
    script = "<script>alert(1)</script>"
    asked = (Asked("name", script, script, is_required=True), Asked("email", is_required=True))
    demo = make_page(title=script, intro=script, button=script, thanks=script, asked=asked, consent_text=script)
    for text in (
        Client().get("/leads/form/demo/").content.decode(),
        send(demo, tuesday, name=script, email="x").content.decode(),
        send(demo, tuesday, name=script).content.decode(),
    ):
        assert script not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert Lead.objects.get().name == script


def test_links_in_the_consent_open_beside_the_form(make_page: MakePage) -> None:
    make_page(consent_text="Agreed.\nSee https://kern.example/privacy")
    text = Client().get("/leads/form/demo/").content.decode()
    assert 'Agreed.<br>See <a target="_blank" rel="noopener" href="https://kern.example/privacy"' in text


def test_what_the_form_does_not_ask_is_left_out(make_page: MakePage, tuesday: datetime) -> None:
    send(make_page(), tuesday, phone="+49 30 901820", note="Internal", excluded_because="test")
    assert (Lead.objects.get().phone, Lead.objects.get().note) == ("", "")


class TestRobots:
    @pytest.mark.parametrize("told", [{"second_line": "buy"}, {"seconds": 1}], ids=["trap", "too fast"])
    def test_they_are_thanked_like_anybody_and_nothing_is_kept(
        self, make_page: MakePage, tuesday: datetime, told: dict[str, Any]
    ) -> None:
        demo = make_page()
        thanks = send(demo, tuesday).content
        Lead.objects.all().delete()
        seconds = told.pop("seconds", 30)
        answer = send(demo, tuesday, form=token_of(demo, tuesday, seconds=seconds), **told)
        assert (answer.status_code, answer.content) == (200, thanks)
        assert not Lead.objects.exists()
        assert CaptureSubmission.objects.count() == 1
        demo.refresh_from_db()
        assert demo.robots_caught == 1

    def test_two_seconds_are_enough(self, make_page: MakePage, tuesday: datetime) -> None:
        demo = make_page()
        send(demo, tuesday, form=token_of(demo, tuesday, seconds=2))
        assert Lead.objects.count() == 1

    @pytest.mark.parametrize("forged", ["", "x", "a:b", "nothing.really:signed"])
    def test_a_forged_note_is_refused_and_what_was_typed_stays(
        self, make_page: MakePage, tuesday: datetime, forged: str
    ) -> None:
        answer = send(make_page(), tuesday, form=forged)
        assert answer.status_code == 400
        text = answer.content.decode()
        assert "was changed on its way. Please send it again." in text
        assert 'value="Karin Kern"' in text
        assert not Lead.objects.exists()

    def test_a_note_of_another_form_or_day_is_refused(self, make_page: MakePage, tuesday: datetime) -> None:
        demo, other = make_page(), make_page(name="Other", slug="other")
        assert send(demo, tuesday, form=token_of(other, tuesday)).status_code == 400
        assert send(demo, tuesday, form=token_of(demo, tuesday, seconds=24 * 3600 + 1)).status_code == 400
        assert send(demo, tuesday, form=token_of(demo, tuesday, seconds=24 * 3600 - 1)).status_code == 200


class TestFloods:
    def test_the_thirty_first_in_ten_minutes_waits_and_others_do_not(
        self, make_page: MakePage, tuesday: datetime, settings: Settings
    ) -> None:
        demo, other = make_page(), make_page(name="Other", slug="other")
        for _number in range(30):
            assert not capture_gate.is_flooded(demo, "127.0.0.1", now=tuesday)
        answer = send(demo, tuesday)
        assert answer.status_code == 429
        assert answer["Retry-After"] == "600"  # 10:00 is the beginning of ten minutes
        assert "Wait 10 minutes and send it again" in answer.content.decode()
        assert 'value="Karin Kern"' in answer.content.decode()
        assert not Lead.objects.exists()
        assert send(other, tuesday).status_code == 200
        later = tuesday + timedelta(minutes=10)
        settings.LEADSLA_NOW = later.isoformat()
        assert send(demo, later).status_code == 200

    def test_another_address_is_not_touched(self, make_page: MakePage, tuesday: datetime) -> None:
        demo = make_page()
        for number in range(31):
            capture_gate.is_flooded(demo, f"2001:db8:1:1::{number}", now=tuesday)
        assert capture_gate.is_flooded(demo, "2001:db8:1:1:ffff::1", now=tuesday)
        assert not capture_gate.is_flooded(demo, "2001:db8:1:2::1", now=tuesday)

    def test_behind_a_proxy_the_visitor_counts_and_not_what_he_says(
        self, make_page: MakePage, tuesday: datetime, settings: Settings
    ) -> None:
        settings.USE_X_FORWARDED_HOST = True
        demo = make_page()
        for _number in range(30):
            capture_gate.is_flooded(demo, "203.0.113.9", now=tuesday)

        def status(forwarded: str) -> int:
            body = KARIN | {"form": token_of(demo, tuesday)}
            return Client().post("/leads/form/demo/", body, headers={"X-Forwarded-For": forwarded}).status_code

        assert status("198.51.100.1, 203.0.113.9") == 429
        assert status("203.0.113.9, 198.51.100.1") == 200

    def test_ten_megabytes_are_refused_in_words(self, make_page: MakePage, tuesday: datetime) -> None:
        answer = send(make_page(), tuesday, need="x" * 10_000_000)
        assert answer.status_code == 413
        assert "at most 64 kB" in answer.content.decode()
        assert not Lead.objects.exists()


class TestEmbedding:
    def test_only_the_embedded_page_may_be_framed_and_only_by_its_websites(self, make_page: MakePage) -> None:
        make_page(sites=["https://www.kern.example"])
        answer = Client().get("/leads/form/demo/embedded/")
        assert "frame-ancestors 'self' https://www.kern.example;" in answer["Content-Security-Policy"] + ";"
        assert "X-Frame-Options" not in answer
        assert not answer.cookies
        assert "frame-ancestors 'none'" in Client().get("/leads/form/demo/")["Content-Security-Policy"]

    def test_it_takes_submissions_and_tells_the_page_around_where_to_go(
        self, make_page: MakePage, tuesday: datetime
    ) -> None:
        demo = make_page(sites=["https://www.kern.example"], redirect_url="https://www.kern.example/thanks")
        answer = send(demo, tuesday, view="capture_embedded")
        assert answer.status_code == 200
        assert 'data-goes-to="https://www.kern.example/thanks"' in answer.content.decode()
        assert Lead.objects.count() == 1

    def test_the_hosted_page_goes_on_where_its_policy_allows(self, make_page: MakePage, tuesday: datetime) -> None:
        demo = make_page(sites=["https://www.kern.example"], redirect_url="https://www.kern.example/thanks")
        answer = send(demo, tuesday)
        assert (answer.status_code, answer["Location"]) == (303, "https://www.kern.example/thanks")
        assert "form-action 'self' https://www.kern.example" in answer["Content-Security-Policy"]
        CapturePage.objects.update(sites=[])
        assert send(demo, tuesday).status_code == 200

    @pytest.mark.parametrize(
        ("address", "found"),
        [
            ("https://www.kern.example/a?b#c", "https://www.kern.example"),
            ("HTTPS://WWW.Kern.Example:8443", "https://www.kern.example:8443"),
            ("https://käse.example", "https://xn--kse-qla.example"),
            ("javascript:alert(1)", ""),
            ("//kern.example", ""),
            ("https://kern.example@evil.example/", ""),
            ("https://kern.example;script-src *", ""),
            ("https:\\\\kern.example", ""),
            ("kern.example", ""),
        ],
    )
    def test_the_origin_of_an_address(self, address: str, found: str) -> None:
        assert capture.origin(address) == found


class TestConfirming:
    @pytest.fixture
    def demo(self, make_page: MakePage) -> CapturePage:
        return make_page(confirms_email=True)

    def link(self, now: datetime) -> str:
        messages.deliver_due(now=now)
        found = re.search(r"/leads/form-confirm/\S+", str(mail.outbox[-1].body))
        assert found is not None
        return found[0]

    def test_a_lead_is_made_only_by_the_click(self, demo: CapturePage, tuesday: datetime, settings: Settings) -> None:
        answer = send(demo, tuesday)
        assert "we sent you an e-mail" in answer.content.decode()
        assert not Lead.objects.exists()
        link = self.link(tuesday)
        sent = mail.outbox[-1]
        assert sent.to == ["karin@kern.example"]
        assert "Karin Kern" not in sent.body
        assert "List-Unsubscribe" not in sent.extra_headers
        assert "Change what you get" not in sent.body
        settings.LEADSLA_NOW = (tuesday + timedelta(hours=2)).isoformat()
        assert "Yes, it was me" in Client().get(link).content.decode()
        assert not Lead.objects.exists()
        assert "Thank you, we call you." in Client().post(link).content.decode()
        act = Interaction.objects.get()
        assert act.occurred_at == tuesday
        assert act.data["confirmed_at"] == "2026-03-03T11:00:00+00:00"
        kept = CaptureSubmission.objects.get()
        assert (kept.outcome, kept.facts, kept.lead) == ("created", {}, Lead.objects.get())
        assert "Thank you, we call you." in Client().post(link).content.decode()
        assert Interaction.objects.count() == 1

    def test_one_mail_an_hour_and_one_click_for_all_that_waits(self, demo: CapturePage, tuesday: datetime) -> None:
        send(demo, tuesday)
        send(demo, tuesday, email="Karin@Kern.example", need="Another")
        send(demo, tuesday, email="lena@kern.example", name="Lena Kern")
        assert Message.objects.filter(channel="email").count() == 2
        messages.deliver_due(now=tuesday)
        Client().post(self.link_to("karin@kern.example"))
        assert (Lead.objects.count(), Interaction.objects.count()) == (1, 2)
        assert CaptureSubmission.objects.filter(outcome="waiting").count() == 1
        send(demo, tuesday, need="A third")
        assert Message.objects.filter(channel="email").count() == 3

    def link_to(self, address: str) -> str:
        body = next(str(sent.body) for sent in mail.outbox if sent.to == [address])
        found = re.search(r"/leads/form-confirm/\S+", body)
        assert found is not None
        return found[0]

    def test_after_seven_days_it_is_forgotten(self, demo: CapturePage, tuesday: datetime, settings: Settings) -> None:
        send(demo, tuesday)
        link = self.link(tuesday)
        assert capture.forget_unconfirmed(now=tuesday + timedelta(days=7)) == 0
        later = tuesday + timedelta(days=7, seconds=1)
        settings.LEADSLA_NOW = later.isoformat()
        assert Client().post(link).status_code == 404
        assert capture.forget_unconfirmed(now=later) == 1
        kept = CaptureSubmission.objects.get()
        assert (kept.outcome, kept.facts) == ("expired", {})
        assert Client().get(link).status_code == 404
        assert not Lead.objects.exists()

    def test_a_forged_link_is_refused_in_words(self, demo: CapturePage, tuesday: datetime) -> None:
        send(demo, tuesday)
        public_id = CaptureSubmission.objects.get().public_id
        for token in ("sample", str(public_id), f"{public_id}:forged"):
            answer = Client().post(f"/leads/form-confirm/{token}/")
            assert answer.status_code == 404
            assert "Fill in the form again" in answer.content.decode()
        assert not Lead.objects.exists()


class TestVersions:
    def test_other_questions_or_consent_make_the_next_and_forms_open_now_keep_theirs(
        self, make_page: MakePage, max_: User, tuesday: datetime
    ) -> None:
        demo = make_page()
        token = token_of(demo, tuesday)
        same = {"asked": ASKED, "consent_is_required": True, "by": max_, "now": tuesday}
        demo.title = "Another heading"
        assert capture.save(demo, consent_text=CONSENT, **same).number == 1
        assert capture.save(demo, consent_text="I agree to everything.", **same).number == 2
        send(demo, tuesday, form=token)
        assert Interaction.objects.get().data["consent"]["text"] == CONSENT
        send(demo, tuesday)
        assert Interaction.objects.first().data["consent"]["version"] == 2  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("told", "field"),
        [
            ({"asked": (Asked("name", is_required=True),)}, "asked"),
            ({"asked": (Asked("email"),)}, "asked"),
            ({"asked": (Asked("phone", is_required=True),), "confirms_email": True}, "asked"),
            ({"redirect_url": "https://evil.example/"}, "redirect_url"),
            ({"redirect_url": "javascript:alert(1)", "sites": ["https://kern.example"]}, "redirect_url"),
            ({"consent_text": "x" * 4001}, "consent_text"),
        ],
    )
    def test_what_would_not_work_is_refused(self, make_page: MakePage, told: dict[str, Any], field: str) -> None:
        with pytest.raises(Refused) as refused:
            make_page(**told)
        assert refused.value.errors.keys() == {field}
        assert not CapturePage.objects.exists()

    def test_an_optional_consent_not_given_is_kept_as_such(self, make_page: MakePage, tuesday: datetime) -> None:
        send(make_page(consent_is_required=False), tuesday, consent="")
        assert Interaction.objects.get().data["consent"]["is_given"] is False


class TestPages:
    BUILT = {
        "name": "White paper",
        "slug": "white-paper",
        "title": "Get the white paper",
        "button": "Get it",
        "thanks": "Here it is.",
        "sites": "https://www.kern.example/somewhere",
        "counts_as": "download",
        "consent_text": "I agree.",
        "asked-email": "on",
        "required-email": "on",
        "place-email": "2",
        "asked-name": "on",
        "place-name": "1",
        "label-name": "Who are you?",
    }

    def test_max_builds_one_and_sees_its_snippet(self, max_: User, signed_in: SignIn) -> None:
        browser = signed_in(max_)
        assert browser.get("/leads/capture/new/").status_code == 200
        answer = browser.post("/leads/capture/new/", self.BUILT)
        made = CapturePage.objects.get()
        assert answer["Location"] == reverse("leads:capture_page", args=(made.public_id,))
        assert (made.sites, made.created_by) == (["https://www.kern.example"], max_)
        assert capture.asked_by(capture.current(made)) == [
            Asked("name", "Who are you?"),
            Asked("email", is_required=True),
        ]
        text = browser.get(answer["Location"]).content.decode()
        assert "/static/js/embed.js&quot; data-form=&quot;white-paper&quot;" in text.replace('"', "&quot;")
        listed = browser.get("/leads/capture/").content.decode()
        assert "White paper" in listed

    def test_changing_keeps_the_address_and_shows_what_was_set(
        self, make_page: MakePage, max_: User, signed_in: SignIn
    ) -> None:
        demo = make_page()
        browser, address = signed_in(max_), reverse("leads:capture_edit", args=(demo.public_id,))
        assert CONSENT in browser.get(address).content.decode()
        assert browser.post(address, self.BUILT).status_code == 302
        demo.refresh_from_db()
        assert (demo.slug, demo.name, capture.current(demo).number) == ("demo", "White paper", 2)

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"sites": "kern"}, "sites"),
            ({"slug": "white paper"}, "slug"),
            ({"redirect_url": "https://evil.example"}, "redirect_url"),
            ({"place-name": "0"}, "place-name"),
            ({"name": ""}, "name"),
        ],
    )
    def test_bad_input_names_the_field(self, max_: User, signed_in: SignIn, wrong: dict[str, str], field: str) -> None:
        answer = signed_in(max_).post("/leads/capture/new/", self.BUILT | wrong)
        assert answer.status_code == 400
        assert field in answer.context["form"].errors
        assert not CapturePage.objects.exists()

    def test_without_a_way_to_recognise_anybody_it_is_refused(self, max_: User, signed_in: SignIn) -> None:
        answer = signed_in(max_).post("/leads/capture/new/", self.BUILT | {"required-email": ""})
        assert answer.status_code == 400
        assert "nobody can be recognised again" in answer.content.decode()

    def test_the_preview_can_be_framed_by_the_portal_only_and_not_sent(
        self, make_page: MakePage, max_: User, signed_in: SignIn
    ) -> None:
        answer = signed_in(max_).get(reverse("leads:capture_preview", args=(make_page().public_id,)))
        assert "frame-ancestors 'self'" in answer["Content-Security-Policy"]
        assert answer["X-Frame-Options"] == "SAMEORIGIN"
        assert 'type="submit" disabled' in answer.content.decode()

    def test_a_closed_form_says_so_and_takes_nothing(
        self, make_page: MakePage, max_: User, signed_in: SignIn, tuesday: datetime
    ) -> None:
        demo = make_page()
        browser, address = signed_in(max_), reverse("leads:capture_switch", args=(demo.public_id,))
        browser.post(address, {"off": ""})
        answer = send(demo, tuesday)
        assert answer.status_code == 410
        assert "This form is closed." in answer.content.decode()
        assert not Lead.objects.exists()
        browser.post(address, {"on": ""})
        assert send(demo, tuesday).status_code == 200

    def test_numbers_and_submissions_are_shown(
        self, make_page: MakePage, max_: User, signed_in: SignIn, tuesday: datetime
    ) -> None:
        demo = make_page()
        send(demo, tuesday)
        send(demo, tuesday, second_line="buy")
        text = signed_in(max_).get(reverse("leads:capture_page", args=(demo.public_id,))).content.decode()
        assert "1 submission taken in, 1 robots caught" in text
        assert "Karin Kern" in text
        assert "given to version 1" in text

    def test_the_list_takes_few_queries(
        self, make_page: MakePage, max_: User, signed_in: SignIn, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(5):
            make_page(name=f"Page {number}", slug=f"page-{number}")
        browser = signed_in(max_)
        with django_assert_max_num_queries(15):
            assert "Page 4" in browser.get("/leads/capture/").content.decode()

    def test_others_may_not(self, make_page: MakePage, mia: User, sam: User, signed_in: SignIn) -> None:
        address = reverse("leads:capture_page", args=(make_page().public_id,))
        assert Client().get(address)["Location"].startswith("/accounts/login/")
        for person in (mia, sam):
            assert signed_in(person).get(address).status_code == 403

    def test_other_methods_and_addresses_are_refused(self, make_page: MakePage, max_: User, signed_in: SignIn) -> None:
        address = reverse("leads:capture_switch", args=(make_page().public_id,))
        assert signed_in(max_).get(address).status_code == 405
        assert Client().delete("/leads/form/demo/").status_code == 405
        assert Client().get("/leads/form/nothing/").status_code == 404
