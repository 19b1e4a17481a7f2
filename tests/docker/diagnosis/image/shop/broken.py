"""Ends at its start: `python -m shop.broken WHAT`."""

import os
import sys
import time


def traceback() -> None:
    from shop import prices

    prices.load("12,50")


def variable() -> None:
    print(os.environ["SHOP_TOKEN"])


def pydantic() -> None:
    from shop import settings

    settings.Settings()


def environ() -> None:
    import environ

    environ.Env()("SHOP_TOKEN")


def decouple() -> None:
    from decouple import config

    config("SHOP_TOKEN")


def package() -> None:
    import httpx  # noqa: F401


def typo() -> None:
    import shop.pricse  # noqa: F401


def name() -> None:
    from shop.prices import laod  # noqa: F401


def library() -> None:
    import ctypes

    ctypes.CDLL("libmagic.so.1")


def wrapper() -> None:
    os.environ["PSYCOPG_IMPL"] = "python"
    import psycopg  # noqa: F401


def memory() -> None:
    kept = []
    while True:
        kept.append(bytearray(4 << 20))


def write() -> None:
    with open("/app/uploads.txt", "w") as file:
        file.write("x")


def read() -> None:
    with open("/etc/shadow") as file:
        file.read()


def postgres() -> None:
    import psycopg

    psycopg.connect("postgresql://shop@127.0.0.1:5432/shop")


def unknown_host() -> None:
    import psycopg

    psycopg.connect("postgresql://shop@db.invalid:5432/shop")


def asynchronous() -> None:
    import asyncio

    import asyncpg

    asyncio.run(asyncpg.connect("postgresql://shop@127.0.0.1:5432/shop"))


def redis() -> None:
    import redis

    redis.Redis(host="127.0.0.1").ping()


def alembic() -> None:
    from alembic import command
    from alembic.config import Config

    command.check(Config("/app/alembic.ini"))


def table() -> None:
    import sqlalchemy

    with sqlalchemy.create_engine("sqlite:////tmp/shop.db").connect() as connection:
        connection.execute(sqlalchemy.text("SELECT * FROM orders"))


def address() -> None:
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    first = HTTPServer(("0.0.0.0", 8000), BaseHTTPRequestHandler)
    first.allow_reuse_port = False
    threading.Thread(target=first.serve_forever, daemon=True).start()
    from wsgiref.simple_server import make_server

    make_server("0.0.0.0", 8000, lambda *_: [])


def slow() -> None:
    for step in range(1000):
        print(f"loading part {step}", flush=True)
        time.sleep(0.2)


def hang() -> None:
    print("waiting", flush=True)
    time.sleep(1000)


def handled() -> None:
    import logging

    try:
        os.environ["SHOP_TOKEN"]
    except KeyError:
        logging.exception("no token, going on without")
    try:
        import httpx  # noqa: F401
    except ImportError:
        logging.exception("no httpx, going on without")
    print("relation \"orders\" does not exist; OSError: [Errno 98] Address already in use; WORKER TIMEOUT", flush=True)
    sys.argv[1:] = ["0.0.0.0", "8000", "404"]
    from shop import serve  # noqa: F401


def finish() -> None:
    print("done")


if __name__ == "__main__":
    globals()[sys.argv[1]]()
