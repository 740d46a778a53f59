"""Bring files of leads in: upload, match columns, preview, run in the background, tell what became of each row.

A run takes chunks of rows, each in one transaction with its leads: a run that stopped anywhere goes on behind the last
row that is recorded, and each row goes in once.
"""

from __future__ import annotations

import logging
import zoneinfo
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import IO, Any, cast

from django.core.files import File
from django.db import DatabaseError, OperationalError, transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from leads import columns as known_columns
from leads import csv_files, intake
from leads.columns import TARGETS
from leads.csv_files import Layout, Row, Unreadable, WrongValue
from leads.facts import clean
from leads.intake import Arrival, Receipt, Refused
from leads.models import Import, ImportMapping, ImportRow, InteractionKind, Lead, Origin
from leadsla.accounts.models import Role, Team, User

log = logging.getLogger(__name__)

CHUNK = 500
PREVIEW = 20
LARGEST = 200 * 1024 * 1024
STALE = timedelta(minutes=2)  # without a sign of life for so long, a run counts as stopped

# What exports write where nothing is known. Not for names: somebody is called Null.
_NOTHING = frozenset({"n/a", "#n/a", "na", "null", "none", "nan", "-", "--", "—", "select", "(none)", "(blank)"})
_NAMES = frozenset({"name", "first_name", "last_name", "company_name"})


@dataclass(frozen=True)
class Outcome:
    """What became of a row."""

    row: Row
    state: str  # of ImportRow.State
    problem: str = ""
    lead: Lead | None = None


Take = Callable[[Import, Sequence[Row], datetime], list[Outcome]]


# --- who sees which --------------------------------------------------------------------------------------------------


def visible_to(user: User) -> QuerySet[Import]:
    """Return the imports that a person sees: operations all, others their own and their team's."""
    if user.has_role(Role.OPERATIONS):
        return Import.objects.all()
    return Import.objects.filter(Q(created_by=user) | Q(team=user.team_id, team__isnull=False))


# --- upload and columns ----------------------------------------------------------------------------------------------


def upload(
    file: File[bytes],
    *,
    name: str,
    system: str,
    timezone: str,
    now: datetime,
    by: User | None = None,
    team: Team | None = None,
    kind: str = Import.Kind.LEADS,
    guess: Callable[[Sequence[str]], dict[str, str]] = known_columns.guess,
) -> Import:
    """Keep a file and find out how it is to be read; its columns are matched as last time, else by their names.

    Args:
        file: what was uploaded.
        name: of the file, to show.
        system: where it comes from; "" takes the one of the last file with these headers.
        timezone: of its dates; "" as the system.
        now: this moment.
        by: who uploads.
        team: whose new leads are.
        kind: of `Import.Kind`.
        guess: matches headers with what they hold.

    Raises:
        Unreadable: it cannot be imported.
    """
    if (file.size or 0) > LARGEST:
        raise Unreadable(_("The file is larger than 200 MB. Split it into several."))
    raw = cast("IO[bytes]", file)
    layout = csv_files.inspect(raw)
    remembered = ImportMapping.objects.filter(
        headers_hash=known_columns.headers_hash(layout.columns), kind=kind
    ).first()
    run = Import(
        kind=kind,
        file_name=clean(name)[:250],
        system=system or (remembered.system if remembered else ""),
        timezone=timezone or (remembered.timezone if remembered else "UTC"),
        encoding=layout.encoding,
        delimiter=layout.delimiter,
        columns=list(layout.columns),
        mapping=_still_there(remembered.mapping, layout) if remembered else guess(layout.columns),
        rows_total=csv_files.count(raw, layout),
        created_by=by,
        team=team,
        created_at=now,
    )
    raw.seek(0)
    run.file.save("rows.csv", file, save=False)
    run.save()
    return run


def _still_there(mapping: Mapping[str, str], layout: Layout) -> dict[str, str]:
    return {column: code for column, code in mapping.items() if column in layout.columns}


def layout_of(run: Import) -> Layout:
    """Return how a run's file is to be read."""
    with run.file.open("rb") as file:
        start = csv_files.inspect(file).first_line
    return Layout(run.encoding, run.delimiter, tuple(run.columns), start)


