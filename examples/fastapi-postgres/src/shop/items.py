"""The items of the shop: what may be asked of them, and their routes."""

from datetime import datetime
from typing import Annotated, Protocol

import structlog
from fastapi import APIRouter, Depends, HTTPException, Query, status
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from shop.database import Item, get_engine

log = structlog.stdlib.get_logger(__name__)


class NewItem(BaseModel):
    name: str = Field(min_length=1, max_length=200)
    price_cents: int = Field(ge=0, le=2**31 - 1)


class ItemOut(NewItem):
    model_config = ConfigDict(from_attributes=True)

    id: int
    created_at: datetime


class Catalogue(Protocol):
    def list(self, limit: int) -> list[ItemOut]: ...
    def get(self, item_id: int) -> ItemOut | None: ...
    def add(self, new: NewItem) -> ItemOut: ...


class DatabaseCatalogue:
    """Takes a connection for as long as a question lasts, not for a whole request:
    while an answer waits for a thread to be written, its connection serves the next one.
    """

    def get(self, item_id: int) -> ItemOut | None:
        with Session(get_engine()) as session:
            item = session.get(Item, item_id)
            return ItemOut.model_validate(item) if item else None

    def add(self, new: NewItem) -> ItemOut:
        with Session(get_engine()) as session, session.begin():
            item = Item(**new.model_dump())
            session.add(item)
            session.flush()
            return ItemOut.model_validate(item)

    def list(self, limit: int) -> list[ItemOut]:
        newest_first = select(Item).order_by(Item.id.desc()).limit(limit)
        with Session(get_engine()) as session:
            return [ItemOut.model_validate(item) for item in session.scalars(newest_first)]


def get_catalogue() -> Catalogue:
    return DatabaseCatalogue()


CurrentCatalogue = Annotated[Catalogue, Depends(get_catalogue)]

router = APIRouter(prefix="/items", tags=["items"])


@router.get("")
def list_items(
    catalogue: CurrentCatalogue, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> list[ItemOut]:
    return catalogue.list(limit)


@router.get("/{item_id}")
def get_item(item_id: int, catalogue: CurrentCatalogue) -> ItemOut:
    item = catalogue.get(item_id)
    if item is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"there is no item {item_id}")
    return item


@router.post("", status_code=status.HTTP_201_CREATED)
def add_item(new: NewItem, catalogue: CurrentCatalogue) -> ItemOut:
    item = catalogue.add(new)
    log.info("item_added", item_id=item.id, price_cents=item.price_cents)
    return item
