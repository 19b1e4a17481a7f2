//! What instances may do, and what they are given.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::ContainerConfig;
use bollard::query_parameters::{CommitContainerOptionsBuilder, CreateContainerOptions, RemoveImageOptionsBuilder};
use nonevent_engine::model::{Digest, LogLine, LogStream, SecretDelivery, VolumeMount};
use nonevent_engine::process;
use nonevent_engine::target::{
    Follow, InstanceSpec, Kept, Life, LockHolder, LogQuery, RootFileSystem, Secret, Target, Terminal, WasteKind,
};
use nonevent_testkit::contract::{Behaviour, Scene, World, rollout};
use nonevent_testkit::sample;
use tokio::sync::mpsc;

use crate::app;
use crate::lab::Lab;

/// Runs Python in a one-off container; returns its exit code, whether it ran out of memory, and what it printed.
async fn run(lab: &Lab, scene: &Scene<'_>, change: impl FnOnce(&mut InstanceSpec), code: &str) -> (i64, bool, Vec<String>) {
    let mut spec = scene.web(&rollout("r1"), "aaaa", Behaviour::Healthy);
    spec.command = app::python(code, &[]);
    change(&mut spec);
    let (sink, mut lines) = mpsc::channel(1000);
    let exit = lab.target.run_once(&scene.fence, &spec, &sink).await.unwrap();
    drop(sink);
    let mut printed = Vec::new();
    while let Some(line) = lines.recv().await {
        printed.push(line.text);
    }
    (exit.exit_code, exit.oom, printed)
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_read_only_instance_writes_to_tmp_only_and_has_no_powers() {
    let lab = Lab::open("root").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    let code = r"
import os, stat
try:
    open('/here', 'w')
    print('root: writable')
except OSError as error:
    print('root:', error.strerror)
open('/tmp/here', 'w').write('x')
print('tmp:', oct(stat.S_IMODE(os.stat('/tmp').st_mode)))
for line in open('/proc/self/status'):
    if line.split(':')[0] in ('CapEff', 'NoNewPrivs'):
        print(line.strip().replace('\t', ' '))
print('first process:', open('/proc/1/comm').read().strip())
";
    let (exit_code, _, printed) = run(&lab, &scene, |_| {}, code).await;
    assert_eq!(exit_code, 0, "{printed:?}");
    assert_eq!(printed[..4], ["root: Read-only file system", "tmp: 0o1777", "CapEff: 0000000000000000", "NoNewPrivs: 1"]);
    assert!(printed[4].contains("init") || printed[4].contains("tini"), "{printed:?}");
    let writable = |spec: &mut InstanceSpec| spec.root = RootFileSystem::Writable;
    let (_, _, printed) = run(&lab, &scene, writable, code).await;
    assert_eq!(printed[0], "root: writable");
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_memory_has_an_end() {
    let lab = Lab::open("memory").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    let small = |spec: &mut InstanceSpec| spec.resources.memory = 64 << 20;
    let (exit_code, oom, _) = run(&lab, &scene, small, "x = bytearray(300 << 20)").await;
    assert_eq!((exit_code, oom), (137, true));
}

/// Makes an image of the test's own, of a user and with labels.
async fn image_of(lab: &Lab, user: &str, labels: &[(&str, &str)]) -> Digest {
    let body = bollard::models::ContainerCreateBody {
        image: Some(lab.image().to_string()),
        labels: Some([("dev.nonevent.scope".to_owned(), lab.scope.name().to_owned())].into()),
        ..Default::default()
    };
    let container = lab.docker.client.create_container(None::<CreateContainerOptions>, body).await.unwrap().id;
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = ContainerConfig { user: Some(user.to_owned()), labels: Some(labels.collect()), ..ContainerConfig::default() };
    let options = CommitContainerOptionsBuilder::new().container(&container).build();
    let image = lab.docker.client.commit_container(options, config).await.unwrap().id;
    lab.docker.client.remove_container(&container, None).await.unwrap();
    image.as_str().into()
}

async fn remove_image(lab: &Lab, image: &Digest) {
    let options = RemoveImageOptionsBuilder::new().force(true).build();
    lab.docker.client.remove_image(image.as_str(), Some(options), None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_images_that_nothing_needs_are_waste() {
    let lab = Lab::open("images").await;
    let project = format!("p-{}", lab.scope.name());
    let scene = Scene::set(&lab, &project).await;
    scene.prepare().await;
    let labels = |release: &'static str| vec![("dev.nonevent.project", project.as_str()), ("dev.nonevent.release", release)];
    let kept = image_of(&lab, "", &labels("kept")).await;
    let serving = image_of(&lab, "", &labels("serving")).await;
    let old = image_of(&lab, "", &labels("old")).await;
    let mut spec = scene.web(&rollout("r1"), "aaaa", Behaviour::Healthy);
    spec.image = serving.clone();
    let instance = lab.target.start(&scene.fence, &spec).await.unwrap();
    let mut record = scene.record(&rollout("r1"), "aaaa");
    record.release.engine_id = serving.clone();
    lab.target.stage(&scene.fence, &record, std::slice::from_ref(&instance.id)).await.unwrap();
    lab.target.switch(&scene.fence, &rollout("r1")).await.unwrap();
    // Even without its container, for which a person may have no use at the moment.
    lab.docker.client.stop_container(instance.id.as_str(), None).await.unwrap();
    lab.docker.client.remove_container(instance.id.as_str(), None).await.unwrap();

    let query = Kept { projects: BTreeSet::from([scene.place.project.clone()]), images: BTreeSet::from([kept.clone()]) };
    let waste = lab.target.garbage(&query).await.unwrap();
    assert_eq!(waste.iter().map(|item| (item.kind, item.id.as_str())).collect::<Vec<_>>(), [(WasteKind::Image, old.as_str())]);
    lab.target.sweep(&waste).await.unwrap();
    assert_eq!(lab.target.garbage(&query).await.unwrap(), []);
    scene.strike().await;
    remove_image(&lab, &kept).await;
    remove_image(&lab, &serving).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_secrets_as_files_and_volumes_belong_to_the_images_user() {
    let lab = Lab::open("secrets").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    let image = image_of(&lab, "daemon", &[]).await;
    let furnish = |spec: &mut InstanceSpec| {
        spec.image = image.clone();
        spec.secret_delivery = SecretDelivery::File;
        spec.secrets = BTreeMap::from([("API_KEY".to_owned(), Secret::new("made-up-value"))]);
        spec.volumes = vec![VolumeMount { name: "uploads".to_owned(), path: "/data".to_owned(), exclusive: false }];
    };
    let code = r"
import os, stat
info = os.stat('/run/secrets/API_KEY')
print(oct(stat.S_IMODE(info.st_mode)), info.st_uid == os.getuid(), open('/run/secrets/API_KEY').read())
print(os.environ.get('API_KEY'), os.getuid() != 0)
try:
    open('/run/secrets/more', 'w')
except OSError as error:
    print(error.strerror)
open('/data/count', 'a').write('x')
print(len(open('/data/count').read()))
";
    for times in ["1", "2"] {
        let (exit_code, _, printed) = run(&lab, &scene, furnish, code).await;
        assert_eq!(exit_code, 0, "{printed:?}");
        assert_eq!(printed, ["0o400 True made-up-value", "None True", "Read-only file system", times]);
    }
    let secrets = async || lab.everything().await.into_iter().filter(|name| name.ends_with(".secrets")).count();
    assert_eq!(secrets().await, 0, "a one-off container takes its secrets with it");

    let mut spec = scene.web(&rollout("r1"), "aaaa", Behaviour::Healthy);
    furnish(&mut spec);
    let instance = lab.target.start(&scene.fence, &spec).await.unwrap();
    scene.await_probe(&instance, |attempt| attempt.outcome.passed()).await;
    assert_eq!(secrets().await, 1);
    let shown = lab.docker.client.inspect_container(instance.id.as_str(), None).await.unwrap();
    assert!(!format!("{shown:?}").contains("made-up-value"));
    scene.retire(&instance).await;
    assert_eq!(secrets().await, 0, "and so does an instance");
    scene.strike().await;
    remove_image(&lab, &image).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_terminal_has_a_size_and_input_has_an_end() {
    let lab = Lab::open("exec").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    let instances = scene.start(&rollout("r1"), "aaaa", 1).await;
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();

    let mut session = lab.target.exec(&instances[0].id, &words("cat"), Terminal::Input).await.unwrap();
    let input = session.input.take().unwrap();
    input.send(b"one\n".to_vec()).await.unwrap();
    assert_eq!(session.output.recv().await.unwrap(), (LogStream::Stdout, b"one\n".to_vec()));
    drop(input);
    assert_eq!(session.exit.await.unwrap().unwrap(), 0);

    let code = r"
import os, signal, sys
def show(*_):
    size = os.get_terminal_size()
    os.write(1, b'%d %d\n' % size)    # a signal may come while another one is being answered
    if size == (120, 40):
        sys.exit(5)
signal.signal(signal.SIGWINCH, show)
show()
while True:
    signal.pause()
";
    let command = app::python(code, &[]).argv();
    let mut session = lab.target.exec(&instances[0].id, &command, Terminal::Attached { columns: 100, rows: 30 }).await.unwrap();
    let (mut seen, mut resized) = (String::new(), false);
    while let Some((_, bytes)) = session.output.recv().await {
        seen.push_str(&String::from_utf8_lossy(&bytes));
        if seen.contains("100 30") && !resized {
            resized = true;
            session.resize.as_ref().unwrap().send((120, 40)).await.unwrap();
        }
    }
    assert!(seen.ends_with("120 40\r\n"), "{seen:?}");
    assert_eq!(session.exit.await.unwrap().unwrap(), 5);
    let stderr = app::python("import sys; print('wrong', file=sys.stderr)", &[]).argv();
    let mut session = lab.target.exec(&instances[0].id, &stderr, Terminal::None).await.unwrap();
    assert_eq!(session.output.recv().await.unwrap(), (LogStream::Stderr, b"wrong\n".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_output_goes_on_after_a_restart_without_a_line_twice() {
    let lab = Lab::open("relog").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    let spec = sample::worker(&rollout("r1"), "aaaa", &lab.image(), lab.app(Behaviour::Idle));
    let instance = lab.target.start(&scene.fence, &spec).await.unwrap();
    let (sink, mut lines) = mpsc::channel::<LogLine>(100);
    let query = LogQuery { follow: Follow::Follow, ..LogQuery::default() };
    let reading = async {
        let first = lines.recv().await.unwrap();
        for _ in 0..3 {
            lab.docker.client.restart_container(instance.id.as_str(), None).await.unwrap();
            let next = lines.recv().await.unwrap();
            assert_eq!(next.text, "working");
            assert!(next.at > first.at);
        }
        drop(lines);
    };
    let (followed, ()) = tokio::join!(lab.target.logs(&scene.place, &query, &sink), reading);
    followed.unwrap();
    let (sink, mut lines) = mpsc::channel(100);
    lab.target.logs(&scene.place, &LogQuery::default(), &sink).await.unwrap();
    drop(sink);
    let mut count = 0;
    while lines.recv().await.is_some() {
        count += 1;
    }
    assert_eq!(count, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_process_of_this_machine_that_is_gone_is_succeeded_at_once() {
    let lab = Lab::open("gonepid").await;
    let place = sample::place("shop");
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let dead = LockHolder { pid: child.id(), ..sample::holder("ann@one") };
    let elsewhere = LockHolder { machine: "elsewhere".to_owned(), ..dead.clone() };
    let far = lab.target.lock(&place, &elsewhere).await.unwrap();
    assert!(lab.target.lock(&place, &sample::holder("bob@two")).await.is_err(), "who is on another machine cannot know");
    lab.target.unlock(&far).await.unwrap();

    let old = lab.target.lock(&place, &dead).await.unwrap();
    assert_eq!(lab.target.held(&place).await.unwrap().unwrap().life, Life::Ended);
    let new = lab.target.lock(&place, &sample::holder("bob@two")).await.unwrap();
    assert!(new.number > old.number);
    lab.target.unlock(&new).await.unwrap();

    // Its id was given to another process since.
    let own = std::process::id();
    let reborn = LockHolder { started: process::started(own) + 1, ..sample::holder("ann@one") };
    lab.target.lock(&place, &reborn).await.unwrap();
    let last = lab.target.lock(&place, &sample::holder("ann@one")).await.unwrap();
    lab.target.unlock(&last).await.unwrap();
}