def samples(run: Import, *, most: int = 3) -> dict[str, list[str]]:
    """Return a few filled cells of each column, to see what it holds."""
    layout = layout_of(run)
    found: dict[str, list[str]] = {column: [] for column in run.columns}
    with run.file.open("rb") as file:
        for row in islice(csv_files.rows(file, layout), 50):
            for column, cell in csv_files.as_dict(row, run.columns).items():
                text = cell.strip()
                if text and len(found[column]) < most and text not in found[column]:
                    found[column].append(text[:60])
    return found


def date_order(run: Import, column: str) -> str:
    """Return how a column writes dates; "" when it can be read in two ways."""
    layout = layout_of(run)
    with run.file.open("rb") as file:
        return csv_files.date_format(csv_files.column(file, layout, column))


def match(
    run: Import,
    *,
    mapping: Mapping[str, str],
    system: str,
    timezone: str,
    now: datetime,
    date_format: str = "",
    is_history: bool = False,
    overwrites: bool = False,
) -> None:
    """Say what the columns hold and how the file goes in; remembered for the next file with these headers.

    Args:
        run: uploaded or ready; one that has begun is left alone.
        mapping: column → code of a target; columns without one are left out.
        system: where the file comes from; ids are unique within it.
        timezone: of dates that name none.
        now: this moment.
        date_format: "ymd", "dmy", "mdy"; "" finds it out.
        is_history: a past: no handover, outside compliance.
        overwrites: replace what is known instead of filling what is empty.

    Raises:
        Refused: under `columns`, `system`, `timezone` or `date_format` why not.
    """
    wanted = {column: code for column, code in mapping.items() if code}
    errors = wrong_reading(timezone=timezone, date_format=date_format)
    if wrong := _wrong_mapping(run, wanted):
        errors["columns"] = wrong
    if not system and "external_id" in wanted.values():
        errors["system"] = _("Say which system the ids come from, as HubSpot.")
    if len(system) > 60:
        errors["system"] = _("At most 60 characters fit here.")
    dates = next((column for column, code in wanted.items() if code == "captured_at" and column in run.columns), "")
    if dates and not date_format:
        date_format = date_order(run, dates)
        if not date_format:
            errors["date_format"] = _(
                "The dates in “%(column)s” can be read in two ways. Say whether the day or the month comes first."
            ) % {"column": dates}
    if errors:
        raise Refused(errors)
    keep_match(
        run,
        now=now,
        mapping=wanted,
        system=system,
        timezone=timezone,
        date_format=date_format,
        is_history=is_history,
        overwrites=overwrites,
    )


def keep_match(
    run: Import,
    *,
    mapping: Mapping[str, str],
    system: str,
    timezone: str,
    date_format: str,
    now: datetime,
    **how: bool | str,
) -> None:
    """Write down what a file's columns hold, checked before; the next file with these headers is matched the same.

    Args:
        run: uploaded or ready.
        mapping: column → code of a target.
        system: where the file comes from.
        timezone: of dates that name none.
        date_format: of `csv_files.DATE_FORMATS`.
        now: this moment.
        **how: the other fields of the import that say how it goes in; these are not remembered.

    Raises:
        Refused: it has begun.
    """
    begun = ~Q(status__in=[Import.Status.UPLOADED, Import.Status.READY])
    if Import.objects.filter(begun, pk=run.pk).exists():
        raise Refused({"columns": _("This import has begun already; its columns cannot be changed any more.")})
    remembered = {"mapping": mapping, "system": system, "timezone": timezone, "date_format": date_format}
    told = {**remembered, **how, "status": Import.Status.READY}
    for name, value in told.items():
        setattr(run, name, value)
    run.save(update_fields=list(told))
    ImportMapping.objects.update_or_create(
        headers_hash=known_columns.headers_hash(run.columns), kind=run.kind, defaults={**remembered, "used_at": now}
    )


