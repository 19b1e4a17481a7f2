//! What gates may do to each other, to the engine and to what is kept of them: budgets, secrets, caches, leftovers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bollard::query_parameters::{InspectContainerOptions, RemoveContainerOptionsBuilder};
use nonevent_engine::gauntlet::{self, AfterRed, GateFact, GauntletError};
use nonevent_engine::mask::Secret;
use nonevent_engine::model::{GateState, LogLine, RunId};
use support::gates::{Bench, texts};
use support::unique;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const SECRET: &str = "made-up/Value+with spaces&%";

#[tokio::test]
async fn a_secret_is_in_nothing_that_is_kept() {
    let mut bench = Bench::plain().await;
    bench.plan.secrets.insert("API_KEY".into(), Secret::new(SECRET));
    bench.plan.secrets.insert("OTHER".into(), Secret::new("another-made-up-value"));
    let program = "import base64, json, os, sys, time, urllib.parse\n\
        value = os.environ['API_KEY']\n\
        assert 'OTHER' not in os.environ\n\
        for piece in ('whole ', value, '\\n', 'split ', value[:7]): sys.stdout.write(piece); sys.stdout.flush()\n\
        time.sleep(0.2)\n\
        print(value[7:])\n\
        print('base64', base64.b64encode(value.encode()).decode())\n\
        print('basic', base64.b64encode(b'user:' + value.encode()).decode())\n\
        print('wrapped', base64.encodebytes(b'x' * 50 + value.encode() * 3).decode())\n\
        print('quoted', urllib.parse.quote(value), urllib.parse.quote(value, safe=''), urllib.parse.quote_plus(value))\n\
        print('json', json.dumps({'key': value}), repr(value), value.encode().hex(), file=sys.stderr)\n\
        junit = os.environ['PYTEST_ADDOPTS'].rsplit('=', 1)[1]\n\
        case = f'<testsuite><testcase classname=\"t\" name=\"a\"><failure message=\"{value.replace(\"&\", \"&amp;\")}\">no</failure></testcase></testsuite>'\n\
        open(junit, 'w').write(case)\n\
        raise SystemExit(f'failed with {value}')";
    bench.python("asks", program).secrets = vec!["API_KEY".into()];
    bench.python("says", &format!("print('{SECRET}')")).allow_failure = true;
    let (reports, lines) = bench.run().await;
    assert_eq!(reports["asks"].state, GateState::Red, "{:#?}", reports["asks"]);
    assert_eq!(reports["asks"].tests.as_ref().expect("tests").failures[0].message, "***");
    let asked = texts(&lines, "asks");
    assert!(asked.contains(&"whole ***") && asked.contains(&"split ***"), "{asked:#?}");
    assert_eq!(texts(&lines, "says"), ["***"], "the command's own words too: {:#?}", reports["says"].command);
    let facts = bench.facts.lock().expect("lock").clone();
    let kept = format!("{}\n{reports:#?}\n{facts:#?}\n{lines:#?}", serde_json::to_string(&reports).expect("JSON"));
    let base64 = base64_of(SECRET);
    for form in [SECRET, &base64, "made-up%2FValue%2Bwith", "made-up/Value%2B", &hex_of(SECRET), "Value+with"] {
        assert!(!kept.contains(form), "`{form}` was kept:\n{kept}");
    }
    bench.remove().await;
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn hex_of(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn one_failure_hides_no_other_unless_it_is_to_stop_them() {
    let mut bench = Bench::plain().await;
    bench.python("red", "raise SystemExit(1)");
    bench.python("also-red", "raise SystemExit(1)");
    bench.python("green", "pass");
    let (reports, _) = bench.run().await;
    let words: Vec<&str> = reports.values().map(|report| report.state.word()).collect();
    assert_eq!(words, ["red", "green", "red"]);

    bench.plan.run = RunId::generate();
    bench.plan.after_red = AfterRed::Stop;
    bench.plan.gates.clear();
    bench.python("tolerated", "raise SystemExit(1)").allow_failure = true;
    bench.python("red", "import time; time.sleep(1); raise SystemExit(1)").needs = Vec::new();
    // It ignores what asks it to end, and would never end by itself.
    bench
        .python("deaf", "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(60)")
        .timeout = Duration::from_secs(600);
    bench.python("later", "pass").needs = vec!["deaf".into()];
    let began = Instant::now();
    let (reports, _) = bench.run().await;
    println!("stopped after {:?}", began.elapsed());
    let why = "`red` did not pass, and the first one that does not stops the others";
    assert_eq!(reports["red"].state, GateState::Red);
    assert_eq!(reports["tolerated"].state, GateState::Red);
    assert_eq!(reports["deaf"].state, GateState::Skipped { reason: why.into() });
    assert!(matches!(reports["later"].state, GateState::Skipped { .. }), "{:?}", reports["later"]);
    bench.remove().await;
}

#[tokio::test]
async fn cancelling_ends_gates_that_do_not_listen() {
    let mut bench = Bench::plain().await;
    for gate in ["one", "two", "three"] {
        let deaf = "import os, signal, time\nfor number in range(1, 32):\n    try: signal.signal(number, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nos.fork()\nprint('deaf')\nwhile True: time.sleep(60)";
        bench.python(gate, deaf);
    }
    let cancel = CancellationToken::new();
    let (sender, mut receiver) = mpsc::channel::<LogLine>(1000);
    let facts = |_| {};
    let cancelling = async {
        let mut deaf = BTreeSet::new();
        while deaf.len() < 3 {
            deaf.insert(receiver.recv().await.expect("line").source);
        }
        cancel.cancel();
        Instant::now()
    };
    let running = gauntlet::run(&bench.docker, &bench.plan, &sender, &facts, &cancel);
    let (reports, asked) = tokio::join!(running, cancelling);
    println!("three deaf gates were gone {:?} after cancelling", asked.elapsed());
    assert_eq!(reports, Err(GauntletError::Cancelled));
    bench.remove().await;
}

#[tokio::test]
async fn gates_keep_to_the_budget() {
    let mut bench = Bench::plain().await;
    bench.plan.limits.budget.cores = 1;
    for gate in ["a", "b", "c"] {
        bench.python(gate, "import time\nbegan = time.monotonic()\ntime.sleep(0.3)\nprint(began, time.monotonic())");
    }
    let (_, lines) = bench.run().await;
    let mut spans: Vec<Vec<f64>> = lines
        .iter()
        .filter(|line| ["a", "b", "c"].contains(&line.source.as_str()))
        .map(|line| line.text.split(' ').map(|number| number.parse().expect("number")).collect())
        .collect();
    spans.sort_by(|one, other| one[0].total_cmp(&other[0]));
    assert_eq!(spans.len(), 3);
    assert!(spans.windows(2).all(|pair| pair[0][1] <= pair[1][0]), "one at a time: {spans:?}");
    bench.remove().await;
}

#[tokio::test]
async fn caches_are_kept_for_one_at_a_time_and_within_a_budget() {
    let mut bench = Bench::plain().await;
    let fill = "import os, pathlib\nplace = pathlib.Path(os.environ['RUFF_CACHE_DIR'])\nprint(place, sorted(path.name for path in place.glob('*')))\nplace.mkdir(exist_ok=True, parents=True)\n(place / 'x').write_bytes(b'x' * 3_000_000)";
    bench.python("lint", fill);
    let (_, lines) = bench.run().await;
    assert_eq!(texts(&lines, "lint"), ["/nonevent-cache/lint/ruff []"]);

    // Another run has the gate's folder: this one goes without, and both end well.
    let mut other = Bench::plain().await;
    other.plan.project = bench.plan.project.clone();
    other.python("lint", "import os, time\nprint('holds')\nwhile not os.path.exists('/tmp/go'): time.sleep(0.05)");
    let (sender, mut receiver) = mpsc::channel::<LogLine>(1000);
    let cancel = CancellationToken::new();
    let held = gauntlet::run(&other.docker, &other.plan, &sender, &|_| {}, &cancel);
    let second = async {
        while receiver.recv().await.expect("line").text != "holds" {}
        bench.plan.run = RunId::generate();
        let ran = bench.run().await;
        cancel.cancel();
        ran
    };
    let (held, (reports, lines)) = tokio::join!(held, second);
    assert_eq!(held, Err(GauntletError::Cancelled));
    assert_eq!(reports["lint"].state, GateState::Green);
    assert_eq!(texts(&lines, "lint"), ["/tmp/.cache/nonevent/ruff []"]);

    // Found again, and brought back within the budget afterwards.
    bench.plan.run = RunId::generate();
    bench.plan.limits.cache = Some(1_000_000);
    let (_, lines) = bench.run().await;
    assert_eq!(texts(&lines, "lint"), ["/nonevent-cache/lint/ruff ['x']"]);
    let facts = std::mem::take(&mut *bench.facts.lock().expect("lock"));
    let measured = facts.iter().find_map(|fact| match fact {
        GateFact::CachesMeasured { bytes } => Some(*bytes),
        _ => None,
    });
    assert_eq!(measured, Some(0), "{facts:?}");
    bench.plan.run = RunId::generate();
    let (_, lines) = bench.run().await;
    assert_eq!(texts(&lines, "lint"), ["/nonevent-cache/lint/ruff []"]);
    assert!(gauntlet::cache::remove(&bench.docker, &gauntlet::cache::volume(&bench.plan.project)).await.expect("engine"));
    assert!(
        !gauntlet::cache::remove(&bench.docker, &gauntlet::cache::volume(&bench.plan.project)).await.expect("engine"),
        "it is gone"
    );
}

/// Makes two containers through the engine's socket: one with the run's label and one without.
const MAKES: &str = "import http.client, json, os, socket\n\
class Engine(http.client.HTTPConnection):\n\
\x20   def connect(self):\n\
\x20       self.sock = socket.socket(socket.AF_UNIX)\n\
\x20       self.sock.connect('/var/run/docker.sock')\n\
label, value = os.environ['NONEVENT_RUN_LABEL'].split('=')\n\
for name, labels in ((os.environ['MINE'], {label: value}), (os.environ['FORGOTTEN'], {})):\n\
\x20   engine = Engine('docker')\n\
\x20   body = json.dumps({'Image': os.environ['IMAGE'], 'Cmd': ['sleep', '600'], 'Labels': labels})\n\
\x20   engine.request('POST', '/containers/create?name=' + name, body, {'Content-Type': 'application/json'})\n\
\x20   print(engine.getresponse().status)\n";

#[tokio::test]
async fn what_a_gate_leaves_on_the_engine_is_listed_and_only_its_run_s_own_removed() {
    let mut bench = Bench::plain().await;
    let [mine, forgotten] = ["nonevent-test-mine", "nonevent-test-forgotten"].map(unique);
    let image = bench.plan.image.id.to_string();
    let gate = bench.python("makes", MAKES);
    gate.docker = true;
    gate.env = BTreeMap::from([("MINE".into(), mine.clone()), ("FORGOTTEN".into(), forgotten.clone()), ("IMAGE".into(), image)]);
    let (reports, lines) = bench.run().await;
    assert_eq!(reports["makes"].state, GateState::Green, "{:#?}", reports["makes"]);
    assert_eq!(texts(&lines, "makes"), ["201", "201"]);
    let facts = bench.facts.lock().expect("lock").clone();
    let hints: Vec<&String> = facts
        .iter()
        .filter_map(|fact| match fact {
            GateFact::Noted { message, hint: Some(hint) } if message.starts_with("gate `makes` has the engine's socket") => {
                Some(hint)
            }
            _ => None,
        })
        .collect();
    assert!(hints.iter().any(|hint| hint.contains(&format!("`docker rm --force --volumes {forgotten}`"))), "{facts:#?}");
    assert!(!hints.iter().any(|hint| hint.contains(&mine)), "what is removed need not be listed: {hints:#?}");
    let client = &bench.docker.client;
    assert!(client.inspect_container(&mine, None::<InspectContainerOptions>).await.is_err(), "it bore the run's label");
    client.inspect_container(&forgotten, None::<InspectContainerOptions>).await.expect("it is not ours to remove");
    let options = RemoveContainerOptionsBuilder::default().force(true).build();
    client.remove_container(&forgotten, Some(options)).await.expect("removed");
    bench.remove().await;
}
