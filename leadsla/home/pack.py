"""The pack page: what sales reads in a minute before the call, frozen at the handoff, and what has happened since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from feedback.models import Answer, FollowUp, OutcomeReport, Reason
from leads.conditions import FIELDS
from leads.models import Interaction, Lead, Temperature
from leadsla import clock
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.models import User
from leadsla.accounts.requests import SignedInRequest
from leadsla.display import day_text, duration, moment_text, money
from leadsla.home import queue
from sla import handoff as handoffs
from sla import late_entries, packs, pauses
from sla.countdown import Countdown, countdown, due_words, stands
from sla.models import Clock, Commitment, Decision, Handoff, Round

SINCE_AT_MOST = 100
ROOM = 1.04  # right of the longest bar of the score

Entry = dict[str, Any]


# --- What may be done


@dataclass(frozen=True)
class Acts:
    """What the reader may do with the handoff now."""

    answer: bool
    follow_up: bool
    give_back: bool
    outcome: bool
    correct: bool
    rule: Answer | None
    pass_on: bool
    call_first: bool  # a call is the next thing owed


def _acts(user: User, handoff: Handoff) -> Acts:
    mine = may(user, Act.ANSWER_HANDOFFS) and Handoff.objects.answerable_by(user).filter(pk=handoff.pk).exists()
    is_open = mine and handoff.closed_at is None and not handoff.is_notice
    waits = is_open and not handoff.decision and not handoff.is_returned
    works = is_open and handoff.decision == Decision.ACCEPTED and handoff.given_back_at is None
    ended = mine and handoff.closed_because in {Handoff.ClosedBecause.WON, Handoff.ClosedBecause.LOST}
    left_open = None
    if is_open and handoff.decision == Decision.REJECTED and may(user, Act.REASSIGN):
        left_open = handoff.answers.filter(
            undone_at=None, carried_out_at__isnull=False, reason__consequence=Reason.Consequence.REVIEW
        ).first()
    is_urgent = handoff.temperature in {Temperature.HOT, Temperature.WARM} and handoff.reached_at is None
    return Acts(
        answer=waits,
        follow_up=waits or works,
        give_back=works and handoff.last_follow_up_at is not None,
        outcome=works,
        correct=ended,
        rule=left_open,
        pass_on=works and may(user, Act.PASS_ON) and handoffs.may_pass_on(handoff),
        call_first=(waits or works) and is_urgent,
    )


# --- The frozen part


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _criteria(pack: Entry, *, now: datetime) -> list[Entry]:
    return [
        {
            **criterion,
            "by": _told(criterion["who"], criterion["when"], now=now),
            "field_url": "",
        }
        for criterion in pack.get("criteria", [])
    ]


def _day_of(text: str, now: datetime) -> str:
    return day_text(datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text), now)


def _answers(pack: Entry, *, now: datetime) -> Entry:
    """Add to each of the three answers who or what told it and on which day: "form, Tue 3 Mar"."""
    return {
        name: {**answer, "by": _told(answer.get("source", ""), answer.get("at"), now=now)}
        for name, answer in pack.get("answers", {}).items()
    }


def _told(who: str, at: str | None, *, now: datetime) -> str:
    return ", ".join(part for part in (who, _day_of(at, now) if at else "") if part)


def _facts_line(pack: Entry, lead: Lead) -> str:
    """Write where the company is, how many work there and what it does: "Heilbronn, 340 people, machine parts"."""
    facts = pack.get("facts", {})
    place = facts.get("city") or facts.get("region") or facts.get("country") or ""
    employees = int(facts["employees"]) if facts.get("employees") else 0
    people = ngettext("%(n)d person", "%(n)d people", employees) % {"n": employees} if employees else ""
    return ", ".join(str(part) for part in (place, people, facts.get("industry", "")) if part)


def _story(pack: Entry, *, now: datetime) -> list[Entry]:
    return [
        {
            "when_text": _day_of(entry["at"], now)
            if entry["is_date"]
            else moment_text(datetime.fromisoformat(entry["at"]), now),
            "text": f"{entry['label']}: {entry['detail']}" if entry["detail"] else entry["label"],
            "more": " · ".join(part for part in (entry["source"], entry["campaign"]) if part),
            "is_hot": entry["counted"],
        }
        for entry in pack.get("story", [])
    ]


def _story_span(pack: Entry) -> str:
    """Say how much happened in how long: "9 interactions in 26 days"."""
    moments = [datetime.fromisoformat(entry["at"]) for entry in pack.get("story", [])]
    if not moments:
        return ""
    count = ngettext("%(n)d interaction", "%(n)d interactions", len(moments)) % {"n": len(moments)}
    days = (max(moments) - min(moments)).days
    if not days:
        return count
    return _("%(count)s in %(days)s") % {
        "count": count,
        "days": ngettext("%(n)d day", "%(n)d days", days) % {"n": days},
    }


def _earlier(pack: Entry, *, now: datetime) -> list[Entry]:
    labels = dict(Reason.objects.values_list("code", "label")) if pack.get("earlier") else {}
    return [
        {
            "when": _moment(earlier["handed_over_at"]),
            "when_text": "" if earlier["handed_over_at"] else _("before"),
            "text": " · ".join(part for part in (earlier["team"], earlier["owner"], earlier["closed_words"]) if part),
            "more": labels.get(earlier["reason"], earlier["reason"]),
            "url": reverse("home:pack", args=(earlier["handoff"],)),
        }
        for earlier in pack.get("earlier", [])
    ]


def _bars(pack: Entry) -> list[Entry]:
    """Return the score in its short form: one bar per group, the widest full."""
    groups = (pack.get("score") or {}).get("groups", [])
    widest = max((abs(group["sum"]) for group in groups), default=0) or 1
    return [
        {
            "label": group["label"],
            "detail": _("at most %(cap)d") % {"cap": group["cap"]} if group["cap"] else "",
            "points": group["sum"],
            "share": max(0.0, group["sum"] / widest * 100),
        }
        for group in groups
        if group["sum"]
    ]


def _waterfall(pack: Entry) -> Entry | None:
    """Lay out every line of the frozen score in hundredths of the widest."""
    score = pack.get("score")
    if not score:
        return None
    lines = [line for group in score["groups"] for line in group["lines"]]
    width: float = ROOM * max(
        [score["total"], score["threshold"], 1.0, *(max(line["start"], line["end"]) for line in lines)]
    )

    def place(points: float) -> float:
        return max(0.0, points) / width * 100

    groups = [
        {
            "label": group["label"],
            "detail": group["detail"],
            "points": group["sum"],
            "lines": [{**line, "start": place(line["start"]), "end": place(line["end"])} for line in group["lines"]],
        }
        for group in score["groups"]
    ]
    return {
        "groups": groups,
        "threshold": place(score["threshold"]),
        "threshold_label": _("%(points)d qualified") % {"points": score["threshold"]},
        "total": score["total"],
        "total_end": place(score["total"]),
        "sentence": " ".join(score["advice"]),
    }


def _contact(person: Entry, pack: Entry, lead: Lead, *, now: datetime) -> list[Entry]:
    """List how to reach the person; what is not known is left out."""
    found: list[Entry] = []
    if phone := person.get("phone"):
        found.append({"label": _("Phone"), "text": phone, "url": f"tel:{_dialled(phone)}"})
    if email := person.get("email"):
        found.append({"label": _("E-mail"), "text": email, "url": f"mailto:{email}"})
    if language := pack.get("facts", {}).get("language"):
        found.append({"label": FIELDS["language"].label, "text": language})
    if timeframe := person.get("timeframe"):
        found.append({"label": _("Time frame"), "text": timeframe})
    if lead.timezone in available_timezones():
        found.append({"label": _("Local time"), "text": _local_time(lead.timezone, now=now)})
    return found


def _dialled(phone: str) -> str:
    return "".join(sign for sign in phone if sign.isdigit() or sign == "+")


def _local_time(zone: str, *, now: datetime) -> str:
    theirs, yours = now.astimezone(ZoneInfo(zone)), timezone.localtime(now)
    ahead = (theirs.utcoffset() or timedelta()) - (yours.utcoffset() or timedelta())
    if not ahead:
        return _("%(time)s, same as yours") % {"time": f"{theirs:%H:%M}"}
    words = _("%(time)s, %(hours)s ahead of you") if ahead > timedelta() else _("%(time)s, %(hours)s behind you")
    return words % {"time": f"{theirs:%H:%M}", "hours": duration(abs(ahead))}


# --- Since the handoff


def _since(handoff: Handoff, round_: Round) -> list[Entry]:
    """Collect what happened after the pack was frozen: by the lead, by sales, by marketing; newest first."""
    events: list[Entry] = []
    if round_.opened_at is not None:
        later = Interaction.objects.filter(lead=handoff.lead_id, occurred_at__gt=round_.opened_at)
        events += [_did(one) for one in later[:SINCE_AT_MOST]]
    events += [_tried(one) for one in handoff.follow_ups.select_related("by")[:SINCE_AT_MOST]]
    events += [_reported(one) for one in handoff.outcomes.select_related("by")[:SINCE_AT_MOST]]
    standing = handoff.answers.filter(undone_at=None).select_related("by", "reason")
    events += [_answered(one) for one in standing]
    return sorted(events, key=lambda event: event["when"], reverse=True)


def _did(one: Interaction) -> Entry:
    text = f"{one.get_kind_display()}: {one.detail}" if one.detail else one.get_kind_display()
    return {"when": one.occurred_at, "text": text, "is_hot": True}


def _tried(one: FollowUp) -> Entry:
    words = {"by": one.by, "channel": one.get_channel_display(), "result": one.get_result_display().lower()}
    more = [one.note, _("Next: %(step)s") % {"step": one.next_step} if one.next_step else ""]
    if not one.counts:
        more.append(_("too soon after the last one to count as an attempt"))
    return {
        "when": one.occurred_at,
        "text": _("%(channel)s by %(by)s: %(result)s") % words,
        "more": " · ".join(part for part in more if part),
    }


def _reported(one: OutcomeReport) -> Entry:
    worth = money(one.amount, one.currency) if one.amount is not None else ""
    return {
        "when": one.occurred_at,
        "text": ", ".join(part for part in (str(one.get_kind_display()), worth) if part),
        "more": " · ".join(part for part in (one.lost_because, one.note, one.flag) if part),
        "is_hot": one.kind == OutcomeReport.Kind.WON,
    }


def _answered(one: Answer) -> Entry:
    if one.kind == Answer.Kind.GIVEN_BACK:
        words = _("%(by)s gave it back: %(reason)s")
    elif one.decision == Decision.REJECTED:
        words = _("%(by)s rejected it: %(reason)s")
    else:
        words = _("%(by)s accepted it")
    return {
        "when": one.occurred_at,
        "text": words % {"by": one.by, "reason": one.reason or ""},
        "more": " · ".join(part for part in (str(one.asked.get("text", "")), one.remark) if part),
    }


# --- The page


def _clocks(handoff: Handoff, *, now: datetime) -> list[Countdown]:
    """Return the countdowns of sales's clocks: what runs first, soonest due; of the rest, this round's."""
    of_sales = Clock.objects.filter(handoff=handoff, side="sales", started_at__lte=now).select_related(
        "calendar_version"
    )
    shown = of_sales.filter(Q(round=handoff.round) | Q(outcome=Clock.Outcome.RUNNING)).exclude(
        outcome=Clock.Outcome.CANCELLED
    )
    # One update follows the other while a lead is open: only the next one says something.
    shown = shown.exclude(measure=Commitment.Measure.UPDATE, stopped_at__isnull=False)
    return [
        _named(countdown(one, now=now), one, now=now)
        for one in sorted(shown, key=lambda one: (one.stopped_at is not None, one.due_at, one.pk))
    ]


def _pausable(user: User, handoff: Handoff, *, now: datetime) -> list[Clock]:
    """Return the running clocks of a handoff that a person may pause."""
    if not may(user, Act.PAUSE_CLOCKS):
        return []
    running = handoff.clocks.filter(outcome=Clock.Outcome.RUNNING, due_at__gt=now).select_related("owner", "commitment")
    return [one for one in running.order_by("due_at") if pauses.may_pause(user, one) and not stands(one, now=now)]


def _late_entry(user: User, handoff: Handoff, *, now: datetime) -> Clock | None:
    """Return the clock whose follow-up was entered late and waits for this manager's word."""
    if not may(user, Act.CONFIRM_LATE):
        return None
    return late_entries.waiting_for(user, now=now).filter(handoff=handoff).first()


