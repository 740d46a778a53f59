"""The one way in for leads: normalise, identify, save, score, judge. Form, API, file and capture page all end here."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from django.db import transaction
from django.db.models import Field, Max, Model, Q
from django.utils.translation import gettext as _

from leads import facts as known_facts
from leads import identity, places, qualification, scoring, tracking_rules
from leads.facts import FACTS, WrongFact, company_key, folded
from leads.identity import Duplicate
from leads.models import Company, DuplicateProposal, Identity, Interaction, InteractionKind, Lead, Origin
from leadsla.accounts.models import Team, User

EARLIEST_YEAR = 1990
MOST_PROPOSALS = 5
LONGEST_DATA = 20_000  # of what else a sender says, as JSON

Key = tuple[str, str, str]  # kind, system, value of an identity


class Refused(Exception):  # noqa: N818  # a refusal is an answer
    """What arrived cannot be taken: `errors` says per field why and what to do. `index` is its place in the batch."""

    def __init__(self, errors: Mapping[str, str], *, index: int = 0) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = dict(errors)
        self.index = index


@dataclass(frozen=True)
class Arrival:
    """What somebody told of a person, and what that person did.

    Attributes:
        facts: what is known, under the names of `facts.FACTS`; empty values say nothing.
        own: own fields, under the field's id.
        external: ids in other systems, under the system's name.
        source: code or name of the place it came from; None or "" says that none is known.
        campaign: code or name of the campaign.
        kind: what the person did; None when only facts are told and nothing happened.
        occurred_at: when; None is this moment.
        is_date: only the day is known; `occurred_at` is its midnight.
        detail: what exactly (the page, the form, the webinar).
        key: tells a repeated delivery from a second act; without one, the same act at the same moment is a repetition.
            A key without a moment is one act, whenever it is delivered.
        via: the way in: hand, form, api, import.
        data: whatever else the sender said, kept as it came.
        on_existing: whether facts fill what is empty or also overwrite what is known.
    """

    facts: Mapping[str, str | int | None]
    own: Mapping[str, Any] = field(default_factory=dict)
    external: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None
    campaign: str | None = None
    kind: InteractionKind | None = None
    occurred_at: datetime | None = None
    is_date: bool = False
    detail: str = ""
    key: str = ""
    via: str = "hand"
    data: Mapping[str, Any] = field(default_factory=dict)
    on_existing: Literal["fill", "overwrite"] = "fill"


@dataclass(frozen=True)
class Receipt:
    """What became of an arrival.

    Attributes:
        lead: the person.
        is_new: the arrival made the lead.
        is_changed: it added or changed something, a new lead included.
        problems: what was kept as it came but could not be read.
        duplicates: others who may be the same person, proposed to a marketer.
    """

    lead: Lead
    is_new: bool
    is_changed: bool
    problems: tuple[str, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()


# --- reading an arrival ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Read:
    """An arrival in normal form."""

    arrival: Arrival
    source: str | None  # the arrival's own, or what a tracking rule says
    campaign: str | None
    facts: dict[str, str | int]
    keys: tuple[Key, ...]  # e-mail and external ids
    phone: str  # E.164 or ""
    name_key: str
    company_key: str
    domain: str
    problems: tuple[str, ...]

    def locks(self) -> set[str]:
        """Return the keys under which nobody else may work at the same time."""
        found = {identity.lock_key(*key) for key in self.keys}
        if self.phone:
            found.add(identity.lock_key("phone", "", self.phone))
        if self.name_key and (self.company_key or self.domain):
            found.add(f"name::{self.name_key}")
        return found


def _read_facts(given: Mapping[str, str | int | None], errors: dict[str, str]) -> dict[str, str | int]:
    found: dict[str, str | int] = {}
    for code, value in given.items():
        if code not in FACTS:
            errors[code] = _("A lead has no such field. Known are: %(known)s.") % {"known": ", ".join(FACTS)}
            continue
        try:
            read = known_facts.read(code, value)
        except WrongFact as wrong:
            errors[code] = str(wrong)
            continue
        if read is not None:
            found[code] = read
    return found


def _read_email(found: dict[str, str | int], errors: dict[str, str]) -> None:
    if email := found.pop("email", None):
        normal = identity.normal_email(str(email))
        if normal:
            found["email"] = normal
        else:
            errors["email"] = _("“%(text)s” is no e-mail address. Write it as name@company.com.") % {
                "text": str(email)[:80]
            }


def _read_phone(found: dict[str, str | int], problems: list[str], country: str = "") -> str:
    """Write the phone as people do and return its E.164; a number that cannot be read stays as it came."""
    written = found.get("phone")
    if written is None:
        return ""
    where = str(found.get("country", "")) or country
    normal = identity.normal_phone(str(written), where)
    if normal:
        found["phone"] = identity.written_phone(str(written), where)
    else:
        problems.append(
            _("The phone “%(text)s” could not be read. Write it with its country code, as +49 7131 204455.")
            % {"text": written}
        )
    return normal


def _check_moment(arrival: Arrival, now: datetime, errors: dict[str, str]) -> None:
    moment = arrival.occurred_at
    if moment is None:
        return
    if moment.tzinfo is None:
        errors["occurred_at"] = _("The moment needs a time zone.")
    elif moment > now + (timedelta(hours=14) if arrival.is_date else timedelta(minutes=5)):
        errors["occurred_at"] = _("%(moment)s lies in the future. Give a moment in the past.") % {
            "moment": moment.strftime("%Y-%m-%d %H:%M")
        }
    elif moment.year < EARLIEST_YEAR:
        errors["occurred_at"] = _("%(moment)s is too long ago to be right.") % {"moment": moment.strftime("%Y-%m-%d")}


def _check_lengths(arrival: Arrival, errors: dict[str, str]) -> None:
    for name, text, most in (
        ("source", arrival.source, 120),
        ("campaign", arrival.campaign, 120),
        ("key", arrival.key, 190),
        ("via", arrival.via, 40),
        ("detail", known_facts.clean(arrival.detail), 500),
        *((f"external.{system}", value, 254) for system, value in arrival.external.items()),
        *((f"external.{system[:60]}", system, 60) for system in arrival.external),
    ):
        if text and len(text) > most:
            errors[name] = _("At most %(most)d characters fit here; these are %(length)d.") % {
                "most": most,
                "length": len(text),
            }


def _check_data(data: Mapping[str, Any], errors: dict[str, str]) -> None:
    if not known_facts.is_storable(data):
        errors["data"] = _("Null characters and halves of characters cannot be kept. Leave them out.")
    elif len(json.dumps(data, default=str)) > LONGEST_DATA:
        errors["data"] = _("At most %(most)d characters fit here. Send what matters.") % {"most": LONGEST_DATA}


def _read(arrival: Arrival, *, now: datetime, index: int = 0, is_known: bool = False) -> _Read:
    """Bring an arrival into normal form, or refuse it; of somebody known nothing is needed to recognise them by."""
    errors: dict[str, str] = {}
    problems: list[str] = []
    found = _read_facts(arrival.facts, errors)
    _read_email(found, errors)
    phone = _read_phone(found, problems)
    _check_moment(arrival, now, errors)
    _check_lengths(arrival, errors)
    _check_data(arrival.data, errors)
    if arrival.kind is not None and arrival.kind not in InteractionKind.values:
        errors["kind"] = _("“%(kind)s” is not known. Use one of: %(known)s.") % {
            "kind": str(arrival.kind)[:40],
            "known": ", ".join(InteractionKind.values),
        }
    email = str(found.get("email", ""))
    external = {known_facts.clean(system): known_facts.clean(value) for system, value in arrival.external.items()}
    keys: list[Key] = [("external", system, value) for system, value in external.items() if system and value]
    if email:
        keys.append(("email", "", email))
    name_key, firm = folded(str(found.get("name", ""))), company_key(str(found.get("company_name", "")))
    if not (errors or is_known or keys or phone or (name_key and firm)):
        errors["phone" if problems else "email"] = (
            problems[0]
            if problems
            else _("Give an e-mail, a phone, or name and company: without one of them nobody can be recognised again.")
        )
    if errors:
        raise Refused(errors, index=index)
    return _Read(
        arrival=arrival,
        source=arrival.source,
        campaign=arrival.campaign,
        facts=found,
        keys=tuple(keys),
        phone=phone,
        name_key=name_key[:200],
        company_key=firm,
        domain=identity.domain_of(email),
        problems=tuple(problems),
    )


def check(arrival: Arrival, *, now: datetime) -> tuple[str, ...]:
    """Tell whether an arrival would be taken, without touching anything.

    Returns:
        What could not be read but would be kept.

    Raises:
        Refused: it would not be taken.
    """
    return _read(arrival, now=now).problems


# --- one person of a batch -------------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Person:
    """A lead while a batch works on it."""

    lead: Lead
    is_new: bool
    has_email: bool = False
    systems: set[str] = field(default_factory=set)
    keys: set[Key] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)
    deliveries: set[tuple[str, datetime]] = field(default_factory=set)
    last_touch_at: datetime | None = None
    before: dict[str, Any] = field(default_factory=dict)
    interactions: list[Interaction] = field(default_factory=list)
    new_keys: list[Key] = field(default_factory=list)
    new_phones: list[str] = field(default_factory=list)
    wants_company: bool = False

    def put(self, column: str, value: Any) -> bool:
        """Set a column and remember what it was; False when it has that value already."""
        old = self.value(column)
        if old == (value.pk if isinstance(value, Model) else value):
            return False
        self.before.setdefault(column, old)
        setattr(self.lead, column, value)
        return True

    def value(self, column: str) -> Any:
        """Return what a column holds, of a foreign key the id: asking for the row itself would cost a query."""
        return getattr(self.lead, cast("Field[Any, Any]", Lead._meta.get_field(column)).attname)

    @property
    def is_touched(self) -> bool:
        return self.is_new or bool(self.before or self.interactions or self.new_keys or self.new_phones)


def _prove(person: _Person, codes: Iterable[str], *, via: str, by: User | None, now: datetime) -> None:
    """Keep where facts came from."""
    proof = {"via": via, "at": now.isoformat(timespec="seconds"), "by": by.pk if by else None}
    person.put("fact_sources", {**person.lead.fact_sources, **dict.fromkeys(codes, proof)})


def _derive(person: _Person, changed: set[str]) -> None:
    """Bring what follows from facts up to date: keys, kind of the address, place in the company, exclusion."""
    lead = person.lead
    if "name" in changed:
        person.put("name_key", folded(lead.name)[:200])
    if "email" in changed:
        person.put("email_kind", known_facts.email_kind(lead.email))
    if "title" in changed:
        for column, guess in (("seniority", known_facts.seniority_of), ("job_function", known_facts.function_of)):
            was_guessed = lead.fact_sources.get(column, {}).get("via") == "title"
            if column in changed or (getattr(lead, column) and not was_guessed):
                continue
            if person.put(column, guess(lead.title)):
                source = {**lead.fact_sources.get("title", {}), "via": "title"}
                person.put("fact_sources", {**lead.fact_sources, column: source})
    if changed & {"email", "company_name"}:
        person.wants_company = True


def _tell(person: _Person, read: _Read, taken: Container[Key], *, by: User | None, now: datetime) -> None:
    """Write an arrival's facts onto a lead; keys that are taken tell of somebody else."""
    lead, arrival = person.lead, read.arrival
    overwrites = arrival.on_existing == "overwrite"
    facts = dict(read.facts)
    email = ("email", "", str(facts.get("email", "")))
    if email in taken and email not in person.keys:
        del facts["email"]
    changed = {
        code
        for code, value in facts.items()
        if (overwrites or getattr(lead, code) in {"", None}) and person.put(code, value)
    }
    if changed:
        _prove(person, changed, via=arrival.via, by=by, now=now)
        _derive(person, changed)
    own = {**lead.own, **arrival.own} if overwrites else {**arrival.own, **lead.own}
    person.put("own", own)
    for key in read.keys:
        # Another lead's address or id stays that lead's; the two are proposed as duplicates.
        if key not in person.keys and key not in taken:
            person.keys.add(key)
            person.new_keys.append(key)
    person.has_email = person.has_email or bool(lead.email)
    person.systems |= {system for kind, system, _value in read.keys if kind == "external"}
    if read.phone and read.phone not in person.phones:
        person.phones.add(read.phone)
        person.new_phones.append(read.phone)


