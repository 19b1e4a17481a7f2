"""From one changed line to switched traffic: Nonevent beside Docker Compose, in turns, on one engine.

    python3 benches/ship --nonevent BINARY --compose BINARY --example FOLDER --results FILE

Needs nothing but Python 3.11, git and docker. What it makes on the engine bears a random word and is removed at the end, also after
Ctrl-C; only BuildKit's own cache stays, as it does after every build.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import report
from report import Load, Scenario
from sides import GREETING, Compose, Failed, Nonevent, Side, remove_images, run, timed
from traffic import Watch

SETTLE = 1.0
"""Seconds of load before and after a change."""


class Bench:
    """Both sides, and what was measured."""

    def __init__(self, arguments: argparse.Namespace, work: Path) -> None:
        self.word = f"bench{secrets.token_hex(4)}"
        self.started = time.monotonic()
        binary, example = arguments.nonevent, arguments.example
        self.gated = Nonevent("gated", example, work, binary, self.word)
        self.bare = Nonevent("bare", example, work, binary, self.word)
        self.cold = Nonevent("cold", example, work, binary, self.word)
        self.compose = Compose("compose", example, work, arguments.compose, self.word)
        self.base = f"127.0.0.1:1/{self.word}:base"
        self.scenarios: list[Scenario] = []
        self.loads: list[Load] = []
        self.greetings: dict[str, list[tuple[str, str]]] = {}

    @property
    def sides(self) -> list[Side]:
        return [self.gated, self.bare, self.cold, self.compose]

    def rounds(self, count: int, *, within: float) -> Iterator[int]:
        """Counts rounds: one in any case, and as many of the others as begin within so many seconds."""
        started = time.monotonic()
        for number in range(count):
            if number and time.monotonic() - started > within:
                say(f"time is up: {number} of {count} rounds")
                return
            yield number

    def scenario(self, key: str, title: str, *pairs: tuple[str, str]) -> Scenario:
        scenario = Scenario(key, title, pairs=list(pairs))
        self.scenarios.append(scenario)
        return scenario

    def prepare(self) -> None:
        for side in (self.bare, self.cold):
            side.without_gates()
        self.cold.edit("nonevent.toml", r'^base = ".*"$', f'base = "{self.base}"')
        for side in self.sides:
            side.commit("the example as it is")

    def images_from_nothing(self) -> None:
        say("images from nothing")
        scenario = self.scenario(
            "cold_image",
            "An image from nothing: no layer is known, downloads are",
            ("nonevent", "spoiled"),
        )
        for number in self.rounds(3, within=60):
            if number == 0:
                self.cool_base()
                self.cold.nonevent("check")
            self.cold.cool()
            scenario.add("nonevent", "nonevent check, no gates", timed(self.prove))
            self.compose.spoil(f"{self.word}-{number}")
            scenario.add("spoiled", "docker compose build, every step new, downloads cached", timed(self.build))
            scenario.add("no_cache", "docker compose build --no-cache, which downloads again", timed(self.build_anew))

    def cool_base(self) -> None:
        """A base with a layer that no other image on this engine stands on: else the engine may know the layers above it."""
        recipe = f"FROM python:3.13-slim\nRUN echo {self.word} > /etc/bench\n"
        context = self.cold.folder.parent / "base"
        context.mkdir()
        (context / "Dockerfile").write_text(recipe)
        run("docker", "build", "--quiet", "--tag", self.base, str(context))

    def prove(self) -> None:
        self.cold.nonevent("check")

    def build(self) -> None:
        self.compose.compose("build", "web")

    def build_anew(self) -> None:
        self.compose.compose("build", "--no-cache", "web")

    def first(self) -> None:
        say("first ship, first up")
        for side in (self.gated, self.bare, self.compose):
            side.change()
            side.settle()
            with Watch(side.address, side.host, GREETING) as watch:
                watch.wait(10)
            self.greetings[side.name] = []

    def changes(self) -> None:
        say("one changed line")
        scenario = self.scenario(
            "one_line",
            "One changed line → its answer at the public address",
            ("bare", "compose"),
            ("gated", "compose"),
        )
        ended = self.scenario("one_line_ended", "The same, until the command ends", ("bare", "compose"), ("gated", "compose"))
        labels = {
            "bare": "nonevent ship, no gates",
            "gated": "nonevent ship, five gates",
            "compose": "docker compose up --build -d --wait",
        }
        for number in self.rounds(5, within=150):
            for side in (self.bare, self.compose, self.gated):
                switched, finished = self.change(side, f"{GREETING}, {number}")
                scenario.add(side.name, labels[side.name], switched)
                ended.add(side.name, labels[side.name], finished)

    def change(self, side: Side, text: str) -> tuple[float, float]:
        side.greet(text)
        started = time.monotonic()
        with Watch(side.address, side.host, text) as watch:
            side.change()
            finished = time.monotonic()
            seen = watch.wait(10)
        self.remember(side, text)
        return seen - started, finished - started

    def remember(self, side: Side, text: str) -> None:
        if isinstance(side, Nonevent):
            mark = side.serving()
        else:
            side.commit(text)
            mark = run("git", "rev-parse", "HEAD", cwd=side.folder).strip()
        self.greetings[side.name].append((text, mark))

    def nothing_changed(self) -> None:
        say("nothing changed")
        scenario = self.scenario("nothing", "Nothing changed, until the command ends", ("nonevent", "compose"))
        for _ in self.rounds(5, within=25):
            scenario.add("nonevent", "nonevent ship", timed(self.gated.nothing))
            scenario.add("compose", "docker compose up --build -d", timed(self.compose.nothing))

    def ways_back(self) -> None:
        say("back to an earlier release")
        scenario = self.scenario("rollback", "Back to an earlier release → its answer", ("nonevent", "compose"))
        if min(len(self.greetings[side.name]) for side in (self.gated, self.compose)) < 2:
            say("one release only: no way back")
            self.scenarios.remove(scenario)
            return
        for number in self.rounds(4, within=50):
            to = -2 if number % 2 == 0 else -1
            text, release = self.greetings["gated"][to]
            with Watch(self.gated.address, self.gated.host, text) as watch:
                started = time.monotonic()
                self.gated.nonevent("rollback", release, "--yes")
                scenario.add("nonevent", "nonevent rollback", watch.wait(10) - started)
            text, commit = self.greetings["compose"][to]
            with Watch(self.compose.address, self.compose.host, text) as watch:
                started = time.monotonic()
                self.compose.git("checkout", "--quiet", commit, "--", "src")
                self.compose.change()
                scenario.add("compose", "git checkout, docker compose up --build -d --wait", watch.wait(10) - started)

    def warm_way_back(self) -> None:
        say("back to a release that is still warm")
        scenario = self.scenario("warm_rollback", "Back to a release whose instances are still warm → its answer")
        self.bare.edit("nonevent.toml", r"^\[environments\.local\]$", '[environments.local]\nbake = "10m"')
        for number in self.rounds(4, within=60):
            before = f"{GREETING}, before {number}"
            self.bare.greet(before)
            self.bare.nonevent("ship", "--allow-untested", "--detach")
            release = self.bare.serving()
            self.bare.greet(f"{GREETING}, after {number}")
            self.bare.nonevent("ship", "--allow-untested", "--detach")
            with Watch(self.bare.address, self.bare.host, before) as watch:
                started = time.monotonic()
                self.bare.nonevent("rollback", release, "--yes")
                scenario.add("nonevent", "nonevent rollback, warm", watch.wait(10) - started)

    def under_load(self) -> None:
        say("requests during one change")
        for side, label in ((self.gated, "nonevent ship"), (self.compose, "docker compose up --build -d --wait")):
            side.greet(f"{GREETING}, under load")
            command = [sys.executable, str(Path(__file__).with_name("traffic.py")), *map(str, side.address), side.host]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
                time.sleep(SETTLE)
                side.change()
                time.sleep(SETTLE)
                printed, _ = load.communicate()
            self.loads.append(Load(label, json.loads(printed)))

    def remove(self) -> None:
        say("clearing up")
        for side in self.sides:
            side.remove()
        remove_images(self.base)


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def about(arguments: argparse.Namespace) -> dict[str, object]:
    here = Path(__file__).parent
    engine = "{{.Server.Version}}, {{.Server.Os}}/{{.Server.Arch}}"
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": run("git", "rev-parse", "--short", "HEAD", cwd=here).strip(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "docker": run("docker", "version", "--format", engine).strip(),
        "compose": run(arguments.compose, "version", "--short").strip(),
        "nonevent": run(arguments.nonevent, "--version").strip(),
    }


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("nonevent", "compose", "example", "results"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupted)
    facts = about(arguments)
    work = Path(tempfile.mkdtemp(prefix="nonevent-bench-"))
    bench = Bench(arguments, work)
    status = 0
    try:
        bench.prepare()
        bench.first()
        bench.changes()
        bench.nothing_changed()
        bench.ways_back()
        bench.warm_way_back()
        bench.under_load()
        bench.images_from_nothing()
    except (Failed, TimeoutError, subprocess.TimeoutExpired) as error:
        say(str(error))
        status = 1
    except KeyboardInterrupt:
        say("interrupted")
        status = 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        bench.remove()
        shutil.rmtree(work, ignore_errors=True)
    facts["load_after"] = os.getloadavg()[0]
    facts["took_seconds"] = round(time.monotonic() - bench.started)
    scenarios = [scenario for scenario in bench.scenarios if scenario.rows]
    report.write(arguments.results, facts, scenarios, bench.loads)
    print(f"Docker {facts['docker']}; Compose {facts['compose']}; {facts['cores']} cores, load {facts['load_before']:.1f} before")
    print(report.table(scenarios, bench.loads))
    say(f"{facts['took_seconds']} s; written to {arguments.results}")
    return status


sys.exit(main())
