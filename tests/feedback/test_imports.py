"""Won and lost deals of another system: the past comes in once, with people, flags and what else the file says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from feedback import decisions
from feedback import imports as outcomes
from feedback.models import OutcomeReport
from leads import imports, intake
from leads.models import Import, InteractionKind, Lead, Stage
from leadsla import clock
from leadsla.accounts.models import ExternalPerson, User
from leadsla.outbox.models import Message
from sla.models import Clock, Handoff

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
OWN_TABLES = {"leads_import", "leads_importrow", "leads_importmapping", "django_session"}
FILE = """lead_id,sdr,sr,won_date,segment,declared
m1,a8387c01a09e99ce014107505b92388c,4ef15afb4b2723d8f3d81e51ec7afefe,2018-02-26 19:58:54,pet,0.0
m2,a8387c01a09e99ce014107505b92388c,09285259593c61296eef10c734121d5b,2018-01-17 02:00:00,,
m3,,4ef15afb4b2723d8f3d81e51ec7afefe,2017-05-01 10:00:00,food,
m9,,,2018-01-17 13:51:03,food,
m1,,,2018-02-27,twice,
"""
MAPS = ("lead_id=external_id", "sdr=handed_over_by", "sr=owner", "won_date=won_at")


@pytest.fixture(autouse=True)
def _files(settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def leads(db: None, tuesday: datetime) -> dict[str, Lead]:
    """Three leads of olist, dated by days of São Paulo."""
    arrivals = [
        intake.Arrival(
            facts={"name": name},
            external={"olist": key},
            source="paid_search",
            kind=InteractionKind.IMPORTED,
            occurred_at=datetime(*day, tzinfo=SAO_PAULO),  # type: ignore[misc]
            is_date=True,
            key=key,
            via="import",
        )
        for key, name, day in (
            ("m1", "One", (2018, 2, 1)),
            ("m2", "Two", (2018, 1, 17)),
            ("m3", "Three", (2017, 6, 14)),
        )
    ]
    receipts = intake.receive_many(arrivals, now=tuesday, origin="import")
    Import.objects.create(
        kind="leads", system="olist", timezone="America/Sao_Paulo", status="done", created_at=tuesday, encoding="utf-8"
    )
    return dict(zip(("m1", "m2", "m3"), (receipt.lead for receipt in receipts), strict=True))


def run_command(path: Path, *maps: str, **more: str) -> str:
    out = StringIO()
    options: dict[str, Any] = {"system": "olist", "map": list(maps or MAPS), **more}
    call_command("import_outcomes", str(path), stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "deals.csv"
    path.write_text(FILE)
    return path


def every_row() -> dict[str, list[Any]]:
    """Return every row of every table but the import's own."""
    rows = {}
    with connection.cursor() as cursor:
        for table in set(connection.introspection.table_names(cursor)) - OWN_TABLES:
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
            rows[table] = cursor.fetchall()
    return rows


def test_past_comes_in_with_people_and_what_else_the_file_says(leads, file) -> None:
    said = run_command(file)
    assert "5 rows: 3 new, 0 updated, 0 unchanged, 2 not imported." in said
    one = OutcomeReport.objects.get(external_id="m1")
    assert (one.kind, one.amount, one.system) == ("won", None, "olist")
    assert one.occurred_at == datetime(2018, 2, 26, 19, 58, 54, tzinfo=UTC)
    assert one.attributes == {"segment": "pet", "declared": "0.0"}
    handoff = one.handoff
    assert (handoff.origin, handoff.handed_over_at, handoff.decision, handoff.decided_at) == ("import", None, "", None)
    assert (handoff.closed_because, handoff.won_at, handoff.counts) == ("won", one.occurred_at, False)
    assert handoff.owner is not None
    assert handoff.owner.is_active is False
    assert handoff.owner.has_usable_password() is False
    assert ExternalPerson.objects.get(value="4ef15afb4b2723d8f3d81e51ec7afefe").user == handoff.owner
    assert User.objects.filter(is_active=False).count() == 3
    lead = Lead.objects.get(pk=leads["m1"].pk)
    assert (lead.stage, lead.stage_since) == (Stage.CUSTOMER, one.occurred_at)
    assert Clock.objects.count() == Message.objects.count() == 0


def test_midnight_of_the_leads_zone_is_a_day(leads, file) -> None:
    run_command(file)
    two = OutcomeReport.objects.get(external_id="m2")
    assert (two.is_date, two.handoff.moments_are_dates) == (True, True)
    assert two.flag == ""  # the same day as the first contact is not before it
    assert OutcomeReport.objects.get(external_id="m1").is_date is False


