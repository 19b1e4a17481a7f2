"""What the environment decides, read once."""

from functools import lru_cache

from pydantic import Field
from pydantic_settings import BaseSettings
from sqlalchemy import URL, make_url


class Settings(BaseSettings):
    # repr=False keeps the password out of tracebacks and logs.
    database_url: str = Field(repr=False)

    @property
    def sqlalchemy_url(self) -> URL:
        """The same address, spoken by psycopg 3.

        Platforms hand out `postgres://` and `postgresql://`; SQLAlchemy takes
        the driver from the scheme and knows only the second one.
        """
        scheme, _, rest = self.database_url.partition("://")
        if scheme in {"postgres", "postgresql"}:
            scheme = "postgresql+psycopg"
        return make_url(f"{scheme}://{rest}")


@lru_cache
def get_settings() -> Settings:
    return Settings()
