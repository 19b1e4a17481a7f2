"""What is seen from the outside: when an answer changes, and which requests fail meanwhile."""

import http.client
import json
import sys
import threading
import time

POLL = 0.005
"""Seconds from one question to the next: the precision of every time to an answer."""

CLIENTS = 4
PER_CLIENT = 50
"""Connections of the constant load, and requests a second on each."""


def ask(connection: http.client.HTTPConnection, host: str, **headers: str) -> tuple[int, bytes]:
    connection.request("GET", "/", headers={"Host": host, **headers})
    answer = connection.getresponse()
    return answer.status, answer.read()


class Watch:
    """Asks at `address` every POLL seconds, each time on a new connection, until `text` is answered."""

    def __init__(self, address: tuple[str, int], host: str, text: str) -> None:
        self.address, self.host, self.text = address, host, text.encode()
        self.seen: float | None = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)

    def __enter__(self) -> "Watch":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()

    def look(self) -> None:
        next_tick = time.monotonic()
        while not self.ended.is_set():
            connection = http.client.HTTPConnection(*self.address, timeout=1)
            try:
                _, body = ask(connection, self.host, Connection="close")
                if self.text in body:
                    self.seen = time.monotonic()
                    return
            except (OSError, http.client.HTTPException):
                pass  # Nobody serves just now, which is what is being watched.
            finally:
                connection.close()
            next_tick = max(next_tick + POLL, time.monotonic())
            time.sleep(max(0.0, next_tick - time.monotonic()))

    def wait(self, seconds: float) -> float:
        self.thread.join(seconds)
        if self.seen is None:
            raise TimeoutError(f"{self.text.decode()!r} was not answered within {seconds:.0f} s")
        return self.seen


class Client(threading.Thread):
    """One connection, kept open while it can be, with requests at a constant rate."""

    def __init__(self, address: tuple[str, int], host: str, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self.address, self.host, self.ended = address, host, ended
        self.sent = 0
        self.failures: list[tuple[float, str]] = []
        self.answers: list[float] = []

    def run(self) -> None:
        connection = self.connection()
        tick = time.monotonic()
        while not self.ended.is_set():
            self.sent += 1
            try:
                status, _ = ask(connection, self.host)
                if status >= 400:
                    raise http.client.HTTPException(f"status {status}")
                self.answers.append(time.monotonic())
            except (OSError, http.client.HTTPException) as error:
                self.failures.append((time.monotonic(), f"{type(error).__name__}: {error}"))
                connection.close()
                connection = self.connection()
            tick += 1 / PER_CLIENT
            time.sleep(max(0.0, tick - time.monotonic()))
        connection.close()

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(*self.address, timeout=2)


def main() -> None:
    """`traffic.py ADDRESS PORT HOST`: puts load on it until standard input is closed, then prints what became of it."""
    address, port, host = sys.argv[1:]
    ended = threading.Event()
    clients = [Client((address, int(port)), host, ended) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    sys.stdin.read()
    ended.set()
    for client in clients:
        client.join()
    failures = sorted(failure for client in clients for failure in client.failures)
    answers = sorted(answer for client in clients for answer in client.answers)
    gaps = [later - earlier for earlier, later in zip(answers, answers[1:], strict=False)]
    kinds: dict[str, int] = {}
    for _, kind in failures:
        kinds[kind] = kinds.get(kind, 0) + 1
    result = {
        "sent": sum(client.sent for client in clients),
        "failed": len(failures),
        "seconds_without_an_answer": round(max(gaps, default=0.0), 3),
        "failures": kinds,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
