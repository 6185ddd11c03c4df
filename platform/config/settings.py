"""Settings of CertaOS: one file, every value from a knob of `config.env` or stated here once."""

from __future__ import annotations

from config.database import database
from config.env import ROOT, env
from config.logging import logging_settings

ENVIRONMENT = env.ENVIRONMENT
DEBUG = env.DEBUG
SECRET_KEY = env.SECRET_KEY
ALLOWED_HOSTS = list(env.ALLOWED_HOSTS)
SUPPORT_EMAIL, SUPPORT_PHONE = env.SUPPORT_EMAIL, env.SUPPORT_PHONE
SUPPORT_HOURS, SUPPORT_HOURS_ES = env.SUPPORT_HOURS, env.SUPPORT_HOURS_ES
SITE_URL = env.SITE_URL
FIELD_KEYS = env.FIELD_KEYS
LOOKUP_KEY = env.LOOKUP_KEY

# --- Applications -----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.inlines",
    "unfold.contrib.import_export",
    "unfold.contrib.guardian",
    "unfold.contrib.simple_history",
    "admin_site",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "import_export",
    "simple_history",
    "guardian",
    "django_q",
    "pgtrigger",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "anymail",
    "csp",
    "django_htmx",
    "config",
    "core",
    "accounts",
    "organizations",
    "audit",
    "jobs",
    "approvals",
    "notifications",
    "files",
    "lists",
    "imports",
    "exports",
    "providers",
    "enrollments",
    "courses",
    "payments",
    "certificates",
    "proofs",
    "website",
]

MIDDLEWARE = [
    "core.middleware.CorrelationMiddleware",
    "website.quick_heartbeat.QuickHeartbeatMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "website.middleware.HealthMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "admin_site.middleware.ConsolePolicyMiddleware",
    "core.middleware.PrivateAnswerMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "admin_site.middleware.DenialMiddleware",
    "core.middleware.ContextMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "website.middleware.ErrorPageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.SessionActivityMiddleware",
    "accounts.middleware.SecondFactorMiddleware",
    "accounts.middleware.RateLimitMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "website.context_processors.site",
            ],
        },
    }
]

# --- Database ---------------------------------------------------------------------------------------------------------
# `side` is the same database on a connection of its own, in autocommit: rate limits, cache and refusals must outlive
# the roll-back of the request that caused them. Business rows live on `default` only.
DATABASES = {"default": database(), "side": database() | {"TEST": {"MIRROR": "default"}}}
DATABASE_ROUTERS = ["core.cache.SideRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DB_READ_ONLY = env.DB_READ_ONLY
CACHES = {
    "default": {"BACKEND": "core.cache.SideCache", "LOCATION": "django_cache", "OPTIONS": {"MAX_ENTRIES": 100_000}}
}

# --- People -----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "organizations.backends.MembershipBackend",
    "accounts.backends.SignInBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.BreachedPasswordValidator", "OPTIONS": {"file": env.BREACHED_PASSWORDS_FILE}},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/dashboard"
ALLOW_PUBLIC_SIGNUP = env.ALLOW_PUBLIC_SIGNUP
ACCOUNT_ADAPTER = "website.sign_in.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
# Ours are in `accounts.limits`; the package keeps the pause between two mails that prove an address.
ACCOUNT_RATE_LIMITS = dict.fromkeys(
    ("change_password", "manage_email", "reset_password", "reauthenticate", "reset_password_from_key", "signup",
     "login", "login_failed")
)  # fmt: skip
MFA_RATE_LIMITS = False
ACCOUNT_FORMS = {
    "add_email": "website.forms.account.EmailForm",
    "change_password": "website.forms.account.ChangePasswordForm",
    "login": "website.forms.account.SignInForm",
    "reauthenticate": "website.forms.account.ConfirmPasswordForm",
    "reset_password": "website.forms.account.ForgottenPasswordForm",
    "reset_password_from_key": "website.forms.account.NewPasswordForm",
    "set_password": "website.forms.account.FirstPasswordForm",
}
USERSESSIONS_TRACK_ACTIVITY = True
ALLAUTH_TRUSTED_PROXY_COUNT = env.TRUSTED_PROXY_COUNT
MFA_ADAPTER = "website.sign_in.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "CertaOS"
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = ENVIRONMENT in ("local", "test", "demo")
MFA_FORMS = {
    "activate_totp": "website.forms.second_factor.ActivateAppForm",
    "add_webauthn": "website.forms.second_factor.AddPasskeyForm",
    "authenticate": "website.forms.second_factor.CodeForm",
    "authenticate_webauthn": "website.forms.second_factor.PasskeyForm",
    "edit_webauthn": "website.forms.second_factor.RenamePasskeyForm",
    "reauthenticate": "website.forms.second_factor.CodeAgainForm",
}
SECOND_FACTOR_FOR_PLATFORM = env.SECOND_FACTOR_FOR_PLATFORM
FRESH_MINUTES = env.FRESH_MINUTES
# Seconds idle and seconds in all, by how much a person reaches.
SESSION_TERMS = {
    "platform": (env.SESSION_IDLE_MINUTES_PLATFORM * 60, env.SESSION_HOURS_PLATFORM * 3600),
    "staff": (env.SESSION_IDLE_MINUTES_STAFF * 60, env.SESSION_HOURS_STAFF * 3600),
    "person": (env.SESSION_IDLE_MINUTES * 60, env.SESSION_HOURS * 3600),
}
SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # e-mail is unique in any case, by a constraint on its lower form
    "guardian.W001",  # MembershipBackend answers for grants too
]
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False

