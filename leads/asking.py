"""Ask a lead for what is missing: a personal link to a page that asks for that, and shows nothing else of the lead."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import capfirst, get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from leads import definitions, intake, qualification
from leads.facts import FACTS, clean
from leads.models import Asking, CriterionAnswer, InteractionKind, Lead, Stage, Verdict
from leads.qualification import CriterionState
from leadsla.accounts.models import User
from leadsla.outbox import messages

USUAL_DAYS = 14
MOST_DAYS = 90
LONGEST_QUESTION = 250
LONGEST_WORDS = 1000
VIA = "asked"
YES, NO = "yes", "no"
_WORDS = "-words"  # beside yes or no: what the lead adds

# What a lead can be asked for although no criterion wants it, where nobody knows it yet.
_ASKABLE = {
    "name": gettext_lazy("What is your name?"),
    "email": gettext_lazy("What is your e-mail address?"),
    "phone": gettext_lazy("At which number can we reach you?"),
    "title": gettext_lazy("What is your job title?"),
    "company_name": gettext_lazy("Which company do you work for?"),
    "industry": gettext_lazy("What does your company do?"),
    "employees": gettext_lazy("How many people work at your company?"),
    "country": gettext_lazy("In which country are you?"),
    "city": gettext_lazy("In which city are you?"),
    "need": gettext_lazy("What do you want to solve?"),
    "decision_maker": gettext_lazy("Who decides about this?"),
    "authority": gettext_lazy("What is your part in the decision?"),
    "budget": gettext_lazy("Is there a budget, or a range?"),
    "timeframe": gettext_lazy("By when do you want it solved?"),
}
_BEFORE_SALES = (Stage.INQUIRY, Stage.NURTURING, Stage.QUALIFIED)


class State(StrEnum):
    """How a link stands."""

    OPEN = "open"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Question:
    """One question of a link.

    Attributes:
        key: its name in forms and among the answers.
        fact: the lead's fact that answers it; "" where the answer is yes or no, and words.
        criterion: code of the criterion that it is about; "" for none.
        label: what it is about, as marketing says it.
        text: the question as the lead reads it.
        is_required: without it the lead is not qualified.
    """

    key: str
    fact: str
    criterion: str
    label: str
    text: str
    is_required: bool = False


@dataclass(frozen=True)
class Made:
    """A link that was made; `key` is known now and never again."""

    asking: Asking
    key: str


# --- whom, and for what ----------------------------------------------------------------------------------------------


def why_not(lead: Lead) -> str:
    """Say why a lead may not be asked; "" if it may."""
    if lead.merged_into_id is not None:
        return _("This lead was merged into another. Ask that one.")
    if lead.suppressed_at is not None:
        return _("This lead must not be contacted.")
    if lead.blocked_at is not None:
        return _("This lead is blocked.")
    if lead.excluded_because:
        return _("This lead is excluded: nothing that it says qualifies it.")
    if lead.stage not in _BEFORE_SALES:
        return _("It is not with marketing any more: ask sales.")
    return ""


def why_not_mailed(lead: Lead) -> str:
    """Say why the portal may not send a lead its link; "" if it may."""
    if not lead.email:
        return _("No e-mail of this lead is known: copy the link.")
    if lead.unsubscribed_at is not None:
        return _("This lead unsubscribed from e-mails: give it the link on the phone or in a reply.")
    return ""


def open_questions(lead: Lead, *, now: datetime, known: Sequence[CriterionState] | None = None) -> list[Question]:
    """Return what is missing of a lead and can be asked: open criteria, required ones first, then unknown facts.

    Args:
        lead: whom.
        now: this moment.
        known: how its criteria stand, where the caller knows that.
    """
    definition = definitions.definition_for(lead, now=now)
    by_fact = {each.code for each in definition.criteria.all() if each.condition is not None} if definition else set()
    known = qualification.criteria(lead, now=now) if known is None else known
    states = [state for state in known if state.verdict != Verdict.MET]
    states.sort(key=lambda state: not state.is_required)
    found = [_about(state, is_by_fact=state.code in by_fact and state.field in _ASKABLE) for state in states]
    asked = {question.fact for question in found}
    for code, text in _ASKABLE.items():
        if code not in asked and getattr(lead, code) in {"", None}:
            found.append(Question(code, code, "", capfirst(str(FACTS[code].label)), str(text)))
    return list({question.key: question for question in reversed(found)}.values())[::-1]


def _about(state: CriterionState, *, is_by_fact: bool) -> Question:
    fact = state.field if is_by_fact else ""
    usual = str(_ASKABLE[fact]) if fact else state.label
    key = fact or f"criterion-{state.code}"
    return Question(key, fact, state.code, state.label, state.question or usual, state.is_required)


# --- asking ----------------------------------------------------------------------------------------------------------


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "ignore")).hexdigest()


@transaction.atomic
def ask(
    lead: Lead,
    *,
    texts: Mapping[str, str],
    by: User,
    now: datetime,
    public_id: UUID,
    days: int = USUAL_DAYS,
    is_mailed: bool = False,
) -> Made:
    """Make a link that asks a lead.

    Args:
        lead: whom.
        texts: key of a question of `open_questions` → how it is put.
        by: who asks; the lead reads the name and the address.
        now: this moment.
        public_id: of the link. The same one again, as by a double click, gives the link another key: the first key was
            shown on a page that nobody saw.
        days: after how many it expires.
        is_mailed: the portal sends it to the lead's e-mail.

    Returns:
        The link with its key, of which only the hash is kept; of one that is on its way by e-mail already, without.

    Raises:
        Refused: the lead may not be asked, or a question or the days are wrong.
    """
    if refusal := why_not(lead):
        raise intake.Refused({"lead": refusal})
    errors: dict[str, str] = {}
    if not 1 <= days <= MOST_DAYS:
        errors["days"] = _("Give a number of days from 1 to %(most)d.") % {"most": MOST_DAYS}
    if is_mailed and (barred := why_not_mailed(lead)):
        errors["mail"] = barred
    questions = _chosen(lead, texts, errors, now=now)
    if errors:
        raise intake.Refused(errors)
    key = secrets.token_urlsafe(24)
    Lead.objects.select_for_update().get(pk=lead.pk)  # two clicks at once make one link
    again = Asking.objects.filter(public_id=public_id, lead=lead).first()
    if again is not None and again.mailed_at is not None:
        return Made(again, "")
    if again is not None:
        again.key_hash = _hash(key)
        again.save(update_fields=["key_hash"])
        return Made(again, key)
    asking = Asking.objects.create(
        public_id=public_id,
        lead=lead,
        key_hash=_hash(key),
        questions=[asdict(question) for question in questions],
        asked_by=by,
        asked_at=now,
        expires_at=now + timedelta(days=days),
        mailed_at=now if is_mailed else None,
    )
    if is_mailed:
        _mail(asking, key, by=by, now=now)
    words = _("Asked by e-mail: %(what)s") if is_mailed else _("Asked by a personal link: %(what)s")
    detail = words % {"what": _labels(questions)}
    _tell(asking, "made", kind=InteractionKind.MARKETING_TOUCH, detail=detail, by=by, now=now)
    return Made(asking, key)


def _mail(asking: Asking, key: str, *, by: User, now: datetime) -> None:
    body = _(
        "Hello,\n\n%(name)s has a few questions to you. Answering takes two minutes, and you can leave out what you do "
        "not know. The link is yours alone and holds until %(day)s.\n\nWould you rather write? %(name)s: %(email)s"
    ) % {"name": by.name, "day": date_format(_local(asking.expires_at), "j M Y"), "email": by.email}
    messages.write_to(
        asking.lead.email,
        event=f"asking:{asking.public_id}",
        subject=_("A few questions from %(name)s") % {"name": by.name},
        body=body,
        url=reverse("leads:asked", args=(key,)),
        now=now,
    )


def _chosen(lead: Lead, texts: Mapping[str, str], errors: dict[str, str], *, now: datetime) -> list[Question]:
    possible = {question.key: question for question in open_questions(lead, now=now)}
    found = []
    for key, given in texts.items():
        text = clean(given)
        if key not in possible:
            errors[key] = _("This is known already, or nothing that a lead can be asked for.")
        elif not text:
            errors[key] = _("Put it as a question that the lead understands.")
        elif len(text) > LONGEST_QUESTION:
            errors[key] = _("At most %(most)d characters fit here.") % {"most": LONGEST_QUESTION}
        else:
            found.append(Question(**{**asdict(possible[key]), "text": text}))
    if not texts:
        errors["questions"] = _("Choose at least one question.")
    return found


def _labels(questions: Iterable[Question]) -> str:
    return get_text_list([question.label for question in questions], _("and"))


def _tell(
    asking: Asking,
    what: str,
    *,
    kind: InteractionKind,
    detail: str,
    now: datetime,
    by: User | None = None,
    facts: Mapping[str, str] | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Write into the lead's story what became of a link, with the facts that were told; score and judge."""
    arrival = intake.Arrival(
        facts=dict(facts or {}),
        kind=kind,
        occurred_at=now,
        detail=detail[:500],
        key=f"asked:{asking.public_id}:{what}",
        via=VIA,
        data=data or {},
        on_existing="overwrite",
    )
    intake.receive_for(asking.lead, arrival, by=by, now=now)


