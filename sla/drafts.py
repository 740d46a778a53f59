"""What every change of a draft shares: who may, the lock on the draft, and how a change is refused."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.db import connection
from django.db.models import Max
from django.utils.translation import gettext as _

from leads.models import Criterion, Definition
from leadsla.accounts.access import Act, may
from leadsla.accounts.models import User
from sla.models import Agreement

LOCK = 20260303  # of all acts that change which agreements there are, or in which order they stand
WHOLE = ""  # the key of a refusal that belongs to no single field


class Refused(Exception):  # noqa: N818  # a refusal is an answer
    """A draft cannot be changed so: `errors` says per field why and what to do; the key "" is the draft as a whole."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" if name else text for name, text in errors.items()))
        self.errors = dict(errors)


def refuse(errors: Mapping[str, str]) -> None:
    """Refuse a change when something is wrong with it.

    Raises:
        Refused: with the errors, if there are any.
    """
    if errors:
        raise Refused(errors)


def lock_the_order() -> None:
    """Let one transaction at a time change which agreements there are, and in which order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def may_draft(by: User) -> None:
    """Let managers of both sides and operations through.

    Raises:
        Refused: for anybody else.
    """
    if not may(by, Act.DRAFT_AGREEMENTS):
        raise Refused({WHOLE: _("Agreements are drafted by the managers of both sides and by operations.")})


def opened(draft: Agreement, *, by: User) -> Agreement:
    """Lock a draft and return it as it is now; within a transaction.

    Raises:
        Refused: for a person who may not, or when it is no draft any more.
    """
    may_draft(by)
    lock_the_order()  # before the draft, as whoever proposes or signs it: a change may copy the definition
    found = Agreement.objects.select_for_update().filter(pk=draft.pk).first()
    if found is None:
        raise Refused({WHOLE: _("This draft was discarded meanwhile. Start a new one.")})
    if found.status != Agreement.Status.DRAFT:
        words = {"number": found.version, "status": found.get_status_display().lower()}
        raise Refused(
            {WHOLE: _("Version %(number)d is no draft any more: it is %(status)s. Start a new change instead.") % words}
        )
    return found


def own_definition(draft: Agreement) -> Definition:
    """Return the draft's own definition of qualified; made as a copy when it still shares one with another version.

    A definition that was in force, or that another agreement names, is never changed.
    """
    shared = draft.definition
    others = Agreement.objects.filter(definition=shared).exclude(pk=draft.pk)
    if shared.in_force_from is None and not others.exists():
        return shared
    draft.definition = copy_of(shared, draft=draft)
    draft.save(update_fields=["definition"])
    return draft.definition


def copy_of(shared: Definition, *, draft: Agreement) -> Definition:
    """Copy a definition with its criteria as the next version, for the scope and the place of a draft."""
    lock_the_order()
    criteria = list(shared.criteria.all())
    latest = Definition.objects.aggregate(latest=Max("version"))["latest"] or 0
    copied = Definition.objects.create(
        version=latest + 1,
        name=shared.name,
        scope=draft.scope,
        position=draft.position,
        score_model_id=shared.score_model_id,
        threshold=shared.threshold,
        intent_at_least=shared.intent_at_least,
        interactions_at_least=shared.interactions_at_least,
        valid_days=shared.valid_days,
        asked_within_days=shared.asked_within_days,
        created_at=draft.created_at,
    )
    for criterion in criteria:
        criterion.pk, criterion.definition = None, copied
    Criterion.objects.bulk_create(criteria)
    return copied


def whole(value: object, *, least: int, most: int) -> str:
    """Say what is wrong with a whole number; "" when it is one within the bounds, both included."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        return _("Give a whole number from %(least)d to %(most)d.") % {"least": least, "most": most}
    return ""


def is_a_number(value: Decimal | None) -> bool:
    """Tell whether a decimal is one that can be compared and stored: neither endless nor “not a number”."""
    return value is not None and value.is_finite()