def _day_of(person_moment: datetime, day: datetime) -> bool:
    return day <= person_moment < day + timedelta(days=1)


def _is_earlier(moment: datetime, is_date: bool, lead: Lead) -> bool:
    """Tell whether a moment lies before a lead's first contact; a day is not before a moment in it."""
    first = lead.captured_at
    if first is None:
        return True
    if is_date and _day_of(first, moment):
        return False
    if lead.captured_is_date and _day_of(moment, first):
        return False
    return moment < first


def _touch(person: _Person, read: _Read, found: places.Places, *, now: datetime) -> None:
    """Keep first and last touch: the oldest is the first, an arrival that names no place displaces none."""
    lead, arrival = person.lead, read.arrival
    if arrival.kind is None and arrival.occurred_at is None and not person.is_new:
        return
    moment = arrival.occurred_at or now
    source, campaign = found.source(read.source), found.campaign(read.campaign)
    names_place = source is not None or campaign is not None
    if _is_earlier(moment, arrival.is_date, lead):
        if names_place or lead.captured_at is None:
            person.put("first_source", source)
            person.put("first_campaign", campaign)
        person.put("captured_at", moment)
        person.put("captured_is_date", arrival.is_date)
    if names_place and (person.last_touch_at is None or moment >= person.last_touch_at):
        person.last_touch_at = moment
        person.put("last_source", source)
        person.put("last_campaign", campaign)


