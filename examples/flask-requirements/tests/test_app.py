import pytest
from flask import request
from flask.testing import FlaskClient

from slugs.app import app


@pytest.fixture
def client() -> FlaskClient:
    return app.test_client()


def test_a_title_becomes_a_slug(client: FlaskClient) -> None:
    answer = client.get("/slugs", query_string={"title": "Hello, World!"})

    assert answer.json == {"title": "Hello, World!", "slug": "hello-world"}


@pytest.mark.parametrize("title", ["", "…", "x" * 501])
def test_a_title_without_a_slug_is_refused_with_the_reason(client: FlaskClient, title: str) -> None:
    answer = client.get("/slugs", query_string={"title": title})

    assert answer.status_code == 400
    assert "title" in answer.json["error"]  # type: ignore[index]


def test_the_page_escapes_what_it_is_given(client: FlaskClient) -> None:
    page = client.get("/", query_string={"title": "<b>Hi"}).text

    assert "<code>b-hi</code>" in page
    assert "<b>" not in page


def test_the_style_sheet_is_served(client: FlaskClient) -> None:
    assert client.get("/static/page.css").mimetype == "text/css"


def test_what_is_not_there_is_said_in_json(client: FlaskClient) -> None:
    answer = client.get("/none")

    assert (answer.status_code, answer.is_json) == (404, True)


def test_the_proxy_is_believed(client: FlaskClient) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    with client:
        client.get("/healthz", headers=headers)

        assert (request.remote_addr, request.scheme) == ("203.0.113.9", "https")
