"""Importing in the browser: upload, columns, preview, run, result."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from leads import imports
from leads.models import Import, Lead
from leads.tasks import resume_imports, run_import

pytestmark = pytest.mark.django_db

CONTENT = "Record ID,Name,Email,Create Date\n1,Anna <b>Berg,a@x.example,01/02/2026\n2,Bert,not one,01/03/2026\n"


@pytest.fixture(autouse=True)
def _media(settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def desk(mia, signed_in):
    return signed_in(mia)


def sent(content: str | bytes = CONTENT, **changes: str) -> dict[str, Any]:
    data = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile("leads.csv", data, content_type="text/csv")
    return {"file": file, "system": "HubSpot", "timezone": "Europe/Berlin"} | changes


def columns(*codes: str, **changes: str) -> dict[str, str]:
    chosen = {f"column_{place}": code for place, code in enumerate(codes)}
    return chosen | {"system": "HubSpot", "timezone": "Europe/Berlin", "date_format": "dmy"} | changes


CODES = ("external_id", "name", "email", "captured_at")


def uploaded(desk) -> Import:
    desk.post(reverse("leads:import_new"), sent())
    return Import.objects.get()


def url(name: str, run: Import) -> str:
    return reverse(f"leads:{name}", args=(run.public_id,))


def test_a_file_goes_in_step_by_step(desk, mia, inbound) -> None:
    answer = desk.post(reverse("leads:import_new"), sent())
    run = Import.objects.get()
    assert answer["Location"] == url("import_columns", run)
    assert (run.created_by, run.team) == (mia, inbound)
    page = desk.get(url("import_columns", run)).content.decode()
    assert '<option value="email" selected>' in page
    assert "Anna &lt;b&gt;Berg" in page
    asked = desk.post(url("import_columns", run), columns(*CODES, date_format=""))
    assert asked.status_code == 400
    assert "can be read in two ways" in asked.content.decode()
    assert desk.post(url("import_columns", run), columns(*CODES))["Location"] == url("import_detail", run)
    preview = desk.get(url("import_detail", run)).content.decode()
    assert "Nothing is saved yet" in preview
    assert "Will stay out" in preview
    assert "is no e-mail address" in preview
    assert not Lead.objects.exists()
    assert desk.post(url("import_run", run))["Location"] == url("import_detail", run)
    waiting = desk.get(url("import_detail", run)).content.decode()
    assert "waiting for a worker" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    assert run_import(run.pk) == "done"
    state = desk.get(url("import_detail", run), HTTP_HX_REQUEST="true").content.decode()
    assert "<html" not in state
    assert "hx-trigger" not in state
    assert "Done: 2 rows." in state
    assert url("import_errors", run) in state
    assert Lead.objects.get().name == "Anna <b>Berg"
    errors = b"".join(desk.get(url("import_errors", run)).streaming_content).decode()
    assert errors.splitlines()[1].startswith("2,Bert,not one,01/03/2026,3,Email: ")
    assert "leads.csv" in desk.get(reverse("leads:imports")).content.decode()


def test_run_that_no_worker_took_is_taken_up_later(desk, tuesday, monkeypatch) -> None:
    run = uploaded(desk)
    desk.post(url("import_columns", run), columns(*CODES))
    desk.post(url("import_run", run))
    Import.objects.update(beat_at=tuesday)
    assert resume_imports() == 1


def workbook() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [(workbook(), "Excel workbook"), (b"", "empty"), (b"\x00\x01\x02\x03" * 99, "binary"), (b"a,a\n1,2\n", "Two col")],
)
def test_what_is_no_csv_is_said_beside_the_file(desk, content: bytes, words: str) -> None:
    answer = desk.post(reverse("leads:import_new"), sent(content))
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert 'value="HubSpot"' in answer.content.decode()
    assert not Import.objects.exists()


def test_no_file_and_unknown_zone_are_named(desk) -> None:
    answer = desk.post(reverse("leads:import_new"), {"system": "x", "timezone": "Mars/Olympus"})
    assert answer.status_code == 400
    assert "Choose a CSV file." in answer.content.decode()
    assert "Mars/Olympus" in answer.content.decode()


def test_columns_without_identity_are_refused(desk) -> None:
    run = uploaded(desk)
    answer = desk.post(url("import_columns", run), columns("", "name", "", ""))
    assert answer.status_code == 400
    assert "No column tells who somebody is" in answer.content.decode()


def test_cancelled_import_stays_cancelled(desk) -> None:
    run = uploaded(desk)
    desk.post(url("import_columns", run), columns(*CODES))
    desk.post(url("import_cancel", run))
    assert "Cancelled after 0 of 2 rows" in desk.get(url("import_detail", run)).content.decode()
    desk.post(url("import_run", run))
    assert run_import(run.pk) == "cancelled"
    assert not Lead.objects.exists()


def test_a_second_click_on_run_does_nothing_twice(desk) -> None:
    run = uploaded(desk)
    desk.post(url("import_columns", run), columns(*CODES))
    for _click in range(2):
        desk.post(url("import_run", run))
    run_import(run.pk)
    assert run_import(run.pk) == "done"
    assert desk.post(url("import_columns", run), columns(*CODES)).status_code == 302
    assert Lead.objects.count() == 1


def test_who_comes_in(client, signed_in, mia, sam, nia, olga, ada, desk, max_, south) -> None:
    run = uploaded(desk)
    pages = [reverse("leads:imports"), reverse("leads:import_new"), url("import_columns", run)]
    for page in pages:
        assert client.get(page).status_code == 302
        assert signed_in(sam).get(page).status_code == 403
        assert signed_in(ada).get(page).status_code == 403
        assert [signed_in(user).get(page).status_code for user in (mia, max_, olga)] == [200, 200, 200]
    max_.team = south
    max_.save()
    stranger = signed_in(max_)
    assert stranger.get(url("import_detail", run)).status_code == 404
    assert stranger.post(url("import_run", run)).status_code == 404
    assert stranger.get(url("import_errors", run)).status_code == 404
    assert desk.get(url("import_run", run)).status_code == 405
    assert imports.visible_to(nia).count() == 0
