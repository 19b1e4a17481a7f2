//! Jobs at their times, and workers that end what they work on: real processes, a real Celery on a real Redis.

use std::collections::BTreeSet;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;

use crate::watching::Watch;
use crate::world::{World, eventually};

const JOBS: &str = r#"
[job.tick]
schedule = "*/2 * * * * *"
run = "echo tick of $COLOUR"

[job.long]
schedule = "*/2 * * * * *"
run = ["sleep", "600"]

[job.bad]
schedule = "0 0 1 1 *"
run = ["python", "-c", "import sys; print('it went wrong'); sys.exit(3)"]

[app]
env = { COLOUR = "green" }
stop_grace = "1s"
"#;

#[test]
fn docker_jobs_run_at_their_times_once_and_one_process_takes_over_from_another() {
    let world = World::example("flask-requirements");
    world.write("nonevent.toml", JOBS).commit("jobs");
    world.run(&["ship"]).ok();

    let listed = world.run(&["jobs"]).ok().stdout;
    for word in ["tick", "long", "bad", "never ran", "*/2 * * * * *"] {
        assert!(listed.contains(word), "`{word}` is not in:\n{listed}");
    }
    let ran = world.run(&["jobs", "run", "tick"]).ok();
    assert_eq!(ran.stdout.trim(), "tick of green");
    let failed = world.run(&["jobs", "run", "bad"]).refused("exit 3");
    assert!(failed.stdout.contains("it went wrong"), "{}", failed.stdout);
    world.run(&["jobs", "run", "other"]).refused("it has tick, long, bad").code.unwrap();
    let log = world.run(&["jobs", "log", "bad"]).ok().stdout;
    assert!(log.contains("it went wrong") && log.contains("exit 3"), "{log}");

    let mut first = Watch::start(&world);
    first.until("watch_holding", |_| true);
    let ended = first.until("job_ended", |run| run["job"] == "tick");
    assert_eq!((&ended["exit_code"], ended["lines"][0]["text"].as_str()), (&Value::from(0), Some("tick of green")));
    assert!(ended["due_at"].is_string(), "{ended}");
    // Two seconds later the long one is due again, and still goes on.
    first.until("job_overlapped", |run| run["job"] == "long");
    world.run(&["jobs", "run", "long"]).refused("another run of `long` goes on");

    let mut second = Watch::start(&world);
    let waiting = second.until("watch_waiting", |_| true);
    assert!(waiting["holder"].as_str().unwrap().contains(&format!("process {}", first.child.id())), "{waiting}");
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    second.until("watch_holding", |_| true);
    second.until("job_ended", |run| run["job"] == "tick" && run["exit_code"] == 0);
    // The run that the dead process had begun is known, and is not begun again beside itself.
    second.until("job_overlapped", |run| run["job"] == "long");

    let status = std::process::Command::new("kill").args(["-INT", &second.child.id().to_string()]).status().unwrap();
    assert!(status.success());
    assert!(second.child.wait().unwrap().success());
    let runs = world.json(&["jobs", "log", "long", "-n", "50"]);
    let runs = runs["runs"].as_array().unwrap();
    assert!(runs.iter().all(|run| run["finished_at"].is_string()), "a run has no end: {runs:?}");
    let stopped = runs.iter().filter(|run| run["failure"] == "stopped by a person").count();
    assert_eq!(stopped, 1, "the long run was one, and was adopted: {runs:?}");
    world.run(&["down"]).ok();
    assert_eq!(world.left("container"), Vec::<String>::new());
}

/// The times of its schedule that a home answered with a run of a job.
fn answered(world: &World, home: &str, job: &str) -> Vec<String> {
    let listed = world.run_from(home, &["jobs", "log", job, "-n", "100", "--json"]).ok().stdout;
    let listed: Value = serde_json::from_str(listed.lines().last().unwrap()).unwrap();
    let runs = listed["data"]["runs"].as_array().or(listed["runs"].as_array()).unwrap_or_else(|| panic!("{listed}"));
    // One that has not ended yet may turn out to be answered elsewhere.
    runs.iter().filter(|run| run["exit_code"] == 0).filter_map(|run| run["due_at"].as_str().map(str::to_owned)).collect()
}

#[test]
fn docker_two_laptops_that_watch_one_engine_answer_a_time_once() {
    let world = World::example("flask-requirements");
    world.write("nonevent.toml", JOBS).commit("jobs");
    world.run(&["ship"]).ok();
    world.run_from("second", &["status"]).ok();

    // The clock of one was ahead when it answered last.
    let mut second = Watch::of(world.command_from("second", &["watch", "--json"]));
    second.until("job_ended", |run| run["job"] == "tick");
    second.child.kill().unwrap();
    second.child.wait().unwrap();
    let state = Connection::open(world.home().with_file_name("second").join("state.db")).unwrap();
    assert!(state.execute("UPDATE job_marks SET counted_from = '2036-01-01T00:00:00Z'", []).unwrap() > 0);

    let mut second = Watch::of(world.command_from("second", &["watch", "--json"]));
    second.until("job_ended", |run| run["job"] == "tick");
    let mut first = Watch::start(&world);
    first.until("job_ended", |run| run["job"] == "tick");
    let all = eventually("that both answered some times", Duration::from_secs(120), || {
        let [ours, theirs] = ["home", "second"].map(|home| answered(&world, home, "tick"));
        (ours.len() + theirs.len() >= 8).then(|| [ours, theirs].concat())
    });
    let once: BTreeSet<&String> = all.iter().collect();
    assert_eq!(once.len(), all.len(), "a time was answered twice: {all:?}");
    drop((first, second));
    world.run(&["down"]).ok();
    assert_eq!(world.left("container"), Vec::<String>::new());
}

