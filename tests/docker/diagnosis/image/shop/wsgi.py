"""A WSGI app whose import may take long, or fail."""

import os
import time

if os.environ.get("SHOP_SLEEP"):
    time.sleep(float(os.environ["SHOP_SLEEP"]))
if os.environ.get("SHOP_IMPORT"):
    __import__(os.environ["SHOP_IMPORT"])


def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]
