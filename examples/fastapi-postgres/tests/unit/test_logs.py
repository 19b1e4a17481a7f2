import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from shop import logs


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_our_events_and_foreign_records_are_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    structlog.stdlib.get_logger("shop").info("item_added", item_id=7)
    logging.getLogger("uvicorn.error").warning("going away")

    ours, foreign = map(json.loads, capsys.readouterr().out.splitlines())

    assert (ours["event"], ours["item_id"], ours["level"]) == ("item_added", 7, "info")
    assert (foreign["event"], foreign["level"]) == ("going away", "warning")
    assert foreign["logger"] == "uvicorn.error"