def wrong_columns(run: Import, wanted: Mapping[str, str], labels: Mapping[str, StrOrPromise]) -> str:
    """Say which columns the file does not have or mean the same; "" when none.

    Args:
        run: uploaded.
        wanted: column → code of a target.
        labels: code → what people call a target.
    """
    if unknown := [column for column in wanted if column not in run.columns]:
        words = {"column": unknown[0], "known": ", ".join(run.columns)}
        return _("The file has no column “%(column)s”. It has: %(known)s.") % words
    codes = list(wanted.values())
    if twice := [code for code in labels if codes.count(code) > 1]:
        return _("Two columns are matched with “%(label)s”. Choose one of them.") % {"label": labels[twice[0]]}
    return ""


def wrong_reading(*, timezone: str, date_format: str) -> dict[str, str]:
    """Say under `timezone` and `date_format` why dates cannot be read so; a format may be left open."""
    errors: dict[str, str] = {}
    if timezone not in zoneinfo.available_timezones():
        errors["timezone"] = _("“%(zone)s” is not a time zone. Use a name like Europe/Berlin.") % {"zone": timezone}
    if date_format not in {"", *csv_files.DATE_FORMATS}:
        errors["date_format"] = _("Use one of: ymd, dmy, mdy.")
    return errors


def _wrong_mapping(run: Import, wanted: Mapping[str, str]) -> str:
    codes = set(wanted.values())
    if wrong := wrong_columns(run, wanted, {code: target.label for code, target in TARGETS.items()}):
        return wrong
    if unknown := sorted(codes - set(TARGETS)):
        words = {"code": unknown[0], "known": ", ".join(TARGETS)}
        return _("“%(code)s” is no field of a lead. Use one of: %(known)s.") % words
    has_name = bool({"name", "first_name", "last_name"} & codes)
    if not {"external_id", "email", "phone"} & codes and not (has_name and "company_name" in codes):
        return _(
            "No column tells who somebody is. Match an id, an e-mail, a phone, or name and company: "
            "without them nobody can be recognised again."
        )
    return ""


# --- rows ------------------------------------------------------------------------------------------------------------


def arrival_of(run: Import, row: Row) -> Arrival:
    """Turn a row into what intake takes.

    Raises:
        Refused: a cell cannot be read; under its column why.
    """
    told: dict[str, str] = {}
    for column, cell in csv_files.as_dict(row, run.columns).items():
        code = run.mapping.get(column, "")
        text = cell.strip()
        if code and text and (code in _NAMES or text.lower() not in _NOTHING):
            told[code] = text
    parts = [told.pop(code, "") for code in ("first_name", "last_name")]
    if any(parts) and not told.get("name"):
        told["name"] = " ".join(part for part in parts if part)
    moment, is_date = None, False
    if written := told.pop("captured_at", ""):
        try:
            moment, is_date = csv_files.parse_moment(written, run.date_format, zoneinfo.ZoneInfo(run.timezone))
        except WrongValue as wrong:
            raise Refused({"captured_at": str(wrong)}) from wrong
    external = told.pop("external_id", "")
    return Arrival(
        external={run.system: external} if external else {},
        source=told.pop("source", None),
        campaign=told.pop("campaign", None),
        # Without a date nothing is known to have happened, and the same file again changes nothing.
        kind=InteractionKind.IMPORTED if moment else None,
        occurred_at=moment,
        is_date=is_date,
        detail=run.system,
        key=f"import:{run.system}:{external}"[:190],
        via="import",
        on_existing="overwrite" if run.overwrites else "fill",
        facts=dict(told),
    )


def _in_words(run: Import, errors: Mapping[str, str]) -> str:
    """Tell what is wrong with a row under the names of its columns."""
    column_of = {code: column for column, code in run.mapping.items()}
    column_of |= {
        "occurred_at": column_of.get("captured_at", ""),
        f"external.{run.system}": column_of.get("external_id", ""),
    }
    return " ".join(f"{column_of[name]}: {text}" if column_of.get(name) else text for name, text in errors.items())


