"""Creates what is missing in the database: `python -m shop.schema`.

It may run any number of times: a table that exists is left as it is.
"""

from sqlalchemy import text

from shop.database import Base, get_engine

# Any constant will do; whoever holds it is the only one to change the schema.
SCHEMA_LOCK = 5_408


def create() -> None:
    with get_engine().begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SCHEMA_LOCK})
        Base.metadata.create_all(connection)


if __name__ == "__main__":
    create()
    print("the schema is ready")
