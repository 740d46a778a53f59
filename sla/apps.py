"""Register the app."""

from django.apps import AppConfig


class SlaConfig(AppConfig):
    """The contract: agreements, working time, handoff, clocks, compliance."""

    name = "sla"
    verbose_name = "Agreements"