def _named(shown: Countdown, one: Clock, *, now: datetime) -> Countdown:
    """Say of a stopped clock what it was for, of one that sleeps what is owed; of the others the due time says it."""
    if shown.state == "sleep":
        due = due_words(one, now=now)
        return shown if shown.detail == due else replace(shown, detail=f"{due}, {shown.detail}")
    if shown.state != "done":
        return shown
    words = {
        Commitment.Measure.DECIDE.value: _("decision"),
        Commitment.Measure.FIRST_FOLLOW_UP.value: _("first follow-up"),
    }
    what = words.get(one.measure, str(Commitment.Measure(one.measure).label).lower())
    return replace(shown, detail=", ".join(part for part in (what, shown.detail) if part))


def _neighbours(user: User, handoff: Handoff, *, now: datetime) -> Entry:
    """Return the handoffs before and after this one among those that wait for the reader, and its place there."""
    if not may(user, Act.WORK_QUEUE):
        return {}
    ids = queue.to_answer(user, now=now)
    if handoff.public_id not in ids:
        return {}
    at = ids.index(handoff.public_id)
    return {
        "number": at + 1,
        "of": len(ids),
        "previous": ids[at - 1] if at else None,
        "next": ids[at + 1] if at + 1 < len(ids) else None,
    }