def _delivery_key(arrival: Arrival) -> str:
    if arrival.key:
        return arrival.key
    told = "\x1f".join((arrival.kind or "", arrival.source or "", arrival.campaign or "", arrival.detail))
    return hashlib.blake2b(told.encode("utf-8", "ignore"), digest_size=12).hexdigest()


def _act(person: _Person, read: _Read, found: places.Places, *, by: User | None, now: datetime) -> None:
    """Append what happened, once for each delivery."""
    arrival = read.arrival
    if arrival.kind is None:
        return
    key, moment = _delivery_key(arrival), arrival.occurred_at or now
    known = {told for told, _at in person.deliveries} if arrival.key and arrival.occurred_at is None else set()
    if key in known or (key, moment) in person.deliveries:
        return
    person.deliveries.add((key, moment))
    person.interactions.append(
        Interaction(
            lead=person.lead,
            kind=arrival.kind,
            occurred_at=moment,
            recorded_at=now,
            is_date=arrival.is_date,
            source=found.source(read.source),
            campaign=found.campaign(read.campaign),
            detail=known_facts.clean(arrival.detail),
            data=dict(arrival.data),
            key=key,
            via=arrival.via,
            by=by,
        )
    )
    left = person.lead.unsubscribed_at
    if arrival.kind == InteractionKind.UNSUBSCRIBE and (left is None or moment < left):
        person.put("unsubscribed_at", moment)
    elif arrival.kind == InteractionKind.NEWSLETTER_SIGNUP and left is not None and moment > left:
        person.put("unsubscribed_at", None)


