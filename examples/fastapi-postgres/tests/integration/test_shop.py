"""Against a real PostgreSQL: `DATABASE_URL` says where."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from shop import schema
from shop.database import get_engine
from shop.main import app


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    schema.create()
    with TestClient(app) as client:
        yield client


def test_the_schema_can_be_created_twice(client: TestClient) -> None:
    schema.create()

    assert inspect(get_engine()).get_table_names() == ["items"]


def test_an_item_survives_its_connection(client: TestClient) -> None:
    added = client.post("/items", json={"name": "tea ☕", "price_cents": 450})
    get_engine().dispose()

    assert added.status_code == 201
    assert client.get(f"/items/{added.json()['id']}").json() == added.json()
    assert client.get("/items").json()[0] == added.json()


def test_the_database_refuses_a_negative_price(client: TestClient) -> None:
    with get_engine().connect() as connection, pytest.raises(IntegrityError):
        connection.execute(text("INSERT INTO items (name, price_cents) VALUES ('tea', -1)"))


def test_the_shop_is_healthy(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
