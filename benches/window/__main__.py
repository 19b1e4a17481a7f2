"""The window as it is released: how soon it is there, what it takes of memory and processor, beside the same page in Chromium.

    python3 benches/window --window BINARY --seed BINARY --scenes FOLDER --results FILE

Needs a screen (`scripts/with-screen`), tauri-driver, WebKitWebDriver, dbus-daemon and Chromium, and nothing of an engine. Chromium shows the page
over the scripted backend: the same screens, without what answers them.
"""

import argparse
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from driver import Page, Window, processor_seconds, proportional_bytes, started_at

STARTS = 10
REST = 15.0
"""Seconds until a window that was opened is at rest."""
WATCHED = 30.0
"""Seconds in which processor time at rest is counted."""

# Where the page stands with its first paint (Paint Timing) and with everything read (User Timing), seconds since 1970.
MOMENTS = """
const tell = arguments[0];
const look = () => {
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  const ready = performance.getEntriesByName('ready')[0];
  if (paint && ready) tell([paint, ready].map((entry) => (performance.timeOrigin + entry.startTime) / 1000));
  else setTimeout(look, 20);
};
look();
"""

STATES = (
    ("no project", "empty", "#/projects", "#/projects"),
    ("50 projects", "fifty", "#/projects", "#/projects"),
    ("a year of health", "year", "#/projects/bench/health/local", "#/projects/shop/health/production"),
    ("1,000,000 log lines", "million", "#/projects/bench/logs/local", "#/projects/shop/logs/production"),
)
"""What a window shows: its name, the home that it is opened on, the screen, and the screen of the scripted backend."""


# Times between frames, milliseconds.
FRAMES = """
const [span, tell] = arguments;
const between = [];
let last;
const end = performance.now() + span;
const look = (now) => {
  if (last !== undefined) between.push(now - last);
  last = now;
  if (now < end) requestAnimationFrame(look); else tell(between);
};
requestAnimationFrame(look);
"""
RATE = 5_000
STREAMED = 20.0


class Bench:
    def __init__(self, arguments: argparse.Namespace, work: Path, bus: str) -> None:
        self.arguments = arguments
        self.work = work
        self.environment = {"DBUS_SESSION_BUS_ADDRESS": bus, "DOCKER_HOST": f"unix://{work}/no-engine.sock"}

    def home(self, name: str) -> Path:
        home = self.work / name
        if not home.exists():
            subprocess.run([self.arguments.seed, name, home], check=True, stdout=subprocess.DEVNULL)
        return home

    def starts(self, home: str) -> tuple[list[float], list[float]]:
        paints, readies = [], []
        for _ in range(STARTS + 1):
            with Window(self.arguments.window, self.home(home), self.environment) as window:
                painted, ready = window.run(MOMENTS)
                began = started_at(window.process)
            paints.append(painted - began)
            readies.append(ready - began)
        # The first one reads everything from the disk.
        return paints[1:], readies[1:]

    def ours(self, home: str, screen: str) -> tuple[int, float]:
        with Window(self.arguments.window, self.home(home), self.environment) as window:
            window.run(f"location.hash = {json.dumps(screen)}; arguments[0]()")
            window.wait("document.querySelector('main h1')")
            return at_rest(window.process)

    def frames(self, address: str) -> list[float]:
        """Times between frames while records stream into the Logs screen, in the web view that the window has."""
        with Page(self.environment) as page:
            page.go(f"{address}?scene=story&rate={RATE}#/projects/shop/logs/local", 1440, 900)
            page.wait("document.querySelector('[role=listbox] [role=option]')")
            time.sleep(2)
            return list(page.run(FRAMES, STREAMED * 1000))

    def chromium(self, address: str, scene: str, screen: str) -> tuple[int, float]:
        profile = self.work / "chromium"
        shutil.rmtree(profile, ignore_errors=True)
        command = [self.arguments.chromium, "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        command += ["--disable-component-update", "--disable-sync", f"--user-data-dir={profile}", "--window-size=1200,800"]
        command.append(f"--app={address}?scene={scene}{screen}")
        browser = subprocess.Popen(
            command, env={**os.environ, **self.environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            return at_rest(browser.pid)
        finally:
            browser.terminate()
            browser.wait(30)


def at_rest(process: int) -> tuple[int, float]:
    """Memory in bytes, and the share of one core that is used, once nothing is done any more."""
    time.sleep(REST)
    before, began = processor_seconds(process), time.monotonic()
    time.sleep(WATCHED)
    used = (processor_seconds(process) - before) / (time.monotonic() - began)
    return proportional_bytes(process), used


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


@contextmanager
def session_bus() -> Iterator[str]:
    command = ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as daemon:
        assert daemon.stdout
        try:
            yield daemon.stdout.readline().strip()
        finally:
            daemon.terminate()


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def span(values: list[float]) -> str:
    return f"{median(values):>7.2f} {min(values):>7.2f} {max(values):>7.2f}"


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("window", "seed", "scenes", "results"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--chromium", default="chromium")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results: dict[str, object] = {"load_before": os.getloadavg()[0], "window_bytes": arguments.window.stat().st_size}
    with tempfile.TemporaryDirectory(prefix="nonevent-bench-") as work, session_bus() as bus, served(arguments.scenes) as pages:
        bench = Bench(arguments, Path(work), bus)
        say("starts")
        print(f"seconds after the start of the process     median     min     max   (of {STARTS})")
        for name, home in (("no project", "empty"), ("50 projects", "fifty")):
            paints, readies = bench.starts(home)
            results[f"start, {name}"] = {"first_paint": paints, "ready": readies}
            print(f"  {name:<14} first contentful paint   {span(paints)}")
            print(f"  {name:<14} everything read          {span(readies)}")
        say("at rest")
        print("\nat rest                   Nonevent: MB   % of a core   Chromium, the page alone: MB   % of a core   times the memory")
        for name, home, screen, scripted in STATES:
            memory, used = bench.ours(home, screen)
            scene = {"empty": "empty", "fifty": "fifty"}.get(home, "story")
            theirs, theirs_used = bench.chromium(pages, scene, scripted)
            results[f"at rest, {name}"] = {"ours": [memory, used], "chromium": [theirs, theirs_used]}
            print(
                f"  {name:<24}{memory / 1e6:>12.0f}{used * 100:>14.1f}{theirs / 1e6:>31.0f}{theirs_used * 100:>14.1f}"
                f"{theirs / memory:>19.2f}"
            )
        say(f"{RATE} records a second")
        between = sorted(bench.frames(pages))
        results["frames"] = between
        late = sum(max(0, round(each * 60 / 1000) - 1) for each in between)
        print(
            f"\n{RATE} records a second into Logs for {STREAMED:.0f} s: a frame after {median(between):.1f} ms (p99 "
            f"{between[len(between) * 99 // 100]:.1f} ms), {late} of {len(between) + late} frames at 60 a second left out"
        )
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    arguments.results.write_text(json.dumps(results, indent=2) + "\n")
    say(f"written to {arguments.results}")
    return 0


sys.exit(main())
