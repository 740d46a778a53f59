"""Read CSV files as people send them: encoding, delimiter, header, rows with their lines, dates and amounts.

Knows nothing of leads. What cannot be read is refused in words (`Unreadable`), one bad row is told with its line.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import IO, TYPE_CHECKING
from zoneinfo import ZoneInfo

from charset_normalizer import from_bytes
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

DELIMITERS = (",", ";", "\t", "|")
SAMPLE = 256 * 1024
MOST_COLUMNS = 500
DATE_FORMATS = ("ymd", "dmy", "mdy")

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "xlsx"),
    (b"PK\x05\x06", "xlsx"),
    (b"\xd0\xcf\x11\xe0", "xls"),
    (b"%PDF", "pdf"),
    (b"\x1f\x8b", "gzip"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
    (b"{\\rtf", "rtf"),
)
# What text in a western language holds beyond ASCII; a file with nothing else is Windows-1252.
_WESTERN = frozenset(
    "äöüßÄÖÜéèêëàâáãåæçñóôõøúûùíîïìòÿýÉÈÊËÀÂÁÃÅÆÇÑÓÔÕØÚÛÙÍÎÏÌÒŸÝœŒšŠžŽ€–—’‘“”„‚‹›«»…•·°§´²³½¼¾©®™£¥¢±×÷µ¿¡ªº¨¯¸¶¬†‡‰ˆ˜\xa0\xad"
)


class Unreadable(ValueError):  # noqa: N818  # it names what happened
    """The file cannot be imported; the text says why and what to do."""


class WrongValue(ValueError):  # noqa: N818  # it names what happened
    """A cell cannot be read as what its column holds; the text says why."""


@dataclass(frozen=True)
class Layout:
    """How a file is to be read.

    Attributes:
        encoding: as Python calls it.
        delimiter: between cells.
        columns: names in the header, in order; a column without a name is called by its place.
        first_line: line of the header, from 1.
    """

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    first_line: int = 1


@dataclass(frozen=True)
class Row:
    """One record of a file.

    Attributes:
        line: where it starts, from 1; quoted line breaks make a record longer than a line.
        cells: as they came, as many as there are.
        problem: why the record cannot be read; "" when it can.
    """

    line: int
    cells: tuple[str, ...]
    problem: str = ""


def as_dict(row: Row, columns: Sequence[str]) -> dict[str, str]:
    """Return a row's cells under the names of their columns."""
    return dict(zip(columns, row.cells, strict=False))


# A text that starts so is run as a formula by spreadsheets, unless apostrophes stand before it.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def inert(text: str) -> str:
    """Return a text that no spreadsheet runs: with an apostrophe before it where it starts like a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def _as_typed(cell: str) -> str:
    """Take the apostrophe away that `inert` and spreadsheets set before a formula."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


# --- detection -------------------------------------------------------------------------------------------------------


def inspect(file: IO[bytes]) -> Layout:
    """Find out how a file is to be read. Reads it once from the start, in constant memory.

    Raises:
        Unreadable: it is no CSV, is empty, or has no usable header.
    """
    file.seek(0)
    start = file.read(SAMPLE)
    if not start.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00"):
        raise Unreadable(_("The file is empty. Export it again and check that it holds rows."))
    _refuse_other_kinds(start)
    encoding = _encoding(file, start)
    text = _sample_text(start, encoding)
    _refuse_other_texts(text)
    separator_line = re.match(r"sep=(.)\r?\n", text, re.IGNORECASE)
    if separator_line:
        text = text[separator_line.end() :]
    delimiter = separator_line[1] if separator_line and separator_line[1] in DELIMITERS else _delimiter(text)
    records = [record for record in _records(text, delimiter, most=50) if any(cell.strip() for cell in record)]
    if not records:
        raise Unreadable(_("The file is empty. Export it again and check that it holds rows."))
    blank = len(text) - len(text.lstrip("\r\n"))
    first_line = 1 + bool(separator_line) + text[:blank].count("\n")
    columns = _header(records[0])
    if len(records) < 2:
        raise Unreadable(_("The file has column names but no rows."))
    return Layout(encoding=encoding, delimiter=delimiter, columns=columns, first_line=first_line)


