//! One-off containers on a real engine: they end, they are stopped, they misbehave, and they are always gone afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use std::time::{Duration, Instant};

use bollard::query_parameters::ListContainersOptionsBuilder;
use nonevent_engine::docker::Docker;
use nonevent_engine::docker::once::{self, OnceEnd, OnceError, OnceSpec, Stdout};
use nonevent_engine::model::{LogLine, LogStream};
use support::{PYTHON, docker, gather, pull, unique};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

struct Bench {
    docker: Docker,
    name: String,
    cancel: CancellationToken,
}

impl Bench {
    async fn new() -> Self {
        let docker = docker().await;
        pull(&docker, PYTHON).await;
        Self { docker, name: unique("nonevent-test-once"), cancel: CancellationToken::new() }
    }

    fn python(&self, program: &str) -> OnceSpec {
        let argv = ["python", "-c", program].map(str::to_owned).to_vec();
        let mut spec = OnceSpec::new("test", PYTHON, argv);
        spec.labels.insert("dev.nonevent.test".into(), self.name.clone());
        spec
    }

    async fn run(&self, spec: &OnceSpec) -> (Result<OnceEnd, OnceError>, Vec<LogLine>) {
        let (sender, receiver) = mpsc::channel(1000);
        let lines = gather(receiver);
        let end = once::run(&self.docker, spec, &sender, &self.cancel).await;
        drop(sender);
        let lines = lines.await.expect("lines");
        assert_eq!(self.containers().await, Vec::<String>::new(), "a container was left over");
        (end, lines)
    }

