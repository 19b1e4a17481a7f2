import pytest

from shop.settings import Settings


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_postgresql_url_is_spoken_by_psycopg(scheme: str) -> None:
    settings = Settings(database_url=f"{scheme}://me:p%40ss@db:5432/shop")

    assert settings.sqlalchemy_url.drivername == "postgresql+psycopg"
    assert settings.sqlalchemy_url.password == "p@ss"
    assert settings.sqlalchemy_url.host == "db"


def test_the_password_is_not_shown() -> None:
    assert "hunter2" not in repr(Settings(database_url="postgresql://me:hunter2@db/shop"))
