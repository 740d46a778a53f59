"""An administrator connects another program in Chromium: makes a webhook, tries it out, sees it fail and replays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from leadsla import clock
from leadsla.accounts.models import User
from leadsla.outbox import webhooks
from leadsla.outbox.models import WebhookEndpoint
from tests.outbox.receiver import receiving

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]


def test_a_webhook_is_made_tried_out_and_replayed(sign_in: Callable[..., Page], ada: User, settings: Any) -> None:
    settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    page = sign_in(ada)
    with receiving() as receiver:
        page.goto("/notices/webhooks/")
        page.get_by_role("link", name="New webhook").click()
        page.get_by_label("Name").fill("CRM")
        page.get_by_label("Address").fill(receiver.url)
        page.get_by_label("A lead was handed over").check()
        page.get_by_role("button", name="Make it").click()
        expect(page.get_by_text("Copy this secret now.")).to_be_visible()
        expect(page.locator(".key-once")).to_have_text(its_secret())

        page.get_by_role("button", name="Send a test").click()
        deliveries = page.locator("#deliveries")
        expect(deliveries).to_contain_text("Waiting, next")
        receiver.will_answer(410, body=b"nobody here")
        webhooks.deliver_due(now=clock.now())
        # The list asks again by itself until it knows.
        expect(deliveries).to_contain_text("Answered 410: it wants nothing any more.")
        page.reload()
        page.get_by_role("button", name="Switch on").click()
        page.get_by_role("button", name="Replay 1 laid aside").click()
        expect(deliveries).to_contain_text("Waiting, next")
        webhooks.deliver_due(now=clock.now())
        expect(deliveries.locator(".how")).to_contain_text("Delivered")
        deliveries.locator("summary").click()
        expect(deliveries.get_by_role("cell", name="410", exact=True)).to_be_visible()
        expect(deliveries.get_by_role("cell", name="204", exact=True)).to_be_visible()
        expect(deliveries.locator(".payload")).to_contain_text("A test from LeadSLA.")

    page.get_by_role("button", name="Renew the secret").click()
    page.get_by_role("dialog").get_by_role("button", name="Renew").click()
    expect(page.get_by_text("The old secret is right as well until")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No webhooks yet")).to_be_visible()


def its_secret() -> str:
    """Return the secret of the only webhook."""
    return WebhookEndpoint.objects.get().secret
