"""What may be said of a lead: each fact's name, its length and how it is read from what somebody typed or sent."""

from __future__ import annotations

import re
import unicodedata
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from django.db.models import Field
from django.utils.translation import gettext as _
from holidays.registry import COUNTRIES

from leads.models import EmailKind, JobFunction, Lead, Seniority

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# Providers whose addresses say nothing of a company. A short list on purpose: a missing one makes an odd company, a
# wrong one hides a real company.
FREE_MAIL = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "gmx.de",
        "gmx.net",
        "gmx.at",
        "gmx.ch",
        "gmx.com",
        "web.de",
        "t-online.de",
        "freenet.de",
        "posteo.de",
        "mailbox.org",
        "outlook.com",
        "outlook.de",
        "hotmail.com",
        "hotmail.de",
        "hotmail.fr",
        "hotmail.it",
        "hotmail.co.uk",
        "live.com",
        "live.de",
        "msn.com",
        "yahoo.com",
        "yahoo.de",
        "yahoo.fr",
        "yahoo.co.uk",
        "yahoo.com.br",
        "ymail.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "aol.com",
        "proton.me",
        "protonmail.com",
        "mail.com",
        "mail.ru",
        "yandex.ru",
        "qq.com",
        "163.com",
        "126.com",
        "uol.com.br",
        "bol.com.br",
        "terra.com.br",
        "orange.fr",
        "wanadoo.fr",
        "free.fr",
        "laposte.net",
        "libero.it",
        "btinternet.com",
        "comcast.net",
        "bluewin.ch",
        "zoho.com",
    ]
)
TEST_DOMAINS = frozenset({"test.com", "test.de", "mailinator.com", "guerrillamail.com", "yopmail.com"})
TEST_NAMES = frozenset({"test", "test test", "asdf", "asdf asdf"})

# Words of a job title, looked for in this order: the first that stands in it decides.
_SENIORITY: tuple[tuple[Seniority, str], ...] = (
    (Seniority.STUDENT, r"student|studentin|intern|internship|praktikant|praktikantin|werkstudent|trainee|azubi"),
    (Seniority.VP, r"vice president|vizeprasident|[es]?vp"),
    (
        Seniority.C_LEVEL,
        r"c[efotim]o|cdo|cso|cpo|chief|president|founder|co-?founder|owner|managing (?:director|partner)|"
        r"geschaftsfuhr\w*|vorstand\w*|inhaber\w*|grunder\w*",
    ),
    (Seniority.DIRECTOR, r"director|head of|direktor\w*|bereichsleit\w*|werk(?:s)?leit\w*|hauptabteilungsleit\w*"),
    (Seniority.MANAGER, r"manager\w*|lead|supervisor|\w*leiter\w*|\w*leitung|meister\w*"),
)
_FUNCTION: tuple[tuple[JobFunction, str], ...] = (
    (JobFunction.IT, r"it|cio|cto|cdo|informati\w*|software|data|system\w*|edv|digital\w*|developer|entwickl\w*"),
    (JobFunction.PURCHASING, r"purchas\w*|procurement|buyer|sourcing|einkauf\w*|beschaffung\w*"),
    (JobFunction.FINANCE, r"financ\w*|cfo|controll\w*|account(?:ing|ant)|treasur\w*|finanz\w*|buchhalt\w*"),
    (JobFunction.MARKETING, r"marketing\w*|cmo|brand|kommunikation\w*|communications?|demand"),
    (JobFunction.SALES, r"sales|cso|vertrieb\w*|account (?:manager|executive)|business development|verkauf\w*"),
    (JobFunction.HR, r"hr|human resources|people|personal\w*|talent|recruit\w*"),
    (
        JobFunction.ENGINEERING,
        r"engineer\w*|maintenance|instandhaltung\w*|ingenieur\w*|konstrukt\w*|technical|technisch\w*|technik\w*|r&d",
    ),
    (
        JobFunction.OPERATIONS,
        r"operations?|coo|production|produktion\w*|plant|werk\w*|fertigung\w*|manufacturing|logisti\w*|supply chain|"
        r"betriebsleit\w*",
    ),
    (
        JobFunction.MANAGEMENT,
        r"ceo|managing (?:director|partner)|geschaftsfuhr\w*|vorstand\w*|inhaber\w*|owner|founder|co-?founder|"
        r"president|general manager|grunder\w*",
    ),
)