def withdraw(asking: Asking, *, now: datetime) -> bool:
    """End a link; False when it was withdrawn already."""
    return Asking.objects.filter(pk=asking.pk, withdrawn_at=None).update(withdrawn_at=now) == 1


# --- the lead's side -------------------------------------------------------------------------------------------------


def find(key: str) -> Asking | None:
    """Return the link of a key; None where there is none."""
    return Asking.objects.select_related("lead", "asked_by").filter(key_hash=_hash(key)).first()


def state(asking: Asking, *, now: datetime) -> State:
    """Tell how a link stands. Who must not be contacted any more is asked nothing."""
    lead = asking.lead
    if asking.withdrawn_at is not None or lead.suppressed_at is not None or lead.blocked_at is not None:
        return State.WITHDRAWN
    return State.EXPIRED if asking.expires_at <= now else State.OPEN


def questions_of(asking: Asking) -> list[Question]:
    """Return the questions of a link, as they were put."""
    return [Question(**told) for told in asking.questions]


@transaction.atomic
def note_opening(asking: Asking, *, now: datetime) -> bool:
    """Write down that the lead opened a link for the first time; False when it did before."""
    if not Asking.objects.filter(pk=asking.pk, opened_at=None).update(opened_at=now):
        return False
    asked = date_format(_local(asking.asked_at), "j M Y")
    detail = _("Opened the questions that were asked on %(day)s") % {"day": asked}
    _tell(asking, "opened", kind=InteractionKind.OTHER, detail=detail, now=now)
    return True


