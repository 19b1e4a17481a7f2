"""Through a real Redis, with a real worker beside the web: `REDIS_URL` says where."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from primes import jobs
from primes.web import app


@pytest.fixture(scope="module")
def worker() -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "celery", "--app", "primes.jobs", "worker", "--concurrency=1"]
    with subprocess.Popen(command) as process:
        yield process
        process.terminate()


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(app)


def test_the_web_is_healthy(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_a_job_waits_until_a_worker_takes_it(client: TestClient) -> None:
    assert client.post("/jobs", json={"below": 10}).json()["state"] == "waiting"


@pytest.mark.usefixtures("worker")
def test_the_worker_answers_what_the_web_was_asked(client: TestClient) -> None:
    location = client.post("/jobs", json={"below": 1_000_000}).headers["location"]

    jobs.count.AsyncResult(location.rpartition("/")[2]).get(timeout=60)

    answer = client.get(location).json()
    assert (answer["state"], answer["primes"]) == ("done", 78_498)


def test_a_worker_that_is_asked_to_stop_ends_its_job_first(
    client: TestClient, worker: "subprocess.Popen[bytes]"
) -> None:
    jobs.count.delay(2).get(timeout=60)
    worker.terminate()

    assert worker.wait(timeout=60) == 0
