"""Register the app."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """Messages out: written with the fact, delivered after it."""

    name = "leadsla.outbox"
    verbose_name = "Messages"
