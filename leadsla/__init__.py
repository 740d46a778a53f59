"""The site: settings, addresses, timetable, time, embedded services."""

from leadsla.celery import app as celery_app

__all__ = ["celery_app"]