@transaction.atomic
def take(asking: Asking, *, answers: Mapping[str, str], now: datetime) -> bool:
    """Take in what a lead answers; then it is scored and judged.

    Facts come in through intake, which replaces what was known. A criterion that only a person can judge gets the
    lead's yes or no as its answer. What was answered before and is left empty now is taken back.

    Args:
        asking: the link.
        answers: key of a question → the answer; of a yes or no, `<key>-words` holds what was added. What is not asked
            is left out.
        now: this moment.

    Returns:
        False when the link has ended.

    Raises:
        Refused: an answer cannot be read, or there is none; nothing was taken.
    """
    asking = Asking.objects.select_for_update(of=("self",)).select_related("lead").get(pk=asking.pk)
    if state(asking, now=now) != State.OPEN:
        return False
    questions = questions_of(asking)
    told = _read(questions, answers)
    changed = [
        question
        for question in questions
        if any(told.get(name, "") != asking.answers.get(name, "") for name in (question.key, question.key + _WORDS))
    ]
    if not told and not asking.answers:
        raise intake.Refused({"answers": _("Answer at least one question; the others can wait.")})
    if not changed:
        return True
    is_first = asking.answered_at is None
    before = _let_facts_decide(asking.lead, changed)
    _tell(
        asking,
        f"answered:{now.isoformat()}",
        kind=InteractionKind.SURVEY_ANSWER if is_first else InteractionKind.OTHER,
        detail=(_("Answered when asked: %(what)s") if is_first else _("Changed the answers: %(what)s"))
        % {"what": _labels(changed)},
        facts={question.fact: told[question.key] for question in changed if question.fact and question.key in told},
        data={"answers_before": before} if before else {},
        now=now,
    )
    _take_back(asking, [question for question in changed if question.key not in told], now=now)
    _judge_by_words(asking.lead, changed, told, now=now)
    asking.answers = told
    asking.answered_at = asking.answered_at or now
    asking.save(update_fields=["answers", "answered_at"])
    return True


def _read(questions: Sequence[Question], answers: Mapping[str, str]) -> dict[str, str]:
    """Return the answers that say something, as they are kept."""
    errors: dict[str, str] = {}
    told: dict[str, str] = {}
    for question in questions:
        is_long = not question.fact or FACTS[question.fact].is_long
        text = clean(answers.get(question.key, ""), is_long=is_long)
        if question.fact:
            told[question.key] = text
            continue
        words = clean(answers.get(question.key + _WORDS, ""), is_long=True)
        if text not in {"", YES, NO}:
            errors[question.key] = _("Say yes or no.")
        elif words and not text:
            errors[question.key] = _("Say yes or no, so that your words are not misread.")
        elif len(words) > LONGEST_WORDS:
            errors[question.key + _WORDS] = _("At most %(most)d characters fit here.") % {"most": LONGEST_WORDS}
        told |= {question.key: text, question.key + _WORDS: words}
    if errors:
        raise intake.Refused(errors)
    return {name: text for name, text in told.items() if text}