# --- a batch ---------------------------------------------------------------------------------------------------------


class _Batch:
    """Everybody whom a batch may mean, found by few queries and kept up to date while it is worked on."""

    def __init__(self, reads: Sequence[_Read], *, meant: int | None = None) -> None:
        self.meant = meant  # the lead that all arrivals are about, when that is known
        self.people: dict[int, _Person] = {}  # by lead id
        self.new: list[_Person] = []
        self.by_key: dict[Key, _Person] = {}
        self.by_phone: dict[str, list[_Person]] = defaultdict(list)
        self.by_name: dict[tuple[str, str], list[_Person]] = defaultdict(list)
        self._find(reads)

    def _find(self, reads: Sequence[_Read]) -> None:
        keys = {key for read in reads for key in read.keys}
        phones = {read.phone for read in reads if read.phone}
        wanted = Q(kind="phone", value__in=phones) if phones else Q(pk__in=())
        for kind, system in {key[:2] for key in keys}:
            wanted |= Q(kind=kind, system=system, value__in=[key[2] for key in keys if key[:2] == (kind, system)])
        ids = set(Identity.objects.filter(wanted).values_list("lead_id", flat=True))
        ids |= self._named(reads) | ({self.meant} if self.meant else set())
        if not ids:
            return
        for lead in Lead.objects.living().filter(pk__in=ids).order_by("pk").select_for_update(of=("self",)):
            self.people[lead.pk] = _Person(lead, is_new=False, has_email=bool(lead.email))
        self._load(reads)

    def _named(self, reads: Sequence[_Read]) -> set[int]:
        names = {read.name_key for read in reads if read.name_key and (read.company_key or read.domain)}
        if not names:
            return set()
        firms = {read.company_key for read in reads if read.company_key}
        domains = {read.domain for read in reads if read.domain}
        at = Q(company__name_key__in=firms) | Q(company__domain__in=domains)
        return set(Lead.objects.living().filter(at, name_key__in=names).values_list("pk", flat=True))

    def _load(self, reads: Sequence[_Read]) -> None:
        for one in Identity.objects.filter(lead__in=self.people):
            person = self.people[one.lead_id]
            if one.kind == Identity.Kind.PHONE:
                person.phones.add(one.value)
                self.by_phone[one.value].append(person)
                continue
            key = (one.kind, one.system, one.value)
            person.keys.add(key)
            self.by_key[key] = person
            person.has_email = person.has_email or one.kind == Identity.Kind.EMAIL
            if one.system:
                person.systems.add(one.system)
        companies = {one.pk: one for one in Company.objects.filter(leads__in=self.people).distinct()}
        for person in self.people.values():
            if company := companies.get(person.lead.company_id or 0):
                person.lead.company = company
            self._name(person)
        keys = {_delivery_key(read.arrival) for read in reads}
        told = Interaction.objects.filter(lead__in=self.people)
        for lead_id, told_key, moment in told.filter(key__in=keys).values_list("lead_id", "key", "occurred_at"):
            self.people[lead_id].deliveries.add((told_key, moment))
        placed = told.exclude(source=None, campaign=None).order_by().values_list("lead_id")
        for lead_id, moment in placed.annotate(last=Max("occurred_at")):
            self.people[lead_id].last_touch_at = moment

    def _name(self, person: _Person) -> None:
        """Make a person findable by name and company."""
        lead = person.lead
        if not lead.name_key:
            return
        company = lead.company
        firms = {company_key(lead.company_name), identity.domain_of(lead.email)}
        if company is not None:
            firms |= {company.name_key, company.domain or ""}
        for firm in firms - {""}:
            same = self.by_name[lead.name_key, firm]
            if person not in same:
                same.append(person)

    def match(self, read: _Read) -> tuple[_Person | None, list[tuple[_Person, str]]]:
        """Return whom an arrival means, and others who may be the same with the reason."""
        sure = [self.by_key[key] for key in read.keys if key in self.by_key]
        if self.meant:
            sure.insert(0, self.people[self.meant])
        alike = [(person, _("same phone")) for person in self.by_phone.get(read.phone, ())]
        for firm in (read.company_key, read.domain):
            if read.name_key and firm:
                alike += [
                    (person, _("same name and company")) for person in self.by_name.get((read.name_key, firm), ())
                ]
        if sure:
            others = [(person, _("same e-mail or id")) for person in sure[1:]]
            return sure[0], [(person, why) for person, why in others + alike if person is not sure[0]]
        may_match = [person for person, _why in alike if self._may_be(person, read)]
        # Several may be meant: the one with the same name, else the one known longest. The rest is proposed.
        may_match.sort(key=lambda person: person.lead.name_key != read.name_key)
        chosen = may_match[0] if may_match else None
        return chosen, [(person, why) for person, why in alike if person is not chosen]

    def _may_be(self, person: _Person, read: _Read) -> bool:
        """Tell whether phone or name are enough: not against two e-mails, two ids of a system or two names."""
        if person.has_email and "email" in read.facts:
            return False
        if person.systems & {system for kind, system, _value in read.keys if kind == "external"}:
            return False
        return not (read.name_key and person.lead.name_key and read.name_key != person.lead.name_key)

    def add(self, person: _Person) -> None:
        """Take in somebody who was not known."""
        self.new.append(person)

    def index(self, person: _Person) -> None:
        """Make what a person was told findable for the next arrivals of the batch."""
        for key in person.new_keys:
            self.by_key.setdefault(key, person)
        for phone in person.new_phones:
            if person not in self.by_phone[phone]:
                self.by_phone[phone].append(person)
        self._name(person)

    def touched(self) -> list[_Person]:
        """Return whom the batch made or changed."""
        return [*self.new, *(person for person in self.people.values() if person.is_touched)]


def receive(
    arrival: Arrival,
    *,
    now: datetime,
    by: User | None = None,
    team: Team | None = None,
    owner: User | None = None,
    origin: str = Origin.LIVE,
) -> Receipt:
    """Take in one arrival; see `receive_many`."""
    return receive_many([arrival], now=now, by=by, team=team, owner=owner, origin=origin)[0]


def receive_many(
    arrivals: Sequence[Arrival],
    *,
    now: datetime,
    by: User | None = None,
    team: Team | None = None,
    owner: User | None = None,
    origin: str = Origin.LIVE,
) -> list[Receipt]:
    """Take in arrivals in one transaction with few statements, however many they are (some hundred are best).

    Args:
        arrivals: in the order in which they are to be taken in; the same person may come several times.
        now: this moment.
        by: who entered them.
        team: whose new leads are; without one, the owner's team.
        owner: the marketer who gets new leads.
        origin: `live`, or `import` for a past: scored, but not judged.

    Returns:
        What became of each, in the same order. A repeated delivery changes no row.

    Raises:
        Refused: one cannot be taken; nothing of the batch is.
    """
    reads = [_read(arrival, now=now, index=index) for index, arrival in enumerate(arrivals)]
    return _take_in(reads, meant=None, now=now, by=by, team=team, owner=owner, origin=origin)