/// A secret whose command says each time that it was asked.
const ASKED: &str = r#"
[job.rare]
schedule = "0 0 1 1 *"
run = "echo it is $TOKEN"

[environments.local.secrets]
TOKEN = { command = "sh -c 'echo x >>asked; echo made-up-token-1234'" }
"#;

#[test]
fn docker_values_of_secrets_are_asked_for_when_a_job_runs_and_not_before() {
    let world = World::example("flask-requirements");
    world.write("nonevent.toml", ASKED).write(".gitignore", "asked\n").commit("a secret");
    world.run(&["ship", "--allow-untested"]).ok();
    let asked = || std::fs::read_to_string(world.project().join("asked")).unwrap().lines().count();
    let before = asked();

    let mut watch = Watch::start(&world);
    watch.until("watch_jobs", |told| !told["jobs"].as_array().unwrap().is_empty());
    assert_eq!(asked(), before, "a value was asked for although nothing was due");
    let ran = world.run(&["jobs", "run", "rare"]).ok();
    assert_eq!((ran.stdout.trim(), asked()), ("it is ***", before + 1));

    // A value that cannot be had: the job is not begun, and the history says so.
    world.write("nonevent.toml", ASKED.replace("echo made-up-token-1234", "exit 3"));
    world.run(&["jobs", "run", "rare"]).refused("TOKEN");
    let log = world.run(&["jobs", "log", "rare"]).ok().stdout;
    assert!(log.contains("not begun"), "{log}");
}

const HOLD: &str = r#"

@app.task(name="primes.hold")
def hold(seconds: float, name: str) -> None:
    import time

    import redis

    client = redis.Redis.from_url(settings.redis_url)
    client.incr(f"began:{name}")
    time.sleep(seconds)
    client.incr(f"ended:{name}")
"#;

#[test]
fn docker_a_celery_worker_ends_what_it_works_on_and_no_task_is_lost() {
    let world = World::example("worker-redis");
    let jobs = std::fs::read_to_string(world.project().join("src/primes/jobs.py")).unwrap();
    world.write("src/primes/jobs.py", format!("{jobs}{HOLD}"));
    world.edit("nonevent.toml", "[process.worker]\n", "[process.worker]\nreplicas = 2\nstop_grace = \"90s\"\n");
    world.edit("nonevent.toml", "[gauntlet]\n", "[gauntlet]\nlint = false\nformat = false\ntypes = false\n");
    world.edit(
        "nonevent.toml",
        "integration = { run = \"pytest tests/integration\", services = [\"redis\"] }",
        "integration = false",
    );
    world.edit(
        "nonevent.toml",
        "[services.redis]",
        "[release]\nbefore_start = \"echo the schema is as it should be\"\n\n[services.redis]",
    );
    world.run(&["ship"]).ok();
    let python = |code: &str| world.run(&["exec", "--", "python", "-c", code]).ok().stdout.trim().to_owned();
    let status = world.status("local");
    let workers = status["instances"].as_array().unwrap().iter().filter(|instance| instance["process"] == "worker").count();
    assert_eq!(workers, 2, "{status}");

    // What ran once before the start is kept, and shown with the rest.
    let logs = world.run(&["logs"]).ok().stdout;
    assert!(logs.contains("before_start") && logs.contains("the schema is as it should be"), "{logs}");

    python(
        "from primes.jobs import hold\nfor n in range(2): hold.delay(15, f'long{n}')\nfor n in range(20): hold.delay(0.2, f'short{n}')",
    );
    let count = |what: &str| {
        let code = format!(
            "import os, redis; c = redis.Redis.from_url(os.environ['REDIS_URL']); print(sum(int(c.get(k)) for k in c.keys('{what}')), len(c.keys('{what}')))"
        );
        python(&code)
    };
    eventually("both long tasks", Duration::from_secs(60), || (count("began:long*") == "2 2").then_some(()));
    let restarted = world.run(&["restart", "-v"]).ok();
    assert!(restarted.stderr.contains("Warm shutdown"), "the worker was not asked to end:\n{}", restarted.stderr);
    assert_eq!(count("ended:long*"), "2 2", "a task was cut: the worker had not ended it when it was gone");
    eventually("every short task", Duration::from_secs(60), || (count("ended:short*") == "20 20").then_some(()));
    assert_eq!(count("began:*"), "22 22", "a task began twice");
}
