"""Explain a score: the same statement as of the moment it was stored, line by line, for the page and for packs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any, Literal

from django.db import connection
from django.utils.formats import date_format, number_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leads import conditions, definitions, score_statement
from leads.models import Lead, ScoreModel, ScoreRule
from leads.querysets import LeadQuerySet
from leads.score_statement import Moment, Sql, capped, day_of, on_facts

LineKind = Literal["normal", "negative", "over_cap"]
Group = ScoreRule.Group
_ZERO = Decimal(0)
_FORESEEN = 366  # days for which the fading of a score is told
_USUAL_LINE = Decimal(100)  # where no definition covers a lead


@dataclass(frozen=True)
class Line:
    """One line of a score.

    Attributes:
        code: of the rule; of the lines that a cap makes, `over_cap`, `unsubscribed` or `at_least_zero`.
        label: what counts.
        detail: why it counts for this lead: the fact, or the days.
        points: to one decimal; the points of all lines add up to the score.
        start: where its bar begins, in hundredths of the widest.
        end: where its bar ends; less than `start` where the line takes away.
        kind: how it is drawn.
    """

    code: str
    label: str
    detail: str
    points: Decimal
    start: float
    end: float
    kind: LineKind


@dataclass(frozen=True)
class GroupOfLines:
    """The lines of fit, intent, engagement or what counts against; `sum` is theirs."""

    code: str
    label: str
    detail: str
    cap: Decimal | None
    sum: Decimal
    lines: list[Line]

    @property
    def points(self) -> Decimal:
        """Return the sum, under the name that the waterfall asks for."""
        return self.sum


@dataclass(frozen=True)
class Waterfall:
    """A score as `components/_waterfall.html` draws it; positions in hundredths of the widest."""

    groups: list[GroupOfLines]
    threshold: float
    threshold_label: str
    total: Decimal
    total_end: float
    sentence: str


@dataclass(frozen=True)
class Explanation:
    """Why a lead has its score.

    Attributes:
        total: the score; None for a lead that has none, which then has no groups either.
        threshold: from which score the lead's definition takes it as qualified.
        model: by which it was scored.
        as_of: the moment for which the lines hold.
        groups: with their lines, in the order in which they are added.
        widest: the score at the right end of the bars.
        grade: of the score.
        falls_below_on: the day on which it falls below the threshold if nothing new happens; None if it is below, or
            stays above for a year.
        advice: sentences on what would raise it.
    """

    total: Decimal | None
    threshold: Decimal
    model: ScoreModel | None
    as_of: datetime | None
    groups: list[GroupOfLines] = field(default_factory=list)
    widest: Decimal = _USUAL_LINE
    grade: str = ""
    falls_below_on: date | None = None
    advice: list[str] = field(default_factory=list)

    @property
    def over(self) -> Decimal:
        """Return by how much the score is over the threshold; negative when under it."""
        return (self.total or _ZERO) - self.threshold

    @property
    def sentence(self) -> str:
        """Return what happens if nothing does, and what would help, as one text."""
        falls = []
        if self.falls_below_on is not None:
            words = _("Without anything new it falls below %(line)s on %(day)s.")
            falls = [words % {"line": _points(self.threshold), "day": date_format(self.falls_below_on, "j M Y")}]
        return " ".join([*falls, *self.advice])

    @property
    def waterfall(self) -> Waterfall | None:
        """Return the score as the page draws it; None without a score."""
        if self.total is None:
            return None
        return Waterfall(
            groups=self.groups,
            threshold=_position(self.threshold, self.widest),
            threshold_label=_("%(line)s qualified") % {"line": _points(self.threshold)},
            total=self.total,
            total_end=_position(self.total, self.widest),
            sentence=self.sentence,
        )


def explain(lead: Lead, *, at: datetime | None = None, model: ScoreModel | None = None) -> Explanation:
    """Explain a lead's score.

    Args:
        lead: any lead.
        at: as of when; without it, as of when the stored score was computed, so that the lines add up to it.
        model: another model to score it with; without it, the model of the stored score, else the one that counts.

    Returns:
        The explanation; without a score and lines for a lead that is excluded, merged or not scored yet.
    """
    as_of = at or lead.scored_at
    if as_of is None:
        return Explanation(None, _USUAL_LINE, None, None)
    definition = definitions.definition_for(lead, now=as_of)
    threshold = definition.threshold if definition else _USUAL_LINE
    model = model or _model_of(lead, now=as_of)
    if model is None or (at is None and lead.score is None):
        return Explanation(None, threshold, model, as_of)
    return _explained(lead, model, threshold, as_of=as_of)


def course(lead: Lead, *, days: Sequence[date], now: datetime) -> list[tuple[date, Decimal]]:
    """Return a lead's score at the end of past days, and on days ahead if nothing new happens.

    It is the score by what is known today and by the model that counts today, for a chart.
    """
    model = _model_of(lead, now=now)
    if model is None:
        return []
    today = day_of(now)
    moments = [Moment(until=now if day >= today else _end_of(day), today=day) for day in days]
    totals = _Asked.of(score_statement.of_lead(lead.pk), model, now=now).totals(moments)
    return [(day, total) for day, total in zip(days, totals, strict=False) if total is not None]


def _end_of(day: date) -> datetime:
    return conditions.midnight(day + timedelta(days=1)) - timedelta(microseconds=1)


def _model_of(lead: Lead, *, now: datetime) -> ScoreModel | None:
    if lead.score_model is not None:
        return lead.score_model
    for each in definitions.counting(now=now):
        rows = score_statement.of_lead(lead.pk)
        if each.leads is None or rows.filter(each.leads).exists():
            return each.model
    return None


# --- asking the statement --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Counted:
    """What a rule gave: points before and after its cap, how often it counted and on which days, newest first."""

    rule: ScoreRule
    points: Decimal
    capped: Decimal
    times: int = 0
    days: Sequence[date] = ()


@dataclass(frozen=True)
class _Asked:
    """The statement of some leads under one model: compiled once, asked for as many moments as one likes."""

    leads: LeadQuerySet
    model: ScoreModel
    rules: Sequence[ScoreRule]
    now: datetime
    facts: score_statement.Facts

    @classmethod
    def of(cls, leads: LeadQuerySet, model: ScoreModel, *, now: datetime) -> _Asked:
        rules = list(model.rules.all())
        return cls(leads, model, rules, now, score_statement.points_of_facts(rules, leads, now=now))

    def rows(self, moments: Sequence[Moment] | Mapping[int, Moment], select: str) -> list[dict[str, Any]]:
        """Put a SELECT behind the chain and return what it finds."""
        chain = score_statement.scored(
            self.model, self.rules, self.leads, now=self.now, moments=moments, facts=self.facts
        )
        statement = chain + Sql(select)
        with connection.cursor() as cursor:
            cursor.execute(statement.text, statement.params)
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def totals(self, moments: Sequence[Moment]) -> list[Decimal | None]:
        """Return the score of one lead as of each moment."""
        if not moments:
            return []
        return [row["score"] for row in self.rows(moments, "SELECT key, score FROM scored ORDER BY key")]

    def totals_of_days(self, days: Sequence[date]) -> list[Decimal | None]:
        """Return the score of one lead on days ahead if nothing new happens."""
        return self.totals([Moment(until=self.now, today=day) for day in days])


# What each score consists of, with a row for each rule on interactions that counted; the score alone where `where`
# does not hold.
_SCORED_AND_COUNTED = """SELECT c.*, s.*, u.no, u.points, u.capped, u.times, CASE WHEN u.key IS NOT NULL THEN (
    SELECT array_agg(DISTINCT d.day ORDER BY d.day DESC) FROM counted d
    WHERE d.key = u.key AND d.no = u.no AND d.times > 0
) END AS days
FROM scored s JOIN chosen c USING (key) LEFT JOIN sums u ON u.key = s.key AND {where}
ORDER BY s.key, u.no"""


def _explained(lead: Lead, model: ScoreModel, threshold: Decimal, *, as_of: datetime) -> Explanation:
    asked, today = _Asked.of(score_statement.of_lead(lead.pk), model, now=as_of), day_of(as_of)
    # The fortnights ahead come by the same statement: most that are explained are over the line.
    ahead = [today + timedelta(days=n) for n in range(14, _FORESEEN + 1, 14)]
    moments = [Moment(until=as_of, today=day) for day in (today, *ahead)]
    rows = asked.rows(moments, _SCORED_AND_COUNTED.format(where="s.key = 0"))
    found = _read(lead, [row for row in rows if row["key"] == 0], asked, threshold, as_of=as_of)
    if found.total is None:
        return found
    later = [row["score"] for row in rows if row["key"] > 0]
    falls_below_on = _falls_below(asked, found.total, threshold, list(zip(ahead, later, strict=True)))
    return replace(found, falls_below_on=falls_below_on)


def explain_many(leads: Sequence[Lead]) -> dict[int, Explanation]:
    """Explain the scores of many leads by one statement for each model; not, when they will fall below the threshold.

    Args:
        leads: each is explained as of its `scored_at`, by its model, against the threshold of the definition by which
            it qualified. Those without score are left out.

    Returns:
        The explanations by id.
    """
    of_model: dict[ScoreModel, list[Lead]] = {}
    for lead in leads:
        if lead.score_model is not None and lead.scored_at is not None and lead.score is not None:
            of_model.setdefault(lead.score_model, []).append(lead)
    return {pk: each for model, theirs in of_model.items() for pk, each in _explained_by(model, theirs).items()}


def _explained_by(model: ScoreModel, leads: Sequence[Lead]) -> dict[int, Explanation]:
    moments = {lead.pk: Moment(lead.scored_at, day_of(lead.scored_at)) for lead in leads if lead.scored_at}
    latest = max(moment.until for moment in moments.values())
    asked = _Asked.of(Lead.objects.filter(pk__in=[*moments]), model, now=latest)
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in asked.rows(moments, _SCORED_AND_COUNTED.format(where="true")):
        rows.setdefault(row["key"], []).append(row)
    return {
        lead.pk: _read(lead, rows.get(lead.pk, []), asked, _line_of(lead), as_of=moments[lead.pk].until)
        for lead in leads
    }


def _line_of(lead: Lead) -> Decimal:
    return lead.qualified_by.threshold if lead.qualified_by else _USUAL_LINE


def _read(
    lead: Lead, found: Sequence[Mapping[str, Any]], asked: _Asked, threshold: Decimal, *, as_of: datetime
) -> Explanation:
    """Read the rows of one lead at one moment."""
    model, rules = asked.model, asked.rules
    if not found or found[0]["score"] is None:
        return Explanation(None, threshold, model, as_of)
    scored = found[0]
    counted = [
        _Counted(rule, rule.points, capped(rule, rule.points)) for no, rule in on_facts(rules) if scored[f"rule_{no}"]
    ]
    counted += [
        _Counted(rules[row["no"]], row["points"], row["capped"], row["times"], row["days"] or [])
        for row in found
        if row["no"] is not None
    ]
    groups = _groups(lead, model, counted, scored, today=day_of(as_of))
    widest = _widest(groups, threshold)
    total: Decimal = scored["score"]
    return Explanation(
        total=total,
        threshold=threshold,
        model=model,
        as_of=as_of,
        groups=_placed(groups, widest),
        widest=widest,
        grade=scored["grade"],
        advice=_advice(lead, rules, scored, model, short_of=threshold - total),
    )


def _falls_below(
    asked: _Asked, total: Decimal, threshold: Decimal, fortnights: Sequence[tuple[date, Decimal | None]]
) -> date | None:
    """Return the day on which a score falls below the line: first by fortnights, then by days."""

    def first_below(ahead: Iterable[tuple[date, Decimal | None]]) -> date | None:
        return next((day for day, then in ahead if (then or _ZERO) < threshold), None)

    # A score that fades does not come back, so the fortnight holds the day.
    fortnight = None if total < threshold else first_below(fortnights)
    if fortnight is None:
        return None
    days = [fortnight - timedelta(days=n) for n in range(13, -1, -1)]
    return first_below(zip(days, asked.totals_of_days(days), strict=True))


# --- lines and groups ------------------------------------------------------------------------------------------------


def _groups(
    lead: Lead, model: ScoreModel, counted: Sequence[_Counted], scored: Mapping[str, Any], *, today: date
) -> list[GroupOfLines]:
    caps: dict[Group, Decimal | None] = {
        Group.FIT: model.fit_cap,
        Group.INTENT: model.intent_cap,
        Group.ENGAGEMENT: model.engagement_cap,
        Group.NEGATIVE: None,
    }
    groups = []
    for group, cap in caps.items():
        # What adds stands before what takes away, so that the bars stay right of zero.
        mine = [each for each in counted if each.rule.group == group and each.points]
        mine.sort(key=lambda each: (each.points < 0, each.rule.position, each.rule.pk))
        lines = [line for each in mine for line in _lines(lead, each, today=today)]
        left: Decimal = scored[group.value]
        lines += _cut(sum((line.points for line in lines), _ZERO), left, is_silent=scored["silent"])
        if lines or group is not Group.NEGATIVE:
            detail = _group_detail(group, cap, mine)
            groups.append(GroupOfLines(group.value, str(group.label), detail, cap, left, lines))
    lifted = scored["score"] - sum((each.sum for each in groups), _ZERO)
    if lifted:
        words = _("At least 0")
        line = _line("at_least_zero", words, _("a score does not go below"), lifted)
        groups.append(GroupOfLines("at_least_zero", words, "", None, lifted, [line]))
    return groups


def _line(code: str, label: str, detail: str, points: Decimal, kind: LineKind = "normal") -> Line:
    return Line(code, label, detail, points, 0, 0, kind)


def _lines(lead: Lead, each: _Counted, *, today: date) -> list[Line]:
    rule = each.rule
    detail = _days_words(each, today=today) if rule.kinds else _fact_words(lead, rule)
    lines = [_line(rule.code, rule.label, detail, each.points, "normal" if each.points > 0 else "negative")]
    if each.capped != each.points:
        words = _("%(sum)s counts as %(cap)s") % {"sum": _points(each.points), "cap": _points(each.capped)}
        lines.append(_line("over_cap", _("Over its cap"), words, each.capped - each.points, "over_cap"))
    return lines


def _cut(found: Decimal, left: Decimal, *, is_silent: bool) -> list[Line]:
    if found == left:
        return []
    if is_silent and left == 0:
        return [_line("unsubscribed", _("Unsubscribed"), _("engagement counts 0"), left - found, "over_cap")]
    words = _("%(sum)s counts as %(cap)s") % {"sum": _points(found), "cap": _points(left)}
    return [_line("over_cap", _("Over the cap"), words, left - found, "over_cap")]


def _group_detail(group: Group, cap: Decimal | None, counted: Sequence[_Counted]) -> str:
    if group is Group.FIT:
        return _("who they are, at most %(cap)s") % {"cap": _points(cap or _ZERO)}
    halves = sorted({each.rule.half_life_days for each in counted if each.rule.half_life_days})
    if not halves:
        return _("does not fade") if group is Group.NEGATIVE else _("at most %(cap)s") % {"cap": _points(cap or _ZERO)}
    days = get_text_list([str(half) for half in halves], _("or"))
    return _("fades by half every %(days)s days") % {"days": days}


def _fact_words(lead: Lead, rule: ScoreRule) -> str:
    told = []
    for asked in conditions.fields(rule.condition):
        if asked.key == "email_kind":
            told.append(lead.email.rpartition("@")[2])
        else:
            told.append(conditions.value_in_words(lead, asked))
    return ", ".join(word for word in told if word)


def _days_words(each: _Counted, *, today: date) -> str:
    rule, days = each.rule, list(each.days)
    if not days:
        return ""
    if len(days) > 3:
        told = ngettext("%(n)d time, last %(day)s", "%(n)d times, last %(day)s", each.times)
        words = [told % {"n": each.times, "day": _day_words(days[0], today)}]
    else:
        words = [get_text_list([_day_words(day, today) for day in reversed(days)], _("and"))]
        if each.times > len(days):
            words.append(ngettext("%(n)d time", "%(n)d times", each.times) % {"n": each.times})
    if rule.half_life_days and (new := each.times * rule.points) != each.points:
        words.append(_("%(points)s when new") % {"points": _points(new)})
    if rule.limit is not None and rule.limit_per != ScoreRule.Per.DAY:
        per = ScoreRule.Per(rule.limit_per).label
        words.append(_("%(n)d %(per)s counts") % {"n": rule.limit, "per": per})
    return ", ".join(words)


def _day_words(day: date, today: date) -> str:
    if day == today:
        return _("today")
    if day == today - timedelta(days=1):
        return _("yesterday")
    return date_format(day, "j M" if day.year == today.year else "j M Y")


def _points(points: Decimal) -> str:
    """Write points without a decimal that says nothing."""
    return number_format(points.normalize(), decimal_pos=0 if points == points.to_integral() else 1)


def _widest(groups: Sequence[GroupOfLines], threshold: Decimal) -> Decimal:
    reached, highest = _ZERO, threshold
    for line in (line for group in groups for line in group.lines):
        reached += line.points
        highest = max(highest, reached)
    return max((highest / 10).to_integral_value(ROUND_CEILING) * 10, Decimal(10))


def _position(points: Decimal, widest: Decimal) -> float:
    return round(float(min(max(points / widest * 100, _ZERO), Decimal(100))), 2)


def _placed(groups: Sequence[GroupOfLines], widest: Decimal) -> list[GroupOfLines]:
    placed, reached = [], _ZERO
    for group in groups:
        lines = []
        for line in group.lines:
            start, end = _position(reached, widest), _position(reached + line.points, widest)
            lines.append(Line(line.code, line.label, line.detail, line.points, start, end, line.kind))
            reached += line.points
        placed.append(GroupOfLines(group.code, group.label, group.detail, group.cap, group.sum, lines))
    return placed


# --- what would help -------------------------------------------------------------------------------------------------


def _advice(
    lead: Lead, rules: Sequence[ScoreRule], scored: Mapping[str, Any], model: ScoreModel, *, short_of: Decimal
) -> list[str]:
    """Say which unknown facts would add points, and below the line what the lead could do."""
    advice = []
    gains = _gains_of_facts(lead, rules)[:3]
    room = model.fit_cap - scored["fit"]
    labels = [_fact_label(key) for key, _gain in gains]
    if gains and room <= 0:
        names = get_text_list(labels, _("or"))
        advice.append(_("Knowing the %(facts)s would not add points: fit is at its cap.") % {"facts": names})
    elif gains:
        names = get_text_list(labels, _("and"))
        most = min(sum((gain for _key, gain in gains), _ZERO), room)
        advice.append(
            _("Knowing the %(facts)s could add up to %(points)s points.") % {"facts": names, "points": _points(most)}
        )
    if short_of > 0:
        advice += _gain_of_deeds(rules, scored, model)
    return advice


def _fact_label(key: str) -> str:
    label = str(conditions.field_of("email" if key == "email_kind" else key).label)
    return label[0].lower() + label[1:]


def _gains_of_facts(lead: Lead, rules: Sequence[ScoreRule]) -> list[tuple[str, Decimal]]:
    """Return unknown facts with the most points that knowing them could add in fit, the most first."""
    gains: dict[str, Decimal] = {}
    for _no, rule in on_facts(rules):
        asked = conditions.fields(rule.condition)
        if rule.group != Group.FIT or rule.points <= 0 or len(asked) != 1:
            continue
        if conditions.value_of(lead, asked[0]) is None:
            gains[asked[0].key] = max(gains.get(asked[0].key, _ZERO), capped(rule, rule.points))
    return sorted(gains.items(), key=lambda gain: -gain[1])


def _gain_of_deeds(rules: Sequence[ScoreRule], scored: Mapping[str, Any], model: ScoreModel) -> list[str]:
    room = model.engagement_cap - scored["engagement"]
    best = max(
        (rule for rule in rules if rule.kinds and rule.group == Group.ENGAGEMENT),
        key=lambda rule: rule.points,
        default=None,
    )
    if best is None or scored["silent"] or min(best.points, room) <= 0:
        return []
    words = _("“%(deed)s” would add %(points)s points.")
    return [words % {"deed": best.label, "points": _points(min(best.points, room))}]
