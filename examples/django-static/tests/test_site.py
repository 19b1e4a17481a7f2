"""What needs no database."""

import pytest
from django.conf import settings
from django.test import Client, override_settings


@pytest.mark.parametrize(
    ("path", "content_type"),
    [("notes/wall.css", 'text/css; charset="utf-8"'), ("notes/pin.svg", "image/svg+xml")],
)
def test_static_files_are_served_without_being_collected(
    client: Client, path: str, content_type: str
) -> None:
    answer = client.get(f"/static/{path}")

    assert (answer.status_code, answer["content-type"]) == (200, content_type)
    assert answer.getvalue() == (settings.BASE_DIR / "notes/static" / path).read_bytes()


@override_settings(ALLOWED_HOSTS=["notes.example"])
def test_only_its_own_names_are_answered(client: Client) -> None:
    assert client.get("/static/notes/none", headers={"host": "notes.example"}).status_code == 404
    assert client.get("/none", headers={"host": "other.example"}).status_code == 400