def _refuse_other_kinds(start: bytes) -> None:
    kind = next((kind for magic, kind in _MAGIC if start.startswith(magic)), "")
    if kind in {"xlsx", "xls"}:
        raise Unreadable(_("This is an Excel workbook, whatever its name says. Open it and save it as “CSV UTF-8”."))
    if kind:
        raise Unreadable(_("This is no CSV file but a %(kind)s file. Export the list as CSV.") % {"kind": kind})


def _refuse_other_texts(text: str) -> None:
    head = text.lstrip()[:200].lower()
    if head.startswith(("<!doctype", "<html", "<?xml")):
        raise Unreadable(_("This is a web page or XML, not a CSV file. Sign in to the other system and export as CSV."))
    if re.match(r'[\[{]\s*["{\[]', head):
        raise Unreadable(_("This is JSON, not a CSV file. Export the list as CSV."))


def _encoding(file: IO[bytes], start: bytes) -> str:
    """Return the encoding: by its mark, as UTF-8 if all of it is, else by what is likely."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if start.startswith(mark):
            return encoding
    zeros = start[:4096].count(0)
    if zeros > len(start[:4096]) // 3:
        return "utf-16-le" if start[1:4096:2].count(0) > start[0:4096:2].count(0) else "utf-16-be"
    if zeros or sum(byte < 9 or 13 < byte < 27 for byte in start) > len(start) // 100:
        raise Unreadable(_("This is no CSV file: it holds binary data. Export the list as CSV."))
    if _decodes(file, "utf-8"):
        return "utf-8"
    odd = _lines_beyond_ascii(file)
    western = set(odd.decode("cp1252", "replace")) - {chr(code) for code in range(128)}
    if western <= _WESTERN:
        return "cp1252"
    guess = from_bytes(odd).best()
    encoding = str(guess.encoding) if guess else "cp1252"
    return encoding if _decodes(file, encoding) else "latin-1"


def _decodes(file: IO[bytes], encoding: str) -> bool:
    """Tell whether a whole file is text in an encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while part := file.read(SAMPLE):
            decoder.decode(part)
        decoder.decode(b"", final=True)
    except (UnicodeDecodeError, UnicodeError):
        return False
    return True


def _lines_beyond_ascii(file: IO[bytes]) -> bytes:
    """Return the first lines that tell something about the encoding, at most 64 KB of them."""
    file.seek(0)
    found: list[bytes] = []
    size = 0
    for line in iter(lambda: file.readline(SAMPLE), b""):
        if not line.isascii():
            found.append(line)
            size += len(line)
            if size > 65536:
                break
    return b"".join(found)


def _sample_text(start: bytes, encoding: str) -> str:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    return decoder.decode(start)


def _records(text: str, delimiter: str, *, most: int) -> list[list[str]]:
    """Return the first records of a text; what is cut off at its end may be broken."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found: list[list[str]] = []
    try:
        for record in islice(reader, most):
            found.append(record)  # noqa: PERF402  # what was read before an error counts
    except csv.Error:
        pass
    return found


def _delimiter(text: str) -> str:
    """Return the delimiter that cuts most records into as many cells as the header has."""
    best, best_rank = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        records = [record for record in _records(text, delimiter, most=50) if record]
        if not records or len(records[0]) < 2:
            continue
        width = len(records[0])
        rank = (round(sum(len(record) == width for record in records) / len(records), 1), width)
        if rank > best_rank:
            best, best_rank = delimiter, rank
    return best


def _header(record: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns, or refuse a first line that has none."""
    names = [" ".join(_as_typed(cell.replace("\x00", "")).split()) for cell in record]
    while names and not names[-1]:
        names.pop()
    if len(names) == 1 and any(mark in names[0] for mark in DELIMITERS):
        raise Unreadable(
            _("Each line is one quoted field (“%(line)s”). Export the file without quotes around the whole line.")
            % {"line": names[0][:60]}
        )
    if len(names) > MOST_COLUMNS:
        raise Unreadable(_("The file has %(count)d columns; at most 500 can be read.") % {"count": len(names)})
    if data := next((name for name in names if _is_data(name)), None):
        raise Unreadable(
            _("The first line looks like data (“%(cell)s”), not like column names. Put a line with the names above it.")
            % {"cell": data[:60]}
        )
    seen: dict[str, str] = {}
    for name in names:
        if name and name.lower() in seen:
            raise Unreadable(
                _("Two columns are called “%(name)s”. Rename one of them, so that it is clear which is meant.")
                % {"name": name[:60]}
            )
        seen[name.lower()] = name
    return tuple(name or _("column %(place)d") % {"place": place} for place, name in enumerate(names, start=1))


