"""CSV files as people send them: what can be read is, the rest is refused in words or told with its line."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads import csv_files
from leads.csv_files import Row, Unreadable, WrongValue

BERLIN = ZoneInfo("Europe/Berlin")


def read(content: bytes) -> tuple[csv_files.Layout, list[Row]]:
    file = io.BytesIO(content)
    layout = csv_files.inspect(file)
    return layout, list(csv_files.rows(file, layout))


NAMES = "name;email\nJürgen Groß;j@x.example\nZoë Ångström;z@x.example\n"


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
        ("latin-1", "cp1252"),
    ],
)
def test_encoding_is_found(encoding: str, found: str) -> None:
    layout, rows = read(NAMES.encode(encoding))
    assert (layout.encoding, layout.delimiter, layout.columns) == (found, ";", ("name", "email"))
    assert [row.cells[0] for row in rows] == ["Jürgen Groß", "Zoë Ångström"]


def test_windows_characters_are_read_as_typed() -> None:
    _layout, rows = read("name,note\nAnna,“Très cher” – 5 €\n".encode("cp1252"))
    assert rows[0].cells == ("Anna", "“Très cher” – 5 €")


def test_other_scripts_are_guessed() -> None:
    text = "имя,город,заметка\n" + "Анна Петрова,Москва,Просит связаться с ней как можно скорее\n" * 20
    _layout, rows = read(text.encode("cp1251"))
    assert rows[0].cells[1] == "Москва"


def test_bad_byte_far_behind_is_noticed() -> None:
    content = b"name,email\n" + b"Anna Berg,a@x.example\n" * 40_000 + "Jürgen,j@x.example\n".encode("cp1252")
    layout, rows = read(content)
    assert layout.encoding == "cp1252"
    assert rows[-1].cells[0] == "Jürgen"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found(delimiter: str) -> None:
    text = f"name{delimiter}amount{delimiter}note\nA{delimiter}1{delimiter}a, b; c\nB{delimiter}2{delimiter}d\n"
    layout, rows = read(text.replace("a, b; c", '"a, b; c"').encode())
    assert layout.delimiter == delimiter
    assert rows[0].cells == ("A", "1", "a, b; c")


def test_excels_own_separator_line_is_obeyed() -> None:
    layout, rows = read(b"sep=;\r\nname;email\r\nA;a@x.example\r\n")
    assert (layout.delimiter, layout.first_line) == (";", 2)
    assert (rows[0].line, rows[0].cells) == (3, ("A", "a@x.example"))


def test_one_column_is_enough() -> None:
    layout, rows = read(b"email\na@x.example\nb@x.example\n")
    assert layout.columns == ("email",)
    assert len(rows) == 2


def _workbook() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n\r\n", "empty"),
        (_workbook(), "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "Excel workbook"),
        (b"%PDF-1.7\n%abc", "pdf"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "picture"),
        (bytes(range(256)) * 20, "binary"),
        (b"\x00\x01\x02\x03" * 50, "binary"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b'[{"email": "a@x.example"}]', "JSON"),
        (b"name,email\n", "no rows"),
        (b"Anna Berg,a@x.example\nCarl,c@x.example\n", "looks like data"),
        (b"5420aad7fec3549a85876ba1c529bd84,2018-02-26\n5420aad7fec3549a85876ba1c529bd85,2018-02-27\n", "like data"),
        (b"name,e-mail,Name\nA,a@x.example,B\n", "Two columns are called"),
        (b'"name,email"\n"Anna,a@x.example"\n', "one quoted field"),
    ],
)
def test_what_is_no_csv_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        csv_files.inspect(io.BytesIO(content))


def test_lines_are_those_of_the_file_also_with_quoted_newlines() -> None:
    content = b'name,note\r\nAnna,"two\r\nlines"\r\n\r\nCarl,one\r\nDora\r\n"Emil,whole"\r\nFrida,a,b\r\nGert,last,\r\n'
    _layout, rows = read(content)
    assert [(row.line, row.cells, bool(row.problem)) for row in rows] == [
        (2, ("Anna", "two\r\nlines"), False),
        (5, ("Carl", "one"), False),
        (6, ("Dora",), True),
        (7, ("Emil,whole",), True),
        (8, ("Frida", "a", "b"), True),
        (9, ("Gert", "last"), False),
    ]
    assert "1 cells" in rows[2].problem
    assert "one quoted field" in rows[3].problem


def test_broken_quotes_cost_one_row() -> None:
    _layout, rows = read(b'name,note\nAnna,"x" y\nCarl,5" pipe\nDora,"ok"\nEmil,"never closed\n')
    assert [(row.line, bool(row.problem)) for row in rows] == [(2, True), (3, False), (4, False), (5, True)]
    assert rows[1].cells == ("Carl", '5" pipe')
    assert "closing quote" in rows[0].problem
    assert "never closed" in rows[3].problem


def test_old_macs_lines_and_odd_separators_in_cells() -> None:
    _layout, rows = read("name,note\rAnna,a\u2028b\x85c\rCarl,d\r".encode())
    assert [row.cells for row in rows] == [("Anna", "a\u2028b\x85c"), ("Carl", "d")]


def test_large_file_is_read_in_constant_memory() -> None:
    file = io.BytesIO(b"name,email\n" + b"Anna Berg,anna@x.example\n" * 300_000)
    tracemalloc.start()
    layout = csv_files.inspect(file)
    rows = sum(1 for _row in csv_files.rows(file, layout))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows == 300_000
    assert peak < 4_000_000


@given(
    st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=12)] * 3),
        min_size=1,
        max_size=8,
    )
)
def test_what_was_written_is_read(records: list[tuple[str, str, str]]) -> None:
    failed = [Row(9, record, "why") for record in records]
    written = "".join(csv_files.error_lines(columns=["a", "b", "c"], delimiter=",", failed=failed))
    file = io.BytesIO(written.encode())
    layout = csv_files.Layout("utf-8", ",", ("a", "b", "c", "line", "reason"))
    assert [row.cells for row in csv_files.rows(file, layout)] == [(*record, "9", "why") for record in records]


def test_no_spreadsheet_runs_what_did_not_go_in() -> None:
    row = Row(2, ("=HYPERLINK(1)", "+49 7131 204455", "'=1", "plain"), "why")
    written = "".join(csv_files.error_lines(columns=["a", "b", "@c", "d"], delimiter=",", failed=[row]))
    assert written.splitlines() == ["a,b,'@c,d,line,reason", "'=HYPERLINK(1),'+49 7131 204455,''=1,plain,2,why"]
    layout, rows = read(written.encode())
    assert layout.columns[2] == "@c"
    assert rows[0].cells[:4] == row.cells


@pytest.mark.parametrize(
    ("values", "order"),
    [
        (["2018-02-01", "2018-02-26 10:00"], "ymd"),
        ([], "ymd"),
        (["01.02.2018"], "dmy"),
        (["01/02/2018", "26/02/2018"], "dmy"),
        (["01/02/2018", "02/26/2018"], "mdy"),
        (["01/02/2018", "03/04/2018"], ""),
        (["26/02/2018", "02/26/2018"], ""),
        (["1-2-18"], ""),
    ],
)
def test_order_of_dates_is_told_or_asked(values: list[str], order: str) -> None:
    assert csv_files.date_format(values) == order


@pytest.mark.parametrize(
    ("text", "order", "moment", "is_date"),
    [
        ("2018-02-01", "ymd", "2018-02-01T00:00:00+01:00", True),
        ("2018/2/1", "", "2018-02-01T00:00:00+01:00", True),
        ("2018-02-26 19:58:54", "ymd", "2018-02-26T19:58:54+01:00", False),
        ("2018-02-26T19:58:54.123Z", "ymd", "2018-02-26T19:58:54+00:00", False),
        ("2018-02-26T19:58:54+05:30", "ymd", "2018-02-26T19:58:54+05:30", False),
        ("26.02.2018 19:58", "dmy", "2018-02-26T19:58:00+01:00", False),
        ("26.2.18", "dmy", "2018-02-26T00:00:00+01:00", True),
        ("02/03/2018", "mdy", "2018-02-03T00:00:00+01:00", True),
        ("02/03/2018", "dmy", "2018-03-02T00:00:00+01:00", True),
        ("2/26/2018, 7:58 PM", "mdy", "2018-02-26T19:58:00+01:00", False),
        ("2/26/2018 12:05 am", "mdy", "2018-02-26T00:05:00+01:00", False),
        ("26 Feb 2018", "", "2018-02-26T00:00:00+01:00", True),
        ("February 26, 2018 08:00", "", "2018-02-26T08:00:00+01:00", False),
        ("5. März 2018", "", "2018-03-05T00:00:00+01:00", True),
        ("2018-03-25 02:30", "ymd", "2018-03-25T03:00:00+02:00", False),
    ],
)
def test_moments_are_read(text: str, order: str, moment: str, is_date: bool) -> None:
    found, found_is_date = csv_files.parse_moment(text, order, BERLIN)
    assert (found, found_is_date) == (datetime.fromisoformat(moment), is_date)
    assert found.tzinfo is not None


def test_midnight_that_a_change_of_the_clock_skips_is_the_change() -> None:
    moment, is_date = csv_files.parse_moment("2017-10-15", "ymd", ZoneInfo("America/Sao_Paulo"))
    assert moment == datetime(2017, 10, 15, 3, tzinfo=UTC)
    assert moment.date().isoformat() == "2017-10-15"
    assert is_date


@pytest.mark.parametrize(
    ("text", "order", "words"),
    [
        ("01/02/2018", "", "day or the month"),
        ("05.11.2018", "ymd", "begin with the year"),
        ("26/02/2018", "mdy", "month, day, year"),
        ("31.02.2018", "dmy", "day, month, year"),
        ("2018-02-30", "ymd", "calendar"),
        ("soon", "ymd", "2026-03-31"),
        ("2018-02-01 25:00", "ymd", "no time"),
        ("2018-02-01 at noon", "ymd", "no time"),
        ("43132", "ymd", "no date"),
    ],
)
def test_dates_that_cannot_be_read_are_told(text: str, order: str, words: str) -> None:
    with pytest.raises(WrongValue, match=words):
        csv_files.parse_moment(text, order, BERLIN)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1)), st.sampled_from(["dmy", "mdy"]))
def test_dates_written_in_an_order_are_read_in_it(moment: datetime, order: str) -> None:
    day, month = f"{moment.day:02}", f"{moment.month:02}"
    parts = (day, month) if order == "dmy" else (month, day)
    text = f"{parts[0]}/{parts[1]}/{moment.year} {moment:%H:%M:%S}"
    found, _is_date = csv_files.parse_moment(text, order, ZoneInfo("UTC"))
    assert found == moment.replace(microsecond=0, tzinfo=UTC)
    assert abs(found - moment.replace(tzinfo=UTC)) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("text", "mark", "amount"),
    [
        ("1234.5", ".", "1234.5"),
        ("$1,234.56", ".", "1234.56"),
        ("1.234,56 €", ",", "1234.56"),
        ("EUR 1 234,50", ",", "1234.50"),
        ("CHF 1'234.50", ".", "1234.50"),
        ("R$ 1.000.000", ",", "1000000"),
        ("(120.00)", ".", "-120.00"),
        ("-5", ".", "-5"),
        ("1\u202f234", ",", "1234"),
        ("0.0", ".", "0.0"),
    ],
)
def test_amounts_are_read(text: str, mark: str, amount: str) -> None:
    assert csv_files.parse_amount(text, mark) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "mark"), [("1.234,56", "."), ("1,23,456", "."), ("a lot", "."), ("", "."), ("1.2.3", "."), ("12-13", ".")]
)
def test_amounts_that_cannot_be_read_are_told(text: str, mark: str) -> None:
    with pytest.raises(WrongValue):
        csv_files.parse_amount(text, mark)


@pytest.mark.parametrize(
    ("values", "mark"),
    [
        (["1234.5", "10"], "."),
        (["1.234,56"], ","),
        (["1,234.56"], "."),
        (["12,5"], ","),
        (["1.234.567"], ","),
        (["1.234", "5.678"], ""),
        (["10", "20"], "."),
        (["1234.500"], "."),
    ],
)
def test_decimal_mark_is_told_or_asked(values: list[str], mark: str) -> None:
    assert csv_files.decimal_mark(values) == mark


@pytest.mark.parametrize(
    ("text", "code"), [("1 €", "EUR"), ("USD 5", "USD"), ("R$ 7", "BRL"), ("$5", "USD"), ("5", "")]
)
def test_currency_is_named_by_code_or_sign(text: str, code: str) -> None:
    assert csv_files.currency(text) == code