# --- Sessions, cookies, headers ---------------------------------------------------------------------------------------
SECURE = ENVIRONMENT in ("staging", "production")
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = max(idle for idle, _ in SESSION_TERMS.values())
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^api/health"]  # asked from inside, where there is no TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.TRUSTED_PROXY_COUNT else None
SECURE_HSTS_SECONDS = 63_072_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CSRF_FAILURE_VIEW = "website.views.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": [
            "'self'",
            "https://checkout.stripe.com",
            *([env.STRIPE_API_BASE] if env.STRIPE_API_BASE else []),
        ],
    }
}

# --- Languages and time -----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [ROOT / "locale"]
FIXTURES_DIR = ROOT / "fixtures"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Static and private files -----------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = env.STATIC_ROOT
if not SECURE:
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns about a missing folder, even when it uses finders
PRIVATE_FILES = {"location": env.FILES_DIR, "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": PRIVATE_FILES},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if SECURE
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
# Signed ends of the audit chains, beside the private files and outside the database's reach.
ANCHORS_DIR = env.FILES_DIR.parent / "anchors"
BACKUP_DIR = env.BACKUP_DIR
HEALTHCHECK_TOKEN = env.HEALTHCHECK_TOKEN
WHITENOISE_USE_FINDERS = not SECURE

# --- Background work --------------------------------------------------------------------------------------------------
# A worker leases few tasks, so that the lease (`retry`) outlives the work even when every task before it is slow:
# retry > timeout × (queue_limit / workers + 1). Retries are ours: the queue acknowledges failures.
Q_CLUSTER = {
    "name": "certaos",
    "ALT_CLUSTERS": {},
    "orm": "default",
    "broker_class": "jobs.queue.OrderBroker",
    "workers": env.WORKER_PROCESSES,
    "queue_limit": env.WORKER_PROCESSES,
    "timeout": 120,
    "retry": 300,
    "max_attempts": 5,
    "ack_failures": True,
    "catch_up": False,
    "poll": 0.2,
    "recycle": 200,
    "save_limit": 250,
    "bulk": 1,
    "scheduler": False,
    "label": "Work",
}

WORKER_ACTOR_USER_ID = env.WORKER_ACTOR_USER_ID
WORKER_ACTOR_ROLE = env.WORKER_ACTOR_ROLE
CERT_ISSUER_POLL_INTERVAL_MS = env.CERT_ISSUER_POLL_INTERVAL_MS
CERT_ISSUER_BATCH_SIZE = env.CERT_ISSUER_BATCH_SIZE
CERT_ISSUER_MAX_BATCHES_PER_TICK = env.CERT_ISSUER_MAX_BATCHES_PER_TICK
CERT_ISSUER_RETRY_ATTEMPTS = env.CERT_ISSUER_RETRY_ATTEMPTS
CERT_ISSUER_RETRY_BASE_DELAY_MS = env.CERT_ISSUER_RETRY_BASE_DELAY_MS

# --- Mail -------------------------------------------------------------------------------------------------------------
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.EMAIL_FROM
MAIL_TRANSPORT = env.MAIL_TRANSPORT
MAIL_FILE_DIR = env.MAIL_FILE_DIR
MAIL_SECONDS = env.MAIL_SECONDS
SMTP_URL = env.SMTP_URL
RESEND_API_KEY = env.RESEND_API_KEY
RESEND_API_URL = "https://api.resend.com/"
EMAIL_BACKEND = "notifications.transports.RefuseDirectMail"

# --- Money ------------------------------------------------------------------------------------------------------------
STRIPE_SECRET_KEY = env.STRIPE_SECRET_KEY
STRIPE_WEBHOOK_SECRET = env.STRIPE_WEBHOOK_SECRET
STRIPE_API_BASE = env.STRIPE_API_BASE
STRIPE_SECONDS = env.STRIPE_SECONDS
STRIPE_MOST_AT_ONCE = env.STRIPE_MOST_AT_ONCE
COURSE_FEE_CENTS_DEFAULT = env.COURSE_FEE_CENTS_DEFAULT
MANUAL_PAYMENT_FALLBACK_ENABLED = env.MANUAL_PAYMENT_FALLBACK_ENABLED

# --- Console packages -------------------------------------------------------------------------------------------------
SIMPLE_HISTORY_REVERT_DISABLED = True
SIMPLE_HISTORY_ENFORCE_HISTORY_MODEL_PERMISSIONS = False
IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "import"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "export"
IMPORT_EXPORT_USE_TRANSACTIONS = True
IMPORT_EXPORT_SKIP_ADMIN_LOG = True
UNFOLD = {
    "SITE_TITLE": "CertaOS",
    "SITE_HEADER": "CertaOS",
    "SITE_SYMBOL": "verified",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "8px",
    "COLORS": "admin_site.theme.colors",
    "STYLES": ["admin_site.theme.stylesheet"],
    "SCRIPTS": ["admin_site.theme.script"],
    "SITE_FAVICONS": "admin_site.theme.favicons",
    "ENVIRONMENT": "admin_site.theme.environment",
    "LANGUAGES": {"action": "admin_site.theme.language_action"},
    "ACCOUNT": {"navigation": "admin_site.theme.account_links"},
    "COMMAND": {"search_models": False, "show_history": False},
    "SIDEBAR": {"show_search": True, "command_search": True, "navigation": "admin_site.navigation.navigation"},
}

LOGGING_CONFIG = None
logging_settings(env.LOG_LEVEL, env.LOG_FORMAT)