def _is_data(name: str) -> bool:
    """Tell whether a cell of the first line cannot be a name: an address, a number, a date, a key."""
    return bool(
        re.fullmatch(r"[^@\s]+@[^@\s]+\.\w+", name)
        or re.fullmatch(r"[+(]?[\d\s().,/:+-]{3,}", name)
        or re.fullmatch(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", name, re.IGNORECASE)
        or re.fullmatch(r"\d{4}-\d{2}-\d{2}([T ][\d:.]+)?Z?", name)
    )


# --- rows ------------------------------------------------------------------------------------------------------------


class _Unclosed(io.RawIOBase):
    """Read a file that stays open when its reader is thrown away."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self.file = file

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer from the file."""
        view = memoryview(buffer).cast("B")
        part = self.file.read(len(view))
        view[: len(part)] = part
        return len(part)


def rows(file: IO[bytes], layout: Layout) -> Iterator[Row]:
    """Yield the records below the header, one at a time; blank lines are left out."""
    file.seek(0)
    lines = io.TextIOWrapper(
        io.BufferedReader(_Unclosed(file), SAMPLE), encoding=layout.encoding, errors="replace", newline=""
    )
    for _line in range(layout.first_line - 1):
        next(lines, "")
    reader = csv.reader(lines, delimiter=layout.delimiter, strict=True)
    width = len(layout.columns)
    is_header = True
    while True:
        line = layout.first_line + reader.line_num
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if not is_header:
                yield Row(line, (), _broken(str(error)))
            is_header = False
            continue
        if is_header:
            is_header = False
            continue
        cells = tuple(_as_typed(cell.replace("\x00", "")) for cell in record)
        while len(cells) > width and not cells[-1].strip():
            cells = cells[:-1]
        if any(cell.strip() for cell in cells):
            yield Row(line, cells, _ragged(cells, width, layout.delimiter))


def _broken(error: str) -> str:
    if "field larger" in error or "unexpected end" in error:
        return _("A quote opens here and is never closed. Close it, or double quotes that belong to the text.")
    return _("The quotes of this row are broken: text follows a closing quote. Double quotes that belong to the text.")


def _ragged(cells: Sequence[str], width: int, delimiter: str) -> str:
    if len(cells) == width:
        return ""
    if len(cells) == 1 and cells[0].count(delimiter) >= width - 1:
        return _("The whole row stands in one quoted field. Remove the quotes around the line.")
    return _("This row has %(cells)d cells, the header %(width)d. Add what is missing or quote the delimiter.") % {
        "cells": len(cells),
        "width": width,
    }


def count(file: IO[bytes], layout: Layout) -> int:
    """Return how many records stand below the header."""
    return sum(1 for _row in rows(file, layout))


def column(file: IO[bytes], layout: Layout, name: str, *, most: int = 200_000) -> Iterator[str]:
    """Yield the cells of a column that are filled."""
    place = layout.columns.index(name)
    for row in islice(rows(file, layout), most):
        if not row.problem and row.cells[place].strip():
            yield row.cells[place].strip()


def error_lines(*, columns: Sequence[str], delimiter: str, failed: Iterable[Row]) -> Iterator[str]:
    """Yield a CSV file of rows that did not go in, as they came, with line and reason behind their cells.

    What a spreadsheet would run gets an apostrophe, which `rows` takes away again.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow([*map(inert, columns), _("line"), _("reason")])
    for row in failed:
        yield _taken(out)
        padded = [*row.cells, *[""] * (len(columns) - len(row.cells))]
        writer.writerow([*map(inert, padded), row.line, inert(row.problem)])
    yield _taken(out)


def _taken(out: io.StringIO) -> str:
    """Empty a buffer and return what was in it."""
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text


# --- values ----------------------------------------------------------------------------------------------------------

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_LOCAL = re.compile(r"(\d{1,2})([-/.])\s?(\d{1,2})\2\s?(\d{4}|\d{2})")
_WORDS = re.compile(r"(?:(\d{1,2})\.?[ -]([A-Za-zä]{3,9})\.?|([A-Za-zä]{3,9})\.? (\d{1,2})),?[ -](\d{4})")
_TIME = re.compile(
    r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([ap]\.?m\.?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?", re.IGNORECASE
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "january", "januar"),
            ("feb", "february", "februar"),
            ("mar", "march", "mär", "märz"),
            ("apr", "april"),
            ("may", "mai"),
            ("jun", "june", "juni"),
            ("jul", "july", "juli"),
            ("aug", "august"),
            ("sep", "sept", "september"),
            ("oct", "october", "okt", "oktober"),
            ("nov", "november"),
            ("dec", "december", "dez", "dezember"),
        ),
        start=1,
    )
    for name in names
}


def date_format(values: Iterable[str]) -> str:
    """Tell how a column writes its dates, from all that it holds.

    Returns:
        "ymd", "dmy" or "mdy"; "" when the values fit both of the last two, so that a person must say.
    """
    may_be = {"dmy", "mdy"}
    is_local = False
    for value in values:
        match = _LOCAL.match(value.strip())
        if match is None:
            continue
        is_local = True
        if match[2] == ".":
            may_be.discard("mdy")  # with dots the day comes first everywhere
        if int(match[1]) > 12:
            may_be.discard("mdy")
        if int(match[3]) > 12:
            may_be.discard("dmy")
    if not is_local:
        return "ymd"
    # A column that holds both kinds is read as nothing: whatever is said, some of its rows are told as wrong.
    return next(iter(may_be)) if len(may_be) == 1 else ""


def parse_moment(text: str, order: str, zone: ZoneInfo) -> tuple[datetime, bool]:
    """Read a date with or without a time.

    Args:
        text: as `2018-02-26 19:58:54`, `26.02.2018`, `2/26/2018 7:58 PM`, `26 Feb 2018`.
        order: "ymd", "dmy" or "mdy" for dates that do not begin with the year; "" refuses those.
        zone: of times that name none.

    Returns:
        The moment and whether only the day is known; then it is the day's midnight in the zone.

    Raises:
        WrongValue: it is no date in that order.
    """
    told = text.strip()
    day, rest = _day(told, order)
    rest = rest.strip(" ,T\u00a0\u202f")
    if not rest:
        return at_wall_time(day, time(), zone), True
    match = _TIME.fullmatch(rest)
    if match is None:
        raise WrongValue(_("“%(text)s” is no time that can be read.") % {"text": told[:40]})
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if match[4]:
        if not 1 <= hour <= 12:
            raise WrongValue(_("“%(text)s” is no time that can be read.") % {"text": told[:40]})
        hour = hour % 12 + (12 if match[4].lower().startswith("p") else 0)
    try:
        clock = time(hour, minute, second)
    except ValueError:
        raise WrongValue(_("“%(text)s” is no time that can be read.") % {"text": told[:40]}) from None
    if match[5]:
        offset = "+00:00" if match[5].upper() in {"Z", "UTC"} else match[5]
        return datetime.fromisoformat(f"{day.isoformat()}T{clock.isoformat()}{offset}"), False
    return at_wall_time(day, clock, zone), False


def _day(text: str, order: str) -> tuple[date, str]:
    """Return the day that a text begins with and what follows it."""
    if match := _ISO.match(text):
        year, month, day = int(match[1]), int(match[2]), int(match[3])
    elif match := _LOCAL.match(text):
        if order == "ymd":
            raise WrongValue(_("“%(text)s” does not begin with the year, as 2026-03-31.") % {"text": text[:40]})
        if order not in {"dmy", "mdy"}:
            raise WrongValue(
                _("“%(text)s” does not say whether the day or the month comes first.") % {"text": text[:40]}
            )
        first, second, year = int(match[1]), int(match[3]), int(match[4])
        day, month = (first, second) if order == "dmy" else (second, first)
        year += (2000 if year < 70 else 1900) if year < 100 else 0
    elif match := _WORDS.match(text):
        day, year = int(match[1] or match[4]), int(match[5])
        month = _MONTHS.get((match[2] or match[3]).lower(), 0)
    else:
        raise WrongValue(_("“%(text)s” is no date. Write it as 2026-03-31.") % {"text": text[:40]})
    try:
        return date(year, month, day), text[match.end() :]
    except ValueError:
        orders = {"dmy": _("day, month, year"), "mdy": _("month, day, year")}
        if order in orders and not _ISO.match(text):
            raise WrongValue(
                _("“%(text)s” is no date when read as %(order)s.") % {"text": text[:40], "order": orders[order]}
            ) from None
        raise WrongValue(_("“%(text)s” is no date of the calendar.") % {"text": text[:40]}) from None


def at_wall_time(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Return a wall clock's moment; one that a change of the clock skips is the instant of the change."""
    told = datetime.combine(day, clock, tzinfo=zone)
    utc = ZoneInfo("UTC")
    if told.astimezone(utc).astimezone(zone).replace(tzinfo=None) == told.replace(tzinfo=None):
        return told
    # In a gap the offsets before and after give moments after and before the change; the change lies between them.
    late, early = told.astimezone(utc), told.replace(fold=1).astimezone(utc)
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0).astimezone(zone)


