"""Redis as the workers' broker: a channel whose connection is gone says so, and the worker connects again.

Without this, a task that ends just after Redis went away makes the worker die of an `AttributeError` that Celery does
not take for a lost connection (kombu 5.7: closing and acknowledging reach for the transport that was taken apart).
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ConnectionError as ConnectionLost


class Channel(redis.Channel):
    """A channel to Redis that outlives its connection without surprises."""

    def _connparams(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if getattr(self.connection, "client", None) is None:
            raise ConnectionLost("The connection of this channel is closed.")
        parameters: dict[str, Any] = super()._connparams(*args, **kwargs)  # type: ignore[misc]  # the stubs lack it
        return parameters


class Transport(redis.Transport):
    """What Celery finds under `redis://`, `rediss://` and `redis+socket://`."""

    Channel = Channel


def install() -> None:
    """Let addresses of Redis lead to this transport."""
    TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), f"{__name__}:Transport"))
