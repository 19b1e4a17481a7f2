//! Measures how late probes are made when there are very many: the scheduler with its probes, verdicts and timelines, beside a plain loop of
//! tokio and reqwest, each on one core, against a server of its own on another one.
//! `cargo run --release -p nonevent-engine --example probes [PROBES] [SECONDS] [FOLDER]`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::expect_used, clippy::indexing_slicing)]

mod sides;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// Time between two measurements of one probe.
const INTERVAL: Duration = Duration::from_secs(10);
/// The core of what is measured, and that of the server.
const CORES: (&str, &str) = ("0", "1");

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize| arguments.get(index).map(String::as_str);
    let number = |index: usize, default: u64| argument(index).map_or(default, |text| text.parse().expect("a number"));
    match argument(0) {
        Some("serve") => alone(sides::serve()),
        Some(side @ ("nonevent" | "plain")) => {
            let probes = sides::Probes { count: number(1, 0), seconds: number(2, 0), port: number(3, 0), interval: INTERVAL };
            let told = match side {
                "plain" => alone(sides::plain(probes)),
                _ => alone(sides::nonevent(probes, argument(4).expect("a folder").as_ref())),
            };
            println!("{told}");
        }
        _ => compare(number(0, 10_000), number(1, 60), argument(2).unwrap_or(".")),
    }
}

/// Everything of a side happens on one thread.
fn alone<T>(side: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(side)
}

/// This program as another process, on one core.
fn child(core: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", core]).arg(std::env::current_exe().unwrap()).args(arguments).stdout(Stdio::piped());
    command
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn compare(probes: u64, seconds: u64, folder: &str) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("{probes} probes every {} s for {seconds} s; load before: {load}", INTERVAL.as_secs());
    let mut server = Server(child(CORES.1, &["serve"]).spawn().expect("`taskset` of util-linux"));
    let mut port = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let folder = tempfile::Builder::new().prefix("nonevent-bench-").tempdir_in(folder).unwrap();
    let (probes, seconds) = (probes.to_string(), seconds.to_string());
    println!("| | made | failed | late p50 | p99 | max | processor | memory, at most |");
    println!("| --- | --: | --: | --: | --: | --: | --: | --: |");
    for (side, name) in [("nonevent", "`nonevent watch`'s scheduler, probes, verdicts, timelines"), ("plain", "tokio + reqwest")]
    {
        let arguments = [side, &probes, &seconds, port.trim(), folder.path().to_str().unwrap()];
        let output = child(CORES.0, &arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        let told: Value = told.lines().last().and_then(|line| serde_json::from_str(line).ok()).expect("what a side measured");
        let ms = |of: &str| format!("{:.2} ms", told[of].as_f64().unwrap() / 1000.0);
        println!(
            "| {name} | {} | {} | {} | {} | {} | {:.0} % | {:.0} MB |",
            told["made"],
            told["failed"],
            ms("p50"),
            ms("p99"),
            ms("max"),
            told["processor"].as_f64().unwrap() * 100.0,
            told["memory"].as_f64().unwrap() / 1e6,
        );
    }
}