# Names of countries that the list of holidays does not have.
_COUNTRY_NAMES = {
    "usa": "US",
    "us": "US",
    "unitedstatesofamerica": "US",
    "uk": "GB",
    "greatbritain": "GB",
    "england": "GB",
    "scotland": "GB",
    "deutschland": "DE",
    "osterreich": "AT",
    "schweiz": "CH",
    "suisse": "CH",
    "frankreich": "FR",
    "italien": "IT",
    "italia": "IT",
    "spanien": "ES",
    "espana": "ES",
    "niederlande": "NL",
    "thenetherlands": "NL",
    "holland": "NL",
    "belgien": "BE",
    "polen": "PL",
    "polska": "PL",
    "tschechien": "CZ",
    "czechrepublic": "CZ",
    "danemark": "DK",
    "schweden": "SE",
    "sverige": "SE",
    "norwegen": "NO",
    "finnland": "FI",
    "vereinigteskonigreich": "GB",
    "vereinigtestaaten": "US",
    "turkei": "TR",
    "turkiye": "TR",
    "brasil": "BR",
    "brasilien": "BR",
    "southkorea": "KR",
    "korea": "KR",
}


class WrongFact(ValueError):  # noqa: N818  # it names what happened, not an error of the program
    """What was given for a fact cannot be read; the text says why and what to give instead."""


def clean(text: object, *, is_long: bool = False) -> str:
    """Return text as it is kept: as typed, without what no database or page can hold.

    Null characters and halves of surrogate pairs go; a one-line text gets single spaces.
    """
    cleaned = str(text).replace("\x00", "").encode("utf-8", "ignore").decode()
    return cleaned.replace("\r\n", "\n").strip() if is_long else " ".join(cleaned.split())


def is_storable(value: object) -> bool:
    """Tell whether JSON holds no text that the database refuses: null characters and halves of surrogate pairs."""
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)
    if isinstance(value, Mapping):
        return all(is_storable(key) and is_storable(inner) for key, inner in value.items())
    return not isinstance(value, list | tuple) or all(map(is_storable, value))


def folded(text: str) -> str:
    """Return the key that a name is found and sorted by: lower case, without accents, single spaces."""
    decomposed = unicodedata.normalize("NFKD", text).casefold().replace("ß", "ss")
    return " ".join("".join(mark for mark in decomposed if not unicodedata.combining(mark)).split())


def company_key(name: str) -> str:
    """Return the key that a company is found by where its domain is unknown: folded, without punctuation."""
    return " ".join(re.sub(r"[^\w&+]+", " ", folded(name)).split())[:200]


@cache
def _countries() -> dict[str, str]:
    known = {names[0].lower(): names[1] for names in COUNTRIES.values()}
    return known | {names[2].lower(): names[1] for names in COUNTRIES.values()} | _COUNTRY_NAMES


@cache
def _country_codes() -> frozenset[str]:
    return frozenset(names[1] for names in COUNTRIES.values())


def country(text: str) -> str:
    """Return a country's two letters from them or from its name in English or German.

    Raises:
        WrongFact: it is neither.
    """
    if len(text) == 2 and text.upper() in _country_codes():
        return text.upper()
    code = _countries().get(re.sub(r"[^a-z]", "", folded(text)))
    if code is None:
        raise WrongFact(_("“%(text)s” is no country we know. Give two letters, as DE or US.") % {"text": text[:60]})
    return code


def people(text: str) -> int:
    """Return a number of people; of a range, the lower end, because that much is sure.

    Raises:
        WrongFact: no whole number is in it.
    """
    plain = re.sub(r"(?<=\d)[.,'\s](?=\d{3}\b)", "", text)
    found = re.fullmatch(r"\D*?(\d{1,9})(?:\.0+)?(?:\s*(?:-|–|to|bis)\s*\d+)?\D*", plain)
    if found is None or text.lstrip().startswith("-"):
        raise WrongFact(
            _("“%(text)s” is no number of people. Give a whole number, as 120, or a range, as 51–200.")
            % {"text": text[:60]}
        )
    return int(found[1])


