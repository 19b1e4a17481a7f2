import pytest

from slugs.slug import slugify


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Hello, World!", "hello-world"),
        ("  Crème brûlée  ", "creme-brulee"),
        ("Straße № 9", "strasse-no-9"),
        ("a_b--c", "a-b-c"),
        ("Łódź", "lodz"),
        ("日本", ""),
        ("", ""),
    ],
)
def test_slugs(title: str, slug: str) -> None:
    assert slugify(title) == slug


def test_a_slug_is_its_own_slug() -> None:
    assert slugify(slugify("What, again?")) == "what-again"
