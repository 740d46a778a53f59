"""A list as a CSV file: streamed, in UTF-8 that spreadsheets recognise, with nothing in it that they would run."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse
from django.utils.timezone import localtime

from leads import csv_files

BYTE_ORDER_MARK = "\ufeff"
PIECE = 1000

Row = TypeVar("Row", bound=Model)


class _Line:
    """Stands in for a file: what the writer writes is what it returns."""

    def write(self, text: str) -> str:
        return text


def in_pieces(rows: QuerySet[Row]) -> Iterator[list[Row]]:
    """Read a list in pieces, so that a hundred thousand rows need no memory."""
    found = rows.iterator(chunk_size=PIECE)
    while piece := list(islice(found, PIECE)):
        yield piece


def cell(value: object) -> str:
    """Write one value: moments in the reader's zone, nothing for None, and no text that a spreadsheet would run."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return localtime(value).isoformat(sep=" ", timespec="minutes")
    return str(value) if isinstance(value, int | float | Decimal) else csv_files.inert(str(value))


def _lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield BYTE_ORDER_MARK + str(writer.writerow([str(name) for name in header]))
    for row in rows:
        yield str(writer.writerow([cell(value) for value in row]))


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """Answer with a CSV file.

    Args:
        name: of the file, without its ending.
        header: names of the columns.
        rows: as long as they like; they are written as they come.
    """
    answer = StreamingHttpResponse(_lines(header, rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer
