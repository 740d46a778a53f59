"""Random histories, set down in any order: the set-based figures against a slow reading of the rules, case by case."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads.models import Lead, Stage
from leadsla.accounts.models import User
from sla import breakdowns, compliance, measures
from sla.breakdowns import Dimension
from sla.models import Agreement, Clock, ClockChange, Commitment, Compliance, Handoff, Round, Target
from tests.sla.contract_facts import BEGINNING, BERLIN, Contract, at, campaign, make_contract, source

pytestmark = pytest.mark.django_db

FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)
TURN = at("2026-03-01 00:00").astimezone(UTC)  # the second version of the agreement
FIRST_DAY = at("2026-01-26 00:00").astimezone(UTC)  # days are 24 h long: no wall clock that jumps
NOWS = tuple(
    at(text).astimezone(UTC)
    for text in ("2026-02-17 11:23", "2026-03-01 00:00", "2026-03-19 16:59", "2026-04-02 09:00")
)
LAST_MOMENT = at("2026-07-20 12:00").astimezone(UTC)
EXAMPLES = int(os.environ.get("RECONCILIATIONS", "50"))
HOUR = 3600.0
TALLIED = ("kept", "against", "open", "waived", "left_out", "unsure_kept", "unsure_against")


# --- a history, in plain words


@dataclass
class Asked:
    """One round: when it was opened, what sales said, and what came of contesting it."""

    opened: datetime
    because: str = "handed_over"
    decision: str = ""
    decided: datetime | None = None
    reason: str = ""
    is_counted: bool = True
    is_usable: bool = True
    returned: datetime | None = None
    contested: datetime | None = None
    ruling_due: datetime | None = None
    ruling: str = ""
    ruled: datetime | None = None


@dataclass
class Owed:
    """One clock."""

    measure: str
    started: datetime
    budget: float
    number: int
    due: datetime
    paused: tuple[datetime, datetime, float] | None = None
    stopped: datetime | None = None
    outcome: str = "running"
    waived: datetime | None = None  # of a late one, after it had stopped


@dataclass
class Given:
    """One handoff with all that ever happened to it."""

    handed: datetime
    leg: int
    origin: str
    is_notice: bool
    counts: bool
    is_above: bool
    door: str
    is_override: bool
    source: int
    campaign: int
    owner: int
    asked: list[Asked] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    opportunity: datetime | None = None
    won: datetime | None = None
    given_back: datetime | None = None
    blames: bool = False
    closed: datetime | None = None
    closed_because: str = ""

    @property
    def version(self) -> int:
        return 2 if self.handed >= TURN else 1


@st.composite
def histories(draw: st.DrawFn) -> list[Given]:
    return [draw(_given()) for _number in range(draw(st.integers(1, 7)))]


def _later(draw: st.DrawFn, moment: datetime, days: float) -> datetime:
    return moment + timedelta(minutes=draw(st.integers(1, int(days * 1440))))


def _seldom(draw: st.DrawFn) -> bool:
    return draw(st.integers(0, 9)) == 9


@st.composite
def _given(draw: st.DrawFn) -> Given:
    # A month's end is where things go wrong.
    near_the_turn = TURN + timedelta(minutes=draw(st.integers(-2 * 1440, 2 * 1440)))
    handed = near_the_turn if draw(st.booleans()) else _later(draw, FIRST_DAY, 62)
    one = Given(
        handed=handed,
        leg=2 if _seldom(draw) else 1,
        origin="import" if _seldom(draw) else "live",
        is_notice=_seldom(draw),
        counts=not _seldom(draw),
        is_above=_seldom(draw),
        door="" if _seldom(draw) else "nurtured",
        is_override=_seldom(draw),
        source=draw(st.integers(0, 2)),
        campaign=draw(st.integers(0, 1)),
        owner=draw(st.integers(0, 1)),
    )
    _ask(draw, one)
    _end(draw, one)
    if draw(st.booleans()):
        _follow_up(draw, one)
    return one


def _ask(draw: st.DrawFn, one: Given) -> None:
    """Let sales answer, and marketing contest, fix and send again, up to four rounds."""
    opened, because = one.handed, "handed_over"
    for number in range(1, 5):
        asked = Asked(opened, because)
        one.asked.append(asked)
        fate = draw(st.sampled_from(("accepted", "rejected", "rejected", "")))
        if because == "overturned":
            asked.decision, asked.decided = "accepted", opened
            return
        if fate:
            asked.decision, asked.decided = fate, _later(draw, opened, 5)
        _decide_clock(draw, one, asked, number)
        if fate == "rejected":
            opened, because = _reject(draw, asked)
        elif not fate and _seldom(draw):
            opened, because = _later(draw, asked.opened, 5), "rerouted"
        else:
            return
        if not because:
            return


def _reject(draw: st.DrawFn, asked: Asked) -> tuple[datetime, str]:
    """Say why, and return when and why the next round begins; "" without one."""
    assert asked.decided is not None
    asked.reason = draw(st.sampled_from(("wrong_person", "other")))
    asked.is_counted, asked.is_usable = draw(st.booleans()), not _seldom(draw)
    if draw(st.booleans()):
        asked.contested = _later(draw, asked.decided, 4)
        asked.ruling_due = _later(draw, asked.contested, 8)
        if draw(st.booleans()):
            asked.ruling = draw(st.sampled_from(("upheld", "overturned", "neither")))
            # Late ones too, and ones to the minute.
            late = draw(st.sampled_from((0, 0, 1, 600)))
            at_the_end = asked.ruling_due + timedelta(minutes=late)
            asked.ruled = at_the_end if late or _seldom(draw) else _later(draw, asked.contested, 4)
            if asked.ruling == "overturned" and asked.ruled <= asked.ruling_due and draw(st.booleans()):
                return asked.ruled, "overturned"
    elif draw(st.booleans()):
        asked.returned = asked.decided
        if draw(st.booleans()):
            return _later(draw, asked.decided, 5), "fixed"
    return asked.decided, ""


def _decide_clock(draw: st.DrawFn, one: Given, asked: Asked, number: int) -> None:
    if one.is_notice or (one.origin == "import" and draw(st.booleans())):
        return
    owed = _clock(draw, "decide", asked.opened, number)
    one.owed.append(owed)
    if asked.decided is not None:
        owed.stopped = asked.decided
        owed.outcome = "met" if asked.decided <= owed.due else "late"
        if owed.outcome == "late" and _seldom(draw):
            owed.outcome, owed.waived = "waived", _later(draw, asked.decided, 20)


def _clock(draw: st.DrawFn, measure: str, started: datetime, number: int) -> Owed:
    budget = draw(st.sampled_from((HOUR, 8 * HOUR, 16 * HOUR)))
    due = HOURS.add(started, timedelta(seconds=budget))
    owed = Owed(measure, started, budget, number, due)
    if draw(st.booleans()) and due - started > timedelta(minutes=3):
        # A pause begins while the clock runs; its end moves the due time at once.
        begins = started + (due - started) * draw(st.sampled_from((0.1, 0.5, 0.9)))
        ends = _later(draw, begins, 9)
        seconds = HOURS.between(begins, ends).total_seconds()
        owed.paused, owed.due = (begins, ends, seconds), HOURS.add(started, timedelta(seconds=budget + seconds))
    return owed


def _end(draw: st.DrawFn, one: Given) -> None:
    """Let it become something, be given back, be withdrawn, or stay."""
    last = one.asked[-1]
    if draw(st.integers(0, 2)) == 0:
        one.opportunity = _later(draw, one.handed, 70)
    if draw(st.integers(0, 3)) == 0:
        one.won = _later(draw, one.handed, 130)
    accepted = last.decided if last.decision == "accepted" else last.ruled if last.ruling == "overturned" else None
    if accepted is not None and draw(st.booleans()):
        one.given_back, one.blames = _later(draw, accepted, 25), draw(st.booleans())
        one.closed, one.closed_because = one.given_back, "given_back"
    elif last.decision == "rejected" and last.returned is None:
        one.closed, one.closed_because = last.decided, "rejected"
    elif not last.decision and draw(st.booleans()):
        one.closed = _later(draw, last.opened, 9)
        one.closed_because = draw(st.sampled_from(("withdrawn", "merged")))


def _follow_up(draw: st.DrawFn, one: Given) -> None:
    """Run one more clock of sales and one of marketing, with every way in which a clock can end."""
    for measure in ("first_follow_up", "fix"):
        owed = _clock(draw, measure, _later(draw, one.handed, 3), 1)
        one.owed.append(owed)
        stopped = _later(draw, owed.started, 9)
        outcome = draw(st.sampled_from(("running", "missed", "done", "done", "cancelled", "waived")))
        if outcome == "running":
            continue
        if outcome == "missed" and stopped <= owed.due:
            stopped = owed.due + timedelta(hours=1)
        owed.stopped, owed.outcome = stopped, outcome
        if outcome == "done":
            owed.outcome = "met" if stopped <= owed.due else "late"
        elif outcome == "waived":
            owed.waived = stopped if stopped <= owed.due else _later(draw, stopped, 20)


# --- the rules, read slowly: one case at a time


@dataclass(frozen=True)
class Rules:
    """What the clauses say, and the calendar."""

    covers_second_leg: dict[int, bool]
    kept_within: timedelta = timedelta(hours=80)  # 10 working days
    opportunity_within: timedelta = timedelta(hours=240)  # 30 working days
    customer_within: timedelta = timedelta(days=90)

    def counted(self, history: list[Given], version: int, month: date, now: datetime) -> dict[str, Counter[str]]:
        """Return how often each part occurs, by measure, in a month under a version of the agreement."""
        found: dict[str, Counter[str]] = {measure: Counter() for measure in measures.MEASURES}
        for one in history:
            for measure, (part, is_final) in self._cases(one, version, month, now):
                found[measure][part] += 1
                if part in {"kept", "against"} and not is_final:
                    found[measure][f"unsure_{part}"] += 1
        return found

    def _cases(self, one: Given, version: int, month: date, now: datetime) -> Iterator[tuple[str, tuple[str, bool]]]:
        is_ours = one.origin == "live" and not one.is_notice
        if is_ours and one.leg == 1 and one.handed <= now:
            if one.version == version and _month(one.handed) == month:
                yield "quantity", (self._quantity(one, now), True)
                yield "accepted", self._accepted(one, now)
                yield "opportunities", self._opportunity(one, now)
                reason = self._reason(one, now)
                if reason:
                    yield "usable_reasons", reason
            if _months_before(_month(one.handed), month) in range(12):
                yield "customers", self._customer(one, now)
        for owed in one.owed:
            # A clock counts under the agreement of its handoff, in the month in which it is due.
            if is_ours and one.version == version and _month(owed.due) == month and owed.started <= now:
                is_sales = owed.measure != "fix"
                if one.leg == 2 and not (is_sales and self.covers_second_leg[version]):
                    continue
                if owed.outcome == "cancelled" and _is_past(owed.stopped, now):
                    continue
                is_final = _is_past(owed.stopped, now)
                yield owed.measure, ("left_out" if is_sales and one.is_above else self._in_time(owed, now), is_final)

    @staticmethod
    def _quantity(one: Given, now: datetime) -> str:
        is_through_a_door = one.door != "" and not one.is_override
        return "kept" if is_through_a_door and one.counts and not _is_withdrawn(one, now) else "left_out"

    def _accepted(self, one: Given, now: datetime) -> tuple[str, bool]:
        last = _last_asked(one, now)
        decision = last.decision if _is_past(last.decided, now) else ""
        is_over = _is_past(one.closed, now) or _is_past(one.given_back, now)
        if one.door == "" or one.is_override or one.is_above or _is_withdrawn(one, now):
            return "left_out", True
        ruling = _ruling(last, now)
        if decision == "accepted" or ruling == "overturned":
            return self._kept(one, last.ruled if ruling == "overturned" else last.decided, is_over, now)
        if ruling == "contested":
            return "open", False
        if decision == "rejected":
            is_against = ruling != "neither" and last.is_counted
            return ("against" if is_against else "left_out"), is_over or not _is_past(last.returned, now)
        return ("kept" if self._is_silent(one, last, now) else "open"), is_over

    def _kept(self, one: Given, since: datetime | None, is_over: bool, now: datetime) -> tuple[str, bool]:
        assert since is not None
        if one.given_back is not None and one.given_back <= now and one.blames:
            is_kept = HOURS.between(since, one.given_back) > self.kept_within
            return ("kept" if is_kept else "against"), True
        return "kept", is_over or HOURS.between(since, now) > self.kept_within

    @staticmethod
    def _is_silent(one: Given, last: Asked, now: datetime) -> bool:
        """Tell whether sales let twice the decision time pass, pauses not counted."""
        number = one.asked.index(last) + 1
        clocks = [owed for owed in one.owed if owed.measure == "decide" and owed.number == number]
        if not clocks:
            return False
        paused = clocks[0].paused[2] if clocks[0].paused else 0.0
        return HOURS.between(clocks[0].started, now).total_seconds() - paused >= 2 * clocks[0].budget - 1e-6

    def _opportunity(self, one: Given, now: datetime) -> tuple[str, bool]:
        if one.door == "" or one.is_override or _is_withdrawn(one, now):
            return "left_out", True
        came = [moment for moment in (one.opportunity, one.won) if moment is not None]
        if came and min(came) <= now and HOURS.between(one.handed, min(came)) <= self.opportunity_within:
            return "kept", True
        had_its_time = HOURS.between(one.handed, now) > self.opportunity_within
        return ("against" if had_its_time else "open"), had_its_time

    def _customer(self, one: Given, now: datetime) -> tuple[str, bool]:
        is_taken_back = one.closed_because in {"withdrawn", "merged"} and _is_past(one.closed, now)
        if one.door == "" or one.is_override or (is_taken_back and not one.asked[-1].decision):
            return "left_out", True
        if one.handed + self.customer_within >= now:
            return "open", False
        return ("kept" if one.won is not None and one.won <= one.handed + self.customer_within else "against"), True

    @staticmethod
    def _reason(one: Given, now: datetime) -> tuple[str, bool] | None:
        rejected = [asked for asked in one.asked if asked.decision == "rejected" and _is_past(asked.decided, now)]
        if not rejected:
            return None
        ruling = _ruling(rejected[-1], now)
        if ruling == "contested":
            return "open", False
        if ruling in {"neither", "overturned"}:
            return "left_out", True
        return ("kept" if rejected[-1].is_usable and rejected[-1].reason != "other" else "against"), True

    @staticmethod
    def _in_time(owed: Owed, now: datetime) -> str:
        if owed.stopped is not None and owed.stopped <= now:
            if owed.outcome == "met":
                return "kept"
            return "waived" if owed.outcome == "waived" and _is_past(owed.waived, now) else "against"
        return "open" if now <= owed.due else "against"


def _is_past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _month(moment: datetime) -> date:
    return moment.astimezone(BERLIN).date().replace(day=1)


def _months_before(month: date, other: date) -> int:
    return (other.year - month.year) * 12 + other.month - month.month


def _last_asked(one: Given, now: datetime) -> Asked:
    return [asked for asked in one.asked if asked.opened <= now][-1]


def _is_withdrawn(one: Given, now: datetime) -> bool:
    is_taken_back = one.closed_because in {"withdrawn", "merged"} and _is_past(one.closed, now)
    return is_taken_back and not _is_past(_last_asked(one, now).decided, now)


def _ruling(asked: Asked, now: datetime) -> str:
    if asked.contested is None or asked.contested > now:
        return ""
    assert asked.ruling_due is not None
    if asked.ruled is not None and asked.ruled <= now and asked.ruled <= asked.ruling_due:
        return asked.ruling
    return "neither" if now > asked.ruling_due else "contested"


# --- setting it down


@dataclass
class Portal:
    """Two versions of one agreement, and who and where leads come from."""

    contract: Contract
    versions: dict[int, Agreement]
    owners: list[User]
    sources: list[int | None]
    campaigns: list[int | None]
    commitments: dict[str, Commitment]


@pytest.fixture
def portal(db: None) -> Portal:
    Agreement.objects.all().delete()
    contract = make_contract(in_force_until=TURN, status=Agreement.Status.SUPERSEDED)
    first = contract.agreement
    second = Agreement.objects.create(
        name=first.name, series=first.series, version=2, status=Agreement.Status.ACTIVE, timezone=first.timezone,
        calendar=first.calendar, definition=first.definition, in_force_from=TURN, created_at=BEGINNING,
    )  # fmt: skip
    for target in first.targets.all():
        Target.objects.create(
            agreement=second, commitment=target.commitment, position=target.position, at_least=target.at_least
        )
    another = User.objects.create_user("other@contract.example", name="Otto Other", roles=["sales_rep"])
    return Portal(
        contract,
        {1: first, 2: second},
        [contract.owner, another],
        [None, source("Fair").pk, source("Search").pk],
        [None, campaign("spring").pk],
        {commitment.measure: commitment for commitment in Commitment.objects.all()},
    )


HOURS = Contract.__dataclass_fields__["working_time"].default_factory()  # type: ignore[misc]


def set_down(portal: Portal, history: list[Given]) -> None:
    for one in history:
        handoff = _handoff(portal, one)
        for number, asked in enumerate(one.asked, start=1):
            Round.objects.create(
                handoff=handoff, number=number, opened_at=asked.opened, opened_because=asked.because,
                decision=asked.decision, decided_at=asked.decided, reason=asked.reason, is_counted=asked.is_counted,
                is_usable=asked.is_usable, returned_at=asked.returned, contested_at=asked.contested,
                ruling_due_at=asked.ruling_due, ruling=asked.ruling, ruled_at=asked.ruled,
            )  # fmt: skip
        for owed in one.owed:
            _set_clock(portal, handoff, owed, one)


def _handoff(portal: Portal, one: Given) -> Handoff:
    last, contract = one.asked[-1], portal.contract
    lead = Lead.objects.create(name="Lead", created_at=BEGINNING, stage_since=BEGINNING, stage=Stage.HANDED_OVER)
    return Handoff.objects.create(
        lead=lead, leg=one.leg, origin=one.origin, is_notice=one.is_notice, counts=one.counts,
        is_above_range=one.is_above, agreement=portal.versions[one.version], definition=contract.definition,
        door=one.door, override_by=contract.owner if one.is_override else None, temperature="warm",
        source_id=portal.sources[one.source], campaign_id=portal.campaigns[one.campaign], to_team=contract.team,
        owner=portal.owners[one.owner], handed_over_at=one.handed, recorded_at=one.handed, round=len(one.asked),
        decision=last.decision, decided_at=last.decided, reason=last.reason, is_returned=last.returned is not None,
        opportunity_at=one.opportunity, won_at=one.won, given_back_at=one.given_back,
        given_back_blames_marketing=one.blames, closed_at=one.closed, closed_because=one.closed_because,
    )  # fmt: skip


def _set_clock(portal: Portal, handoff: Handoff, owed: Owed, one: Given) -> None:
    limit = portal.contract.limit(owed.measure)
    begins, ends, seconds = owed.paused or (None, None, 0.0)
    is_late = owed.outcome in {"late", "missed"} or (owed.stopped is not None and owed.stopped > owed.due)
    clock = Clock.objects.create(
        lead=handoff.lead, handoff=handoff, round=owed.number, commitment=portal.commitments[owed.measure],
        measure=owed.measure, side=portal.commitments[owed.measure].side, temperature="warm",
        agreement=portal.versions[one.version], limit=limit, calendar_version=portal.contract.version,
        started_at=owed.started, budget_seconds=owed.budget, due_at=owed.due, paused_at=begins, paused_until=ends,
        paused_seconds=seconds, stopped_at=owed.stopped, outcome=owed.outcome,
        breached_at=owed.due if is_late else None, team=portal.contract.team, owner=portal.owners[1 - one.owner],
        responsible=portal.owners[one.owner] if is_late else None, recorded_at=owed.started,
    )  # fmt: skip
    if owed.waived is not None:
        ClockChange.objects.create(clock=clock, kind=ClockChange.Kind.WAIVED, at=owed.waived, why="agreed")


# --- the comparison


def scope_of(portal: Portal, version: int, month: date, now: datetime) -> measures.Scope:
    agreement = portal.versions[version]
    return measures.scope(agreement, measures.period_of(agreement, month), now=now)


def by_tally(scope: measures.Scope, now: datetime) -> dict[str, dict[str, int]]:
    return {
        tally.measure: dict(
            zip(
                TALLIED,
                (
                    tally.kept, tally.against, tally.open_cases, tally.waived, tally.left_out, tally.unsure_kept,
                    tally.unsure_against,
                ),
                strict=True,
            )
        )
        for tally in compliance.tallies([scope], now=now)
    }  # fmt: skip


def by_fact(scope: measures.Scope, now: datetime) -> dict[str, Counter[str]]:
    """Count the rows behind the figures, which lists show."""
    sql, parameters = measures.facts([scope], now=now)
    found: dict[str, Counter[str]] = {measure: Counter() for measure in measures.MEASURES}
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} SELECT measure, part, count(*) FROM facts GROUP BY 1, 2", parameters)
        for measure, part, count in cursor.fetchall():
            found[measure][part] += count
    return found


def check(portal: Portal, history: list[Given], rules: Rules, now: datetime) -> None:
    for version, month in ((1, FEBRUARY), (1, MARCH), (2, MARCH)):
        expected = rules.counted(history, version, month, now)
        scope = scope_of(portal, version, month, now)
        if scope.period.starts_at > now:
            continue
        facts = by_fact(scope, now)
        for measure, told in by_tally(scope, now).items():
            wanted = {part: expected[measure][part] for part in TALLIED}
            assert told == wanted, (measure, version, month, now)
            assert facts[measure] == {part: n for part, n in wanted.items() if n and not part.startswith("unsure")}


def check_rows(portal: Portal, history: list[Given], rules: Rules, now: datetime) -> None:
    compliance.recompute(now=now)
    compliance.recompute(now=now)  # again changes nothing
    rows = Compliance.objects.filter(period_start=_month(now)).select_related("commitment")
    for row in rows:
        version = 1 if row.agreement_id == portal.versions[1].pk else 2
        measure = row.commitment.measure
        expected = rules.counted(history, version, _month(now), now)[measure]
        still_open = expected["open"] if measures.MEASURES[measure].counts_open else 0
        assert (row.kept, row.cases, row.open_cases, row.waived, row.left_out) == (
            expected["kept"], expected["kept"] + expected["against"] + still_open, expected["open"],
            expected["waived"], expected["left_out"],
        ), (measure, version, now)  # fmt: skip


def check_break_downs(portal: Portal, now: datetime) -> None:
    """Every case stands in exactly one line of each break-down."""
    scope = scope_of(portal, 2, MARCH, now)
    for measure, told in by_tally(scope, now).items():
        side = portal.commitments[measure].side
        for dimension in Dimension.values:
            lines = breakdowns.by_dimension(scope, measure=measure, side=side, dimension=dimension, now=now)
            assert sum(line.kept for line in lines) == told["kept"], (measure, dimension)
            assert sum(line.waived for line in lines) == told["waived"]
            assert sum(line.open_cases for line in lines) == told["open"]


def reconcile(
    portal: Portal,
    history: list[Given],
    order: list[int],
    late: int,
    covers: tuple[bool, bool],
    now: datetime | int,
) -> None:
    if isinstance(now, int):
        moments = edges(history)
        now = moments[now % len(moments)]
    with transaction.atomic():
        for version, agreement in portal.versions.items():
            Agreement.objects.filter(pk=agreement.pk).update(covers_second_leg=covers[version - 1])
            agreement.covers_second_leg = covers[version - 1]
        rules = Rules({1: covers[0], 2: covers[1]})
        mixed = sorted(history, key=lambda one: order[history.index(one) % len(order)])
        # Some of it is entered later, after the figures were computed.
        set_down(portal, mixed[late:])
        compliance.recompute(now=now)
        set_down(portal, mixed[:late])
        check(portal, history, rules, now)
        check_rows(portal, history, rules, now)
        transaction.set_rollback(True)


def edges(history: list[Given]) -> list[datetime]:
    """Return the moments at which something turns: at them, and just after them, a figure is easily wrong."""
    found = [one.handed for one in history]
    for one in history:
        found += [moment for moment in (one.opportunity, one.won, one.given_back, one.closed) if moment]
        found += [HOURS.add(one.handed, timedelta(hours=240)), one.handed + timedelta(days=90)]
        for asked in one.asked:
            found += [moment for moment in (asked.decided, asked.contested, asked.ruling_due, asked.ruled) if moment]
            if asked.decided:
                found.append(HOURS.add(asked.decided, timedelta(hours=80)))
        for owed in one.owed:
            paused = owed.paused[2] if owed.paused else 0.0
            found += [owed.due, HOURS.add(owed.started, timedelta(seconds=2 * owed.budget + paused))]
            found += [moment for moment in (owed.stopped, owed.waived, *(owed.paused or ())[:2]) if moment]
    return [later for moment in found for later in (moment, moment + timedelta(minutes=1))]


ARGUMENTS = {
    "history": histories(),
    "order": st.permutations(range(7)),
    "late": st.integers(0, 3),
    "covers": st.tuples(st.booleans(), st.booleans()),
    "now": st.one_of(
        st.integers(0, 400),  # one of the history's own moments
        st.integers(0, 400),
        st.sampled_from(NOWS),
        st.integers(0, 90 * 1440).map(lambda minutes: FIRST_DAY + timedelta(minutes=minutes)),
        st.just(LAST_MOMENT),
    ),
}
MANY = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(MANY, max_examples=EXAMPLES)
@given(**ARGUMENTS)
def test_the_set_based_figures_are_those_of_the_rules(
    portal: Portal, history: list[Given], order: list[int], late: int, covers: tuple[bool, bool], now: datetime | int
) -> None:
    reconcile(portal, history, order, late, covers, now)


@pytest.mark.long
@settings(MANY, max_examples=1500)
@given(**ARGUMENTS)
def test_the_set_based_figures_are_those_of_the_rules_over_many_histories(
    portal: Portal, history: list[Given], order: list[int], late: int, covers: tuple[bool, bool], now: datetime | int
) -> None:
    reconcile(portal, history, order, late, covers, now)


@settings(MANY, max_examples=8)
@given(history=histories(), now=st.sampled_from(NOWS[1:]))
def test_every_case_stands_in_one_line_of_each_break_down(portal: Portal, history: list[Given], now: datetime) -> None:
    with transaction.atomic():
        set_down(portal, history)
        check_break_downs(portal, now)
        transaction.set_rollback(True)
