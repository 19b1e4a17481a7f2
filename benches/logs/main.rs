//! Measures what is kept of logs: lines a second, bytes on disk and searches, beside a plain file with `grep`, the same file compressed by
//! zstd, and SQLite's full-text index, in one run. `cargo run --release -p nonevent-engine --example logs [LINES] [FOLDER]`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::expect_used, clippy::indexing_slicing)]

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nonevent_engine::logs::{Cursor, Filter, Joined, Joiner, Line};
use nonevent_engine::model::{Instance, InstanceState, LogStream};
use nonevent_engine::store::LogStore;
use nonevent_engine::store::logs::{Appended, Batch, Source};

mod line;

use line::line;

/// Lines that are kept at once, as a follower does when much is printed.
const AT_ONCE: u64 = 4096;
/// Lines beyond which SQLite's index is not measured: it is the same for each million.
const INDEXED: u64 = 1_000_000;
/// No search is asked for more.
const LIMIT: usize = 100;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let lines: u64 = arguments.next().map_or(10_000_000, |text| text.parse().expect("a number of lines"));
    let folder =
        tempfile::Builder::new().prefix("nonevent-bench-").tempdir_in(arguments.next().unwrap_or_else(|| ".".into())).unwrap();
    let folder = folder.path();
    println!("{lines} lines, {}", memory("at the start"));
    let plain = append(folder, lines);
    let store = ingest(folder, lines);
    let packed = pack(folder, &plain);
    println!(
        "\non disk: plain {}, by `zstd -3` {}, kept {}",
        mb(size(&plain)),
        mb(size(&packed)),
        mb(size_of_all(&folder.join("logs")))
    );
    search(&store, &plain, lines);
    index(folder, lines.min(INDEXED));
    println!("\n{}", memory("at the end"));
}

fn append(folder: &Path, lines: u64) -> std::path::PathBuf {
    let path = folder.join("plain.log");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    let began = Instant::now();
    for number in 0..lines {
        writeln!(file, "{}", line(number)).unwrap();
    }
    file.flush().unwrap();
    told("append to a plain file", lines, began.elapsed());
    path
}

fn ingest(folder: &Path, lines: u64) -> LogStore {
    let store = LogStore::open(folder, &"bench".into()).unwrap();
    let instance = Instance {
        id: "bench".into(),
        name: "bench-local-web-1".into(),
        process: "web".into(),
        release: "3f2a91c04d5e".into(),
        rollout: "r".into(),
        address: None,
        state: InstanceState::Running,
        restarts: 0,
        started_at: None,
        serving: true,
    };
    let source = Source { environment: "local".into(), instance, stream: LogStream::Stdout };
    let (mut joiner, mut records, mut after) = (Joiner::default(), Vec::<Joined>::new(), None);
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    for number in 0..lines {
        let at = 1_795_000_000_000_000_000 + i64::try_from(number * 1000).unwrap();
        joiner.push(Line { at, text: line(number) }, &mut records);
        if number % AT_ONCE == AT_ONCE - 1 || number + 1 == lines {
            joiner.flush(&mut records);
            let to = Cursor { at, count: 1 };
            let one = Instant::now();
            let appended = store.append(&Batch { source: &source, after, to, records: &records, budget: u64::MAX }).unwrap();
            slowest = slowest.max(one.elapsed());
            assert!(matches!(appended, Appended::Kept { .. }));
            records.clear();
            after = Some(to);
        }
    }
    told("keep (read, joined, compressed, found again)", lines, began.elapsed());
    println!("  the slowest write of {AT_ONCE} lines: {:.1} ms; {}", slowest.as_secs_f64() * 1000.0, memory("after it"));
    store
}

fn pack(folder: &Path, plain: &Path) -> std::path::PathBuf {
    let path = folder.join("plain.log.zst");
    let began = Instant::now();
    zstd::stream::copy_encode(File::open(plain).unwrap(), File::create(&path).unwrap(), 3).unwrap();
    println!("compress the plain file by zstd -3: {:.2} s", began.elapsed().as_secs_f64());
    path
}

fn search(store: &LogStore, plain: &Path, lines: u64) {
    println!("\n| search | kept | `grep -c` |\n| --- | --: | --: |");
    let rare = line(lines / 2);
    let rare = rare.split("\"request\": \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for (what, query, grepped) in [
        ("the last 100", String::new(), "\"level\": \"info\""),
        ("errors, the last 100", "level>=error".into(), "\"level\": \"error\""),
        ("a common text, the last 100", "\"payment refused\"".into(), "payment refused"),
        ("one line among all", rare.clone(), rare.as_str()),
        ("no line at all", "\"nothing like it\"".into(), "nothing like it"),
        ("`path=/orders/4711`, the last 100", "path=/orders/4711".into(), "\"path\": \"/orders/4711\""),
    ] {
        let filter = Filter::read(&query).unwrap();
        let began = Instant::now();
        let found = store.search(&"local".into(), &filter, None, LIMIT).unwrap().records.len();
        let kept = began.elapsed();
        let began = Instant::now();
        let grep = Command::new("grep").args(["-c", "-F", grepped]).arg(plain).output().unwrap();
        let grep = (began.elapsed(), String::from_utf8_lossy(&grep.stdout).trim().to_owned());
        println!("| {what} | {} ({found}) | {} ({}) |", ms(kept), ms(grep.0), grep.1);
    }
}

/// The same lines in SQLite's own full-text index.
fn index(folder: &Path, lines: u64) {
    for (name, tokenizer) in [("words", "unicode61"), ("trigrams", "trigram")] {
        let path = folder.join(format!("{name}.db"));
        let mut connection = rusqlite::Connection::open(&path).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.pragma_update(None, "synchronous", "NORMAL").unwrap();
        connection.execute_batch(&format!("CREATE VIRTUAL TABLE lines USING fts5(text, tokenize='{tokenizer}')")).unwrap();
        let began = Instant::now();
        let mut number = 0;
        while number < lines {
            let transaction = connection.transaction().unwrap();
            {
                let mut insert = transaction.prepare_cached("INSERT INTO lines (text) VALUES (?1)").unwrap();
                for _ in 0..AT_ONCE.min(lines - number) {
                    insert.execute([line(number)]).unwrap();
                    number += 1;
                }
            }
            transaction.commit().unwrap();
        }
        let took = began.elapsed();
        let began = Instant::now();
        let query = "SELECT count(*) FROM (SELECT 1 FROM lines WHERE lines MATCH '\"payment refused\"' LIMIT 100)";
        let found: i64 = connection.query_row(query, [], |row| row.get(0)).unwrap();
        let searched = began.elapsed();
        drop(connection);
        told(&format!("\nSQLite FTS5, {name}"), lines, took);
        println!("  {} on disk for {lines} lines; a common text: {} ({found})", mb(size(&path)), ms(searched));
    }
}

fn told(what: &str, lines: u64, took: Duration) {
    println!("{what}: {:.0} lines/s ({:.2} s)", lines as f64 / took.as_secs_f64(), took.as_secs_f64());
}

fn ms(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}

fn mb(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

fn size_of_all(folder: &Path) -> u64 {
    std::fs::read_dir(folder).unwrap().map(|entry| size(&entry.unwrap().path())).sum()
}

/// The most memory that this process ever had.
fn memory(when: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim().to_owned();
    format!("memory {when}, at most: {most}")
}
