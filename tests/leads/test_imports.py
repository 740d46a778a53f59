"""Files of leads: matched by their headers, taken in once per row, resumed where they stopped."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection

from leads import columns, imports
from leads.csv_files import Row, Unreadable
from leads.intake import Arrival, Refused, receive
from leads.models import Import, ImportMapping, ImportRow, Interaction, Lead, Source

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _media(settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path


def upload(content: str | bytes, now: datetime, **changes: Any) -> Import:
    data = content.encode() if isinstance(content, str) else content
    given = {"name": "leads.csv", "system": "HubSpot", "timezone": "Europe/Berlin"} | changes
    return imports.upload(ContentFile(data, name="leads.csv"), now=now, **given)


def matched(content: str | bytes, now: datetime, *, mapping: dict[str, str] | None = None, **changes: Any) -> Import:
    run = upload(content, now)
    given = {"system": run.system, "timezone": run.timezone} | changes
    imports.match(run, mapping=mapping or run.mapping, now=now, **given)
    return run


def run_all(run: Import, now: datetime, **changes: Any) -> Import:
    assert imports.begin(run, now=now)
    return imports.run_through(run.pk, now=lambda: now, **changes)


def counts(run: Import) -> tuple[int, int, int, int]:
    return run.rows_created, run.rows_updated, run.rows_unchanged, run.rows_failed


def every_row() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name NOT LIKE 'leads_import%'"
        )
        rows = {}
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
            rows[table] = cursor.fetchall()
    return rows


PLAIN = (
    "Record ID,First Name,Last Name,Email,Phone Number,Company,Create Date,Original Source,Campaign\n"
    '17,Katrin,Sommer,Katrin@Kessler.example,+49 7131 204455,"Kessler, Söhne",2026-02-01,Podcast,Spring\n'
    "18,Otto,Other,otto@voss.example,,Voss,2026-02-02 10:30,unknown,\n"
    "19,Nora,Nobody,not an address,,Voss,2026-02-03,,\n"
    "20,Paul,Pale,paul@voss.example,ask him,Voss,2026-02-30,,\n"
    "21,Rosa,Rot,rosa@voss.example,ask her,Voss,,,\n"
)


@pytest.mark.parametrize(
    ("header", "guessed"),
    [
        (
            "Record ID,First Name,Last Name,Email,Phone Number,Job Title,Company Name,Number of Employees,"
            "Country/Region,Create Date,Original Source,Favourite Colour",
            "external_id,first_name,last_name,email,phone,title,company_name,employees,country,captured_at,source,",
        ),
        (
            "Lead ID,First Name,Last Name,Company / Account,Title,Email,Phone,Lead Source,State/Province,Created Date",
            "external_id,first_name,last_name,company_name,title,email,phone,source,region,captured_at",
        ),
        (
            "Person - Name,Person - Email,Person - Phone,Person - Organization,Lead - Source,Lead - Lead created",
            "name,email,phone,company_name,,captured_at",
        ),
        (
            "Record Id,Full Name,Company,Designation,Email,No. of Employees,Lead Source,Created Time",
            "external_id,name,company_name,title,email,employees,source,captured_at",
        ),
        (
            "Vorname;Nachname;E-Mail;Telefon;Firma;Position;Land;Ort;Quelle;Erstkontakt",
            "first_name,last_name,email,phone,company_name,title,country,city,source,captured_at",
        ),
        (
            "mql_id,first_contact_date,landing_page_id,origin",
            "external_id,captured_at,campaign,source",
        ),
    ],
)
def test_headers_of_other_systems_are_known(header: str, guessed: str) -> None:
    names = header.split(";" if ";" in header else ",")
    found = columns.guess(names)
    wanted = guessed.split(",")
    assert [found.get(name, "") for name in names if "Lead - Source" not in name] == [
        code for name, code in zip(names, wanted, strict=True) if "Lead - Source" not in name
    ]


def test_rows_become_leads_and_bad_ones_stay_out_with_line_and_reason(tuesday, mia, inbound) -> None:
    run = upload(PLAIN, tuesday, by=mia, team=inbound)
    assert (run.rows_total, run.system) == (5, "HubSpot")
    imports.match(run, mapping=run.mapping, system="HubSpot", timezone="Europe/Berlin", now=tuesday)
    run = run_all(run, tuesday)
    assert (run.status, counts(run), run.rows_done) == ("done", (3, 0, 0, 2), 5)
    katrin = Lead.objects.get(identities__system="HubSpot", identities__value="17")
    assert (katrin.name, katrin.email, katrin.company_name) == (
        "Katrin Sommer",
        "katrin@kessler.example",
        "Kessler, Söhne",
    )
    assert katrin.captured_at == datetime(2026, 1, 31, 23, tzinfo=UTC)
    assert katrin.captured_is_date
    assert (str(katrin.first_source), str(katrin.first_campaign), katrin.team) == ("Podcast", "Spring", inbound)
    otto = Lead.objects.get(email="otto@voss.example")
    assert (otto.captured_at, otto.captured_is_date) == (datetime(2026, 2, 2, 9, 30, tzinfo=UTC), False)
    rows = {row.line: row for row in run.rows.all()}
    assert [rows[line].state for line in (2, 3, 4, 5, 6)] == ["created", "created", "failed", "failed", "created"]
    assert rows[4].problem == "Email: “not an address” is no e-mail address. Write it as name@company.com."
    assert rows[5].problem.startswith("Create Date: “2026-02-30” is no date of the calendar")
    assert "ask her" in rows[6].problem


def test_error_file_is_the_rows_as_they_came_and_can_be_imported_again(tuesday) -> None:
    run = run_all(matched(PLAIN, tuesday), tuesday)
    text = "".join(imports.error_file(run))
    lines = text.splitlines()
    assert lines[0].startswith("\ufeffRecord ID,First Name")
    assert lines[0].endswith("line,reason")
    assert lines[1].startswith("19,Nora,Nobody,not an address,,Voss,2026-02-03,,,4,Email: ")
    assert len(lines) == 3
    corrected = text.replace("not an address", "nora@voss.example").replace("2026-02-30", "2026-02-28")
    again = upload(corrected, tuesday)
    assert again.mapping["Email"] == "email"
    imports.match(again, mapping=again.mapping, system="HubSpot", timezone="Europe/Berlin", now=tuesday)
    again = run_all(again, tuesday)
    assert counts(again) == (2, 0, 0, 0)


def test_the_same_file_again_changes_no_row_of_any_other_table(tuesday) -> None:
    run_all(matched(PLAIN, tuesday), tuesday)
    before = every_row()
    again = run_all(matched(PLAIN, tuesday), tuesday + timedelta(days=1))
    assert counts(again) == (0, 0, 3, 2)
    assert every_row() == before


def test_mapping_is_remembered_for_the_same_headers_in_any_order(tuesday) -> None:
    content = "Who,Mail,Colour\nAnna,a@x.example,red\n"
    matched(content, tuesday, mapping={"Who": "name", "Mail": "email", "Colour": ""}, timezone="UTC")
    assert ImportMapping.objects.get().mapping == {"Who": "name", "Mail": "email"}
    later = upload("Colour,Mail,Who\nblue,b@x.example,Bert\n", tuesday, system="", timezone="")
    assert (later.mapping, later.system, later.timezone) == ({"Who": "name", "Mail": "email"}, "HubSpot", "UTC")


@pytest.mark.parametrize(
    ("mapping", "field", "words"),
    [
        ({"City": "city", "When": "captured_at"}, "columns", "No column tells who"),
        ({"Name": "name"}, "columns", "No column tells who"),
        ({"Mail": "email", "City": "email"}, "columns", "Two columns"),
        ({"Mail": "electronic"}, "columns", "no field of a lead"),
        ({"Nothing": "email"}, "columns", "no column “Nothing”"),
        ({"Mail": "email", "When": "captured_at"}, "date_format", "two ways"),
    ],
)
def test_mapping_that_cannot_work_is_refused(tuesday, mapping: dict[str, str], field: str, words: str) -> None:
    run = upload("Name,Mail,City,When\nAnna,a@x.example,Ulm,01/02/2026\n", tuesday)
    with pytest.raises(Refused) as refused:
        imports.match(run, mapping=mapping, system="", timezone="UTC", now=tuesday)
    assert words in refused.value.errors[field]
    run.refresh_from_db()
    assert run.status == Import.Status.UPLOADED


def test_system_and_zone_are_checked(tuesday) -> None:
    run = upload("id,name\n1,Anna\n", tuesday, system="")
    with pytest.raises(Refused) as refused:
        imports.match(run, mapping={"id": "external_id"}, system="", timezone="Mars/Olympus", now=tuesday)
    assert set(refused.value.errors) == {"system", "timezone"}


@pytest.mark.parametrize(("order", "day"), [("dmy", (2026, 2, 1)), ("mdy", (2026, 1, 2))])
def test_ambiguous_dates_are_read_as_the_person_says(tuesday, order: str, day: tuple[int, int, int]) -> None:
    run = matched("Mail,When\na@x.example,01/02/2026\n", tuesday, mapping={"Mail": "email", "When": "captured_at"},
                  date_format=order, timezone="UTC")  # fmt: skip
    run_all(run, tuesday)
    assert Lead.objects.get().captured_at == datetime(*day, tzinfo=UTC)


def test_files_in_german_and_in_old_encodings_go_in(tuesday) -> None:
    content = "Name;E-Mail;Datum;Mitarbeiter\r\nJürgen Groß;j@gross.example;26.02.2026;1.200\r\n".encode("cp1252")
    run = run_all(matched(content, tuesday), tuesday)
    assert counts(run) == (1, 0, 0, 0)
    lead = Lead.objects.get()
    assert (lead.name, lead.employees) == ("Jürgen Groß", 1200)
    assert lead.captured_at == datetime(2026, 2, 25, 23, tzinfo=UTC)


def test_placeholders_say_nothing_but_unknown_is_a_source(tuesday) -> None:
    content = "Name,E-mail,City,Source\nNull,a@x.example,N/A,unknown\nSelect,b@x.example,Select,-\n"
    run_all(matched(content, tuesday), tuesday)
    one, two = Lead.objects.order_by("pk")
    assert (one.name, one.city, str(one.first_source)) == ("Null", "", "unknown")
    assert (two.name, two.first_source) == ("Select", None)


def test_file_fills_gaps_or_replaces(tuesday) -> None:
    lead = receive(Arrival(facts={"email": "a@x.example", "city": "Ulm"}), now=tuesday).lead
    content = "E-mail,City,Industry\na@x.example,Bonn,Steel\n"
    assert counts(run_all(matched(content, tuesday), tuesday)) == (0, 1, 0, 0)
    lead.refresh_from_db()
    assert (lead.city, lead.industry) == ("Ulm", "Steel")
    assert counts(run_all(matched(content, tuesday, overwrites=True), tuesday)) == (0, 1, 0, 0)
    lead.refresh_from_db()
    assert lead.city == "Bonn"


def test_history_is_not_judged_and_live_leads_are(tuesday) -> None:
    content = "E-mail,Country\na@x.example,DE\n"
    run_all(matched(content, tuesday, is_history=True), tuesday)
    assert Lead.objects.get().origin == "import"
    run_all(matched(content.replace("a@", "b@"), tuesday), tuesday)
    assert Lead.objects.get(email="b@x.example").origin == "live"


def test_leads_of_today_are_the_marketers_who_imports_them(tuesday, mia, olga) -> None:
    owners = {}
    for user, is_history in ((mia, False), (mia, True), (olga, False)):
        run = upload(f"E-mail\n{user.pk}{is_history}@x.example\n", tuesday, by=user, team=user.team)
        given = {"mapping": run.mapping, "system": "", "timezone": "UTC", "is_history": is_history}
        imports.match(run, now=tuesday, **given)
        run_all(run, tuesday)
        lead = Lead.objects.latest("pk")
        owners[user.name, is_history] = (lead.owner, lead.team)
    assert owners["Mia Albrecht", False] == (mia, mia.team)
    assert owners["Mia Albrecht", True] == (None, mia.team)
    assert owners["Olga Brandt", False] == (None, None)


def test_preview_tells_what_the_run_will_do_and_writes_nothing(tuesday) -> None:
    receive(Arrival(facts={"email": "otto@voss.example"}), now=tuesday)
    run = matched(PLAIN, tuesday)
    before = every_row()
    shown = imports.preview(run, now=tuesday)
    assert [outcome.state for outcome in shown] == ["created", "updated", "failed", "failed", "created"]
    assert shown[1].lead is not None
    assert shown[1].lead.email == "otto@voss.example"
    assert every_row() == before
    assert [row.state for row in run_all(run, tuesday).rows.all()] == [outcome.state for outcome in shown]


class CrashError(BaseException):
    """The worker dies."""


def test_crashed_import_goes_on_where_it_was_and_each_row_goes_in_once(tuesday) -> None:
    content = "E-mail\n" + "".join(f"p{n}@x.example\n" for n in range(10))
    run = matched(content, tuesday)
    taken: list[int] = []

    def dies_in_its_third_chunk(run: Import, rows: list[Row], now: datetime) -> list[imports.Outcome]:
        outcomes = imports.take_leads(run, rows, now)
        if len(taken) >= 6:
            raise CrashError
        taken.extend(row.line for row in rows)
        return outcomes

    with pytest.raises(CrashError):
        run_all(run, tuesday, take=dies_in_its_third_chunk, chunk=3)
    run.refresh_from_db()
    assert (run.status, run.rows_done, Lead.objects.count()) == ("running", 6, 6)
    later = tuesday + timedelta(minutes=3)
    assert imports.stopped(now=tuesday + timedelta(minutes=1)) == []
    assert imports.stopped(now=later) == [run.pk]
    run = imports.run_through(run.pk, now=lambda: later)
    assert (run.status, counts(run), run.rows_done) == ("done", (10, 0, 0, 0), 10)
    assert list(run.rows.values_list("line", flat=True)) == list(range(2, 12))


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_workers_on_one_import_take_each_row_once(tuesday) -> None:
    run = matched("E-mail,Date\n" + "".join(f"p{n}@x.example,2026-02-01\n" for n in range(40)), tuesday)
    imports.begin(run, now=tuesday)

    def work() -> None:
        try:
            imports.run_through(run.pk, now=lambda: tuesday, chunk=5)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _worker in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    run.refresh_from_db()
    assert (run.status, run.rows_done, run.rows_created) == ("done", 40, 40)
    assert (run.rows.count(), Interaction.objects.count()) == (40, 40)


def test_cancelling_stops_before_the_next_chunk(tuesday) -> None:
    run = matched("E-mail\n" + "".join(f"p{n}@x.example\n" for n in range(9)), tuesday)

    def cancels(run: Import, rows: list[Row], now: datetime) -> list[imports.Outcome]:
        imports.cancel(run, now=now)
        return imports.take_leads(run, rows, now)

    run = run_all(run, tuesday, take=cancels, chunk=3)
    assert (run.status, run.rows_done, Lead.objects.count()) == ("cancelled", 3, 3)
    assert not imports.cancel(run, now=tuesday)
    assert not imports.begin(run, now=tuesday)


def test_a_run_that_breaks_stops_and_can_go_on(tuesday) -> None:
    run = matched("E-mail\n" + "".join(f"x{number}@x.example\n" for number in range(4)), tuesday)

    def breaks(run: Import, rows, now):
        if rows[0].line > 3:
            raise KeyError(rows[0].line)
        return imports.take_leads(run, rows, now)

    run = run_all(run, tuesday, take=breaks, chunk=2)
    assert (run.status, run.rows_done, Lead.objects.count()) == ("failed", 2, 2)
    assert "Something went wrong on our side" in run.problem
    assert imports.stopped(now=tuesday + timedelta(hours=1)) == []
    run = run_all(run, tuesday)
    assert (run.status, run.rows_done, Lead.objects.count()) == ("done", 4, 4)


def test_file_that_is_gone_is_said_and_can_be_taken_up_again(tuesday) -> None:
    run = matched("E-mail\na@x.example\n", tuesday)
    content = run.file.read()
    path = run.file.name
    run.file.storage.delete(path)
    run = run_all(run, tuesday)
    assert (run.status, "cannot be read any more" in run.problem) == ("failed", True)
    run.file.storage.save(path, ContentFile(content))
    assert run_all(run, tuesday).status == "done"


def test_file_without_rows_is_no_import(tuesday) -> None:
    with pytest.raises(Unreadable, match="no rows"):
        upload("E-mail,Name\n", tuesday)
    assert not Import.objects.exists()


def test_who_sees_an_import(tuesday, mia, max_, olga, sam) -> None:
    run = upload("E-mail\na@x.example\n", tuesday, by=mia, team=mia.team)
    assert [list(imports.visible_to(user)) for user in (mia, max_, olga, sam)] == [[run], [run], [run], []]


def test_command_brings_history_in_and_says_what_became_of_it(tuesday, tmp_path, capsys) -> None:
    file = tmp_path / "mql.csv"
    file.write_text(
        "mql_id,first_contact_date,landing_page_id,origin\n"
        "aa,2018-02-01,88740e65d5d6b056e0cda098e1ea6313,social_x\n"
        "bb,2017-10-15,88740e65d5d6b056e0cda098e1ea6313,\n"
        "cc,2018-02-03,,unknown\n"
    )
    given = ["--system", "olist", "--timezone", "America/Sao_Paulo", "--map", "mql_id=external_id"]
    given += ["--map", "first_contact_date=captured_at", "--map", "origin=source", "--map", "landing_page_id=campaign"]
    call_command("import_leads", str(file), *given)
    assert capsys.readouterr().out.startswith("3 rows: 3 new, 0 updated, 0 unchanged, 0 not imported.")
    bb = Lead.objects.get(identities__value="bb")
    assert (bb.first_source, bb.origin, bb.captured_is_date) == (None, "import", True)
    assert bb.captured_at == datetime(2017, 10, 15, 3, tzinfo=UTC)
    assert Source.objects.get(code="unknown") == Lead.objects.get(identities__value="cc").first_source
    call_command("import_leads", str(file), *given)
    assert capsys.readouterr().out.startswith("3 rows: 0 new, 0 updated, 3 unchanged")


@pytest.mark.parametrize(
    ("content", "given", "words"),
    [
        ("", [], "empty"),
        ("When,Mail\n01/02/2026,a@x.example\n", ["--map", "Mail=email", "--map", "When=captured_at"], "two ways"),
        ("Mail\na@x.example\n", ["--map", "Mail"], "COLUMN=FIELD"),
        ("Mail\na@x.example\n", ["--map", "Post=email"], "no column “Post”"),
        ("Mail\na@x.example\n", ["--team", "Nowhere"], "no team"),
    ],
)
def test_command_refuses_in_words(tmp_path, content: str, given: list[str], words: str) -> None:
    file = tmp_path / "x.csv"
    file.write_text(content)
    with pytest.raises(CommandError, match=words):
        call_command("import_leads", str(file), *given)
    assert not Import.objects.exists()


def test_row_that_the_database_refuses_costs_only_itself(tuesday, monkeypatch) -> None:
    run = matched("E-mail,Name\n" + "".join(f"p{n}@x.example,P{n}\n" for n in range(8)), tuesday)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE leads_lead ADD CONSTRAINT nobody_is_p5 CHECK (name <> 'P5')")
    run = run_all(run, tuesday)
    assert (run.status, counts(run)) == ("done", (7, 0, 0, 1))
    failed = run.rows.get(state=ImportRow.State.FAILED)
    assert (failed.line, "nobody_is_p5" in failed.problem) == (7, True)
