//! The proxy: what it says, and that nothing makes it forget what it should do.

use futures_util::future::join_all;
use nonevent_engine::target::docker::{DockerTarget, Options, PortChoice, Scope};
use nonevent_engine::target::{Target, TargetError};
use nonevent_testkit::contract::{Scene, World, ids, rollout};
use nonevent_testkit::sample;

use crate::lab::{Lab, PROXY, reply};

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_restart_of_the_proxy_changes_nothing() {
    let lab = Lab::open("restart").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    scene.serve(&rollout("r1"), "aaaa", 2).await;
    scene.stage(&rollout("r2"), "bbbb", 1).await;
    let before = lab.target.observe(&scene.place).await.unwrap();
    let ports = lab.target.ports().await.unwrap();

    lab.docker.client.restart_container(&lab.proxy(), None).await.unwrap();
    scene.prepare().await;
    assert_eq!(lab.target.ports().await.unwrap(), ports);
    assert_eq!(lab.target.observe(&scene.place).await.unwrap(), before);
    scene.answers("aaaa").await;
    lab.target.switch(&scene.fence, &rollout("r2")).await.unwrap();
    scene.answers("bbbb").await;

    lab.docker.client.restart_container(&lab.proxy(), None).await.unwrap();
    scene.prepare().await;
    scene.answers("bbbb").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_lost_proxy_is_made_anew_from_its_volume() {
    let lab = Lab::open("lost").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    scene.serve(&rollout("r1"), "aaaa", 1).await;
    let before = lab.target.observe(&scene.place).await.unwrap();

    lab.docker.client.stop_container(&lab.proxy(), None).await.unwrap();
    let stopped = lab.target.observe(&scene.place).await.unwrap();
    assert_eq!((stopped.serving.clone(), stopped.url), (before.serving.clone(), None), "read from the volume of a stopped proxy");

    let force = bollard::query_parameters::RemoveContainerOptionsBuilder::new().force(true).build();
    lab.docker.client.remove_container(&lab.proxy(), Some(force)).await.unwrap();
    scene.prepare().await;
    assert_eq!(lab.target.observe(&scene.place).await.unwrap(), before, "the same, at the same port");
    scene.answers("aaaa").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_worker_that_differs_from_its_files_is_mended_by_looking() {
    let lab = Lab::open("mend").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    scene.serve(&rollout("r1"), "aaaa", 1).await;
    lab.tell_worker("set map serving.map shop_local -").await;
    scene.answers_nothing().await;
    lab.target.observe(&scene.place).await.unwrap();
    scene.answers("aaaa").await;
    lab.tell_worker("set server shop_local.blue/s1 state maint").await;
    lab.tell_worker("del map hosts.map shop.localhost").await;
    scene.answers_nothing().await;
    lab.target.switch(&scene.fence, &rollout("r1")).await.unwrap();
    scene.answers("aaaa").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_environments_that_change_at_once_do_not_lose_each_other() {
    let lab = Lab::open("many").await;
    let scenes = join_all(["one", "two", "three"].map(|name| Scene::set(&lab, name))).await;
    let act = async |scene: &Scene<'_>| {
        scene.prepare().await;
        scene.serve(&rollout("r1"), "aaaa", 1).await;
        scene.serve(&rollout("r2"), scene.place.project.as_str(), 1).await;
    };
    join_all(scenes.iter().map(act)).await;
    for scene in &scenes {
        scene.answers(scene.place.project.as_str()).await;
    }
    let generations = lab.in_proxy("ls /var/lib/nonevent/generations | wc -l").await;
    assert_eq!(generations.trim(), "2", "the present generation and the one before");
    assert_eq!(lab.in_proxy("ls /var/lib/nonevent/records | wc -l").await.trim(), "6", "records that are in use are kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_requests_bear_what_the_proxy_says_and_not_what_clients_do() {
    let lab = Lab::open("headers").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    scene.serve(&rollout("r1"), "aaaa", 1).await;
    let request = "GET /headers HTTP/1.1\r\nHost: Shop.Localhost:8080\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n\
        X-Forwarded-Prefix: /evil\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-Nonevent-Instance: 10.0.0.1:1\r\n\
        Connection: close\r\n\r\n";
    let answer = reply(&lab.raw(lab.port().await, request).await);
    assert_eq!(answer.status, 200);
    let headers: Vec<&str> = answer.body.lines().filter(|line| line.starts_with("x-") || line.starts_with("forwarded")).collect();
    assert!(!answer.body.contains("6.6.6.6") && !answer.body.contains("evil"), "{}", answer.body);
    assert_eq!(headers.len(), 3, "{headers:?}");
    assert!(answer.body.contains("x-forwarded-proto: http\n") && answer.body.contains("x-forwarded-host: Shop.Localhost:8080"));
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_the_preview_shows_the_idle_release() {
    let lab = Lab::open("preview").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    scene.serve(&rollout("r1"), "aaaa", 1).await;
    scene.stage(&rollout("r2"), "bbbb", 1).await;
    let preview = lab.target.ports().await.unwrap().unwrap().1;
    let request = "GET / HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(reply(&lab.raw(preview, request).await).body, "bbbb");
    scene.answers("aaaa").await;
    let outside = "GET / HTTP/1.1\r\nHost: shop.localhost\r\nX-Nonevent-Instance: 127.0.0.1:9998\r\nConnection: close\r\n\r\n";
    assert_eq!(reply(&lab.raw(preview, outside).await).status, 403, "the preview reaches instances only");
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_page_says_why_nothing_answers() {
    let lab = Lab::open("pages").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    let unknown = lab.request("nobody.localhost").await;
    assert_eq!(unknown.status, 503);
    assert!(unknown.body.contains("Nothing is served here"), "{}", unknown.body);
    let instances = scene.serve(&rollout("r1"), "aaaa", 1).await;
    lab.docker.client.stop_container(instances[0].id.as_str(), None).await.unwrap();
    let down = lab.request("shop.localhost").await;
    assert_eq!(down.status, 503);
    assert!(down.body.contains("No instance answers"), "{}", down.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_dead_replica_gets_no_requests() {
    let lab = Lab::open("replica").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    let instances = scene.serve(&rollout("r1"), "aaaa", 3).await;
    lab.docker.client.stop_container(instances[1].id.as_str(), None).await.unwrap();
    for _ in 0..20 {
        scene.answers("aaaa").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_strange_paths_are_words_and_not_commands() {
    let lab = Lab::open("words").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    let instances = scene.start(&rollout("r1"), "aaaa", 1).await;
    let mut record = scene.record(&rollout("r1"), "aaaa");
    record.release.health = sample::health("/a b;del map hosts.map shop.localhost#\\\"'<x");
    lab.target.stage(&scene.fence, &record, &ids(&instances)).await.unwrap();
    lab.target.switch(&scene.fence, &rollout("r1")).await.unwrap();
    scene.answers("aaaa").await;
    lab.docker.client.restart_container(&lab.proxy(), None).await.unwrap();
    scene.prepare().await;
    scene.answers("aaaa").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_port_that_is_demanded_and_taken_is_an_error() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let lab = Lab::open("port").await;
    let options = Options { port: PortChoice::Fixed(port), ..Options::new(lab.scope.clone(), PROXY) };
    let target = DockerTarget::new(&lab.docker, options).unwrap();
    let fence = target.lock(&sample::place("shop"), &sample::holder("a@b")).await.unwrap();
    let scene = Scene { world: &lab, place: sample::place("shop"), fence: fence.clone(), domain: "shop.localhost".to_owned() };
    match target.prepare(&fence, &scene.foundation()).await {
        Err(TargetError::PortTaken { port: taken, .. }) => assert_eq!(taken, port),
        other => panic!("{other:?}"),
    }
    drop(holder);
    target.prepare(&fence, &scene.foundation()).await.unwrap();
    assert_eq!(lab.port().await, port);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_an_engine_that_is_not_there_and_an_image_that_is_not_there_are_told_apart() {
    let lab = Lab::open("gone").await;
    let target = DockerTarget::new(&lab.docker, Options::new(lab.scope.clone(), "nonevent.invalid/no/such:image")).unwrap();
    match target.lock(&sample::place("shop"), &sample::holder("a@b")).await {
        Err(TargetError::ImageMissing { image, .. }) => assert_eq!(image, "nonevent.invalid/no/such:image"),
        other => panic!("{other:?}"),
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("engine.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let client = bollard::Docker::connect_with_unix(socket.to_str().unwrap(), 5, bollard::API_DEFAULT_VERSION).unwrap();
    drop(listener);
    let mut docker = lab.docker.clone();
    docker.client = client;
    let target = DockerTarget::new(&docker, Options::new(Scope::new("nowhere"), PROXY)).unwrap();
    match target.observe(&sample::place("shop")).await {
        Err(error @ TargetError::Unreachable { .. }) => assert!(error.to_string().contains("refused"), "{error}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_switch_that_is_cut_off_anywhere_leaves_one_release() {
    let lab = Lab::open("cut").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    scene.serve(&rollout("r1"), "aaaa", 1).await;
    scene.serve(&rollout("r2"), "bbbb", 1).await;
    for (round, moment) in [1, 3, 6, 10, 20, 30, 40, 60, 80, 100, 130, 160, 200, 300].into_iter().enumerate() {
        let (next, release) = if round % 2 == 0 { ("r1", "aaaa") } else { ("r2", "bbbb") };
        let cut = std::time::Duration::from_millis(moment);
        let _ = tokio::time::timeout(cut, lab.target.switch(&scene.fence, &rollout(next))).await;
        let reply = lab.request(&scene.domain).await;
        assert!(reply.status == 200 && ["aaaa", "bbbb"].contains(&reply.body.as_str()), "cut off after {cut:?}: {reply:?}");
        lab.target.observe(&scene.place).await.unwrap().serving.unwrap();
        lab.target.switch(&scene.fence, &rollout(next)).await.unwrap();
        scene.answers(release).await;
        assert_eq!(lab.target.observe(&scene.place).await.unwrap().serving.unwrap().record.rollout, rollout(next));
    }
}

/// Its master process takes calls, and answers none of them.
#[tokio::test(flavor = "multi_thread")]
async fn docker_a_proxy_that_does_not_answer_is_told_and_holds_nobody_up() {
    let lab = Lab::open("silent").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    scene.serve(&rollout("r1"), "aaaa", 1).await;
    let proxy = lab.docker.client.inspect_container(&lab.proxy(), None).await.unwrap();
    let master = proxy.state.unwrap().pid.unwrap().to_string();
    let signal = |name: &str| {
        let sent = std::process::Command::new("kill").args([name, &master]).status().unwrap();
        assert!(sent.success(), "the proxy's process {master} gets no signal: this test runs on the engine's machine, as root");
    };
    signal("-STOP");
    let silent = lab.target.observe(&scene.place).await.unwrap_err();
    assert!(silent.to_string().contains("the proxy does not answer"), "{silent}");
    scene.answers("aaaa").await;
    signal("-CONT");
    assert!(lab.target.observe(&scene.place).await.unwrap().serving.is_some());
    scene.serve(&rollout("r2"), "bbbb", 1).await;
    scene.answers("bbbb").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_environments_that_go_at_the_same_time_leave_nothing() {
    let lab = Lab::open("leave").await;
    for _ in 0..4 {
        let scenes = join_all(["one", "two", "three", "four"].map(|name| Scene::set(&lab, name))).await;
        join_all(scenes.iter().map(Scene::prepare)).await;
        // Whoever goes last takes the proxy away, in which others may just be leaving.
        join_all(scenes.into_iter().map(Scene::strike)).await;
        assert_eq!(lab.everything().await, [""; 0]);
    }
}
