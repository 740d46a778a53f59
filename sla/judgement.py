"""Put a figure and its promise into one of six words, with where it will end. Asks no database."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sla.models import ComplianceStatus
from sla.statistics import Beta, Forecast, Gamma, count_forecast, is_reached, rate_forecast, rules_out, wilson

ENOUGH = 5  # cases expected on either side of the promise before a rate is judged
ON_TRACK_FROM = 0.75  # probability of keeping the promise


@dataclass(frozen=True)
class Judgement:
    """How a promise stands.

    Attributes:
        status: one of six words.
        value: kept ÷ cases, or the count; None without cases.
        low, high: 95 % Wilson interval of a rate.
        forecast: where it ends; None while nothing can be said, and when nothing is left to come.
    """

    status: ComplianceStatus
    value: float | None
    low: float | None = None
    high: float | None = None
    forecast: Forecast | None = None


@dataclass(frozen=True)
class Figures:
    """What is known of one rate.

    Attributes:
        kept: cases that kept the promise.
        cases: all that are decided.
        unsure_kept: of the kept, those that can still turn against it.
        unsure_against: of the others, those that can still be kept.
        open_cases: not decided yet.
        to_come: cases expected in the rest of the period beyond the open ones.
    """

    kept: int
    cases: int
    unsure_kept: int = 0
    unsure_against: int = 0
    open_cases: int = 0
    to_come: float = 0.0


def cases_needed(at_least: float) -> int:
    """Return how many cases a rate needs before it is judged: 5 expected on either side of the promise.

    Args:
        at_least: the promised share.

    Returns:
        Cases; 1 where the promise is all or nothing, because one case then settles it.
    """
    rarer = min(at_least, 1 - at_least)
    return math.ceil(ENOUGH / rarer - 1e-9) if rarer > 0 else 1


def judge_count(
    counted: int, *, at_least: float, elapsed: float, left: float, prior: Gamma, is_over: bool
) -> Judgement:
    """Judge a count, as of qualified leads.

    Args:
        counted: so far in the period.
        at_least: the promise; its upper end is no duty.
        elapsed: working days of the period that have passed.
        left: working days that are left.
        prior: what past periods say about the count per working day.
        is_over: the period has ended.

    Returns:
        Met as soon as the promise is reached, because nothing takes it back. Too early while the promise itself lets
        expect fewer than five by now and there is no history.
    """
    if is_over:
        return Judgement(_final(counted >= at_least), float(counted))
    forecast = count_forecast(counted, elapsed=elapsed, left=left, prior=prior, at_least=at_least)
    if counted >= at_least:
        return Judgement(ComplianceStatus.MET, float(counted), forecast=forecast)
    share = elapsed / (elapsed + left) if elapsed + left else 0.0
    if not prior.exposure and at_least * share < ENOUGH:
        return Judgement(ComplianceStatus.EARLY, float(counted))
    return Judgement(_running(forecast), float(counted), forecast=forecast)


def judge_rate(figures: Figures, *, at_least: float, prior: Beta, is_over: bool, is_ripe: bool = True) -> Judgement:
    """Judge a share, as of decisions in time.

    Args:
        figures: what is known.
        at_least: the promised share.
        prior: what past periods say about the share.
        is_over: no case can be added any more.
        is_ripe: False for a measure that is not judged before its time has come.

    Returns:
        Too early until there are enough cases; at the end then too few. Met or missed when nothing can change it.
    """
    interval = wilson(figures.kept, figures.cases)
    value = figures.kept / figures.cases if figures.cases else None
    low, high = interval or (None, None)
    worst = is_reached(figures.kept - figures.unsure_kept, figures.cases + figures.open_cases, at_least)
    best = is_reached(
        figures.kept + figures.unsure_against + figures.open_cases, figures.cases + figures.open_cases, at_least
    )
    is_enough = figures.cases >= cases_needed(at_least) or rules_out(figures.kept, figures.cases, at_least)
    if at_least >= 1 and not best and figures.cases:
        return Judgement(ComplianceStatus.MISSED, value, low, high)
    if not is_ripe:
        return Judgement(ComplianceStatus.EARLY, value, low, high)
    if is_over and (worst or not best):
        return Judgement(_final(worst) if is_enough else ComplianceStatus.TOO_FEW, value, low, high)
    if not is_enough:
        can_be_enough = not is_over or figures.cases + figures.open_cases >= cases_needed(at_least)
        status = ComplianceStatus.EARLY if can_be_enough else ComplianceStatus.TOO_FEW
        return Judgement(status, value, low, high)
    remaining = figures.open_cases + (0 if is_over else round(figures.to_come))
    forecast = rate_forecast(figures.kept, figures.cases, remaining=remaining, prior=prior, at_least=at_least)
    return Judgement(_running(forecast), value, low, high, forecast)


def _final(is_kept: bool) -> ComplianceStatus:
    return ComplianceStatus.MET if is_kept else ComplianceStatus.MISSED


def _running(forecast: Forecast) -> ComplianceStatus:
    return ComplianceStatus.TRACK if forecast.probability >= ON_TRACK_FROM else ComplianceStatus.RISK
