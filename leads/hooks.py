"""Take leads that other systems deliver: prove the sender, recognise what came before, keep what was refused."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from leads import csv_files, hook_formats, intake
from leads.columns import TARGETS
from leads.csv_files import WrongValue
from leads.hook_formats import Delivered, NotReadable
from leads.models import Hook, HookDelivery
from leads.tracking_rules import PARAMETERS

LARGEST = 256 * 1024  # bytes of a delivery
Outcome = HookDelivery.Outcome


@dataclass(frozen=True)
class Answer:
    """What the sender is told.

    Attributes:
        status: of HTTP.
        words: what happened.
        delivery: what was kept; None of what was not.
    """

    status: int
    words: str
    delivery: HookDelivery | None = None


def new_secret() -> str:
    """Make a secret that nobody guesses."""
    return secrets.token_urlsafe(32)


def too_large() -> str:
    """Say how large a delivery may be."""
    return _("A delivery has at most %(most)d kB.") % {"most": LARGEST // 1024}


def take(hook: Hook, *, raw: bytes, headers: Mapping[str, str], now: datetime) -> Answer:
    """Take one delivery, in one transaction.

    What is signed and refused is kept with the reason, so that it can be taken once the matching is right. A delivery
    that comes again is recognised by its key and changes nothing, unless it was refused before.

    Args:
        hook: the address it came to.
        raw: the body.
        headers: of the request, without regard to case.
        now: when it came.

    Returns:
        What to answer: 200 taken, known or a test; 400 unreadable or refused; 401 not signed; 410 switched off; 413
        too large.
    """
    if len(raw) > LARGEST:
        return Answer(413, too_large())
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return Answer(400, _("The body is not JSON."))
    if not hook_formats.is_signed(hook.kind, secret=hook.secret, raw=raw, body=body, headers=headers):
        Hook.objects.filter(pk=hook.pk).update(refused_unsigned=F("refused_unsigned") + 1)
        return Answer(401, _("The key or the signature is missing or wrong."))
    if not hook.is_active:
        return Answer(410, _("This address takes nothing any more."))
    return _take(hook, body, now=now)


@transaction.atomic
def take_again(delivery: HookDelivery, *, now: datetime) -> Answer:
    """Take a delivery that was refused, by the matching as it is now."""
    return _take(delivery.hook, delivery.body, now=now, is_new=False)


@transaction.atomic
def _take(hook: Hook, body: Any, *, now: datetime, is_new: bool = True) -> Answer:
    delivered, problem = _read(hook, body)
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    key = (delivered.key if delivered else "")[:190] or f"sha256:{digest}"
    body = _without_secret(hook, body)
    made = HookDelivery(hook=hook, key=key, body=body, received_at=now, outcome=Outcome.REFUSED, problem=problem)
    HookDelivery.objects.bulk_create([made], ignore_conflicts=True)
    kept = HookDelivery.objects.select_for_update().get(hook=hook, key=key)
    is_known = kept.public_id != made.public_id
    if is_known and is_new:
        kept.times += 1
    if is_known and kept.outcome != Outcome.REFUSED:
        kept.save(update_fields=["times"])
        return Answer(200, _("Known already: nothing changed."), kept)
    kept.outcome, kept.problem, kept.lead, kept.body = Outcome.REFUSED, problem, None, body
    if delivered is not None and delivered.is_test:
        kept.outcome, kept.problem = Outcome.TEST, ""
    elif delivered is not None:
        _receive(kept, delivered, now=now)
    kept.save(update_fields=["times", "outcome", "problem", "lead", "body"])
    return Answer(400 if kept.outcome == Outcome.REFUSED else 200, kept.problem or kept.get_outcome_display(), kept)


def _read(hook: Hook, body: Any) -> tuple[Delivered | None, str]:
    try:
        return hook_formats.read(hook.kind, body), ""
    except NotReadable as wrong:
        return None, _("This is not shaped as a delivery of %(kind)s: %(wrong)s.") % {
            "kind": hook.get_kind_display(),
            "wrong": wrong,
        }


def _without_secret(hook: Hook, body: Any) -> Any:
    """Leave out the key that Google puts into the body: what is kept can be read by more people than the key."""
    if hook.kind == Hook.Kind.GOOGLE_ADS and isinstance(body, dict):
        return {name: value for name, value in body.items() if name != "google_key"}
    return body


def _receive(kept: HookDelivery, delivered: Delivered, *, now: datetime) -> None:
    hook = kept.hook
    try:
        with transaction.atomic():
            receipt = intake.receive(arrival_of(hook, delivered, key=kept.key), now=now, team=hook.team)
    except intake.Refused as refused:
        kept.problem = in_words(refused)
        return
    kept.outcome = Outcome.CREATED if receipt.is_new else Outcome.UPDATED
    kept.lead, kept.problem = receipt.lead, " ".join(receipt.problems)


def matching(hook: Hook, delivered: Delivered) -> dict[str, str]:
    """Return path → code of a target for the parts of a delivery: what was set, else what the format tells.

    An empty code says that a part is not taken as a fact.
    """
    found = {**delivered.mapping, **hook.mapping}
    return {path: code for path, code in found.items() if code in TARGETS}


def arrival_of(hook: Hook, delivered: Delivered, *, key: str) -> intake.Arrival:
    """Turn a delivery into what intake takes.

    Raises:
        Refused: a part cannot be read.
    """
    codes = matching(hook, delivered)
    told: dict[str, str] = {}
    rest: dict[str, Any] = {}
    for part in delivered.parts:
        code = codes.get(part.path, "")
        if code and code not in told:
            told[code] = part.text
        else:
            rest[part.label[:120]] = part.text
        if part.label.lower() in PARAMETERS:
            rest[part.label] = part.text  # tracking rules read them, whatever they are matched with
    names = [told.pop(code, "") for code in ("first_name", "last_name")]
    if any(names) and not told.get("name"):
        told["name"] = " ".join(filter(None, names))
    moment = told.pop("captured_at", "") or delivered.occurred_at
    external = told.pop("external_id", "")
    source, campaign = told.pop("source", ""), told.pop("campaign", "")
    return intake.Arrival(
        facts=dict(told),
        external={hook.name[:60]: external} if external else {},
        source=source or (hook.source.code if hook.source else None),
        campaign=campaign or (hook.campaign.code if hook.campaign else None),
        kind=hook.counts_as,  # type: ignore[arg-type]  # a value of the choices
        occurred_at=_moment(moment) if moment else None,
        detail=hook.name,
        key=f"hook:{hook.pk}:{key}"[:190],
        via="api",
        data={**delivered.data, **rest},
    )


def _moment(text: str) -> datetime:
    try:
        return csv_files.parse_moment(text, "", ZoneInfo("UTC"))[0]
    except WrongValue as wrong:
        raise intake.Refused({"captured_at": str(wrong)}) from wrong


def in_words(refused: intake.Refused) -> str:
    """Tell under which fact what is wrong."""
    return " ".join(
        f"{TARGETS[name].label if name in TARGETS else name}: {why}" for name, why in refused.errors.items()
    )