    async fn containers(&self) -> Vec<String> {
        let label = format!("dev.nonevent.test={}", self.name);
        let filters = std::collections::HashMap::from([("label", vec![label.as_str()])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let found = self.docker.client.list_containers(Some(options)).await.expect("list");
        found.into_iter().filter_map(|container| container.id).collect()
    }
}

fn texts(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

#[tokio::test]
async fn output_exit_code_and_surroundings_are_as_asked() {
    let bench = Bench::new().await;
    let mut spec = bench.python(
        "import os,sys\n\
         print('first', flush=True)\n\
         print('greeting', os.environ['GREETING'], os.getcwd(), flush=True)\n\
         sys.stderr.write('warning\\r\\n'); sys.stderr.flush()\n\
         sys.stdout.write('no end'); sys.exit(3)",
    );
    spec.env.insert("GREETING".into(), "hello world".into());
    spec.workdir = Some("/tmp".into());
    let (end, lines) = bench.run(&spec).await;
    let end = end.expect("end");
    assert_eq!((end.exit_code, end.oom, end.timed_out, end.cancelled, end.dropped_lines), (3, false, false, false, 0));
    let stdout: Vec<&LogLine> = lines.iter().filter(|line| line.stream == LogStream::Stdout).collect();
    assert_eq!(
        stdout.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(),
        ["first", "greeting hello world /tmp", "no end"]
    );
    assert!(lines.iter().any(|line| line.stream == LogStream::Stderr && line.text == "warning" && line.source == "test"));
}

#[tokio::test]
async fn only_what_is_allowed_is_writable_and_reachable() {
    let bench = Bench::new().await;
    let spec = bench.python(
        "import os,socket\n\
         def attempt(name, act):\n\
         \x20   try: act(); print(name, 'worked')\n\
         \x20   except OSError as e: print(name, os.strerror(e.errno) if e.errno and e.errno > 0 else 'failed')\n\
         attempt('root', lambda: open('/here','w').write('x'))\n\
         attempt('tmp', lambda: open('/tmp/here','w').write('x'))\n\
         def fill():\n\
         \x20   with open('/tmp/big','wb') as f:\n\
         \x20       for _ in range(100): f.write(b'x'*1048576)\n\
         attempt('flood', fill)\n\
         attempt('network', lambda: socket.create_connection(('192.0.2.1', 80), 1))\n",
    );
    let (end, lines) = bench.run(&spec).await;
    assert_eq!(end.expect("end").exit_code, 0);
    assert_eq!(
        texts(&lines),
        ["root Read-only file system", "tmp worked", "flood No space left on device", "network Network is unreachable"]
    );
}

#[tokio::test]
async fn files_are_collected_for_any_user() {
    let bench = Bench::new().await;
    let mut spec = bench.python("open('/nonevent/out/report.xml','w').write('<ok/>')");
    spec.user = Some("12345:12345".into());
    spec.collect = vec![once::out("report.xml"), once::out("missing.xml")];
    let (end, _) = bench.run(&spec).await;
    let end = end.expect("end");
    assert_eq!((end.exit_code, &end.tail), (0, &Vec::new()));
    assert_eq!(end.collected, [Some(b"<ok/>".to_vec()), None]);

    spec.argv[2] = "open('/nonevent/out/report.xml','w').write('x' * 5_000_000)".into();
    spec.collect_limit = 1_000_000;
    let (end, _) = bench.run(&spec).await;
    assert!(matches!(end, Err(OnceError::TooLarge { limit: 1_000_000, .. })), "{end:?}");
}

#[tokio::test]
async fn standard_output_can_be_kept() {
    let bench = Bench::new().await;
    let mut spec = bench.python("import sys; print('{\"a\": 1}'); print('note', file=sys.stderr)");
    spec.stdout = Stdout::Keep(1024);
    let (end, lines) = bench.run(&spec).await;
    assert_eq!(end.expect("end").stdout, b"{\"a\": 1}\n");
    assert_eq!(texts(&lines), ["note"]);
}

#[tokio::test]
async fn a_command_without_end_is_killed_when_its_time_is_over() {
    let bench = Bench::new().await;
    let mut spec = bench.python(
        "import signal,time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('still here', flush=True)\nwhile True: time.sleep(1)",
    );
    spec.timeout = Duration::from_secs(2);
    let (end, lines) = bench.run(&spec).await;
    let end = end.expect("end");
    assert!(end.timed_out && !end.cancelled && !end.oom);
    assert_eq!((end.exit_code, texts(&lines)), (137, vec!["still here"]));
}

#[tokio::test]
async fn cancelling_kills_it() {
    let bench = Bench::new().await;
    let spec = bench.python("import time\nprint('running', flush=True)\nwhile True: time.sleep(1)");
    let (sender, mut receiver) = mpsc::channel::<LogLine>(10);
    let cancelling = async {
        assert_eq!(receiver.recv().await.expect("line").text, "running");
        let asked = Instant::now();
        bench.cancel.cancel();
        asked
    };
    let (end, asked) = tokio::join!(once::run(&bench.docker, &spec, &sender, &bench.cancel), cancelling);
    println!("cancelled and removed after {:?}", asked.elapsed());
    assert!(end.expect("end").cancelled);
    assert!(bench.containers().await.is_empty());

    let again = once::run(&bench.docker, &spec, &sender, &bench.cancel).await;
    assert!(matches!(again, Err(OnceError::Cancelled)), "{again:?}");
    assert!(bench.containers().await.is_empty());
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_no_container() {
    let bench = Bench::new().await;
    let spec = bench.python("import time\nprint('running', flush=True)\nwhile True: time.sleep(1)");
    let (sender, mut receiver) = mpsc::channel::<LogLine>(10);
    let (docker, cancel) = (bench.docker.clone(), bench.cancel.clone());
    let task = tokio::spawn(async move { once::run(&docker, &spec, &sender, &cancel).await });
    receiver.recv().await.expect("line");
    let mut events = {
        let label = format!("dev.nonevent.test={}", bench.name);
        let filters = std::collections::HashMap::from([("label", vec![label.as_str()]), ("event", vec!["destroy"])]);
        let options = bollard::query_parameters::EventsOptionsBuilder::default().filters(&filters).since("1").build();
        bench.docker.client.events(Some(options))
    };
    task.abort();
    let destroyed = futures_util::StreamExt::next(&mut events).await.expect("an event").expect("event");
    assert_eq!(destroyed.action.as_deref(), Some("destroy"));
    assert!(bench.containers().await.is_empty());
}

#[tokio::test]
async fn too_much_memory_and_too_many_processes_are_contained() {
    let bench = Bench::new().await;
    let mut spec = bench.python("x = bytearray(400 * 1024 * 1024)\nprint(len(x))");
    spec.memory = 64 * 1024 * 1024;
    let (end, _) = bench.run(&spec).await;
    let end = end.expect("end");
    assert!(end.oom && end.exit_code == 137, "{end:?}");

    let mut spec = bench.python(
        "import os,time\nmade = 0\ntry:\n\x20   while True:\n\x20       if os.fork() == 0: time.sleep(60)\n\x20       made += 1\nexcept OSError as e: print('stopped', made < 40, flush=True)",
    );
    spec.pids = 40;
    let (end, lines) = bench.run(&spec).await;
    assert_eq!((end.expect("end").exit_code, texts(&lines)), (0, vec!["stopped True"]));
}

#[tokio::test]
async fn two_hundred_megabytes_of_output_do_not_grow_memory() {
    let bench = Bench::new().await;
    let mut spec = bench
        .python("import sys\nline = 'x' * 99 + '\\n'\nfor _ in range(2000): sys.stdout.write(line * 1000)\nprint('the end')");
    spec.timeout = Duration::from_secs(300);
    spec.output_limit = 1024 * 1024;
    let before = support::resident_memory();
    let started = Instant::now();
    let (end, lines) = bench.run(&spec).await;
    let end = end.expect("end");
    let grown = support::resident_memory().saturating_sub(before);
    println!("200 MB read in {:?}, {} KB more memory", started.elapsed(), grown / 1024);
    assert!(grown < 48 * 1024 * 1024, "memory grew by {grown} bytes");
    assert_eq!(end.tail.last().map(String::as_str), Some("the end"));
    // Two lines say what was left out.
    assert_eq!(end.dropped_lines + lines.len() as u64 - 2, 2_000_001);

    // The same in one line without end, to a reader that never reads.
    let mut spec = bench.python("import sys\nfor _ in range(200): sys.stdout.write('x' * 1_000_000)");
    spec.timeout = Duration::from_secs(300);
    let (sender, _unread) = mpsc::channel(1);
    let end = once::run(&bench.docker, &spec, &sender, &bench.cancel).await.expect("end");
    assert_eq!(end.exit_code, 0);
    assert!(end.dropped_lines > 10_000);
    let grown = support::resident_memory().saturating_sub(before);
    assert!(grown < 48 * 1024 * 1024, "memory grew by {grown} bytes");
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let bench = Bench::new().await;
    let mut spec = bench.python("");
    spec.argv = vec!["no-such-program".into()];
    let (end, _) = bench.run(&spec).await;
    assert!(matches!(&end, Err(OnceError::ProgramMissing { program }) if program == "no-such-program"), "{end:?}");

    spec.image = "nonevent/no-such-image:1".into();
    let (end, _) = bench.run(&spec).await;
    assert!(matches!(&end, Err(OnceError::ImageMissing { .. })), "{end:?}");
}