def _chosen_round(request: SignedInRequest, handoff: Handoff) -> Round:
    wanted = request.GET.get("round", "")
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 5 else handoff.round
    found: Round = get_object_or_404(handoff.rounds.select_related("owner", "to_team"), number=number)
    return found


def _waiting_answer(handoff: Handoff, user: User, *, now: datetime) -> Answer | None:
    return (
        handoff.answers.filter(
            by=user, kind=Answer.Kind.DECISION, undone_at=None, carried_out_at=None, failures=0, not_before__gt=now
        )
        .select_related("reason")
        .first()
    )


@requires(Act.SEE_HANDOFFS)
@require_safe
def pack(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Show a handoff's pack, what is owed and what has happened since."""
    now = clock.now()
    handoff = get_object_or_404(
        Handoff.objects.visible_to(request.user)
        .select_related(
            "lead__company", "owner", "to_team", "from_team", "handed_over_by", "source", "campaign", "override_by"
        )
        .prefetch_related("parent__owner", "parent__to_team"),
        public_id=public_id,
    )
    round_ = _chosen_round(request, handoff)
    frozen = packs.read(round_)
    person = frozen["person"]
    answer = _waiting_answer(handoff, request.user, now=now)
    met = [criterion for criterion in frozen.get("criteria", []) if criterion["verdict"] == "met"]
    context: Entry = {
        "handoff": handoff,
        "round": round_,
        "rounds": list(handoff.rounds.all()) if handoff.round > 1 else [],
        "pack": frozen,
        "answers": _answers(frozen, now=now),
        "person": person,
        "is_erased": not any(person.values()),
        "name": person.get("name") or str(handoff.lead),
        "facts_line": _facts_line(frozen, handoff.lead),
        "acts": _acts(request.user, handoff),
        "clocks": _clocks(handoff, now=now),
        "pausable": _pausable(request.user, handoff, now=now),
        "late_entry": _late_entry(request.user, handoff, now=now),
        "criteria": _criteria(frozen, now=now),
        "met": len(met),
        "story": _story(frozen, now=now),
        "story_span": _story_span(frozen),
        "earlier": _earlier(frozen, now=now),
        "bars": _bars(frozen),
        "waterfall": _waterfall(frozen),
        "contact": _contact(person, frozen, handoff.lead, now=now),
        "other_leg": handoff.parent if handoff.leg == 2 else handoffs.second_leg_of(handoff),
        "phone": _dialled(person.get("phone", "")),
        "since": _since(handoff, round_),
        "answer": answer,
        "undo_seconds": int((answer.not_before - now).total_seconds()) if answer else 0,
        "nearby": _neighbours(request.user, handoff, now=now),
        "works_queue": may(request.user, Act.WORK_QUEUE),
        "now": now,
    }
    return render(request, "home/pack.html", context)