def test_deal_before_its_first_contact_is_kept_and_flagged(leads, file) -> None:
    run_command(file)
    three = OutcomeReport.objects.get(external_id="m3")
    assert three.flag == three.handoff.flag == "dated before the lead's first contact"
    assert Lead.objects.get(pk=leads["m3"].pk).stage == Stage.CUSTOMER


def test_same_file_again_changes_no_row_but_the_import_s_own(leads, file) -> None:
    run_command(file)
    before = every_row()
    said = run_command(file)
    assert "0 new, 0 updated, 3 unchanged, 2 not imported" in said
    assert every_row() == before


def test_corrected_file_updates(leads, file, tmp_path) -> None:
    run_command(file)
    corrected = tmp_path / "corrected.csv"
    corrected.write_text("lead_id,won_date,worth\nm1,2018-02-27 10:00:00,R$ 1200.50\n")
    said = run_command(corrected, "lead_id=external_id", "won_date=won_at", "worth=revenue")
    assert "0 new, 1 updated" in said
    one = OutcomeReport.objects.get(external_id="m1")
    assert (one.amount, one.currency) == (Decimal("1200.50"), "BRL")
    assert (one.handoff.won_at, one.handoff.revenue) == (one.occurred_at, Decimal("1200.50"))
    assert Handoff.objects.count() == 3


def test_each_bad_row_says_why(leads, tmp_path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(
        "lead_id,won,lost,worth,cur\n"
        "m9,2018-01-01,,,\n"
        "m1,,,,\n"
        ",2018-01-01,,,\n"
        "m1,2099-01-01,,,\n"
        "m1,01 Foo 2018,,,\n"
        "m1,2018-01-01,,-5,EUR\n"
        "m1,2018-01-01,,50,\n"
        "m1,2018-01-01,,50,XXQ\n"
        "m1,2018-01-01\n"
        "m2,,2018-02-01,,\n"
        "m1,0001-01-01,,,\n"
    )
    run_command(path, "lead_id=external_id", "won=won_at", "lost=lost_at", "worth=revenue", "cur=currency")
    problems = dict(Import.objects.latest("pk").rows.values_list("line", "problem"))
    for line, words in (
        (2, "No lead has the id or address “m9” of olist."),
        (3, "Neither won nor lost"),
        (4, "does not say whose deal"),
        (5, "in the future"),
        (6, "is no date"),
        (7, "0 or more"),
        (8, "does not say its currency"),
        (9, "does not say its currency"),
        (10, "2 cells, the header 5"),
        (12, "too long ago"),
    ):
        assert words in problems[line]
    assert problems[11] == ""
    assert Lead.objects.get(pk=leads["m2"].pk).stage == Stage.LOST
    assert OutcomeReport.objects.get().lost_because == "not said"


def test_deal_of_a_lead_that_sales_works_on_is_reported_there(handoff, sam, tuesday, tmp_path, settings) -> None:
    settings.LEADSLA_NOW = "2026-03-10T10:00"
    decisions.accept(handoff, by=sam, now=tuesday)
    path = tmp_path / "deals.csv"
    path.write_text("email,deal_id,won,worth\nInes@Rotek.example,d1,2026-03-09 12:00,€1.200\n")
    run_command(path, "email=email", "deal_id=deal_id", "won=won_at", "worth=revenue", decimal_mark=",", system="crm")
    handoff.refresh_from_db()
    assert (handoff.closed_because, handoff.revenue, handoff.currency) == ("won", Decimal(1200), "EUR")
    assert Handoff.objects.count() == 1


def test_undecided_lead_is_told_as_wrong(handoff, tmp_path, settings) -> None:
    settings.LEADSLA_NOW = "2026-03-10T10:00"
    path = tmp_path / "deals.csv"
    path.write_text("email,won\nines@rotek.example,2026-03-09\n")
    said = run_command(path, "email=email", "won=won_at", system="crm")
    assert "Accept the lead first" in said


@pytest.mark.parametrize(
    ("maps", "more", "words"),
    [
        (("nope=owner",), {}, "no column “nope”"),
        (("lead_id=colour",), {}, "“colour” is nothing that an outcome has"),
        (("lead_id=external_id", "sdr=external_id", "won_date=won_at"), {}, "Two columns are matched"),
        (("won_date=won_at",), {}, "No column tells whose deal it is"),
        (("lead_id=external_id",), {}, "No column tells what came of it"),
        (("lead_id=external_id", "won_date=won_at"), {"timezone": "Mars/Base"}, "is not a time zone"),
        (("lead_id",), {}, "write COLUMN=FIELD"),
    ],
)
def test_wrong_mapping_is_refused_in_words(leads, file, maps, more, words) -> None:
    with pytest.raises(CommandError) as refusal:
        run_command(file, *maps, **more)
    assert words in str(refusal.value)
    assert not Import.objects.filter(kind="outcomes").exists()


def test_dates_and_amounts_that_can_be_read_in_two_ways_are_asked(leads, tmp_path) -> None:
    path = tmp_path / "us.csv"
    path.write_text("lead_id,won,worth\nm1,03/04/2018,1.234\n")
    maps = ("lead_id=external_id", "won=won_at", "worth=revenue")
    with pytest.raises(CommandError) as refusal:
        run_command(path, *maps)
    assert "the day or the month comes first" in str(refusal.value)
    assert "a point or a comma" in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"PK\x03\x04rest", "Excel workbook"), (b"", "empty"), (b"\x00\x01\x02\x03binary", "binary")],
)
def test_what_is_no_csv_is_refused(tmp_path, content, words) -> None:
    path = tmp_path / "deals.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError) as refusal:
        run_command(path)
    assert words in str(refusal.value)


