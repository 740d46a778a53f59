"""Redis gone, a worker killed: people go on working, and everything goes out when it is back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from feedback.models import Answer
from leads.models import Import, ImportRow, Interaction, Lead
from leadsla.accounts.models import User
from leadsla.outbox import endpoints, messages
from leadsla.outbox.kinds import Announcement
from leadsla.outbox.models import Message
from sla.models import Decision, Handoff
from tests.flows.running import Portal, until
from tests.flows.visitor import Visitor
from tests.outbox.receiver import receiving

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

SignIn = Callable[[User], Client]
OTTO = {
    "name": "Otto Brandt",
    "email": "otto@brandt.example",
    "phone": "+49 30 901820",
    "country": "DE",
    "kind": "demo_request",
}
KARIN = OTTO | {"name": "Karin Kern", "email": "karin@kern.example", "phone": "+49 40 901820"}


def hands_over(marketer: Visitor, told: dict[str, str]) -> Handoff:
    """Enter a lead and hand it over by the button, over HTTP."""
    page = marketer.sends("/leads/new/", told)
    assert told["name"] in marketer.reads(page)
    lead = Lead.objects.get(email=told["email"])
    marketer.sends(f"/contract/hand-over/{lead.public_id}/", {})
    return Handoff.objects.get(lead=lead)


def uploads(marketer: Visitor, content: str) -> Import:
    """Bring a file of names and addresses in as far as its run, over HTTP."""
    files = {"file": ("leads.csv", content.encode(), "text/csv")}
    columns = marketer.sends("/leads/imports/new/", {"timezone": "Europe/Berlin"}, files=files)
    marketer.sends(columns, {"column_0": "name", "column_1": "email", "timezone": "Europe/Berlin"})
    run = Import.objects.get()
    marketer.sends(f"/leads/imports/{run.public_id}/run/", {})
    return run


def test_with_redis_down_people_go_on_and_everything_goes_out_later(
    portal: Portal, signed_in: SignIn, mia: User, sam: User
) -> None:
    portal.start("web", "worker", "beat")  # and no Redis
    marketing, sales = (Visitor(portal, person, signed_in=signed_in) for person in (mia, sam))
    otto, karin = hands_over(marketing, OTTO), hands_over(marketing, KARIN)
    assert "Otto Brandt" in sales.reads("/queue/")
    sales.sends(f"/sales/{otto.public_id}/accept/", {})
    rejection = {"reason": "bad_contact_data", "asked_field": "phone", "quality": "2"}
    sales.sends(f"/sales/{karin.public_id}/reject/", rejection)
    run = uploads(marketing, "Name,E-mail\nAnna Berg,anna@berg.example\nBert Blau,bert@blau.example\n")
    assert "waiting for a worker" in marketing.reads(f"/leads/imports/{run.public_id}/")
    assert list(Handoff.objects.order_by("pk").values_list("decision", flat=True)) == ["accepted", "rejected"]
    assert portal.mails() == []
    assert portal.complaints("web") == []

    portal.start_redis()
    portal.set_clock(portal.now + timedelta(minutes=3))
    until(lambda: not Answer.objects.filter(carried_out_at=None).exists(), what="answers are carried out")
    until(lambda: Import.objects.get().status == Import.Status.DONE, what="the import ran")
    until(lambda: not Message.objects.filter(sent_at=None).exists(), what="messages are delivered")
    karin.refresh_from_db()
    assert (karin.is_returned, karin.round) == (True, 1)
    assert "Karin Kern" in marketing.reads("/sales-feedback/")
    assert Lead.objects.filter(name__in=["Anna Berg", "Bert Blau"]).count() == 2
    mails = "".join(portal.mails())
    for subject in ("Sam Becker accepted Otto Brandt", "Sam Becker rejected Karin Kern"):
        assert mails.count(f"Subject: {subject}") == 1


def test_running_workers_outlive_a_redis_that_goes_and_comes_back(
    portal: Portal, signed_in: SignIn, mia: User, sam: User
) -> None:
    portal.start_redis()
    portal.start("web", "worker", "beat")
    marketing = Visitor(portal, mia, signed_in=signed_in)
    told = Message.objects.filter(recipient=sam, channel=Message.Channel.EMAIL).exclude(sent_at=None)
    hands_over(marketing, OTTO)
    until(lambda: told.filter(subject__contains="Otto Brandt").exists(), what="Sam is told of Otto")

    portal.stop_redis()
    karin = hands_over(marketing, KARIN)
    Visitor(portal, sam, signed_in=signed_in).sends(f"/sales/{karin.public_id}/accept/", {})
    karin.refresh_from_db()
    assert karin.decision == Decision.ACCEPTED
    portal.start_redis()
    until(lambda: told.filter(subject__contains="Karin Kern").exists(), what="Sam is told of Karin")


def test_a_killed_worker_leaves_an_import_that_goes_on_each_row_once(
    portal: Portal, signed_in: SignIn, mia: User
) -> None:
    portal.start_redis()
    portal.start("web", "worker", "beat")
    rows = 6000
    content = "Name,E-mail\n" + "".join(f"Person {n},p{n}@company{n}.example\n" for n in range(rows))
    run = uploads(Visitor(portal, mia, signed_in=signed_in), content)
    until(lambda: Import.objects.get().rows_done, what="the import has begun")
    portal.kill("worker")
    done = Import.objects.get().rows_done
    assert 0 < done < rows

    portal.set_clock(portal.now + timedelta(minutes=3))
    portal.start("worker")
    until(lambda: Import.objects.get().status == Import.Status.DONE, what="the import goes on to its end")
    run.refresh_from_db()
    assert (run.rows_done, run.rows_created, run.rows_failed) == (rows, rows, 0)
    assert list(ImportRow.objects.order_by("line").values_list("line", flat=True)) == list(range(2, rows + 2))
    assert Lead.objects.count() == Lead.objects.values("email").distinct().count() == rows
    assert Interaction.objects.count() == 0  # the file names no date, so nothing is known to have happened


def test_a_worker_killed_while_it_tells_another_program_is_made_up_for(
    portal: Portal, ada: User, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    monkeypatch.setenv("LEADSLA_WEBHOOK_ALLOWED_HOSTS", "127.0.0.1")  # of the portal's processes
    with receiving() as receiver:
        endpoints.create(name="CRM", url=receiver.url, kinds=[Announcement.HANDED_OVER], by=ada, now=portal.now)
        for number in (1, 2):
            data = {"handoff": number}
            messages.announce(event=f"handoff:{number}", kind=Announcement.HANDED_OVER, data=data, now=portal.now)
        receiver.hangs = True
        portal.start_redis()
        portal.start("worker", "beat")
        until(lambda: receiver.got, what="the first event is on its way")
        portal.kill("worker")
        assert Message.objects.filter(sent_at=None, claimed_at__isnull=False).count() == 2

        receiver.hangs = False
        receiver.released.set()
        portal.set_clock(portal.now + timedelta(minutes=6))
        portal.start("worker")
        until(lambda: not Message.objects.filter(channel="webhook", sent_at=None).exists(), what="both are delivered")
    ids = [got.headers["webhook-id"] for got in receiver.got]
    # The one that was on its way arrives twice, with the same id; that is the only case.
    assert ids[0] == ids[1] != ids[2]
    assert len(ids) == 3
