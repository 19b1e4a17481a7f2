"""A small shop: items in PostgreSQL, served by FastAPI."""
