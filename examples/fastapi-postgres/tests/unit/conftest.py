from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from shop.items import ItemOut, NewItem, get_catalogue
from shop.main import app


class MemoryCatalogue:
    def __init__(self) -> None:
        self.items: dict[int, ItemOut] = {}

    def get(self, item_id: int) -> ItemOut | None:
        return self.items.get(item_id)

    def add(self, new: NewItem) -> ItemOut:
        item = ItemOut(id=len(self.items) + 1, created_at=datetime.now(UTC), **new.model_dump())
        self.items[item.id] = item
        return item

    def list(self, limit: int) -> list[ItemOut]:
        return sorted(self.items.values(), key=lambda item: -item.id)[:limit]


@pytest.fixture
def client() -> Iterator[TestClient]:
    catalogue = MemoryCatalogue()
    app.dependency_overrides[get_catalogue] = lambda: catalogue
    # Not used as a context manager: the lifespan, which needs the settings, stays out.
    yield TestClient(app)
    app.dependency_overrides.clear()
