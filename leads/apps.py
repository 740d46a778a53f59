"""Register the app."""

from django.apps import AppConfig


class LeadsConfig(AppConfig):
    """Marketing's side: capture, identity, score, qualify, nurture."""

    name = "leads"
    verbose_name = "Leads"
