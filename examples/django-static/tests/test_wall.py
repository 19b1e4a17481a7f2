import pytest
from django.test import Client
from pytest_django.asserts import assertContains, assertRedirects

from notes.models import Note

pytestmark = pytest.mark.django_db


def test_an_empty_wall_says_so(client: Client) -> None:
    assertContains(client.get("/"), "Nothing yet.")


def test_a_pinned_note_is_shown_first(client: Client) -> None:
    Note.objects.create(text="the first")

    assertRedirects(client.post("/", {"text": "the second <b>"}), "/")

    assert [note.text for note in Note.objects.all()] == ["the second <b>", "the first"]
    assertContains(client.get("/"), "the second &lt;b&gt;")


@pytest.mark.parametrize("text", ["", "   ", "x" * 281])
def test_a_note_that_does_not_fit_is_refused(client: Client, text: str) -> None:
    assert client.post("/", {"text": text}).status_code == 422
    assert not Note.objects.exists()


def test_a_post_from_another_site_is_refused() -> None:
    client = Client(enforce_csrf_checks=True)

    assert client.post("/", {"text": "not mine"}).status_code == 403


def test_the_site_is_healthy(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
