"""A Starlette app that asks a database when it is probed, or refuses host names."""

import os

import psycopg
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route


def healthz(request):
    if url := os.environ.get("DATABASE_URL"):
        with psycopg.connect(url) as connection:
            connection.execute("SELECT count(*) FROM orders")
    return PlainTextResponse("ok")


async def startup(app):
    if os.environ.get("SHOP_FAIL"):
        raise RuntimeError("the price list is empty")


hosts = os.environ.get("SHOP_HOSTS", "*").split(",")
app = Starlette(
    routes=[Route("/healthz", healthz)],
    middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
)
if os.environ.get("SHOP_FAIL"):
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def lifespan(app):
        await startup(app)
        yield

    app = Starlette(lifespan=lifespan)
