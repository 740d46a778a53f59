"""Every main page in Chromium as the people see it: no complaint, nothing sideways, no barrier; light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import cycle
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from feedback import decisions, outcomes
from feedback.models import Reason
from leads import capture, imports, intake, score_models
from leads.models import CapturePage, InteractionKind, Lead, ScoreModel
from leadsla.accounts.models import Team, User
from leadsla.outbox import messages
from sla import acceptance, compliance, escalation
from sla import handoff as handoffs
from sla.models import Calendar, Handoff

from .conftest import Desk

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]

LOOKS = (("light", 1280), ("dark", 390), ("light", 390), ("dark", 1280))
SIDEWAYS = "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
PASSING = {"minor", "moderate"}
# In a page that does not escape it, it asks another host and the policy complains.
NASTY = "Wanda <img src='//evil.example/x.png'><script>document.title = 'taken over'</script> שרה 🦊"


@pytest.fixture
def past(tuesday: datetime, mia: User, max_: User, sam: User, north: Team, south: Team) -> dict[str, Any]:
    """Leads at every step, made through the front door on Tuesday from 10:00 on."""

    def asks(name: str, **facts: str) -> Lead:
        first = name.split(maxsplit=1)[0].lower()
        told = {"name": name, "email": f"{first}@{first}.example", "company_name": f"{name} GmbH", "country": "DE"}
        arrival = intake.Arrival(
            facts=told | {"phone": "+49 7131 5550142", "title": "Head of production"} | facts,
            kind=InteractionKind.DEMO_REQUEST,
            occurred_at=tuesday,
            source="website-demo",
            key=name,
        )
        return intake.receive(arrival, now=tuesday, by=mia, owner=mia).lead

    def handed(name: str) -> Handoff:
        return handoffs.hand_over(asks(name), by=mia, now=tuesday)

    asks("Rita Ready")
    nurtured = asks("Nora Nurtured", country="US")
    waiting, late, given = handed(NASTY), handed("Lars Late"), handed("Gisela Given")
    accepted, returned, undecided = handed("Anton Accepted"), handed("Rolf Returned"), handed("Otto Other")
    minute = timedelta(minutes=1)
    for one in (accepted, given):
        decisions.accept(one, by=sam, now=tuesday + minute)
        outcomes.log_follow_up(
            one, by=sam, channel="call", result="reached", occurred_at=tuesday + 2 * minute, now=tuesday + 2 * minute
        )
    outcomes.report(
        given,
        by=sam,
        kind="opportunity",
        occurred_at=tuesday + 3 * minute,
        now=tuesday + 3 * minute,
        amount=Decimal(12000),
        currency="EUR",
    )
    for one, reason, asked in ((returned, "bad_contact_data", "email"), (undecided, "other", "They asked for a cat.")):
        decisions.reject(
            one,
            reason=Reason.objects.get(code=reason),
            by=sam,
            now=tuesday + minute,
            asked={"field": asked, "text": asked},
            remark="See my mail.",
            quality=2,
        )
    decisions.carry_out_due(now=tuesday + 5 * minute)
    content = b"Name,E-mail,Created\nAnna Berg,anna@berg.example,2026-02-01\nBert,nothing,2026-02-01\n"
    runs = [
        imports.upload(
            ContentFile(content, "leads.csv"),
            name=f"leads {number}.csv",
            system="HubSpot",
            timezone="Europe/Berlin",
            now=tuesday,
            by=mia,
            team=mia.team,
        )
        for number in range(3)
    ]
    for run in runs[1:]:
        imports.match(run, mapping=run.mapping, system="HubSpot", timezone="Europe/Berlin", now=tuesday)
    imports.begin(runs[2], now=tuesday)
    imports.run_through(runs[2].pk, now=lambda: tuesday)
    now = tuesday + timedelta(hours=2)
    escalation.sweep(now=now)
    compliance.recompute(now=now)
    acceptance.recompute(now=now)
    messages.deliver_due(now=now)
    return {
        "now": now,
        "draft": score_models.draft(ScoreModel.objects.get(status="published"), by=max_, now=tuesday),
        "ready": Lead.objects.get(name="Rita Ready"),
        "nurtured": nurtured,
        "waiting": waiting,
        "late": late,
        "accepted": accepted,
        "given": given,
        "returned": returned,
        "answer": undecided.answers.get(),
        "calendar": Calendar.objects.get(name="Office hours"),
        "sam": sam,
        "runs": runs,
        "capture": capture.save(
            CapturePage(name=NASTY, slug="demo", title=NASTY, sites=["https://www.kern.example"]),
            asked=[capture.Asked("name"), capture.Asked("email", is_required=True), capture.Asked("need", NASTY)],
            consent_text=NASTY,
            consent_is_required=True,
            by=mia,
            now=tuesday,
        ).page,
    }


def addresses(past: dict[str, Any]) -> list[tuple[str, str]]:
    """Return who opens which page."""

    def of(name: str, key: str, suffix: str = "") -> str:
        return reverse(name, args=(past[key].public_id,)) + suffix

    columns, preview, done = (
        reverse(name, args=(run.public_id,))
        for name, run in zip(
            ("leads:import_columns", "leads:import_detail", "leads:import_detail"), past["runs"], strict=True
        )
    )
    criterion = reverse("leads:answer_criterion", args=(past["nurtured"].public_id, "need-expressed"))
    return [
        ("", "/accounts/login/"),
        ("", "/accounts/password/reset/"),
        ("mia", "/my-leads/"),
        ("mia", "/my-leads/?stage=nurturing"),
        ("mia", "/missing/"),
        ("mia", "/missing/?group=idle&whose=all"),
        ("mia", of("leads:ask", "nurtured")),
        ("mia", "/my-leads/?stage=handed_over&whose=all"),
        ("mia", of("home:lead", "ready")),
        ("mia", of("home:lead", "nurtured")),
        *(("mia", of("home:lead", "ready", f"?tab={tab}")) for tab in ("story", "facts", "changes")),
        ("mia", reverse("home:lead", args=(past["returned"].lead.public_id,)) + "?tab=handoffs"),
        ("mia", "/leads/new/"),
        ("mia", of("leads:edit", "ready")),
        ("mia", criterion),
        ("mia", "/leads/imports/"),
        ("mia", "/leads/imports/new/"),
        ("mia", columns),
        ("mia", preview),
        ("mia", done),
        ("mia", of("sla:hand_over", "nurtured")),
        ("mia", "/sales-feedback/"),
        ("mia", "/sales-feedback/?show=all"),
        ("mia", "/search/?q=otto"),
        ("mia", "/notices/"),
        ("mia", "/people/me/"),
        ("mia", "/leads/campaigns/"),
        ("mia", "/leads/campaigns/new/"),
        ("olga", "/leads/campaigns/costs/"),
        ("mia", "/leads/campaigns/tracking/?address=https://example.com/?utm_source=linkedin"),
        ("mia", "/leads/campaigns/tracking/new/"),
        ("mia", "/leads/campaigns/asks/"),
        ("sam", "/leads/running/"),
        ("sam", "/queue/"),
        ("sam", of("home:pack", "waiting")),
        ("sam", of("home:pack", "given")),
        ("sam", of("feedback:reject", "late")),
        ("sam", of("feedback:follow_up", "late")),
        ("sam", of("feedback:give_back", "accepted")),
        ("sam", of("feedback:outcome", "accepted")),
        ("sue", "/queue/"),
        ("sue", "/scoreboard/"),
        ("sue", "/handoffs/"),
        ("sue", "/acceptance/"),
        ("sue", of("sla:reassign", "waiting")),
        ("sue", of("feedback:rule", "answer")),
        ("sue", "/sales/imports/"),
        ("max", "/scoreboard/"),
        ("max", "/handoffs/?part=cases&measure=decide"),
        ("max", "/contract/agreement/"),
        ("max", "/contract/calendars/"),
        ("max", "/contract/calendars/new/"),
        ("max", reverse("sla:calendar", args=(past["calendar"].public_id,))),
        ("sue", reverse("sla:calendar_edit", args=(past["calendar"].public_id,))),
        ("sue", "/contract/teams/"),
        ("sue", reverse("sla:member", args=(past["sam"].public_id,))),
        ("olga", "/contract/teams/routing/"),
        ("olga", "/contract/teams/routing/new/"),
        ("sue", "/contract/teams/routing/dry-run/?q=otto"),
        ("sue", "/contract/teams/routing/dry-run/" + f"?lead={past['ready'].public_id}"),
        ("sam", "/leads/score/"),
        ("max", f"/leads/score/{past['draft'].version}/"),
        ("max", f"/leads/score/{past['draft'].version}/compare/"),
        ("max", f"/leads/score/{past['draft'].version}/settings/"),
        ("max", f"/leads/score/{past['draft'].version}/rules/new/?on=interactions"),
        ("max", f"/leads/score/{past['draft'].version}/rules/new/?on=facts"),
        ("max", "/contract/releases/"),
        ("mia", "/contract/releases/new/"),
        ("ada", reverse("sla:deactivate", args=(past["sam"].public_id,))),
        ("mia", "/notices/preferences/"),
        ("olga", "/notices/messages/?state=sent"),
        ("olga", "/notices/mail-texts/"),
        ("olga", "/notices/mail-texts/overdue/"),
        ("ada", "/notices/webhooks/"),
        ("ada", "/notices/webhooks/new/"),
        ("max", "/leads/capture/"),
        ("max", "/leads/capture/new/"),
        ("max", of("leads:capture_page", "capture")),
        ("", "/leads/form/demo/"),
        ("", "/leads/form/demo/embedded/?theme=dark"),
        ("olga", "/styleguide/"),
        ("olga", "/scoreboard/"),
        ("ada", "/admin/"),
        ("ada", "/admin/accounts/user/"),
    ]


@pytest.fixture
def look(
    past: dict[str, Any],
    settings: Settings,
    new_context: Any,
    live_server: LiveServer,
    signed_in: Callable[[User], Client],
    mia: User,
    sam: User,
    sue: User,
    max_: User,
    olga: User,
    ada: User,
) -> Iterator[Callable[..., list[str]]]:
    """Return a function that opens a page as somebody and tells what is wrong with it."""
    settings.LEADSLA_NOW = past["now"].isoformat()
    people: dict[str, User] = {"mia": mia, "sam": sam, "sue": sue, "max": max_, "olga": olga, "ada": ada}
    desks: dict[str, Desk] = {}

    def desk_of(who: str) -> Desk:
        if who not in desks:
            context = new_context(base_url=live_server.url, timezone_id="Europe/Berlin")
            if who:
                cookie = signed_in(people[who]).cookies[django_settings.SESSION_COOKIE_NAME]
                context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
            desks[who] = Desk(context.new_page())
        return desks[who]

    def look_at(who: str, address: str, *, theme: str, width: int) -> list[str]:
        desk = desk_of(who)
        desk.complaints.clear()
        desk.page.emulate_media(color_scheme=theme)
        desk.page.set_viewport_size({"width": width, "height": 800})
        answer = desk.page.goto(address)
        assert answer is not None
        wrong = [] if answer.ok else [f"answers {answer.status}"]
        for chart in desk.page.locator("[data-chart]").all():
            chart.locator("svg").first.wait_for()
        wrong += [f"{theme}, {width} px wide: {words}" for words in _barriers(desk.page)]
        wrong += desk.complaints
        return [f"{who or 'anonymous'} {address}: {words}" for words in wrong]

    return look_at


def _barriers(page: Page) -> Iterator[str]:
    """Tell what scrolls sideways and what keeps somebody out."""
    if sideways := page.evaluate(SIDEWAYS):
        yield f"{sideways} px stick out at the side"
    for found in Axe().run(page, options=AXE).response["violations"]:
        if found["impact"] not in PASSING:
            where = "; ".join(str(node["target"][0]) for node in found["nodes"][:3])
            yield f"{found['id']}: {found['help']} ({len(found['nodes'])} times: {where})"


def test_main_pages_each_in_one_look(past: dict[str, Any], look: Callable[..., list[str]]) -> None:
    wrong = [
        words
        for (who, address), (theme, width) in zip(addresses(past), cycle(LOOKS), strict=False)
        for words in look(who, address, theme=theme, width=width)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.long
@pytest.mark.parametrize(("theme", "width"), [*LOOKS, ("light", 768), ("light", 360)])
def test_main_pages_in_every_look(past: dict[str, Any], look: Callable[..., list[str]], theme: str, width: int) -> None:
    wrong = [words for who, address in addresses(past) for words in look(who, address, theme=theme, width=width)]
    assert not wrong, "\n".join(wrong)
