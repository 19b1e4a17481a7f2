"""The application: `uvicorn shop.main:app`."""

import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI, HTTPException, Request, Response, status
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shop import items, logs
from shop.database import get_engine
from shop.settings import get_settings

# Here, because uvicorn loads this module before it logs its first line.
logs.configure(os.environ.get("LOG_LEVEL", "INFO"))
log = structlog.stdlib.get_logger(__name__)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    # Read here, so that a missing variable stops the start and not a request.
    get_settings()
    log.info("started")
    yield
    get_engine().dispose()
    log.info("stopped")


app = FastAPI(title="shop", lifespan=lifespan)
app.include_router(items.router)


@app.middleware("http")
async def log_requests(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    request_id = request.headers.get("x-request-id") or uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    started = time.perf_counter()
    response = await call_next(request)
    response.headers["x-request-id"] = request_id
    if request.url.path != "/healthz" or response.status_code >= 400:
        log.info(
            "request",
            method=request.method,
            path=request.url.path,
            status=response.status_code,
            client=request.client.host if request.client else None,
            milliseconds=round((time.perf_counter() - started) * 1000, 1),
        )
    return response


@app.get("/")
def index() -> dict[str, str]:
    return {"message": "welcome to the shop", "items": "/items"}


@app.get("/healthz")
def healthz() -> dict[str, str]:
    try:
        with get_engine().connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        log.warning("database_unreachable", error=str(error))
        raise HTTPException(
            status.HTTP_503_SERVICE_UNAVAILABLE, "the database does not answer"
        ) from error
    return {"status": "ok"}
