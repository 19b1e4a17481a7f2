"""The application: `uvicorn primes.web:app`."""

import logging
from typing import Annotated, Literal
from uuid import UUID

from celery.result import AsyncResult
from fastapi import FastAPI, HTTPException, Request, Response, status
from pydantic import BaseModel, Field
from redis import Redis
from redis.exceptions import RedisError

from primes import jobs
from primes.settings import settings

log = logging.getLogger(__name__)

app = FastAPI(title="primes")
redis = Redis.from_url(settings.redis_url, socket_connect_timeout=2, socket_timeout=2)


class Question(BaseModel):
    below: Annotated[int, Field(ge=0, le=20_000_000)]


class Job(BaseModel):
    id: UUID
    state: Literal["waiting", "running", "done", "failed"]
    primes: int | None = None


def job_of(result: "AsyncResult[int]") -> Job:
    # "PENDING" is whatever Celery knows nothing of: also an id that never was, or is long gone.
    match result.state:
        case "SUCCESS":
            return Job(id=UUID(result.id), state="done", primes=result.result)
        case "FAILURE" | "REVOKED":
            return Job(id=UUID(result.id), state="failed")
        case "STARTED" | "RETRY":
            return Job(id=UUID(result.id), state="running")
        case _:
            return Job(id=UUID(result.id), state="waiting")


@app.get("/")
def index() -> dict[str, str]:
    return {"message": 'POST {"below": 100} to /jobs, then GET its Location'}


@app.post("/jobs", status_code=status.HTTP_202_ACCEPTED)
def ask(question: Question, request: Request, response: Response) -> Job:
    job = job_of(jobs.count.delay(question.below))
    response.headers["location"] = request.app.url_path_for("answer", job_id=str(job.id))
    return job


@app.get("/jobs/{job_id}")
def answer(job_id: UUID) -> Job:
    return job_of(jobs.count.AsyncResult(str(job_id)))


@app.get("/healthz")
def healthz() -> dict[str, str]:
    try:
        redis.ping()
    except RedisError as error:
        log.warning("Redis does not answer: %s", error)
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, "Redis does not answer") from error
    return {"status": "ok"}
