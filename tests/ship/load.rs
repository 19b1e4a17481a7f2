//! No request is lost: constant load of every kind through the proxy during rollouts and a rollback.

use std::time::{Duration, Instant};

use crate::traffic::client::{Site, Socket, read};
use crate::traffic::{Kind, Load, Traffic, Upload, app};
use crate::world::{World, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Requests that must at least be sent while releases come and go.
const REQUESTS: u64 = 20_000;

/// The app by HTTP, and by HTTPS with these protocols.
pub fn sites(world: &World, protocols: &[&str]) -> (Site, Site) {
    let (address, host) = world.address("local");
    let secure = world.status("local")["https_url"].as_str().expect("it answers by HTTPS").to_owned();
    let port = secure.rsplit(':').next().unwrap().to_owned();
    let roots = world.run(&["trust", "--path"]).ok().stdout;
    let roots = std::fs::read_to_string(roots.trim()).unwrap();
    let plain = Site { address, host: host.clone(), tls: None };
    (plain, Site::secure(format!("127.0.0.1:{port}"), host, &roots, protocols))
}

/// Every kind of client.
pub fn every_kind(world: &World) -> Vec<Load> {
    let (plain, secure) = sites(world, &["http/1.1"]);
    let (_, http2) = sites(world, &["h2"]);
    let fast = [Kind::GetKept, Kind::GetFresh, Kind::PostKept, Kind::PostFresh];
    let long = [Kind::Slow, Kind::Upload, Kind::Socket, Kind::Events];
    let mut loads: Vec<Load> = fast.into_iter().chain(long).map(|kind| (kind, plain.clone())).collect();
    loads.extend([Kind::PostKept, Kind::Slow, Kind::Upload, Kind::Socket, Kind::Events].map(|kind| (kind, secure.clone())));
    loads.push((Kind::Http2, http2));
    loads
}

/// A runtime on which clients run while this thread ships.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

#[test]
fn docker_20000_requests_during_three_rollouts_and_a_rollback_lose_none() {
    let world = app::shipped("");
    let loads = every_kind(&world);
    let runtime = runtime();
    let traffic = runtime.block_on(async { Traffic::start(loads) });
    for version in 1..=3 {
        app::release(&world, &format!("v{version}"));
        app::ship(&world).ok();
    }
    world.run(&["rollback", "--yes"]).ok();
    eventually("20,000 requests", Duration::from_secs(240), || (traffic.sent() >= REQUESTS).then_some(()));
    let tally = runtime.block_on(traffic.end());
    println!("{} of {} requests failed during 3 rollouts and a rollback\n{}", tally.failed(), tally.sent(), tally.table());
    assert_eq!(tally.failed(), 0, "{:#?}", tally.failures);
    assert!(tally.counts.values().all(|(answered, _)| *answered > 0), "{}", tally.table());
}

#[test]
fn docker_sockets_events_and_uploads_that_are_open_at_a_switch_go_on() {
    let world = app::shipped("drain = \"30s\"\n");
    let (plain, secure) = sites(&world, &["http/1.1"]);
    let (_, http2) = sites(&world, &["h2"]);
    let runtime = runtime();
    for (version, site) in [("v1", &plain), ("v2", &secure)] {
        let before = runtime.block_on(version_of(site));
        let (mut socket, mut modern, mut upload, mut events) = runtime.block_on(async {
            let mut modern = Socket::open_http2(&http2, "/socket").await.unwrap();
            assert_eq!(modern.ask("hello").await.unwrap(), format!("hello {before}"));
            let mut socket = Socket::open(site, "/socket").await.unwrap();
            assert_eq!(socket.ask("hello").await.unwrap(), format!("hello {before}"));
            let mut upload = Upload::begin(site, 2, 64 * 1024).await.unwrap();
            upload.part().await.unwrap();
            let mut events = site.connect().await.unwrap();
            events.write_all(site.head("GET", "/events?count=600", "").as_bytes()).await.unwrap();
            let mut first = [0; 64];
            assert_ne!(events.read(&mut first).await.unwrap(), 0);
            (socket, modern, upload, events)
        });
        app::release(&world, version);
        std::thread::scope(|scope| {
            let ship = scope.spawn(|| app::ship(&world));
            eventually("the switch", Duration::from_secs(60), || (runtime.block_on(version_of(site)) == version).then_some(()));
            runtime.block_on(async {
                assert_eq!(socket.ask("still").await.unwrap(), format!("still {before}"), "the socket stays with its instance");
                assert_eq!(modern.ask("still").await.unwrap(), format!("still {before}"), "by HTTP/2 as well");
                upload.part().await.unwrap();
                upload.finish().await.unwrap();
                let mut bytes = vec![0; 4096];
                for _ in 0..10 {
                    let count = events.read(&mut bytes).await.unwrap();
                    assert_ne!(count, 0, "events go on");
                }
                let text = String::from_utf8_lossy(&bytes).into_owned();
                assert!(text.contains(&before), "of the release that they began with: {text}");
                assert!(!ship.is_finished(), "the old instances are there as long as somebody is connected");
                drop(events);
                socket.close().await.unwrap();
                modern.close().await.unwrap();
            });
            ship.join().unwrap().ok();
        });
    }
}

#[test]
fn docker_a_socket_that_does_not_end_holds_a_rollout_up_for_the_drain_time_only() {
    let world = app::shipped("drain = \"3s\"\n");
    let (plain, _) = sites(&world, &["http/1.1"]);
    let runtime = runtime();
    let mut socket = runtime.block_on(Socket::open(&plain, "/socket")).unwrap();
    app::release(&world, "v1");
    let ended = std::thread::scope(|scope| {
        let ship = scope.spawn(|| app::ship(&world));
        eventually("the switch", Duration::from_secs(60), || (runtime.block_on(version_of(&plain)) == "v1").then_some(()));
        let switched = Instant::now();
        assert_eq!(runtime.block_on(socket.ask("still")).unwrap(), "still v0");
        runtime.block_on(socket.ended());
        let ended = switched.elapsed();
        ship.join().unwrap().ok();
        ended
    });
    println!("a socket was ended {} ms after the switch, the drain time is 3000 ms", ended.as_millis());
    assert_eq!(world.status("local")["instances"].as_array().unwrap().len(), 2, "the old instances are gone");
}

async fn version_of(site: &Site) -> String {
    let mut connection = site.connect().await.unwrap();
    connection.write_all(site.head("GET", "/version", "Connection: close\r\n").as_bytes()).await.unwrap();
    read(&mut connection).await.unwrap().body
}
