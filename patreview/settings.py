"""Settings, all from the environment: docs/operations.md lists every variable.

Nothing set means development on one machine: SQLite and an embedded broker in `./var`.
`PATREVIEW_ENV=production` refuses to start with anything that only suits development.
"""

import os
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.str("PATREVIEW_DATA", default="var")).absolute()

ENVIRONMENT = env.str("PATREVIEW_ENV", default="development")
if ENVIRONMENT not in {"development", "production"}:
    raise ImproperlyConfigured(f"PATREVIEW_ENV is {ENVIRONMENT!r}; use development or production")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = env.bool("DEBUG", default=False)

DEVELOPMENT_KEY = "development-only-key-never-used-in-production-0123456789abcdef"
SECRET_KEY = env.str("SECRET_KEY", default=DEVELOPMENT_KEY)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
_weak_key = SECRET_KEY == DEVELOPMENT_KEY or len(SECRET_KEY) < 50
if PRODUCTION and (_weak_key or DEBUG or not env.str("DATABASE_URL", default="")):
    raise ImproperlyConfigured(
        "PATREVIEW_ENV=production needs SECRET_KEY (50 characters or more) and DATABASE_URL, and DEBUG off"
    )

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "patreview.journal",
    "patreview.accounts",
    "patreview.projects",
    "patreview.catalogue",
    "patreview.submissions",
    "patreview.analyses",
    "patreview.reviews",
    "patreview.outgoing",
    "patreview.web",
    "patreview.api",
    "patreview.demo",
]
MIDDLEWARE = [
    "patreview.middleware.RequestContext",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "patreview.middleware.SecurityHeaders",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "patreview.middleware.RequestPrincipal",
    "patreview.middleware.RowNumbers",
    "patreview.middleware.WholeBody",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "patreview.urls"
WSGI_APPLICATION = "patreview.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database. IMMEDIATE, because a read transaction of SQLite cannot become a writer once another has written.
# recursive_triggers, because INSERT OR REPLACE passes the triggers of append-only tables without it.
SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=67108864;"
    " PRAGMA recursive_triggers=ON"
)
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'patreview.sqlite3'}")
}
_database = DATABASES["default"]
_database["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=600)
_database["CONN_HEALTH_CHECKS"] = True
if "sqlite" in _database["ENGINE"]:
    DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Worker processes of tests must find the same database, so it is a file there too.
    _database["TEST"] = {"NAME": str(DATA_DIR / f"test-{os.getpid()}.sqlite3")}
    _database.setdefault("OPTIONS", {}).update(
        {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": SQLITE_PRAGMAS}
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Broker. It carries hints only; losing it loses no run (docs/architecture.md).
REDIS_URL = env.str("REDIS_URL", default=f"redis+socket://{DATA_DIR / 'run' / 'broker.sock'}")
BROKER_PREFIX = env.str("PATREVIEW_BROKER_PREFIX", default="patreview:")
WAKE_SOCKET = env.str("PATREVIEW_WAKE_SOCKET", default=str(DATA_DIR / "run" / "dispatch.sock"))

# Runs, in seconds. analyses/checks.py refuses any other order than soft < hard < lease.
RUN_SOFT_LIMIT_S = env.int("PATREVIEW_RUN_SOFT_LIMIT_S", default=30)
RUN_HARD_LIMIT_S = env.int("PATREVIEW_RUN_HARD_LIMIT_S", default=40)
RUN_LEASE_S = env.int("PATREVIEW_RUN_LEASE_S", default=60)
RUN_CLAIMS_MAX = 3
# A child process reads a kernel image: two of them must fit into the soft limit.
IMAGE_WALL_S = env.int("PATREVIEW_IMAGE_WALL_S", default=12)
DISPATCH_WINDOW = env.int("PATREVIEW_DISPATCH_WINDOW", default=32)
DISPATCH_RESEND_S = env.int("PATREVIEW_DISPATCH_RESEND_S", default=10)
# What the dispatcher's process does besides, each in a thread: callables that take "shall I stop?".
DISPATCH_BESIDE = ["patreview.outgoing.post.deliver_forever"]
WEB_THREADS = env.int("PATREVIEW_WEB_THREADS", default=8)

# People
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "web:login"
LOGOUT_REDIRECT_URL = "web:login"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SIGN_IN_GUESSES = 10
SIGN_IN_GUESSES_AN_ADDRESS = 100
SIGN_IN_WINDOW_S = 300
INVITATION_GUESSES_AN_ADDRESS = 30
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
PATREVIEW_DEMO = env.bool("PATREVIEW_DEMO", default=not PRODUCTION)

# Mail. Links in it begin with the public address. Production writes none to a log: it may hold an invitation's secret.
vars().update(env.email_url("EMAIL_URL", default="dummymail://" if PRODUCTION else "consolemail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="patreview@localhost")
_public = f"https://{ALLOWED_HOSTS[0].lstrip('.')}" if PRODUCTION and ALLOWED_HOSTS else "http://127.0.0.1:8000"
PATREVIEW_URL = (env.str("PATREVIEW_URL", default="") or _public).rstrip("/")

# Requests
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
UPLOAD_MAX_SIZE = 80 * 1024 * 1024  # of a multipart body: a kernel image of 64 MiB and what comes with it
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100
BODY_PAUSE_S = 20
DATA_UPLOAD_MAX_NUMBER_FILES = 8
FILE_UPLOAD_MAX_MEMORY_SIZE = UPLOAD_MAX_SIZE
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
LARGE_UPLOADS_AT_ONCE = 4  # in a web process: a large body takes some three times its size of memory

# Headers, cookies, transport
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "patreview.urls.csrf_failure"
if PRODUCTION:
    SESSION_COOKIE_NAME = "__Host-patreview_session"
    CSRF_COOKIE_NAME = "__Host-patreview_csrf"
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True

# Static files: development serves them where they lie, production from a hashed collection.
STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(DATA_DIR / "static")) if PRODUCTION else None
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "patreview.api.authentication.TokenAuthentication",
        "patreview.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["patreview.api.rendering.PlainJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "patreview.api.parsing.StrictJSONParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "patreview.api.rendering.AlwaysJSON",
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "patreview.api.problems.exception_handler",
}

LOGGING_CONFIG = "patreview.logs.configure"
LOGGING = {"level": env.str("LOG_LEVEL", default="INFO"), "format": env.str("LOG_FORMAT", default="json")}
