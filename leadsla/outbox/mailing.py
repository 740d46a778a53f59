"""Write the e-mail of a notice: as text and as HTML, with an id that stays the same when it is sent twice."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from leadsla.outbox import mail_texts
from leadsla.outbox.mail_texts import Around
from leadsla.outbox.message_ids import stable_id
from leadsla.outbox.models import Message


def compose(message: Message, *, around: Around | None = None) -> EmailMultiAlternatives:
    """Return a message as an e-mail with a plain and an HTML part.

    Args:
        message: to a person of the portal, or to an address outside, which has nothing to choose there.
        around: what stands before and after its words; None for what is kept for its kind.
    """
    is_ours = message.recipient_id is not None
    if around is None:
        around = mail_texts.around(message) if is_ours else Around()
    preferences = f"{settings.LEADSLA_URL}{reverse('outbox:preferences')}" if is_ours else ""
    context = {
        "subject": message.subject,
        "body": message.body,
        "before": around.before,
        "after": around.after,
        "url": f"{settings.LEADSLA_URL}{message.url}" if message.url else "",
        "preferences_url": preferences,
        "portal_url": settings.LEADSLA_URL,
    }
    host = urlsplit(settings.LEADSLA_URL).hostname or "leadsla"
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=render_to_string("outbox/mail.txt", context).strip() + "\n",
        to=[message.address],
        headers={
            "Message-ID": f"<{stable_id(message)}@{host}>",
            "Auto-Submitted": "auto-generated",
            **({"List-Unsubscribe": f"<{preferences}>"} if preferences else {}),
        },
    )
    mail.attach_alternative(render_to_string("outbox/mail.html", context), "text/html")
    return mail
