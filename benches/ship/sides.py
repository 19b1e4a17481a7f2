"""The two sides of the comparison: each can bring up, change and take away its own copy of the example."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 150
"""Seconds after which a command is given up."""

GREETING = "welcome to the shop"
SOURCE = Path("src/shop/main.py")
LEFT_OUT = shutil.ignore_patterns(".venv", "__pycache__", ".*_cache")

NO_GATES = "\n".join(f"{gate} = false" for gate in ("lint", "format", "types", "unit", "integration"))


class Failed(Exception):
    """A command of one side ended with an error."""


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Runs a command to its end and returns its standard output."""
    ended = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if ended.returncode:
        last = "\n".join((ended.stderr + ended.stdout).splitlines()[-25:])
        raise Failed(f"`{' '.join(map(str, command))}` ended with {ended.returncode}:\n{last}")
    return ended.stdout


def clear(filter_: str, *, reference: str | None = None) -> None:
    """Removes what the engine holds under this filter, and images with this name."""
    for kind, listing, removal in (
        ("container", ("ls", "--all", "--quiet"), ("rm", "--force", "--volumes")),
        ("volume", ("ls", "--quiet"), ("rm",)),
        ("network", ("ls", "--quiet"), ("rm",)),
    ):
        found = run("docker", kind, *listing, "--filter", filter_).split()
        if found:
            run("docker", kind, *removal, *found)
    if reference:
        remove_images(reference)


def remove_images(reference: str) -> None:
    listed = run("docker", "image", "ls", "--filter", f"reference={reference}", "--format", "{{.Repository}}:{{.Tag}}")
    if found := listed.split():
        run("docker", "image", "rm", "--force", *found)


class Side:
    """A copy of the example in a repository of its own."""

    def __init__(self, name: str, example: Path, work: Path) -> None:
        self.name = name
        self.folder = work / name
        shutil.copytree(example, self.folder, ignore=LEFT_OUT)
        self.address = ("127.0.0.1", 0)
        self.host = "localhost"

    def edit(self, file: Path | str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert re.search(old, text, re.MULTILINE), f"{path} does not contain {old}"
        path.write_text(re.sub(old, new, text, flags=re.MULTILINE))

    def greet(self, text: str) -> None:
        """Changes the one line that `GET /` answers with."""
        self.edit(SOURCE, rf'"{GREETING}[^"]*"', f'"{text}"')

    def git(self, *arguments: str) -> None:
        run("git", "-c", "user.name=Bench", "-c", "user.email=bench@localhost", *arguments, cwd=self.folder)

    def commit(self, message: str) -> None:
        if not (self.folder / ".git").exists():
            self.git("init", "--quiet", "--initial-branch", "main")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)


class Nonevent(Side):
    """Ships with Nonevent, in a scope, a home and a cache of its own."""

    def __init__(self, name: str, example: Path, work: Path, binary: Path, scope: str) -> None:
        super().__init__(name, example, work)
        self.binary = binary
        self.scope = scope
        self.cache = work / "cache"
        self.env = {
            "NONEVENT_SCOPE": scope,
            "NONEVENT_HOME": str(work / "home"),
            "NONEVENT_CACHE": str(self.cache),
            "NO_COLOR": "1",
        }
        self.app = f"{scope}-{name}"
        self.edit("nonevent.toml", r'^name = "shop"$', f'name = "{self.app}"')
        self.edit("nonevent.toml", r"(?s)^# Two more environments.*", "")
        self.images = f"nonevent/{self.app}*"

    def without_gates(self) -> None:
        self.edit("nonevent.toml", r"(?s)^\[gauntlet\].*?\n\n", f"[gauntlet]\n{NO_GATES}\n\n")

    def nonevent(self, *arguments: str) -> str:
        return run(self.binary, *arguments, cwd=self.folder, env=self.env)

    def change(self) -> None:
        self.nonevent("ship", "--allow-untested")

    nothing = change

    def settle(self) -> None:
        """Reads the address at which the proxy serves."""
        result = json.loads(self.nonevent("status", "--json").splitlines()[-1])["data"]
        url = next(one["url"] for one in result["environments"] if one["environment"] == "local")
        self.host = url.removeprefix("http://").rstrip("/")
        port = self.host.partition(":")[2]
        self.address = ("127.0.0.1", int(port or 80))

    def serving(self) -> str:
        result = json.loads(self.nonevent("status", "--json").splitlines()[-1])["data"]
        return next(one["serving"] for one in result["environments"] if one["environment"] == "local")

    def cool(self) -> None:
        """Forgets every layer and image; keeps the downloaded wheels and what is known about the base."""
        remove_images(self.images)
        shutil.rmtree(self.cache / "blobs", ignore_errors=True)
        for records in (self.cache / "records").glob("*"):
            if records.name not in {"bases", "pythons"}:
                shutil.rmtree(records)

    def remove(self) -> None:
        clear(f"label=dev.nonevent.scope={self.scope}", reference=self.images)
        # Caches of its gates, which all scopes share.
        clear(f"label=dev.nonevent.project={self.app}")


class Compose(Side):
    """Comes up with Docker Compose from the Dockerfile that is kept for the comparison."""

    def __init__(self, name: str, example: Path, work: Path, binary: Path, project: str) -> None:
        super().__init__(name, example, work)
        self.binary = binary
        self.project = project
        self.images = f"{project}-reference*"
        self.address = ("127.0.0.1", free_port())
        self.host = f"localhost:{self.address[1]}"
        self.env = {"COMPOSE_PROJECT_NAME": project, "SHOP_PORT": str(self.address[1]), "DOCKER_BUILDKIT": "1"}
        self.edit("compose.yaml", r"^name: .*\n", "")
        self.edit("compose.yaml", r"image: shop-reference", f"image: {project}-reference")

    def compose(self, *arguments: str) -> str:
        return run(self.binary, *arguments, cwd=self.folder, env=self.env)

    def change(self) -> None:
        self.compose("up", "--build", "--detach", "--wait")

    def nothing(self) -> None:
        self.compose("up", "--build", "--detach")

    def settle(self) -> None:
        """Nothing: the port was chosen before."""

    def spoil(self, word: str) -> None:
        """Makes every step of the build a new one; what is downloaded stays in BuildKit's cache mounts."""
        dockerfile = self.folder / "Dockerfile.reference"
        lines = [line for line in dockerfile.read_text().splitlines() if not line.startswith("ENV BENCH=")]
        spoiled = (f"{line}\nENV BENCH={word}" if line.startswith("FROM ") else line for line in lines)
        dockerfile.write_text("\n".join(spoiled) + "\n")

    def remove(self) -> None:
        clear(f"label=com.docker.compose.project={self.project}", reference=self.images)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def timed(action: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    started = time.monotonic()
    action()
    return time.monotonic() - started
