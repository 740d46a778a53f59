"""What the draft editor shows: every section with its form, the sentences as they read now, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from leads.condition_form import ConditionForm
from leads.models import Temperature
from leadsla.accounts.models import Side
from sla import agreements, signing, wording
from sla.drafting import SIDES, Measure
from sla.editor_forms import (
    AboutForm,
    DefinitionForm,
    EscalationForm,
    OrderForm,
    PromiseForm,
    RulesForm,
    calendars_by_id,
    people_by_id,
)
from sla.models import Agreement, Calendar, Target

SCOPE = "scope"  # begins the names of the inputs of the scope's rows


@dataclass(frozen=True)
class Promise:
    """One promise of the draft, with the form that changes it.

    Attributes:
        measure: code.
        label: what is measured.
        sentence: as it reads now; "" while it is not promised.
        note: where its figure comes from.
        form: its fields.
        is_open: the form is shown, because it is being changed.
    """

    measure: str
    label: StrOrPromise
    sentence: str
    note: str
    form: PromiseForm
    is_open: bool = False


@dataclass(frozen=True)
class SidePromises:
    """What one side promises, and what it could promise, too."""

    side: str
    label: StrOrPromise
    promises: list[Promise]
    not_promised: list[tuple[str, StrOrPromise]]


@dataclass(frozen=True)
class Steps:
    """What happens to clocks of one temperature that nobody stops, in words, with the form that changes it."""

    temperature: str
    label: StrOrPromise
    sentences: list[str]
    form: EscalationForm
    is_open: bool


@dataclass(frozen=True)
class Point:
    """One thing to look at before a draft is proposed, and where it is changed; advice does not stand in the way."""

    words: str
    anchor: str
    is_advice: bool = False


def page(
    draft: Agreement, *, now: datetime, bound: Mapping[str, Any] | None = None, adding: str = ""
) -> dict[str, Any]:
    """Return what the editor's page shows.

    Args:
        draft: the draft.
        now: the moment.
        bound: forms that hold what was typed, by section: about, scope, order, rules, definition, a measure, or
            `escalation-hot`; the others are filled from the draft.
        adding: code of a measure that is to be promised; its empty form is shown.

    Returns:
        The context of `sla/editor.html`.
    """
    given, points, targets = dict(bound or {}), missing(draft, now=now), _targets(draft)
    return {
        "draft": draft,
        "about": given.get("about") or AboutForm(draft=draft, now=now),
        "conditions": given.get("scope") or scope_rows(draft),
        "order": given.get("order") or OrderForm(draft=draft),
        "sides": sides(draft, targets, bound=given, adding=adding),
        "definition": given.get("definition") or DefinitionForm(draft=draft),
        "escalation": steps(draft, targets, now=now, bound=given),
        "rules": given.get("rules") or RulesForm(draft=draft),
        "points": points,
        "is_ready": all(point.is_advice for point in points),
        "now": now,
    }


def part(context: Mapping[str, Any], section: str, *, is_saved: bool = False) -> dict[str, Any]:
    """Return what one section of the page adds to its context when it is shown by itself.

    Args:
        context: of the page.
        section: about, scope, definition, rules, `promise-decide` or `escalation-hot`.
        is_saved: it was saved just now.
    """
    kind, _dash, code = section.partition("-")
    of_promises = (one for side in context["sides"] for one in side.promises)
    return {
        "section": f"sla/_editor_{kind}.html",
        "saved": section if is_saved else "",
        "promise": next((one for one in of_promises if one.measure == code), None) if kind == "promise" else None,
        "steps": next((one for one in context["escalation"] if one.temperature == code), None),
    }


def steps(draft: Agreement, targets: list[Target], *, now: datetime, bound: Mapping[str, Any]) -> list[Steps]:
    """Return what happens to clocks that nobody stops, by temperature."""
    lines = wording.text_of(draft, now=now).escalation
    people, promised = people_by_id(), [one.commitment.measure for one in targets]
    found = []
    for temperature, label in Temperature.choices:
        form = bound.get(f"escalation-{temperature}")
        found.append(
            Steps(
                temperature,
                label,
                [line.text for line in lines if line.key.split(" ")[0] == temperature],
                form or EscalationForm.of(draft, temperature=temperature, now=now, people=people, promised=promised),
                is_open=form is not None,
            )
        )
    return found


def scope_rows(draft: Agreement, data: Any = None) -> ConditionForm:
    """Return the rows of the draft's scope."""
    return ConditionForm(data, condition=draft.scope, prefix=SCOPE, of_judgement=True)


def sides(draft: Agreement, targets: list[Target], *, bound: Mapping[str, Any], adding: str = "") -> list[SidePromises]:
    """Return the promises of both sides in the order of the contract, marketing's first, and what each could add."""
    offered, promised = calendars_by_id(), {one.commitment.measure for one in targets}
    new = next((one for one in bound if one in Measure.values and one not in promised), adding)
    found = []
    for side, label in (
        (Side.MARKETING, _("Marketing promises sales")),
        (Side.SALES, _("Sales promises marketing")),
    ):
        promises = [
            _promise(draft, one, offered=offered, form=bound.get(one.commitment.measure))
            for one in targets
            if one.commitment.side == side
        ]
        if new in Measure.values and new not in promised and SIDES[Measure(new)] == side:
            form = bound.get(new) or PromiseForm(draft=draft, measure=new, offered=offered)
            promises.append(Promise(new, Measure(new).label, "", "", form, is_open=True))
        more: list[tuple[str, StrOrPromise]] = [
            (one.value, one.label)
            for one in Measure
            if SIDES[one] == side and one not in promised and one.value != adding
        ]
        found.append(SidePromises(side, label, promises, more))
    return found


def _promise(draft: Agreement, target: Target, *, offered: Mapping[str, Calendar], form: PromiseForm | None) -> Promise:
    measure = Measure(target.commitment.measure)
    return Promise(
        measure,
        measure.label,
        agreements.sentence(target, agreement=draft),
        target.note,
        form or PromiseForm(draft=draft, measure=measure, target=target, offered=offered),
        is_open=form is not None,
    )


def target_of(draft: Agreement, measure: str) -> Target | None:
    """Return what a draft promises under a measure; None where it promises nothing."""
    return next((one for one in _targets(draft) if one.commitment.measure == measure), None)


def _targets(draft: Agreement) -> list[Target]:
    return list(draft.targets.select_related("commitment").prefetch_related("limits__calendar"))


def missing(draft: Agreement, *, now: datetime) -> list[Point]:
    """Return what stands in the way of proposing a draft, then what the other side will ask first."""
    found = [Point(words, section) for section, words in signing.what_is_missing(draft, now=now)]
    if not draft.why:
        found.append(Point(_("Say why it should change: the other side reads that first."), "about", is_advice=True))
    if not draft.escalation.exists():
        words = _("Nothing happens when a time runs out. Add a step, or leave it so.")
        found.append(Point(words, "escalation", is_advice=True))
    return found
