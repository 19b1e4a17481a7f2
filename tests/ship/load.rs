//! No request is lost: constant load through the proxy during three rollouts and a rollback.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::world::{World, tls};

/// Requests that must at least be sent while releases come and go.
const REQUESTS: u64 = 20_000;

/// A route that takes a body, so that a request that is cut is seen.
const ROUTE: &str = r#"

@app.post("/slugs")
def make() -> ResponseReturnValue:
    return jsonify(slug=slugify(request.get_json()["title"]))
"#;

#[derive(Default)]
struct Tally {
    sent: AtomicU64,
    failed: AtomicU64,
    stop: AtomicBool,
}

#[test]
fn docker_20000_requests_during_three_rollouts_and_a_rollback_lose_none() {
    let world = World::example("flask-requirements");
    world.write("nonevent.toml", "[environments.local]\nreplicas = 2\n");
    let app = std::fs::read_to_string(world.project().join("slugs/app.py")).unwrap() + ROUTE;
    world.write("slugs/app.py", &app);
    world.run(&["ship"]).ok();
    let (address, host) = world.address("local");
    let tally = Arc::new(Tally::default());
    tls();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let clients: Vec<_> = [(true, true), (true, false), (false, true), (false, false)]
        .into_iter()
        .map(|(keep_alive, post)| {
            runtime.spawn(load(Arc::clone(&tally), format!("http://{address}"), host.clone(), keep_alive, post))
        })
        .collect();
    for version in 1..=3 {
        world.write("slugs/app.py", format!("{app}\n\nVERSION = {version}\n"));
        world.run(&["ship"]).ok();
    }
    world.run(&["rollback", "--yes"]).ok();
    while tally.sent.load(Ordering::Relaxed) < REQUESTS {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    tally.stop.store(true, Ordering::Relaxed);
    let failures: Vec<String> =
        runtime.block_on(async { futures_util::future::join_all(clients).await }).into_iter().flat_map(Result::unwrap).collect();
    let (sent, failed) = (tally.sent.load(Ordering::Relaxed), tally.failed.load(Ordering::Relaxed));
    println!("{failed} of {sent} requests failed during 3 rollouts and a rollback");
    assert_eq!(failed, 0, "{failures:#?}");
}

async fn load(tally: Arc<Tally>, base: String, host: String, keep_alive: bool, post: bool) -> Vec<String> {
    let pool = if keep_alive { 8 } else { 0 };
    let client = reqwest::Client::builder().pool_max_idle_per_host(pool).build().unwrap();
    let mut failures = Vec::new();
    while !tally.stop.load(Ordering::Relaxed) {
        let request = match post {
            true => client.post(format!("{base}/slugs")).json(&serde_json::json!({ "title": "Crème brûlée" })),
            false => client.get(format!("{base}/healthz")),
        };
        tally.sent.fetch_add(1, Ordering::Relaxed);
        let failure = match request.header("Host", &host).send().await {
            Ok(answer) if answer.status().is_success() => answer.bytes().await.err().map(|error| format!("{error:?}")),
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(format!("{error:?}")),
        };
        if let Some(failure) = failure {
            tally.failed.fetch_add(1, Ordering::Relaxed);
            failures.truncate(5);
            failures.push(failure);
        }
    }
    failures
}