def take_leads(run: Import, rows: Sequence[Row], now: datetime) -> list[Outcome]:
    """Take rows in as leads, in one batch; a row that cannot be read is told and stays out."""
    found: dict[int, Outcome] = {}
    good: list[tuple[Row, Arrival]] = []
    for row in rows:
        if row.problem:
            found[row.line] = Outcome(row, ImportRow.State.FAILED, row.problem)
            continue
        try:
            arrival = arrival_of(run, row)
            intake.check(arrival, now=now)
        except Refused as refused:
            found[row.line] = Outcome(row, ImportRow.State.FAILED, _in_words(run, refused.errors))
        else:
            good.append((row, arrival))
    for outcome in _received(run, good, now):
        found[outcome.row.line] = outcome
    return [found[row.line] for row in rows]


def _received(run: Import, good: Sequence[tuple[Row, Arrival]], now: datetime) -> list[Outcome]:
    try:
        with transaction.atomic():
            receipts = _receive(run, [arrival for _row, arrival in good], now)
    except (DatabaseError, ValueError) as error:
        if len(good) == 1:
            return [
                Outcome(good[0][0], ImportRow.State.FAILED, _("It could not be saved: %(error)s") % {"error": error})
            ]
        # One row of the batch is bad in a way that nobody thought of: halves find it, and the others go in.
        half = len(good) // 2
        return [*_received(run, good[:half], now), *_received(run, good[half:], now)]
    return [
        Outcome(row, _state(receipt), " ".join(receipt.problems), receipt.lead)
        for (row, _arrival), receipt in zip(good, receipts, strict=True)
    ]


def _receive(run: Import, arrivals: Sequence[Arrival], now: datetime) -> list[Receipt]:
    """Receive rows; new leads of today are the marketer's who imports them, a past is nobody's but the team's."""
    by = run.created_by
    is_marketer = by is not None and by.has_role(Role.MARKETER, Role.MARKETING_MANAGER)
    return intake.receive_many(
        arrivals,
        now=now,
        by=by,
        team=run.team,
        owner=by if is_marketer and not run.is_history else None,
        origin=Origin.IMPORT if run.is_history else Origin.LIVE,
    )


def _state(receipt: Receipt) -> str:
    if receipt.is_new:
        return ImportRow.State.CREATED
    return ImportRow.State.UPDATED if receipt.is_changed else ImportRow.State.UNCHANGED


def preview(run: Import, *, now: datetime, take: Take = take_leads, most: int = PREVIEW) -> list[Outcome]:
    """Tell what will happen to the first rows: they are taken in as in the run, and then taken back."""
    layout = layout_of(run)
    with run.file.open("rb") as file:
        rows = list(islice(csv_files.rows(file, layout), most))
    with transaction.atomic():
        outcomes = take(run, rows, now)
        transaction.set_rollback(True)
    return outcomes


# --- the run ---------------------------------------------------------------------------------------------------------


def begin(run: Import, *, now: datetime) -> bool:
    """Let a matched import run; False when it runs already or is over."""
    return bool(
        Import.objects.filter(pk=run.pk, status__in=[Import.Status.READY, Import.Status.FAILED]).update(
            status=Import.Status.RUNNING, started_at=now, beat_at=now, problem="", finished_at=None
        )
    )


def cancel(run: Import, *, now: datetime) -> bool:
    """Stop an import before its next rows; what is in stays in. False when it is over already."""
    open_ones = [Import.Status.UPLOADED, Import.Status.READY, Import.Status.RUNNING, Import.Status.FAILED]
    return bool(
        Import.objects.filter(pk=run.pk, status__in=open_ones).update(status=Import.Status.CANCELLED, finished_at=now)
    )


def stopped(*, now: datetime, kind: str = Import.Kind.LEADS) -> list[int]:
    """Return the ids of imports whose worker gives no sign of life any more."""
    quiet = Import.objects.filter(kind=kind, status=Import.Status.RUNNING, beat_at__lt=now - STALE)
    return list(quiet.values_list("pk", flat=True))


