//! One replica dies while requests come in: none fails once the proxy has noticed.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::world::{World, eventually, tls};

/// Requests that are sent after the proxy has noticed.
const AFTERWARDS: u64 = 3_000;

/// Prints the state of every server of the worker that works now.
const SERVERS: &str = r#"exec 3<>/dev/tcp/127.0.0.1/$MASTER
printf '@1 show stat\nquit\n' >&3
cat <&3"#;

#[derive(Default)]
struct Tally {
    sent: AtomicU64,
    failed: AtomicU64,
    stop: AtomicBool,
}

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn docker_one_killed_replica_fails_no_request_once_the_proxy_noticed() {
    let world = World::example("flask-requirements");
    world.write("nonevent.toml", "[environments.local]\nreplicas = 2\n");
    world.run(&["ship"]).ok();
    let (address, host) = world.address("local");
    let tally = Arc::new(Tally::default());
    tls();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for keep_alive in [true, false] {
        runtime.spawn(load(Arc::clone(&tally), format!("http://{address}/healthz"), host.clone(), keep_alive));
    }
    eventually("some requests", Duration::from_secs(30), || (tally.sent.load(Ordering::Relaxed) > 200).then_some(()));
    assert_eq!(tally.failed.load(Ordering::Relaxed), 0);

    let status = world.status("local");
    let victim = status["instances"][0]["id"].as_str().unwrap();
    docker(&["kill", victim]);
    let proxy = world.proxy();
    eventually("that the proxy notices", Duration::from_secs(60), || {
        let told = docker(&["exec", "--env", "MASTER=9998", &proxy, "bash", "-c", SERVERS]);
        told.lines().any(|line| line.contains(",DOWN,") && !line.contains(",BACKEND,")).then_some(())
    });
    let (sent, failed) = (tally.sent.load(Ordering::Relaxed), tally.failed.load(Ordering::Relaxed));
    println!("{failed} of {sent} requests failed before the proxy had noticed");
    eventually("requests afterwards", Duration::from_secs(120), || {
        (tally.sent.load(Ordering::Relaxed) >= sent + AFTERWARDS).then_some(())
    });
    tally.stop.store(true, Ordering::Relaxed);
    assert_eq!(tally.failed.load(Ordering::Relaxed), failed, "requests failed although the proxy had noticed");
    assert!(failed <= 4, "{failed} requests failed: more than were in flight");
    assert_eq!(world.status("local")["health"], "degraded");

    // The next restart of the same release makes it whole.
    world.run(&["restart"]).ok();
    assert_eq!(world.status("local")["health"], "healthy");
}

async fn load(tally: Arc<Tally>, url: String, host: String, keep_alive: bool) {
    let pool = if keep_alive { 8 } else { 0 };
    let client = reqwest::Client::builder().pool_max_idle_per_host(pool).build().unwrap();
    while !tally.stop.load(Ordering::Relaxed) {
        let answer = client.get(&url).header("Host", &host).send().await;
        let good = match answer {
            Ok(answer) => answer.status().is_success() && answer.bytes().await.is_ok(),
            Err(_) => false,
        };
        tally.sent.fetch_add(1, Ordering::Relaxed);
        tally.failed.fetch_add(u64::from(!good), Ordering::Relaxed);
    }
}
