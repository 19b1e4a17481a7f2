//! The wheel builder on a real engine: what it builds runs, and is the same wherever it is built.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stderr, missing_docs)]

#[path = "image/lock.rs"]
mod lock;
#[path = "image/world.rs"]
mod world;

use nonevent_engine::image::{DevelopmentBuild, development_image, inspect};
use world::{REQUIREMENTS, World, shop};

#[tokio::test]
async fn an_app_runs_from_its_image_as_nobody_on_a_read_only_root() {
    let world = World::new().await;
    let (project, wheels) = (shop(), lock::wheels(&REQUIREMENTS));
    let report = world.build(project.path(), &wheels).await.unwrap();
    assert_eq!(
        report.warnings,
        [
            "`.env` and `server.pem` would be in the image and were left out, for fear of secrets; name them in `[build] include` to keep them"
        ]
    );
    let told: serde_json::Value = serde_json::from_str(&world.output(&report.engine_id, &["shop"]).await).unwrap();
    let files = ["/app/pyproject.toml", "/app/src/shop/__init__.py", "/app/src/shop/cli.py", "/app/src/shop/greeting.txt"];
    assert_eq!(
        told,
        serde_json::json!({
            "answer": "hello",
            "uid": 65532,
            "cwd": "/app",
            "root": "read-only",
            "prefix": "/opt/venv",
            "executable": "/opt/venv/bin/python",
            "version": "1.2.3",
            "speedups": true,
            "files": files,
        })
    );
    world.clean().await;
}
