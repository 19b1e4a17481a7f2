"""The connection to PostgreSQL and the table that lives there."""

from datetime import datetime
from functools import lru_cache

from sqlalchemy import CheckConstraint, DateTime, Engine, String, create_engine, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shop.settings import get_settings


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"
    __table_args__ = (CheckConstraint("price_cents >= 0", name="price_not_negative"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    price_cents: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


@lru_cache
def get_engine() -> Engine:
    """The pool of this process; nothing is connected until the first query."""
    return create_engine(
        get_settings().sqlalchemy_url,
        # A restarted database costs one round trip, not one failed request.
        pool_pre_ping=True,
        # So many connections and no more: PostgreSQL has 100 for all instances,
        # and during a rollout there are twice as many instances.
        pool_size=5,
        max_overflow=0,
        pool_timeout=10,
        # Fail sooner than a health probe gives up, so that it hears the reason.
        connect_args={"connect_timeout": 3},
    )