def receive_for(lead: Lead, arrival: Arrival, *, now: datetime, by: User | None = None) -> Receipt:
    """Take in an arrival that is known to be about a lead: an interaction, with or without facts.

    Args:
        lead: whom it is about; of a merged lead, the one that was kept.
        arrival: what is told; ids that belong to somebody else propose a duplicate.
        now: this moment.
        by: who entered it.

    Raises:
        Refused: it cannot be taken.
    """
    read = _read(arrival, now=now, is_known=True)
    meant = lead.merged_into_id or lead.pk
    return _take_in([read], meant=meant, now=now, by=by, team=None, owner=None, origin=Origin.LIVE)[0]


_Told = tuple[_Person, bool, bool, list[tuple[_Person, str]]]  # who, is new, is changed, who else it may be


def _take_in(
    reads: Sequence[_Read],
    *,
    meant: int | None,
    now: datetime,
    by: User | None,
    team: Team | None,
    owner: User | None,
    origin: str,
) -> list[Receipt]:
    if not reads:
        return []
    told: list[_Told] = []
    with transaction.atomic():
        identity.lock(key for read in reads for key in read.locks())
        reads = _tracked(reads)
        found = places.find(sources=[read.source for read in reads], campaigns=[read.campaign for read in reads])
        batch = _Batch(reads, meant=meant)
        for read in reads:
            person, others = batch.match(read)
            is_new = person is None
            if person is None:
                person = _new(now=now, team=team, owner=owner, origin=origin)
                batch.add(person)
            had = _marks(person)
            _tell(person, read, batch.by_key, by=by, now=now)
            _touch(person, read, found, now=now)
            _act(person, read, found, by=by, now=now)
            batch.index(person)
            # Others are proposed where something new makes them alike, so that a repeated delivery proposes nothing.
            is_changed = is_new or _marks(person) != had
            told.append((person, is_new, is_changed, others[:MOST_PROPOSALS] if is_changed else []))
        _save(batch.touched(), told, now=now)
        ids = [person.lead.pk for person in batch.touched()]
        if ids:
            scoring.score(ids, now=now)
        if ids and origin == Origin.LIVE:
            qualification.judge(ids, now=now)
    return _receipts(reads, told)