def test_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(CommandError) as refusal:
        run_command(tmp_path / "nowhere.csv")
    assert "cannot be read" in str(refusal.value)


def test_queries_do_not_grow_with_the_rows(leads, tuesday, django_assert_max_num_queries) -> None:
    arrivals = [
        intake.Arrival(facts={"name": f"Lead {number}"}, external={"olist": f"n{number}"}) for number in range(60)
    ]
    intake.receive_many(arrivals, now=tuesday, origin="import")
    run = Import(
        kind="outcomes",
        system="olist",
        timezone="UTC",
        columns=["id", "who", "won"],
        mapping={"id": "external_id", "who": "owner", "won": "won_at"},
        date_format="ymd",
        created_at=tuesday,
    )
    rows = [outcomes.Row(number + 2, (f"n{number}", f"seller {number}", "2026-01-05 12:30:00")) for number in range(60)]
    with django_assert_max_num_queries(20):
        became = outcomes.take_outcomes(run, rows, tuesday)
    assert {outcome.state for outcome in became} == {"created"}
    assert Lead.objects.filter(stage="customer").count() == 60


# --- The pages


def upload(browser, content: str = FILE) -> Any:
    sent = {
        "file": SimpleUploadedFile("deals.csv", content.encode(), content_type="text/csv"),
        "system": "olist",
        "timezone": "UTC",
    }
    return browser.post(reverse("feedback:import_new"), sent)


def test_through_the_browser(signed_in, max_, leads) -> None:
    browser = signed_in(max_)
    assert b"No file was imported yet" in browser.get(reverse("feedback:imports")).content
    columns = upload(browser)["Location"]
    run = Import.objects.get(kind="outcomes")
    assert columns == reverse("feedback:import_columns", args=(run.public_id,))
    assert b"a8387c01a09e99ce014107505b92388c" in browser.get(columns).content
    chosen = {"column_0": "external_id", "column_1": "handed_over_by", "column_2": "owner", "column_3": "won_at"}
    detail = browser.post(columns, chosen | {"system": "olist", "timezone": "UTC"})["Location"]
    preview = browser.get(detail).content.decode()
    assert "what will happen to the first 5 of 5 rows" in preview
    assert "No lead has the id or address “m9”" in preview
    assert OutcomeReport.objects.count() == 0
    browser.post(reverse("feedback:import_run", args=(run.public_id,)))
    assert b"waiting for a worker" in browser.get(detail).content
    imports.run_through(run.pk, now=clock.now, take=outcomes.take_outcomes)
    result = browser.get(detail).content.decode()
    assert "Done: 5 rows." in result
    assert "dated before the lead&#x27;s first contact" in result
    errors = browser.get(reverse("feedback:import_errors", args=(run.public_id,)))
    text = b"".join(errors.streaming_content).decode()  # type: ignore[attr-defined]
    assert "An earlier row has the same deal." in text
    assert text.count("\n") >= 3
    assert "deals.csv" in browser.get(reverse("feedback:imports")).content.decode()


