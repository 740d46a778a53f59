"""Secrets and signatures of webhooks, as the specification of Standard Webhooks (standardwebhooks.com) says."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from standardwebhooks import Webhook

SECRET_BYTES = 32  # the specification asks for 24 to 64


def new_secret() -> str:
    """Return a new random secret, written as receivers' libraries take it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(*, message_id: str, body: str, secrets: Iterable[str], now: datetime) -> dict[str, str]:
    """Return the three headers that prove who sent a body and when.

    Args:
        message_id: the same at each attempt; receivers tell by it what they have had already.
        body: exactly what is sent.
        secrets: those that are valid; the receiver may know any of them.
        now: the moment of the attempt, in whole seconds.
    """
    moment = now.astimezone(UTC)
    signatures = [Webhook(secret).sign(msg_id=message_id, timestamp=moment, data=body) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
