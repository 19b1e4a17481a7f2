"""Answers every request: `python -m shop.serve HOST PORT STATUS [LOCATION]`."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST, PORT, STATUS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(STATUS)
        if len(sys.argv) > 4:
            self.send_header("Location", sys.argv[4])
        self.send_header("Content-Length", "0")
        self.end_headers()


print(f"listening on {HOST}:{PORT}", flush=True)
ThreadingHTTPServer((HOST, PORT), Handler).serve_forever()