def test_pages_name_what_is_wrong(signed_in, max_, leads) -> None:
    browser = signed_in(max_)
    empty = upload(browser, "")
    assert empty.status_code == 400
    assert "The file is empty." in empty.content.decode()
    columns = upload(browser)["Location"]
    wrong = browser.post(columns, {"column_0": "external_id", "system": "", "timezone": "UTC"})
    assert wrong.status_code == 400
    assert "No column tells what came of it." in wrong.content.decode()
    assert "Name the system" in wrong.content.decode()


def test_cancel_before_the_run(signed_in, max_, leads) -> None:
    browser = signed_in(max_)
    upload(browser)
    run = Import.objects.get(kind="outcomes")
    browser.post(reverse("feedback:import_cancel", args=(run.public_id,)))
    run.refresh_from_db()
    assert run.status == "cancelled"


def test_every_page_leads_to_pages_of_outcomes(signed_in, max_, leads) -> None:
    browser = signed_in(max_)
    columns = upload(browser)["Location"]
    run = Import.objects.get(kind="outcomes")
    matching = browser.get(columns).content.decode()
    assert 'name="decimal_mark"' in matching
    assert 'name="is_history"' not in matching
    to = {name: reverse(f"feedback:import_{name}", args=(run.public_id,)) for name in ("run", "cancel", "errors")}
    assert f'formaction="{to["cancel"]}"' in matching
    chosen = {"column_0": "external_id", "column_3": "won_at", "system": "olist", "timezone": "UTC"}
    detail = browser.post(columns, chosen)["Location"]
    preview = browser.get(detail).content.decode()
    assert f'action="{to["run"]}"' in preview
    assert f'href="{columns}"' in preview
    assert "People whom nobody knows become inactive users." in preview
    assert "New leads are judged" not in preview
    browser.post(to["run"])
    running = browser.get(detail, headers={"HX-Request": "true"}).content.decode()
    assert f'hx-get="{detail}"' in running
    assert f'action="{to["cancel"]}"' in running
    Import.objects.filter(pk=run.pk).update(status="failed", rows_failed=1, problem="The disk is full.")
    failed = browser.get(detail).content.decode()
    assert "The disk is full." in failed
    assert f'action="{to["run"]}"' in failed
    assert f'href="{to["errors"]}"' in failed
    new = reverse("feedback:import_new")
    assert f'action="{new}"' in browser.get(new).content.decode()
    overview = browser.get(reverse("feedback:imports")).content.decode()
    assert f'href="{new}"' in overview
    assert f'href="{detail}"' in overview


def test_who_may_import(client, signed_in, sam, mia, max_, sue, olga, leads) -> None:
    address = reverse("feedback:imports")
    assert client.get(address).status_code == 302
    for person, status in ((sam, 403), (mia, 403), (max_, 200), (sue, 200), (olga, 200)):
        assert signed_in(person).get(address).status_code == status
    upload(signed_in(max_))
    run = Import.objects.get(kind="outcomes")
    for name in ("import_columns", "import_detail", "import_errors"):
        assert signed_in(sue).get(reverse(f"feedback:{name}", args=(run.public_id,))).status_code == 404
    for name in ("import_run", "import_cancel"):
        assert signed_in(sue).post(reverse(f"feedback:{name}", args=(run.public_id,))).status_code == 404
        assert signed_in(max_).get(reverse(f"feedback:{name}", args=(run.public_id,))).status_code == 405
    assert signed_in(max_).delete(address).status_code == 405


def test_stopped_run_goes_on_behind_the_last_row(leads, file, tuesday) -> None:
    with file.open("rb") as opened:
        run = imports.upload(
            SimpleUploadedFile("deals.csv", opened.read()),
            name="deals.csv",
            system="olist",
            timezone="UTC",
            now=tuesday,
            kind="outcomes",
            guess=outcomes.guess,
        )
    mapping = dict(one.split("=") for one in MAPS)
    outcomes.match(run, mapping=mapping, system="olist", timezone="UTC", now=tuesday)
    imports.begin(run, now=tuesday)
    seen: list[int] = []

    def dies(run: Import, rows: Any, now: datetime) -> Any:
        if seen:
            raise KeyboardInterrupt
        seen.extend(row.line for row in rows)
        return outcomes.take_outcomes(run, rows, now)

    with pytest.raises(KeyboardInterrupt):
        imports.run_through(run.pk, now=lambda: tuesday, take=dies, chunk=2)
    assert imports.stopped(now=tuesday + timedelta(minutes=3), kind="outcomes") == [run.pk]
    done = imports.run_through(run.pk, now=lambda: tuesday, take=outcomes.take_outcomes, chunk=2)
    assert (done.status, done.rows_done, done.rows_created, done.rows_failed) == ("done", 5, 3, 2)
