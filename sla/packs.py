"""Freeze all that is known of a lead into a pack, and read it again. A pack is versioned JSON; the person is apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from leads import conditions, profile, qualification, scoring
from leads.criteria import CriterionState, criteria_of
from leads.models import ASKED_KINDS, Campaign, Door, Interaction, Lead, ScoreModel, ScoreRule, Verdict
from sla.models import Agreement, Handoff, Round

VERSION = 1
LONGEST_STORY = 200
LONGEST_PAST = 20  # handoffs
PERSON = (
    "name",
    "email",
    "phone",
    "title",
    "need",
    "decision_maker",
    "authority",
    "budget",
    "timeframe",
    "note",
)

Pack = dict[str, Any]


def freeze(lead: Lead, *, agreement: Agreement | None, now: datetime) -> tuple[Pack, Pack]:
    """Write down everything known of a lead at a moment.

    Args:
        lead: with company, sources, campaigns, team and score model.
        agreement: under which it is handed over.
        now: the moment; nothing that happened later is in the pack.

    Returns:
        The pack, and the person: name, contact and what they said in their own words, which erasure empties.
    """
    known = _Known(
        criteria=qualification.criteria(lead, now=now),
        explained=scoring.explain(lead) if lead.score is not None else None,
        acts=list(lead.interactions.filter(occurred_at__lte=now).select_related("source", "campaign")[:LONGEST_STORY]),
        counting=_counting_kinds([lead.score_model]).get(lead.score_model_id or 0, frozenset()),
        earlier=_earlier([lead]).get(lead.pk, []),
    )
    return _written(lead, known, agreement=agreement, now=now)


def freeze_many(leads: Sequence[Lead], *, agreement: Agreement | None, now: datetime) -> dict[int, tuple[Pack, Pack]]:
    """Write down what `freeze` does for many leads, each as of when it was scored; the number of queries does not grow.

    Args:
        leads: as `freeze` wants them, with source channels and the definition by which they qualified.
        agreement: under which they are handed over.
        now: at which criteria are looked at.

    Returns:
        By id the pack, which does not say when the score will fall below the line, and the person.
    """
    states = criteria_of(leads, now=now)
    explained = scoring.explain_many(leads)
    counting = _counting_kinds([lead.score_model for lead in leads])
    earlier = _earlier(leads)
    acts: dict[int, list[Interaction]] = {lead.pk: [] for lead in leads}
    as_of = {lead.pk: lead.scored_at or now for lead in leads}
    for act in Interaction.objects.filter(lead__in=acts).select_related("source", "campaign"):
        if act.occurred_at <= as_of[act.lead_id] and len(acts[act.lead_id]) < LONGEST_STORY:
            acts[act.lead_id].append(act)
    found = {}
    for lead in leads:
        known = _Known(
            criteria=states.get(lead.pk, []),
            explained=explained.get(lead.pk),
            acts=acts[lead.pk],
            counting=counting.get(lead.score_model_id or 0, frozenset()),
            earlier=earlier.get(lead.pk, []),
        )
        found[lead.pk] = _written(lead, known, agreement=agreement, now=as_of[lead.pk])
    return found


@dataclass(frozen=True)
class _Known:
    """What is asked of the database about a lead: criteria, score, acts (newest first), closed handoffs."""

    criteria: Sequence[CriterionState]
    explained: scoring.Explanation | None
    acts: Sequence[Interaction]
    counting: frozenset[str]  # kinds of interactions that the score counts
    earlier: list[Pack]


def _written(lead: Lead, known: _Known, *, agreement: Agreement | None, now: datetime) -> tuple[Pack, Pack]:
    criteria = [_criterion(state) for state in known.criteria]
    story = _story(lead, known)
    questions = [
        {"criterion": criterion["label"], "question": criterion["question"], "field": criterion["field"]}
        for criterion in criteria
        if criterion["verdict"] != Verdict.MET and criterion["question"]
    ]
    campaign = _campaign(lead.last_campaign)
    pack = {
        "version": VERSION,
        "frozen_at": now.isoformat(),
        "facts": conditions.facts(lead),
        "score": _score(known.explained),
        "qualified": _qualified(lead, agreement),
        "criteria": criteria,
        "questions": questions,
        "touches": _touches(lead),
        "story": story,
        "campaign": campaign,
        "earlier": known.earlier,
        "answers": {
            "why_now": _why_now(lead, known, story),
            "need": {"text": "", **_source_of(lead, "need")},
            "next_step": _next_step(lead, questions, campaign),
        },
    }
    person = {field: getattr(lead, field) for field in PERSON}
    person["own"] = dict(lead.own)
    person["evidence"] = {state.code: str(state.evidence) for state in known.criteria if state.is_personal}
    return pack, person


def read(round_: Round) -> Pack:
    """Return a round's pack with the words of the person put back in their places, for the page to render."""
    pack: Pack = dict(round_.pack)
    person = dict(round_.person)
    answers = dict(pack.get("answers", {}))
    need = dict(answers.get("need", {}))
    need["text"] = person.get("need", "")
    answers["need"] = need
    evidence = person.get("evidence", {})
    criteria = [
        criterion | {"evidence": evidence.get(criterion["code"], criterion["evidence"])}
        for criterion in pack.get("criteria", [])
    ]
    return pack | {"answers": answers, "criteria": criteria, "person": person}


