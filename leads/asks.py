"""What sales asks marketing for, and the answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from leads.facts import clean
from leads.models import Ask, Campaign
from leadsla.accounts.models import User
from leadsla.outbox import messages
from leadsla.outbox.kinds import Kind

LONGEST = 2000


class Refused(Exception):  # noqa: N818  # a refusal is an answer
    """What was typed cannot be; `errors` says why, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


def file(text: str, *, campaign: Campaign | None, by: User, now: datetime) -> Ask:
    """Ask marketing for something; all of marketing sees it until it is answered.

    Raises:
        Refused: the text is empty or too long.
    """
    return Ask.objects.create(
        text=_read("text", text, _("Say what you need.")), campaign=campaign, asked_by=by, asked_at=now
    )


@transaction.atomic
def answer(ask: Ask, text: str, *, by: User, now: datetime) -> bool:
    """Answer an ask once; who asked gets a notice with the answer.

    Returns:
        False when somebody answered it before; nothing changes then.

    Raises:
        Refused: the text is empty or too long.
    """
    text = _read("answer", text, _("Write the answer."))
    waiting = Ask.objects.filter(pk=ask.pk, answered_at=None)
    if waiting.update(answer=text, answered_by=by, answered_at=now) == 0:
        return False
    messages.write(
        event=f"ask:{ask.pk}:answered",
        recipient=ask.asked_by,
        subject=_("%(by)s answered what you asked marketing") % {"by": by},
        body=_("You asked: %(text)s\n\nThe answer: %(answer)s") % {"text": ask.text, "answer": text},
        url=reverse("leads:running"),
        now=now,
        kind=Kind.OTHER,
    )
    return True


def _read(name: str, text: str, why_empty: str) -> str:
    text = clean(text, is_long=True)
    if not text:
        raise Refused({name: why_empty})
    if len(text) > LONGEST:
        raise Refused({name: _("At most %(most)d characters fit here.") % {"most": LONGEST}})
    return text