def time_zone(text: str) -> str:
    """Return the name of a time zone.

    Raises:
        WrongFact: the IANA list does not have it.
    """
    if text not in zoneinfo.available_timezones():
        raise WrongFact(_("“%(text)s” is not a time zone. Use a name like Europe/Berlin.") % {"text": text[:60]})
    return text


def _matches(words: str, title: str) -> bool:
    return re.search(rf"(?<![\w&])(?:{words})(?![\w&])", title) is not None


def seniority_of(title: str) -> str:
    """Guess from a job title how high somebody stands; "" when nothing in it tells."""
    told = folded(title)
    return next((str(level) for level, words in _SENIORITY if _matches(words, told)), "")


def function_of(title: str) -> str:
    """Guess from a job title what somebody works on; "" when nothing in it tells."""
    told = folded(title)
    return next((str(kind) for kind, words in _FUNCTION if _matches(words, told)), "")


def _one_of(choices: type[Seniority] | type[JobFunction], guess: Callable[[str], str], text: str) -> str:
    wanted = folded(text)
    for value, label in choices.choices:
        if wanted in {value, value.replace("_", " "), value.replace("_", "-"), folded(str(label))}:
            return str(value)
    guessed = guess(text)
    if not guessed:
        known = ", ".join(value for value, _label in choices.choices)
        raise WrongFact(_("“%(text)s” is not known. Use one of: %(known)s.") % {"text": text[:60], "known": known})
    return guessed


def seniority(text: str) -> str:
    """Return a seniority's code from its code, its label or words of a title.

    Raises:
        WrongFact: nothing in it tells.
    """
    return _one_of(Seniority, seniority_of, text)


def job_function(text: str) -> str:
    """Return a function's code from its code, its label or words of a title.

    Raises:
        WrongFact: nothing in it tells.
    """
    return _one_of(JobFunction, function_of, text)


def email_kind(email: str) -> str:
    """Tell a company's address from a free provider's; "" without an address."""
    if not email:
        return ""
    return EmailKind.FREE if email.rpartition("@")[2] in FREE_MAIL else EmailKind.BUSINESS


def is_test(name_key: str, email: str) -> bool:
    """Tell whether somebody only tried the form out."""
    local, _at, domain = email.rpartition("@")
    return name_key in TEST_NAMES or domain in TEST_DOMAINS or local == "test" or local.startswith("test+")


@dataclass(frozen=True)
class Fact:
    """One thing that may be said of a lead; `code` is the column of the lead.

    Attributes:
        code: name of the column.
        label: what people call it.
        length: most characters; 0 for numbers.
        is_long: keeps its lines.
        read: turns clean text into what is stored; raises WrongFact.
    """

    code: str
    label: StrOrPromise
    length: int
    is_long: bool = False
    read: Callable[[str], str | int] | None = None


_READERS: dict[str, Callable[[str], str | int]] = {
    "country": country,
    "employees": people,
    "timezone": time_zone,
    "seniority": seniority,
    "job_function": job_function,
}
_CODES = [
    "name",
    "email",
    "phone",
    "title",
    "seniority",
    "job_function",
    "company_name",
    "industry",
    "employees",
    "country",
    "region",
    "city",
    "language",
    "timezone",
    "need",
    "decision_maker",
    "authority",
    "budget",
    "timeframe",
    "note",
]


def _fact(code: str) -> Fact:
    column = cast("Field[Any, Any]", Lead._meta.get_field(code))
    return Fact(
        code=code,
        label=column.verbose_name,
        length=column.max_length or 0,
        is_long=code in {"need", "note"},
        read=_READERS.get(code),
    )


FACTS: Mapping[str, Fact] = {code: _fact(code) for code in _CODES}


def read(code: str, value: object) -> str | int | None:
    """Return a fact's value as it is stored; None when nothing was said.

    Args:
        code: name of the fact, a key of `FACTS`.
        value: text or number as it came.

    Raises:
        WrongFact: it is too long or cannot be read. E-mail and phone are `identity`'s matter and come back as text.
    """
    fact = FACTS[code]
    text = clean("" if value is None else value, is_long=fact.is_long)
    if not text:
        return None
    most = 250 if fact.read else fact.length
    if most and len(text) > most:
        raise WrongFact(
            _("At most %(most)d characters fit here; these are %(length)d.") % {"most": most, "length": len(text)}
        )
    return fact.read(text) if fact.read else text
