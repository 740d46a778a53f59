"""Every setting of the portal, read from the environment. What makes no sense is refused with a sentence.

Production (`LEADSLA_ENV=production`) refuses to start on a missing secret, with DEBUG on or without ALLOWED_HOSTS.
"""

import logging
import os
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import django_stubs_ext
import environ
import pgtrigger
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from leadsla.embedded import place

# Lets `ModelAdmin[Lead]` and the like be written where types are checked and run.
django_stubs_ext.monkeypatch()

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent


def _flag(name: str, default: bool) -> bool:
    """Read yes or no; anything else is refused instead of being taken for no."""
    text = os.environ.get(name, "").strip().lower()
    if text in {"", "1", "true", "yes", "on", "0", "false", "no", "off"}:
        return text in {"1", "true", "yes", "on"} if text else default
    raise ImproperlyConfigured(f"{name} is {text!r}: say true or false.")


def _number(name: str, default: int) -> int:
    """Read a whole number of at least 0."""
    text = os.environ.get(name, "").strip() or str(default)
    if not text.isascii() or not text.isdigit():
        raise ImproperlyConfigured(f"{name} is {text!r}: give a whole number.")
    return int(text)


def _list(name: str, default: str = "") -> list[str]:
    """Read values between commas."""
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def _zone(name: str, default: str) -> str:
    """Read a time zone of the IANA list."""
    text = os.environ.get(name, "").strip() or default
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ImproperlyConfigured(f"{name} is {text!r}: give a time zone such as Europe/Berlin.") from None
    return text


# --- Where this runs

LEADSLA_ENV = os.environ.get("LEADSLA_ENV", "").strip() or "development"
if LEADSLA_ENV not in {"development", "test", "production"}:
    raise ImproperlyConfigured(f"LEADSLA_ENV is {LEADSLA_ENV!r}: say development, test or production.")
PRODUCTION = LEADSLA_ENV == "production"
TESTING = LEADSLA_ENV == "test"

LEADSLA_HOME = place.home()
LEADSLA_URL = (os.environ.get("LEADSLA_URL", "").strip() or "http://localhost:8000").rstrip("/")
LEADSLA_NOW = os.environ.get("LEADSLA_NOW", "").strip()
LEADSLA_FIGURES_OF_PERSONS = _flag("LEADSLA_FIGURES_OF_PERSONS", True)  # off: nobody sees figures of single people

DEBUG = _flag("DEBUG", False)
SECRET_KEY = os.environ.get("SECRET_KEY", "").strip()
ALLOWED_HOSTS = _list("ALLOWED_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = _list("CSRF_TRUSTED_ORIGINS", LEADSLA_URL if PRODUCTION else "")

if PRODUCTION:
    if len(SECRET_KEY) < 32:
        raise ImproperlyConfigured("SECRET_KEY is missing or shorter than 32 characters: set a long random one.")
    if DEBUG:
        raise ImproperlyConfigured("DEBUG is on: production never runs with it. Unset DEBUG.")
    if not ALLOWED_HOSTS:
        raise ImproperlyConfigured("ALLOWED_HOSTS is empty: name the hosts that the portal answers to.")
    if LEADSLA_NOW:
        raise ImproperlyConfigured("LEADSLA_NOW is set: production runs on the real time. Unset it.")
    for needed in ("DATABASE_URL", "REDIS_URL"):
        if not os.environ.get(needed, "").strip():
            raise ImproperlyConfigured(f"{needed} is missing: production embeds no services.")
elif not SECRET_KEY:
    SECRET_KEY = place.development_secret()

# --- Apps

INSTALLED_APPS = [
    "leadsla.accounts.apps.AccountsConfig",
    "leadsla.outbox",
    "leads",
    "sla",
    "feedback",
    "leadsla.home",
    "leadsla.accounts.apps.AdministrationConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pghistory",
    "pgtrigger",
    "rest_framework",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "csp.middleware.CSPMiddleware",
    "pghistory.middleware.HistoryMiddleware",
    "leadsla.accounts.middleware.AccessMiddleware",
    "leadsla.accounts.middleware.PrivateMiddleware",
    "leadsla.accounts.middleware.TimeZoneMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "leadsla.urls"
WSGI_APPLICATION = "leadsla.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# E-mail is unique whatever its case, by a constraint that the check does not see.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["django.templatetags.i18n", "leadsla.display"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "leadsla.home.context.shell",
            ],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# --- PostgreSQL: data, sessions, cache, rate limits

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL") if os.environ.get("DATABASE_URL") else place.database(),
}
DATABASES["default"] |= {
    "ATOMIC_REQUESTS": False,
    # Health checks: PostgreSQL restarted under the portal costs no request.
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL must begin with postgresql:// because PostgreSQL is the only database.")

CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "leadsla_cache"}}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