def decimal_mark(values: Iterable[str]) -> str:
    """Tell how a column writes decimals.

    Returns:
        "." or ","; "" when the values fit both (`1.234` is a thousand or one and a bit), so that a person must say.
    """
    is_open = False
    for value in values:
        digits = re.sub(r"[^\d.,]", "", value)
        marks: list[str] = re.findall(r"[.,]", digits)
        if not marks:
            continue
        if len(set(marks)) == 2:
            return marks[-1]
        if len(marks) > 1:
            return "," if marks[0] == "." else "."
        if len(digits.rpartition(marks[0])[2]) != 3 or len(digits.partition(marks[0])[0]) > 3:
            return marks[0]
        is_open = True
    return "" if is_open else "."


def parse_amount(text: str, mark: str = ".") -> Decimal:
    """Read an amount with or without a currency: `1.234,56 €`, `$1,234.56`, `EUR 1 234,50`, `(120.00)`.

    Args:
        text: the cell.
        mark: the decimal mark, "." or ",".

    Raises:
        WrongValue: it is no amount with that mark.
    """
    told = text.strip()
    plain = re.sub(r"[A-Z]{3}|[€$£¥₹₽₺R]\$?|[\s\u00a0\u202f'’]", "", told)
    is_negative = plain.startswith(("-", "−", "(")) or plain.endswith("-")
    plain = plain.strip("-−+()")
    group = "," if mark == "." else "."
    if not re.fullmatch(rf"(\d+|\d{{1,3}}({re.escape(group)}\d{{3}})+)?({re.escape(mark)}\d*)?", plain) or not plain:
        raise WrongValue(
            _("“%(text)s” is no amount with “%(mark)s” before the decimals.") % {"text": told[:40], "mark": mark}
        )
    try:
        amount = Decimal(plain.replace(group, "").replace(mark, "."))
    except InvalidOperation:
        raise WrongValue(_("“%(text)s” is no amount.") % {"text": told[:40]}) from None
    return -amount if is_negative else amount


def currency(text: str) -> str:
    """Return the ISO 4217 code that an amount names; "" when it names none."""
    if match := re.search(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])", text):
        return str(match[0])
    signs = {"€": "EUR", "£": "GBP", "R$": "BRL", "¥": "JPY", "₹": "INR", "$": "USD"}
    return next((code for sign, code in signs.items() if sign in text), "")
