//! Docker keeps the promises of a target, on a real engine.
//!
//! Every test has a scope of its own: its own proxy, network and ports; whatever it made is removed at its end, also when it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

#[path = "target/app.rs"]
mod app;
#[path = "target/hardening.rs"]
mod hardening;
#[path = "target/https.rs"]
mod https;
#[path = "target/lab.rs"]
mod lab;
#[path = "target/load.rs"]
mod load;
#[path = "target/pebble.rs"]
mod pebble;
#[path = "target/proxy.rs"]
mod proxy;
#[path = "target/services.rs"]
mod services;
#[path = "target/shares.rs"]
mod shares;

use nonevent_testkit::contract::contract;

#[tokio::test(flavor = "multi_thread")]
async fn docker_fulfils_the_contract() {
    let lab = lab::Lab::open("contract").await;
    contract(&lab).await;
    assert_eq!(lab.everything().await, [""; 0], "the contract leaves nothing behind");
}
