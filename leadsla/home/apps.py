"""Register the app."""

from django.apps import AppConfig


class HomeConfig(AppConfig):
    """Pages that join the facts of the apps."""

    name = "leadsla.home"
    verbose_name = "Home"