def _let_facts_decide(lead: Lead, questions: Sequence[Question]) -> list[dict[str, str]]:
    """Put aside what a person said of criteria that the lead's own words answer now; returns what it was."""
    codes = [question.criterion for question in questions if question.fact and question.criterion]
    rows = CriterionAnswer.objects.filter(lead=lead, code__in=codes)
    before = [{"criterion": row.code, "verdict": row.verdict, "evidence": row.evidence} for row in rows]
    rows.delete()
    return before


def _take_back(asking: Asking, questions: Sequence[Question], *, now: datetime) -> None:
    """Empty facts that stand as this link told them; what somebody put right since stays."""
    lead = Lead.objects.get(pk=asking.lead_id)
    given = {question.fact for question in questions if question.fact}
    facts = {code: "" for code in given if (lead.fact_sources.get(code) or {}).get("via") == VIA}
    if facts:
        intake.amend(lead, facts=facts, by=None, now=now, via=VIA)


def _judge_by_words(lead: Lead, questions: Sequence[Question], told: Mapping[str, str], *, now: datetime) -> None:
    """Keep a lead's yes and no as answers to the criteria; a criterion that is gone by now is passed over."""
    definition = definitions.definition_for(lead, now=now)
    known = {each.code for each in definition.criteria.all()} if definition else set()
    day = date_format(_local(now), "j M Y")
    for question in questions:
        if question.fact or question.criterion not in known:
            continue
        said = told.get(question.key, "")
        verdict = {YES: Verdict.MET, NO: Verdict.NOT_MET}.get(said, Verdict.UNKNOWN)
        words = told.get(question.key + _WORDS, "")
        evidence = _("Said so on %(day)s") % {"day": day}
        if not said:
            evidence = _("Took the answer back on %(day)s") % {"day": day}
        qualification.answer(
            lead,
            code=question.criterion,
            verdict=verdict,
            evidence=f"{evidence}: {words}" if words else f"{evidence}.",
            by=None,
            now=now,
        )


def _local(moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(settings.TIME_ZONE))


# --- how it stands, in words -----------------------------------------------------------------------------------------

Standing = Literal["answered", "opened", "asked", "expired", "withdrawn"]


def standing(asking: Asking, *, now: datetime) -> Standing:
    """Tell in one word how far a link came."""
    if asking.answered_at is not None:
        return "answered"
    ended = state(asking, now=now)
    if ended != State.OPEN:
        return "expired" if ended == State.EXPIRED else "withdrawn"
    return "opened" if asking.opened_at is not None else "asked"


def in_words(asking: Asking, *, now: datetime) -> str:
    """Say how a link stands: `Asked on 3 Mar 2026, opened, not answered yet`."""
    asked = _("Asked on %(day)s") % {"day": date_format(_local(asking.asked_at), "j M Y")}
    if asking.answered_at is not None:
        day = date_format(_local(asking.answered_at), "j M Y")
        return _("%(asked)s, answered on %(day)s") % {"asked": asked, "day": day}
    words = {
        "opened": _("%(asked)s, opened, not answered yet"),
        "asked": _("%(asked)s, not opened yet"),
        "expired": _("%(asked)s, expired without an answer"),
        "withdrawn": _("%(asked)s, withdrawn"),
    }
    return words[standing(asking, now=now)] % {"asked": asked}


def latest(leads: Sequence[Lead]) -> dict[int, Asking]:
    """Return the newest link of each lead of a page, in one query."""
    rows = Asking.objects.filter(lead__in=[lead.pk for lead in leads]).order_by("lead_id", "-asked_at", "-pk")
    by_lead = {lead.pk: lead for lead in leads}
    found = {row.lead_id: row for row in rows.distinct("lead_id")}
    for pk, row in found.items():
        row.lead = by_lead[pk]
    return found


def days_left(asking: Asking, *, now: datetime) -> str:
    """Say for how long a link is open."""
    days = max(0, (asking.expires_at - now).days)
    return ngettext("%(n)d day left", "%(n)d days left", days) % {"n": days} if days else _("ends today")
