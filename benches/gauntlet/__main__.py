"""Measures `nonevent check` beside the same tools by hand in the same container, and beside nox with a reused environment."""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import uuid
from pathlib import Path
from statistics import median

ROUNDS = 3
SUITE = 10.0
TESTS = 50
PATIENCE = 300

NOXFILE = """
import nox

nox.options.default_venv_backend = "uv"


@nox.session
def lint(session: nox.Session) -> None:
    session.install("--constraint", "locked.txt", "--requirement", "wanted.txt")
    session.run("ruff", "check")


@nox.session
def format(session: nox.Session) -> None:
    session.install("--constraint", "locked.txt", "--requirement", "wanted.txt")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    session.install("--constraint", "locked.txt", "--requirement", "wanted.txt")
    session.run("mypy", "src")


@nox.session
def unit(session: nox.Session) -> None:
    session.install("--constraint", "locked.txt", "--requirement", "wanted.txt")
    session.run("pytest", "tests/unit")
"""

SLOW = f'''"""A suite that takes {SUITE:.0f} seconds, whatever the machine."""

import time

import pytest


@pytest.mark.parametrize("number", range({TESTS}))
def test_waits(number: int) -> None:
    time.sleep({SUITE / TESTS})
    assert number >= 0
'''


class Bench:
    def __init__(self, nonevent: Path, uv: Path, example: Path, work: Path) -> None:
        self.nonevent, self.uv, self.work = nonevent, uv, work
        self.name = f"bench-{uuid.uuid4().hex[:8]}"
        self.folder = work / "project"
        shutil.copytree(example, self.folder, ignore=shutil.ignore_patterns(".venv", "__pycache__", ".*_cache"))
        self.env = {
            **os.environ,
            "NONEVENT_SCOPE": self.name,
            "NONEVENT_HOME": str(work / "home"),
            "NONEVENT_CACHE": str(work / "cache"),
            "NO_COLOR": "1",
        }
        # Without services: nox has none.
        text = (self.folder / "nonevent.toml").read_text()
        text = re.sub(r'^name = "shop"$', f'name = "{self.name}"', text, flags=re.MULTILINE)
        text = re.sub(r"(?s)\[services\.db\].*", "", text)
        self.configure(re.sub(r"^integration = .*$", "integration = false", text, flags=re.MULTILINE))
        (self.folder / "tests/unit/test_slow.py").write_text(SLOW)
        self.results: dict[str, list[float]] = {}

    def configure(self, text: str) -> None:
        self.text = text
        (self.folder / "nonevent.toml").write_text(text)

    def run(self, *command: object, cwd: Path | None = None) -> str:
        ended = subprocess.run(
            list(map(str, command)),
            cwd=cwd or self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        if ended.returncode:
            sys.exit(f"`{' '.join(map(str, command))}` ended with {ended.returncode}:\n{(ended.stdout + ended.stderr)[-3000:]}")
        return ended.stdout

    def measure(self, key: str, *command: object, rounds: int = ROUNDS) -> None:
        for _ in range(rounds):
            began = time.monotonic()
            self.run(*command)
            self.results.setdefault(key, []).append(time.monotonic() - began)

    def by_hand(self, image: str, script: str) -> list[object]:
        """The container of a gate, as one would type it: same image, limits and caches."""
        return [
            *("docker", "run", "--rm", "--read-only", "--network", "none", "--tmpfs", "/tmp:exec,mode=1777"),
            *("--mount", f"type=volume,source={self.name}-caches,target=/caches", "--user", "0"),
            *("--mount", f"type=volume,source={self.volumes('tools')[-1]},target=/opt/nonevent/dev,readonly"),
            *("--env", "RUFF_CACHE_DIR=/caches/ruff", "--env", "MYPY_CACHE_DIR=/caches/mypy", "--env", "HOME=/tmp"),
            *("--env", "PYTEST_ADDOPTS=-o cache_dir=/caches/pytest", "--env", "PYTHONDONTWRITEBYTECODE=1"),
            *(image, "sh", "-c", script),
        ]

    def volumes(self, role: str) -> list[str]:
        filters = (f"label=dev.nonevent.project={self.name}", f"label=dev.nonevent.role={role}")
        flags = (flag for filter in filters for flag in ("--filter", filter))
        return sorted(self.run("docker", "volume", "ls", "--quiet", *flags).split())

    def prepare(self) -> str:
        say("preparing both sides")
        self.run(self.nonevent, "check")
        releases = json.loads(self.run(self.nonevent, "releases", "--json").splitlines()[-1])["data"]["releases"]
        image = releases[0]["evidence"]["gate_images"][0]["image"]
        self.run(*self.by_hand(image, "ruff check; ruff format --check; mypy src; true"))
        lock = tomllib.loads((self.folder / "poetry.lock").read_text())
        locked = "\n".join(f"{package['name']}=={package['version']}" for package in lock["package"])
        self.nox_folder = self.work / "nox"
        shutil.copytree(self.folder, self.nox_folder)
        (self.nox_folder / "locked.txt").write_text(locked + "\n")
        manifest = tomllib.loads((self.folder / "pyproject.toml").read_text())
        wanted = [*manifest["project"]["dependencies"], *manifest["tool"]["poetry"]["group"]["dev"]["dependencies"]]
        (self.nox_folder / "wanted.txt").write_text("\n".join(wanted) + "\n")
        (self.nox_folder / "noxfile.py").write_text(NOXFILE.lstrip())
        self.run(self.uv, "venv", "--quiet", self.work / "tools")
        self.run(self.uv, "pip", "install", "--quiet", "--python", self.work / "tools/bin/python", "nox[uv]")
        self.run(self.work / "tools/bin/nox", cwd=self.nox_folder)
        return image

    def suite(self, image: str) -> None:
        say("a suite of ten seconds, alone")
        everything = self.text
        gates = "\n".join(f"{gate} = false" for gate in ("lint", "format", "types"))
        self.configure(re.sub(r"^types = .*$", gates, everything, flags=re.MULTILINE))
        self.run(self.nonevent, "check", "--no-cache")
        for _ in range(ROUNDS):
            self.measure("suite_nonevent", self.nonevent, "check", "--no-cache", rounds=1)
            self.measure("suite_by_hand", *self.by_hand(image, "pytest tests/unit"), rounds=1)
        self.configure(everything)

    def everything(self, image: str) -> None:
        say("all four gates")
        script = "ruff check && ruff format --check && mypy src && pytest tests/unit"
        nox = self.work / "tools/bin/nox"
        for _ in range(ROUNDS):
            self.measure("all_nonevent", self.nonevent, "check", "--no-cache", rounds=1)
            self.measure("all_by_hand", *self.by_hand(image, script), rounds=1)
            self.measure("all_nox", nox, "-R", "-f", self.nox_folder / "noxfile.py", rounds=1)

    def recorded(self) -> None:
        say("nothing changed")
        self.run(self.nonevent, "check")
        self.measure("recorded", self.nonevent, "check", rounds=10)

    def watched(self) -> None:
        say("watching")
        command = [str(self.nonevent), "check", "--watch", "--json"]
        watch = subprocess.Popen(command, cwd=self.folder, env=self.env, stdout=subprocess.PIPE, text=True)
        seen: list[tuple[float, dict[str, object]]] = []
        news = threading.Condition()

        def read() -> None:
            for line in watch.stdout or []:
                with news:
                    seen.append((time.monotonic(), json.loads(line)))
                    news.notify_all()

        def wait(kind: str, after: int) -> float:
            with news:
                found = lambda: next((at for at, event in seen[after:] if event["type"] == kind), None)  # noqa: E731
                news.wait_for(lambda: found() is not None, timeout=PATIENCE)
                return found() or sys.exit(f"no {kind} came")

        threading.Thread(target=read, daemon=True).start()
        wait("result", 0)
        for key, file in (("watch_test", "tests/unit/test_items.py"), ("watch_app", "src/shop/main.py")):
            for number in range(ROUNDS):
                time.sleep(0.5)
                before, saved = len(seen), time.monotonic()
                with (self.folder / file).open("a") as text:
                    text.write(f"# {number}\n")
                self.results.setdefault(key, []).append(wait("gate_started", before) - saved)
                if (key, number) != ("watch_app", ROUNDS - 1):
                    wait("result", before)
        time.sleep(1)
        stopped = time.monotonic()
        watch.send_signal(signal.SIGINT)
        watch.wait(timeout=PATIENCE)
        self.results["stopped"] = [time.monotonic() - stopped]

    def remove(self) -> None:
        say("clearing up")
        for volume in (f"{self.name}-caches", *self.volumes("cache"), *self.volumes("tools")):
            subprocess.run(["docker", "volume", "rm", "--force", volume], capture_output=True, check=False)
        listed = subprocess.run(
            ["docker", "image", "ls", "--quiet", "--filter", f"label=dev.nonevent.project={self.name}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if images := sorted(set(listed.stdout.split())):
            subprocess.run(["docker", "image", "rm", "--force", *images], capture_output=True, check=False)


ROWS = {
    "suite_by_hand": "a 10 s suite: docker run … pytest",
    "suite_nonevent": "a 10 s suite: nonevent check --no-cache",
    "all_by_hand": "four gates: docker run … one after the other",
    "all_nox": "four gates: nox -R",
    "all_nonevent": "four gates: nonevent check --no-cache",
    "recorded": "nothing changed: nonevent check",
    "watch_test": "a test saved, until its gates run",
    "watch_app": "the app saved, until its gates run",
    "stopped": "Ctrl-C, until everything has ended",
}


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def table(results: dict[str, list[float]]) -> str:
    width = max(map(len, ROWS.values()))
    lines = [f"{'seconds':<{width}}  {'median':>7} {'min':>7} {'max':>7}   n"]
    for key, label in ROWS.items():
        if samples := results.get(key):
            numbers = " ".join(f"{number:>7.2f}" for number in (median(samples), min(samples), max(samples)))
            lines.append(f"{label:<{width}}  {numbers}  {len(samples):>2}")
    ratio = lambda one, other: median(results[one]) / median(results[other])  # noqa: E731
    overhead = (ratio("suite_nonevent", "suite_by_hand") - 1) * 100
    cached = median(results["recorded"])
    lines += [
        "",
        f"overhead over the suite by hand: {overhead:+.1f} % (wanted: under 15 %)",
        f"four gates by hand: {ratio('all_by_hand', 'all_nonevent'):.2f} times as long as nonevent",
        f"four gates by nox -R: {ratio('all_nox', 'all_nonevent'):.2f} times as long as nonevent",
        f"nothing changed: {cached * 1000:.0f} ms (wanted: under 300 ms); nox -R: {median(results['all_nox']) / cached:.0f} times as long",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("nonevent", "uv", "example", "results"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="nonevent-bench-", ignore_cleanup_errors=True) as work:
        bench = Bench(arguments.nonevent, arguments.uv, arguments.example, Path(work))
        try:
            image = bench.prepare()
            bench.suite(image)
            bench.everything(image)
            bench.recorded()
            bench.watched()
        finally:
            bench.remove()
    facts = {"cores": os.cpu_count(), "load_before": load, "load_after": os.getloadavg()[0]}
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    arguments.results.write_text(json.dumps({"about": facts, "seconds": bench.results}, indent=2) + "\n")
    print(f"{facts['cores']} cores, load {load:.1f} before")
    print(table(bench.results))
    return 0


sys.exit(main())