def _moment(value: datetime | date | None) -> str | None:
    return value.isoformat() if value else None


def _criterion(state: CriterionState) -> Pack:
    return {
        "code": state.code,
        "label": str(state.label),
        "verdict": str(state.verdict),
        "evidence": "" if state.is_personal else str(state.evidence),
        "who": str(state.who) if state.who else "",
        "when": _moment(state.when),
        "is_required": bool(state.is_required),
        "field": state.field,
        "question": str(state.question),
    }


def _score(explained: scoring.Explanation | None) -> Pack | None:
    """Write down the score with the lines that explain it; None for a lead without a score."""
    if explained is None or explained.total is None or explained.model is None:
        return None
    sums = {group.code: float(group.sum) for group in explained.groups}
    return {
        "total": float(explained.total),
        **{code: sums.get(code, 0.0) for code in ("fit", "intent", "engagement", "negative")},
        "grade": explained.grade,
        "threshold": float(explained.threshold),
        "model": {
            "id": explained.model.pk,
            "version": explained.model.version,
            "name": explained.model.name,
        },
        "scored_at": _moment(explained.as_of),
        "falls_below_on": _moment(explained.falls_below_on),
        "advice": [str(sentence) for sentence in explained.advice],
        "groups": [
            {
                "code": group.code,
                "label": str(group.label),
                "detail": str(group.detail),
                "cap": None if group.cap is None else float(group.cap),
                "sum": float(group.sum),
                "lines": [
                    {
                        "label": str(line.label),
                        "detail": str(line.detail),
                        "points": float(line.points),
                        "start": float(line.start),
                        "end": float(line.end),
                        "kind": line.kind,
                    }
                    for line in group.lines
                ],
            }
            for group in explained.groups
        ],
    }


def _qualified(lead: Lead, agreement: Agreement | None) -> Pack:
    definition = lead.qualified_by or (agreement.definition if agreement else None)
    return {
        "at": _moment(lead.qualified_at),
        "door": lead.door,
        "temperature": lead.temperature,
        "definition": {"id": definition.pk, "version": definition.version, "name": definition.name}
        if definition
        else None,
    }


def _touches(lead: Lead) -> Pack:
    return {
        "captured_at": _moment(lead.captured_at),
        "captured_is_date": lead.captured_is_date,
        "first_source": lead.first_source.name if lead.first_source else "",
        "last_source": lead.last_source.name if lead.last_source else "",
        "first_campaign": lead.first_campaign.name if lead.first_campaign else "",
        "last_campaign": lead.last_campaign.name if lead.last_campaign else "",
    }


def _story(lead: Lead, known: _Known) -> list[Pack]:
    """Write down what the lead did, newest first, and which of it the score counts."""
    since = lead.engagement_since
    return [
        {
            "kind": interaction.kind,
            "label": interaction.get_kind_display(),
            "at": _moment(interaction.occurred_at),
            "is_date": interaction.is_date,
            "detail": interaction.detail,
            "source": interaction.source.name if interaction.source else "",
            "campaign": interaction.campaign.name if interaction.campaign else "",
            "counted": interaction.kind in known.counting and (since is None or interaction.occurred_at >= since),
        }
        for interaction in known.acts
    ]


