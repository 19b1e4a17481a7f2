//! What `make soak` shows: load of every kind for minutes over many rollouts, beside what one would write by hand.

use std::process::Command;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;

use crate::load::{every_kind, runtime, sites};
use crate::traffic::client::{Site, read};
use crate::traffic::{Kind, Tally, Traffic, app};
use crate::world::{World, eventually};

/// Requests that must at least be sent.
const REQUESTS: u64 = 200_000;
const ROLLOUTS: u32 = 20;
const ROLLBACKS: u32 = 10;
/// Swaps by hand, for comparison.
const SWAPS: u32 = 10;
/// Requests by which the proxy's own time is measured, each way.
const MEASURED: usize = 4_000;

#[test]
#[ignore = "takes half an hour: `make soak`"]
fn docker_200000_requests_over_20_rollouts_and_10_rollbacks_lose_none() {
    let world = app::shipped("");
    let runtime = runtime();
    runtime.block_on(added_latency(&world));
    let began = Instant::now();
    let loads = every_kind(&world);
    let traffic = runtime.block_on(async { Traffic::start(loads) });
    let mut rollbacks = 0;
    for rollout in 1..=ROLLOUTS {
        app::release(&world, &format!("v{rollout}"));
        app::ship(&world).ok();
        if rollout.is_multiple_of(ROLLOUTS / ROLLBACKS) {
            world.run(&["rollback", "--yes"]).ok();
            rollbacks += 1;
        }
    }
    let moved = began.elapsed();
    eventually("the requests", Duration::from_secs(1800), || (traffic.sent() >= REQUESTS).then_some(()));
    let tally = runtime.block_on(traffic.end());
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    tell(
        &format!(
            "nonevent, {ROLLOUTS} rollouts and {rollbacks} rollbacks in {:.0} s, {minutes:.1} min in all",
            moved.as_secs_f64()
        ),
        &tally,
    );
    reference(&world, &runtime);
    assert_eq!(tally.failed(), 0, "{:#?}", tally.failures);
    assert!(tally.counts.values().all(|(answered, _)| *answered > 0), "{}", tally.table());
}

fn tell(what: &str, tally: &Tally) {
    println!("\n{what}: {} of {} requests failed\n{}", tally.failed(), tally.sent(), tally.table());
    for failure in tally.failures.iter().take(8) {
        println!("    {failure}");
    }
}

/// The time of a request straight to an instance beside that of one through the proxy, in turn, so that both meet the same machine.
async fn added_latency(world: &World) {
    let status = world.status("local");
    let address = status["instances"][0]["address"].as_str().expect("instances have addresses").to_owned();
    let (plain, secure) = sites(world, &["http/1.1"]);
    let direct = Site { address: format!("{address}:8000"), host: plain.host.clone(), tls: None };
    let mut times: [Vec<u128>; 3] = Default::default();
    let mut connections = Vec::new();
    for site in [&direct, &plain, &secure] {
        connections.push((site, site.connect().await.unwrap()));
    }
    for _ in 0..MEASURED {
        for ((site, connection), times) in connections.iter_mut().zip(&mut times) {
            let began = Instant::now();
            connection.write_all(site.head("GET", "/version", "").as_bytes()).await.unwrap();
            let answer = read(connection).await.unwrap();
            times.push(began.elapsed().as_micros());
            assert_eq!(answer.status, 200);
            if !answer.keeps {
                *connection = site.connect().await.unwrap();
            }
        }
    }
    let at = |times: &mut Vec<u128>, share: usize| {
        times.sort_unstable();
        times[times.len() * share / 100]
    };
    let [direct, plain, secure] = times.each_mut().map(|times| (at(times, 50), at(times, 99)));
    println!("latency in µs, p50 and p99 of {MEASURED} requests: straight {direct:?}, by HTTP {plain:?}, by HTTPS {secure:?}");
    let added = |one: (u128, u128)| (one.0.saturating_sub(direct.0), one.1.saturating_sub(direct.1));
    println!(
        "the proxy adds: by HTTP p50 {} µs, p99 {} µs; by HTTPS p50 {} µs, p99 {} µs",
        added(plain).0,
        added(plain).1,
        added(secure).0,
        added(secure).1
    );
}

const NGINX: &str = "FROM python:3.13-slim\nRUN apt-get update && apt-get install --yes --no-install-recommends nginx-light && rm -rf /var/lib/apt/lists/*\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n";