def _tracked(reads: Sequence[_Read]) -> Sequence[_Read]:
    """Let tracking rules say where arrivals come from; what a rule says goes before what their door says.

    The arrival itself stays as it came, so that a repeated delivery is recognised whatever the rules are then.
    """
    verdicts = tracking_rules.judge([read.arrival.data for read in reads])
    return [
        replace(read, source=verdict.source or read.source, campaign=verdict.campaign or read.campaign)
        if verdict
        else read
        for read, verdict in zip(reads, verdicts, strict=True)
    ]


def _save(touched: Sequence[_Person], told: Sequence[_Told], *, now: datetime) -> None:
    _settle_companies(touched)
    _exclude(touched)
    _write(touched)
    _propose(told, now=now)


def _new(*, now: datetime, team: Team | None, owner: User | None, origin: str) -> _Person:
    team = team or (owner.team if owner else None)
    lead = Lead(created_at=now, stage_since=now, owner=owner, team=team, origin=origin)
    return _Person(lead, is_new=True)


def _marks(person: _Person) -> tuple[int, int, int, dict[str, Any]]:
    """Tell whether a person changed between two looks."""
    values = {column: person.value(column) for column in person.before}
    return len(person.interactions), len(person.new_keys), len(person.new_phones), values


def _settle_companies(people: Sequence[_Person]) -> None:
    """Give a company to those whose e-mail or company became known or changed."""
    wanting = [person for person in people if person.wants_company]
    asked = [
        places.Firm(
            domain=identity.domain_of(person.lead.email),
            name=person.lead.company_name,
            industry=person.lead.industry,
            employees=person.lead.employees,
            country=person.lead.country,
        )
        for person in wanting
    ]
    for person, company in zip(wanting, places.companies(asked), strict=True):
        if company is not None:
            person.put("company", company)


def _exclude(people: Sequence[_Person]) -> None:
    """Mark competitors, colleagues and tests, who have no score."""
    own_domains = (
        places.own_domains() if any(person.is_new or person.wants_company for person in people) else frozenset()
    )
    for person in people:
        if not (person.is_new or person.before):
            continue
        lead = person.lead
        reason = ""
        if lead.company is not None and lead.company.relation == "competitor":
            reason = "competitor"
        elif identity.domain_of(lead.email) in own_domains:
            reason = "own_domain"
        elif known_facts.is_test(lead.name_key, lead.email):
            reason = "test"
        if reason or lead.excluded_because in {"competitor", "test"}:
            person.put("excluded_because", reason)


def _write(people: Sequence[_Person]) -> None:
    """Save what a batch changed, table by table."""
    new = [person.lead for person in people if person.is_new]
    if new:
        Lead.objects.bulk_create(new, batch_size=500)
    changed = [person for person in people if not person.is_new and person.before]
    if changed:
        columns = sorted({column for person in changed for column in person.before})
        Lead.objects.bulk_update([person.lead for person in changed], columns, batch_size=200)
    keys = [
        Identity(kind=kind, system=system, value=value, lead=person.lead)
        for person in people
        for kind, system, value in person.new_keys
    ]
    keys += [Identity(kind="phone", value=phone, lead=person.lead) for person in people for phone in person.new_phones]
    Identity.objects.bulk_create(keys, batch_size=1000, ignore_conflicts=True)
    acts = [act for person in people for act in person.interactions]
    Interaction.objects.bulk_create(acts, batch_size=1000, ignore_conflicts=True)


