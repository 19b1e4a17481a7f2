import pytest
from fastapi.testclient import TestClient


def test_an_added_item_is_listed_first(client: TestClient) -> None:
    client.post("/items", json={"name": "tea", "price_cents": 450})
    added = client.post("/items", json={"name": "cup", "price_cents": 900})

    assert added.status_code == 201
    assert [item["name"] for item in client.get("/items").json()] == ["cup", "tea"]
    assert client.get(f"/items/{added.json()['id']}").json() == added.json()


def test_the_list_is_limited(client: TestClient) -> None:
    for number in range(3):
        client.post("/items", json={"name": f"item {number}", "price_cents": number})

    assert len(client.get("/items", params={"limit": 2}).json()) == 2
    assert client.get("/items", params={"limit": 101}).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "price_cents": 1},
        {"name": "tea", "price_cents": -1},
        {"name": "tea", "price_cents": 2**31},
        {"name": "tea"},
    ],
)
def test_an_item_that_makes_no_sense_is_refused(
    client: TestClient, body: dict[str, object]
) -> None:
    assert client.post("/items", json=body).status_code == 422
    assert client.get("/items").json() == []


def test_an_unknown_item_is_not_found(client: TestClient) -> None:
    answer = client.get("/items/7")

    assert answer.status_code == 404
    assert answer.json() == {"detail": "there is no item 7"}


def test_a_request_keeps_its_id(client: TestClient) -> None:
    assert client.get("/", headers={"x-request-id": "abc"}).headers["x-request-id"] == "abc"
    assert len(client.get("/").headers["x-request-id"]) == 32