/// As it is written by hand: two containers behind nginx; two new ones, healthy, into the configuration, `nginx -s reload`, the old
/// ones stopped.
fn reference(world: &World, runtime: &tokio::runtime::Runtime) {
    let by_hand = ByHand::set_up(world);
    let address = by_hand.address();
    let site = Site { address, host: "localhost".to_owned(), tls: None };
    let mut old = by_hand.start(0);
    by_hand.point_to(&old);
    eventually("nginx", Duration::from_secs(30), || runtime.block_on(answers(&site)).then_some(()));
    let every = [
        Kind::GetKept,
        Kind::GetFresh,
        Kind::PostKept,
        Kind::PostKept,
        Kind::PostFresh,
        Kind::Slow,
        Kind::Upload,
        Kind::Socket,
        Kind::Events,
    ];
    let traffic = runtime.block_on(async { Traffic::start(every.map(|kind| (kind, site.clone())).to_vec()) });
    for swap in 1..=SWAPS {
        let fresh = by_hand.start(swap);
        for (_, address) in &fresh {
            let site = Site { address: format!("{address}:8000"), host: "localhost".to_owned(), tls: None };
            eventually("a new container", Duration::from_secs(30), || runtime.block_on(answers(&site)).then_some(()));
        }
        by_hand.point_to(&fresh);
        by_hand.stop(&old);
        old = fresh;
    }
    let tally = runtime.block_on(traffic.end());
    tell(&format!("nginx by hand, {SWAPS} swaps and reloads"), &tally);
}

async fn answers(site: &Site) -> bool {
    let Ok(mut connection) = site.connect().await else { return false };
    let sent = connection.write_all(site.head("GET", "/healthz", "Connection: close\r\n").as_bytes()).await;
    sent.is_ok() && read(&mut connection).await.is_ok_and(|answer| answer.status == 200)
}

struct ByHand<'a> {
    world: &'a World,
    image: String,
    command: Vec<String>,
}

impl<'a> ByHand<'a> {
    fn set_up(world: &'a World) -> Self {
        let instance = world.status("local")["instances"][0]["id"].as_str().unwrap().to_owned();
        let inspected = docker(&["inspect", "--format", "{{.Image}}|{{json .Path}}|{{json .Args}}", &instance]);
        let parts: Vec<&str> = inspected.trim().splitn(3, '|').collect();
        let mut command: Vec<String> = vec![serde_json::from_str(parts[1]).unwrap()];
        command.extend(serde_json::from_str::<Vec<String>>(parts[2]).unwrap());
        let this = Self { world, image: parts[0].to_owned(), command };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Dockerfile"), NGINX).unwrap();
        let tag = this.name("nginx");
        docker(&["build", "--quiet", "--network", "host", "--tag", &tag, &folder.path().to_string_lossy()]);
        docker(&["network", "create", "--label", &this.label(), &this.name("net")]);
        docker(&[
            "run",
            "--detach",
            "--name",
            &tag,
            "--label",
            &this.label(),
            "--network",
            &this.name("net"),
            "--publish",
            "127.0.0.1::80",
            &tag,
        ]);
        this
    }

    fn name(&self, what: &str) -> String {
        format!("{}-byhand-{what}", self.world.scope())
    }

    /// By this label the world removes it at its end.
    fn label(&self) -> String {
        format!("dev.nonevent.scope={}", self.world.scope())
    }

    fn address(&self) -> String {
        docker(&["port", &self.name("nginx"), "80/tcp"]).trim().to_owned()
    }

    /// Starts two containers; returns their ids and addresses.
    fn start(&self, swap: u32) -> Vec<(String, String)> {
        let one = |number: u32| {
            let name = self.name(&format!("{swap}-{number}"));
            let mut arguments: Vec<String> = [
                "run",
                "--detach",
                "--name",
                &name,
                "--label",
                &self.label(),
                "--network",
                &self.name("net"),
                "--env",
                "PORT=8000",
                "--entrypoint",
            ]
            .map(str::to_owned)
            .to_vec();
            arguments.push(self.command[0].clone());
            arguments.push(self.image.clone());
            arguments.extend(self.command[1..].iter().cloned());
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let id = docker(&arguments).trim().to_owned();
            let address = docker(&["inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", &id]);
            (id, address.trim().to_owned())
        };
        vec![one(1), one(2)]
    }

    fn point_to(&self, containers: &[(String, String)]) {
        let servers: String = containers.iter().map(|(_, address)| format!("server {address}:8000; ")).collect();
        let configuration = format!(
            "map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}\n\
             upstream app {{ {servers} }}\n\
             server {{ listen 80 default_server; location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Host $host; \
             proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; proxy_buffering off; }} }}\n"
        );
        let script = format!("cat > /etc/nginx/sites-enabled/default <<'END'\n{configuration}END\nnginx -s reload");
        docker(&["exec", &self.name("nginx"), "sh", "-c", &script]);
    }

    fn stop(&self, containers: &[(String, String)]) {
        for (id, _) in containers {
            docker(&["stop", "--time", "10", id]);
        }
    }
}

impl Drop for ByHand<'_> {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "--force", &self.name("nginx")]).output();
        let _ = Command::new("docker").args(["rmi", "--force", &self.name("nginx")]).output();
    }
}

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