def _propose(told: Sequence[_Told], *, now: datetime) -> None:
    pairs: dict[tuple[int, int], DuplicateProposal] = {}
    for person, _is_new, _is_changed, others in told:
        for other, why in others:
            first, second = sorted((person.lead.pk, other.lead.pk))
            pairs.setdefault(
                (first, second), DuplicateProposal(lead_id=first, other_id=second, why=why, proposed_at=now)
            )
    DuplicateProposal.objects.bulk_create(pairs.values(), ignore_conflicts=True)


def _receipts(reads: Sequence[_Read], told: Sequence[_Told]) -> list[Receipt]:
    ids = {person.lead.pk for person, *_rest in told}
    ids |= {other.lead.pk for *_rest, others in told for other, _why in others}
    leads = Lead.objects.select_related("company").in_bulk(ids)
    return [
        Receipt(
            lead=leads[person.lead.pk],
            is_new=is_new,
            is_changed=is_changed,
            problems=read.problems,
            duplicates=tuple(Duplicate(leads[other.lead.pk], why) for other, why in others),
        )
        for read, (person, is_new, is_changed, others) in zip(reads, told, strict=True)
    ]


# --- by hand ---------------------------------------------------------------------------------------------------------


def amend(
    lead: Lead, *, facts: Mapping[str, str | int | None], by: User | None, now: datetime, via: str = "hand"
) -> Lead:
    """Put facts right: what is given replaces what was known, an empty value empties it. Then score and judge.

    Args:
        lead: whose facts.
        facts: under the names of `facts.FACTS`; what is not named stays.
        by: who says so.
        now: this moment.
        via: where it comes from.

    Returns:
        The lead as it stands afterwards; unchanged when nothing differs.

    Raises:
        Refused: a fact cannot be read, or the e-mail is another lead's.
    """
    errors: dict[str, str] = {}
    problems: list[str] = []
    found = _read_facts(facts, errors)
    _read_email(found, errors)
    phone = _read_phone(found, problems, lead.country)
    if problems and found.get("phone") != lead.phone:
        errors["phone"] = problems[0]
    if errors:
        raise Refused(errors)
    email = str(found.get("email", ""))
    with transaction.atomic():
        identity.lock([identity.lock_key("email", "", email)] if email else [])
        lead = Lead.objects.select_for_update(of=("self",)).select_related("company").get(pk=lead.pk)
        person = _Person(lead, is_new=False)
        _take_email(person, email)
        changed = {code for code in facts if person.put(code, found.get(code, None if code == "employees" else ""))}
        if phone and not lead.identities.filter(kind="phone", value=phone).exists():
            person.new_phones.append(phone)
        if changed:
            _prove(person, changed, via=via, by=by, now=now)
            _derive(person, changed)
        if not person.is_touched:
            return lead
        if changed & {"email", "company_name"} and not lead.company_name and not identity.domain_of(lead.email):
            person.put("company", None)
        _settle_companies([person])
        _exclude([person])
        _write([person])
        scoring.score([lead.pk], now=now)
        qualification.judge([lead.pk], now=now)
    return Lead.objects.select_related("company").get(pk=lead.pk)


def _take_email(person: _Person, email: str) -> None:
    """Let a lead be recognised by an address, unless another one is."""
    if not email:
        return
    known = Identity.objects.filter(kind="email", value=email).select_related("lead").first()
    if known is None:
        person.new_keys.append(("email", "", email))
    elif known.lead_id != person.lead.pk:
        raise Refused(
            {
                "email": _("%(email)s is the e-mail of %(other)s already. Merge the two leads if they are one person.")
                % {"email": email, "other": known.lead}
            }
        )