def run_through(run_id: int, *, now: Callable[[], datetime], take: Take = take_leads, chunk: int = CHUNK) -> Import:
    """Take in all rows that are not in yet, chunk by chunk.

    Args:
        run_id: of an import that was begun; any other is left alone.
        now: reads the clock, before each chunk.
        take: what to do with rows; runs in the chunk's transaction.
        chunk: rows in a transaction.

    Returns:
        The import as it stands: done, cancelled meanwhile, or failed because its file cannot be read or it broke.
    """
    run = Import.objects.get(pk=run_id)
    if run.status != Import.Status.RUNNING:
        return run
    try:
        layout = layout_of(run)
        with run.file.open("rb") as file:
            is_over = all(
                _take_chunk(run.pk, rows, now=now(), take=take) for rows in _chunks(csv_files.rows(file, layout), chunk)
            )
    except (OSError, Unreadable) as error:
        _fail(run_id, _("The file cannot be read any more: %(error)s") % {"error": error}, now=now())
    except OperationalError:
        raise  # the database went away: it is taken up again where it stopped
    except Exception:
        # Taken up again by itself, it would fail so for ever.
        log.exception("Import %s cannot go on", run.public_id)
        _fail(run_id, _("Something went wrong on our side. What is in stays in; let it go on, or tell us."), now=now())
    else:
        if is_over:
            Import.objects.filter(pk=run_id, status=Import.Status.RUNNING).update(
                status=Import.Status.DONE, finished_at=now()
            )
    return Import.objects.get(pk=run_id)


def _fail(run_id: int, problem: str, *, now: datetime) -> None:
    Import.objects.filter(pk=run_id, status=Import.Status.RUNNING).update(
        status=Import.Status.FAILED, finished_at=now, problem=problem
    )


def _chunks(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, size)):
        yield chunk


@transaction.atomic
def _take_chunk(run_id: int, rows: Sequence[Row], *, now: datetime, take: Take) -> bool:
    """Take in those of some rows that are not in yet; False when the import was stopped meanwhile.

    The row of the import is locked: of two workers on one import, the second waits and finds these rows done.
    """
    run = Import.objects.select_for_update(of=("self",)).select_related("team", "created_by").get(pk=run_id)
    if run.status != Import.Status.RUNNING:
        return False
    done = run.rows.aggregate(last=Max("line"))["last"] or 0
    rows = [row for row in rows if row.line > done]
    if not rows:
        return True
    outcomes = take(run, rows, now)
    ImportRow.objects.bulk_create(
        [
            ImportRow(
                run=run,
                line=outcome.row.line,
                cells=list(outcome.row.cells),
                state=outcome.state,
                problem=outcome.problem,
                lead=outcome.lead,
            )
            for outcome in outcomes
        ]
    )
    counts: dict[str, Any] = {
        f"rows_{state}": F(f"rows_{state}") + sum(outcome.state == state for outcome in outcomes)
        for state in ("created", "updated", "unchanged", "failed")
    }
    Import.objects.filter(pk=run_id).update(beat_at=now, rows_done=F("rows_done") + len(outcomes), **counts)
    return True


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        percent: of its rows.
        left: how long it may take; None until that can be told.
        is_waiting: no worker has taken it up yet.
    """

    percent: int
    left: timedelta | None
    is_waiting: bool


def progress(run: Import, *, now: datetime) -> Progress:
    """Tell how far a run is and how long it may take."""
    done, total = run.rows_done, max(run.rows_total, run.rows_done)
    left = None
    if run.started_at and run.beat_at and done:
        left = (run.beat_at - run.started_at) * (total - done) / done
    return Progress(
        percent=done * 100 // total if total else 0,
        left=left,
        is_waiting=run.status == Import.Status.RUNNING and not done,
    )


def error_file(run: Import) -> Iterator[str]:
    """Yield a CSV file of the rows that did not go in, as they came, with line and reason; to send again."""
    failed = run.rows.filter(state=ImportRow.State.FAILED).order_by("line").iterator(chunk_size=1000)
    yield "\ufeff"  # Excel reads UTF-8 only with this mark
    yield from csv_files.error_lines(
        columns=run.columns,
        delimiter=run.delimiter,
        failed=(Row(row.line, tuple(row.cells), row.problem) for row in failed),
    )
