"""The web with Celery run in place: no Redis, no worker."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from primes import jobs
from primes.web import app


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    jobs.app.conf.update(
        task_always_eager=True,
        task_store_eager_result=True,
        result_backend="cache+memory://",
    )
    yield TestClient(app)


def test_a_question_is_accepted_and_answered(client: TestClient) -> None:
    accepted = client.post("/jobs", json={"below": 100})

    assert accepted.status_code == 202
    assert client.get(accepted.headers["location"]).json() == {
        "id": accepted.json()["id"],
        "state": "done",
        "primes": 25,
    }


@pytest.mark.parametrize("below", [-1, 20_000_001, "many", None])
def test_a_question_that_makes_no_sense_is_refused(client: TestClient, below: object) -> None:
    assert client.post("/jobs", json={"below": below}).status_code == 422


def test_an_unknown_job_is_waiting(client: TestClient) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"

    assert client.get(f"/jobs/{unknown}").json()["state"] == "waiting"
    assert client.get("/jobs/7").status_code == 422
