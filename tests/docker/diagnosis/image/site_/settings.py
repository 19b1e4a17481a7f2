"""A small Django site; variables break it."""

import os

SECRET_KEY = "made-up-for-tests"
DEBUG = bool(os.environ.get("SITE_DEBUG"))
ALLOWED_HOSTS = os.environ.get("SITE_HOSTS", "").split()
ROOT_URLCONF = "site_.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.staticfiles"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
SECURE_SSL_REDIRECT = bool(os.environ.get("SITE_HTTPS"))
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["/app/site_/templates"]}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/tmp/site.db"}}
STATIC_URL = "/static/"
STATIC_ROOT = "/tmp/static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"]},
} if os.environ.get("SITE_LOG") else {}
