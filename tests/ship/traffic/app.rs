//! A project whose app does everything that a rollout may cut: answers, slow answers, uploads, sockets, streams of events.

use std::process::Command;

use crate::world::{Ended, World};

const PROJECT: &str = r#"
[project]
name = "busy"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["starlette", "uvicorn", "websockets"]
"#;

const APP: &str = r#"
import asyncio
import hashlib

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from version import VERSION


async def version(request):
    return PlainTextResponse(VERSION)


async def echo(request):
    return PlainTextResponse(await request.body())


async def slow(request):
    await asyncio.sleep(2)
    return PlainTextResponse(VERSION)


async def upload(request):
    digest = hashlib.sha256()
    async for part in request.stream():
        digest.update(part)
    return PlainTextResponse(digest.hexdigest())


async def events(request):
    async def some():
        for number in range(int(request.query_params["count"])):
            yield f"data: {number} {VERSION}\n\n"
            await asyncio.sleep(0.1)

    return StreamingResponse(some(), media_type="text/event-stream")


async def socket(socket):
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(f"{text} {VERSION}")


app = Starlette(
    routes=[
        Route("/healthz", version),
        Route("/version", version),
        Route("/echo", echo, methods=["POST"]),
        Route("/slow", slow),
        Route("/upload", upload, methods=["POST"]),
        Route("/events", events),
        WebSocketRoute("/socket", socket),
    ]
)
"#;

/// Makes a locked project with two replicas, and ships its first version.
pub fn shipped(environment: &str) -> World {
    let world = World::empty();
    world
        .write("pyproject.toml", PROJECT)
        .write("main.py", APP)
        .write("nonevent.toml", format!("[app]\ncommand = [\"uvicorn\", \"main:app\", \"--host\", \"0.0.0.0\", \"--port\", \"8000\", \"--no-access-log\", \"--log-level\", \"warning\"]\nport = 8000\n\n[health]\npath = \"/healthz\"\ninterval = \"500ms\"\n\n[environments.local]\nreplicas = 2\n{environment}"));
    release(&world, "v0");
    let locked = Command::new("uv").args(["lock", "--quiet"]).current_dir(world.project()).status().unwrap();
    assert!(locked.success(), "uv lock");
    ship(&world).ok();
    world
}

/// Makes another version of it.
pub fn release(world: &World, version: &str) {
    world.write("version.py", format!("VERSION = \"{version}\"\n"));
}

/// Ships it; it has no tests of its own, being one.
pub fn ship(world: &World) -> Ended {
    world.run(&["ship", "--allow-untested"])
}