PGHISTORY_INSTALL_CONTEXT_FUNC_ON_MIGRATE = True
# One statement of history for a statement that changes a million rows.
PGHISTORY_LEVEL = pgtrigger.Statement
PGHISTORY_MIDDLEWARE_METHODS = ("POST", "PUT", "PATCH", "DELETE")

# --- Redis: the broker and nothing else

CELERY_BROKER_URL = os.environ.get("REDIS_URL", "").strip() or place.redis_broker()
CELERY_BROKER_CONNECTION_TIMEOUT = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A request that wakes a task must not hang where Redis is down; a blocking read needs more than a second.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 1, "socket_timeout": 5, "max_retries": 0}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_EAGER_RESULT = False
CELERY_TASK_ACKS_LATE = True
# With late acknowledgement a task goes back to the queue when the broker is lost; it must not run twice at a time.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(LEADSLA_HOME / "beat-schedule")

# --- People: sign-in by e-mail, second factor, guessing

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"

ACCOUNT_ADAPTER = "leadsla.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
# People are made by an administrator, who vouches for the address.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = LEADSLA_URL.partition("://")[0]
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "LeadSLA"
MFA_ALLOW_UNVERIFIED_EMAIL = True

# Axes alone counts wrong passwords, so that its page tells for how long the door is shut.
ACCOUNT_RATE_LIMITS = {"login_failed": None}
AXES_HANDLER = "axes.handlers.database.AxesDatabaseHandler"
# Any other value records nothing with sign-in by e-mail.
AXES_USERNAME_FORM_FIELD = "email"
# Per address and place: a colleague behind the same network is not locked out.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "account/locked_out.html"
AXES_VERBOSE = False

# --- API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "leadsla.accounts.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["leadsla.accounts.access.HasAct"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "rest_framework.filters.OrderingFilter",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"anon": "60/min", "user": "1200/min"},
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "PAGE_SIZE": 50,
    "COERCE_DECIMAL_TO_STRING": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "LeadSLA",
    "DESCRIPTION": "Leads, handoffs, answers and compliance of the agreement between marketing and sales.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- Safety in the browser

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        # The library's icons and the second factor's picture are data: addresses.
        "img-src": [SELF, "data:"],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"

HTTPS = _flag("HTTPS", PRODUCTION)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = _flag("SECURE_SSL_REDIRECT", False)
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = _number("SECURE_HSTS_SECONDS", 0)
if _flag("BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True

# --- Language and time

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = _zone("LEADSLA_TIMEZONE", "Europe/Berlin")
CELERY_TIMEZONE = TIME_ZONE

# --- Files

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles" if PRODUCTION else None
STATICFILES_DIRS = [folder for folder in (BASE_DIR / "static",) if folder.is_dir()]
MEDIA_ROOT = Path(os.environ.get("MEDIA_ROOT", "").strip() or LEADSLA_HOME / "media")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
# Outside production the files are served from where they lie, without collectstatic.
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = DEBUG or TESTING
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# --- E-mail: files in LEADSLA_HOME/mail until EMAIL_URL names a server

if os.environ.get("EMAIL_URL", "").strip():
    for _name, _value in env.email_url("EMAIL_URL").items():
        globals()[_name] = _value
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(LEADSLA_HOME / "mail")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "").strip() or "LeadSLA <leadsla@localhost>"
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Webhooks: beyond the public Internet only to hosts, addresses and networks that are named here

LEADSLA_WEBHOOK_ALLOWED_HOSTS = _list("LEADSLA_WEBHOOK_ALLOWED_HOSTS")
for _entry in LEADSLA_WEBHOOK_ALLOWED_HOSTS:
    if "/" in _entry:
        try:
            ip_network(_entry, strict=False)
        except ValueError:
            raise ImproperlyConfigured(
                f"LEADSLA_WEBHOOK_ALLOWED_HOSTS has {_entry!r}: give host names, addresses, or networks as 10.1.0.0/16."
            ) from None

# --- Log

LOG_LEVEL = (os.environ.get("LOG_LEVEL", "").strip() or "WARNING").upper()
if LOG_LEVEL not in logging.getLevelNamesMapping():
    raise ImproperlyConfigured(f"LOG_LEVEL is {LOG_LEVEL!r}: say DEBUG, INFO, WARNING, ERROR or CRITICAL.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {"django": {"handlers": [], "level": LOG_LEVEL, "propagate": True}},
}