def _counting_kinds(models: Iterable[ScoreModel | None]) -> dict[int, frozenset[str]]:
    """Return which kinds of interactions score models count, by the model's id."""
    kinds: dict[int, frozenset[str]] = {}
    rules = ScoreRule.objects.filter(model__in={model for model in models if model}).exclude(kinds=[])
    for model, of_rule in rules.order_by().values_list("model", "kinds"):
        kinds[model] = kinds.get(model, frozenset()).union(of_rule)
    return kinds


def _campaign(campaign: Campaign | None) -> Pack | None:
    if campaign is None:
        return None
    return {
        "code": campaign.code,
        "name": campaign.name,
        "message": campaign.message,
        "question": campaign.question,
    }


def _earlier(leads: Sequence[Lead]) -> dict[int, list[Pack]]:
    """Write down the closed handoffs of leads, newest first."""
    closed = Handoff.objects.filter(lead__in=leads, closed_at__isnull=False, is_notice=False)
    found: dict[int, list[Pack]] = {}
    for handoff in closed.select_related("to_team", "owner").order_by("-handed_over_at"):
        mine = found.setdefault(handoff.lead_id, [])
        if len(mine) < LONGEST_PAST:
            mine.append(_past(handoff))
    return found


def _past(handoff: Handoff) -> Pack:
    return {
        "handoff": str(handoff.public_id),
        "handed_over_at": _moment(handoff.handed_over_at),
        "team": str(handoff.to_team or ""),
        "owner": str(handoff.owner or ""),
        "decision": handoff.decision,
        "reason": handoff.reason or handoff.given_back_reason,
        "attempts": handoff.attempts,
        "reached": handoff.reached_at is not None,
        "closed_at": _moment(handoff.closed_at),
        "closed_because": handoff.closed_because,
        "closed_words": handoff.get_closed_because_display(),
    }


# --- the three answers


def _why_now(lead: Lead, known: _Known, story: list[Pack]) -> Pack:
    """Say why the lead is handed over now: what they asked for, else score and what they did last."""
    if lead.door == Door.ASKED:
        asked = next((act for act in known.acts if act.kind in ASKED_KINDS), None)
        if asked is not None:
            text = f"{asked.get_kind_display()}: {asked.detail}" if asked.detail else asked.get_kind_display()
            source = asked.source.name if asked.source else _("their request")
            return {"text": text, "source": source, "at": _moment(asked.occurred_at)}
    counted = [entry for entry in story if entry["counted"]]
    parts = list(dict.fromkeys(entry["label"] for entry in counted))[:3]
    parts[1:] = [label[:1].lower() + label[1:] for label in parts[1:]]
    total, grade = (known.explained.total, known.explained.grade) if known.explained else (None, "")
    score = _("Score %(score)d (%(grade)s)") % {"score": int(total or 0), "grade": grade or "–"}
    text = _("%(score)s: %(parts)s.") % {"score": score, "parts": ", ".join(parts)} if parts else f"{score}."
    return {"text": text, "source": _("what they did, as the score counts it")}


def _source_of(lead: Lead, field: str) -> Pack:
    """Say who or what told a fact, and when."""
    words, at = profile.told(lead, field)
    return {"source": words, "at": _moment(at)}


def _next_step(lead: Lead, questions: list[Pack], campaign: Pack | None) -> Pack:
    """Suggest what to do: how to reach them, and what to ask first."""
    if lead.phone:
        how = _("Call them.")
    elif lead.email:
        how = _("Write to them; no phone number is known.")
    else:
        how = _("Find a way to reach them; neither phone nor e-mail is known.")
    question = (campaign or {}).get("question") or (questions[0]["question"] if questions else "")
    ask = _("Ask: %(question)s") % {"question": question} if question else ""
    if campaign and campaign["question"]:
        source = _("brief of %(campaign)s") % {"campaign": campaign["name"]}
    elif questions:
        source = _("open question: %(criterion)s") % {"criterion": questions[0]["criterion"]}
    else:
        source = _("nothing is open")
    return {"text": " ".join(part for part in (how, ask) if part), "source": source}
