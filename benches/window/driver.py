"""WebDriver, as far as a measurement needs it (W3C WebDriver, sections 8 and 13)."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PATIENCE = 60
"""Seconds in which a driver, a window or a script must answer."""


class View:
    """A web view that a driver opens and asks."""

    wanted: dict[str, Any]
    """Capabilities."""
    beneath: int | None = None
    """The port of a driver that the driver itself starts."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = {**os.environ, **environment}

    def command(self, port: int) -> list[str]:
        """The driver."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        port = free_port()
        self.driver = subprocess.Popen(
            self.command(port), env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.base = f"http://127.0.0.1:{port}"
        for each in filter(None, (self.beneath, port)):
            listening(each)
        wanted = {**self.wanted, "timeouts": {"script": PATIENCE * 1000}}
        self.session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if hasattr(self, "session"):
                # The window's driver may end before it has answered.
                with suppress(http.client.RemoteDisconnected):
                    self.call("DELETE", f"/session/{self.session}")
        finally:
            self.driver.terminate()
            self.driver.wait(PATIENCE)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if method == "DELETE" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE * 2) as answer:
            return json.load(answer)["value"]

    def run(self, script: str, *arguments: Any) -> Any:
        """Runs a script whose last argument takes its answer: one that may be run twice."""
        body = {"script": script, "args": list(arguments)}
        try:
            return self.call("POST", f"/session/{self.session}/execute/async", body)
        except http.client.RemoteDisconnected:
            # One of some thirty sessions: the driver beneath resets its first connection.
            return self.call("POST", f"/session/{self.session}/execute/async", body)

    def wait(self, condition: str) -> Any:
        """Waits until an expression of the page is true."""
        script = (
            "const tell = arguments[0]; const look = () => { const found = (" + condition + "); "
            "if (found) tell(found); else setTimeout(look, 50); }; look();"
        )
        return self.run(script)


class Window(View):
    """The real window, opened through tauri-driver, on a home of its own."""

    def __init__(self, binary: Path, home: Path, environment: dict[str, str]) -> None:
        super().__init__({**environment, "NONEVENT_HOME": str(home), "NONEVENT_CACHE": str(home / "cache")})
        self.binary = binary
        self.wanted = {"tauri:options": {"application": str(binary)}, "webkitgtk:browserOptions": {"binary": str(binary)}}

    def command(self, port: int) -> list[str]:
        self.beneath = free_port()
        native = ["--native-port", str(self.beneath), "--native-driver", "/usr/bin/WebKitWebDriver"]
        return ["tauri-driver", "--port", str(port), *native]

    def __enter__(self) -> Self:
        super().__enter__()
        self.process = next(each for each in descendants(self.driver.pid) if executable(each) == self.binary)
        """The id of the window's process: a grandchild of the driver."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        super().__exit__(kind, error, trace)
        # The driver does not always end it; while it is there, another one that is started brings it to the front and goes.
        with suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGTERM)
        gone(self.process)


class Page(View):
    """A page in the web view that the window has, without the window around it."""

    browser = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser"
    wanted = {"webkitgtk:browserOptions": {"binary": browser, "args": ["--automation"]}}

    def command(self, port: int) -> list[str]:
        return ["/usr/bin/WebKitWebDriver", f"--port={port}"]

    def go(self, address: str, width: int, height: int) -> None:
        self.call("POST", f"/session/{self.session}/window/rect", {"width": width, "height": height})
        self.call("POST", f"/session/{self.session}/url", {"url": address})


def descendants(of: int) -> list[int]:
    """A process and all that it started, itself first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = [of]
    for each in found:
        found += children.get(each, [])
    return found


def executable(process: int) -> Path | None:
    try:
        return Path(os.readlink(f"/proc/{process}/exe"))
    except OSError:
        return None


def gone(process: int) -> None:
    """Waits for the end of a process."""
    until = time.monotonic() + PATIENCE
    while executable(process) is not None:
        if time.monotonic() > until:
            raise TimeoutError(f"process {process} does not end")
        time.sleep(0.02)


def proportional_bytes(process: int) -> int:
    """Memory of a process and all that it started: shared pages count in proportion (PSS, proc(5))."""
    total = 0
    for each in descendants(process):
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024


def processor_seconds(process: int) -> float:
    """Processor time that a process and all that it started have used."""
    ticks = 0
    for each in descendants(process):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def started_at(process: int) -> float:
    """When a process was started, seconds since 1970, to a hundredth."""
    ticks = int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[19])
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def listening(port: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")
