use super::super::{CheckKind, Member, NewSide, PlaceState, files, sections};
use super::*;
use crate::target::Place;

fn state() -> ProxyState {
    let mut state = ProxyState::empty("172.18.0.0/22".into());
    let mut place = PlaceState::new(Place { project: "shop".into(), environment: "local".into() });
    place.domains.insert("shop.localhost".into());
    state.places.insert("shop_local".into(), place);
    state
}

fn stage(state: &mut ProxyState, rollout: &str, addresses: &[u8]) {
    let members = addresses
        .iter()
        .map(|last| Member {
            instance: format!("i{last}").as_str().into(),
            listens: Some((Ipv4Addr::new(172, 18, 0, *last), 8000)),
        })
        .collect();
    let side = NewSide {
        rollout: rollout.into(),
        release: "3f2a91c04d5e".into(),
        record: format!("shop_local.{rollout}.json"),
        domain: "shop.localhost".into(),
        check: CheckKind::Http,
        path: "/healthz".into(),
        members,
    };
    let place = state.places.get_mut("shop_local").unwrap();
    place.stage(side).unwrap();
}

fn switch(state: &mut ProxyState, rollout: &str) {
    state.places.get_mut("shop_local").unwrap().switch(&rollout.into()).unwrap();
}

fn commands(before: &ProxyState, after: &ProxyState) -> String {
    Runtime::of(before).commands_to(&Runtime::of(after)).join("\n")
}

#[test]
fn nothing_is_said_when_nothing_changed() {
    let mut state = state();
    stage(&mut state, "r1", &[16]);
    assert_eq!(commands(&state, &state), "");
}

#[test]
fn staging_touches_only_the_idle_backend() {
    let before = state();
    let mut after = before.clone();
    stage(&mut after, "r1", &[16, 17]);
    insta::assert_snapshot!(commands(&before, &after), @r"
    set server shop_local.blue/s1 addr 172.18.0.16 port 8000
    set server shop_local.blue/s1 state ready
    set server shop_local.blue/s1 health up
    set server shop_local.blue/s2 addr 172.18.0.17 port 8000
    set server shop_local.blue/s2 state ready
    set server shop_local.blue/s2 health up
    set map check-path.map shop_local.blue /healthz
    set map check-host.map shop_local.blue shop.localhost
    set map preview.map shop_local shop_local.blue
    ");
}

#[test]
fn a_switch_is_one_entry_and_wakes_its_servers_before() {
    let mut before = state();
    stage(&mut before, "r1", &[16]);
    let mut after = before.clone();
    switch(&mut after, "r1");
    insta::assert_snapshot!(commands(&before, &after), @r"
    set map preview.map shop_local -
    set server shop_local.blue/s1 health up
    set map serving.map shop_local shop_local.blue
    ");
}

#[test]
fn servers_that_leave_stop_last() {
    let mut before = state();
    stage(&mut before, "r1", &[16, 17]);
    switch(&mut before, "r1");
    let mut after = before.clone();
    let side = after.places["shop_local"].serving_side().unwrap().clone();
    let members = side
        .slots
        .values()
        .skip(1)
        .map(|slot| Member { instance: slot.instance.clone(), listens: Some((slot.address, slot.port)) });
    let new = NewSide {
        rollout: "r2".into(),
        release: "3f2a91c04d5e".into(),
        record: "shop_local.r2.json".into(),
        domain: side.domain,
        check: CheckKind::Http,
        path: side.path,
        members: members
            .chain([Member { instance: "i18".into(), listens: Some((Ipv4Addr::new(172, 18, 0, 18), 8000)) }])
            .collect(),
    };
    after.places.get_mut("shop_local").unwrap().rescale(new).unwrap();
    insta::assert_snapshot!(commands(&before, &after), @r"
    set server shop_local.blue/s3 addr 172.18.0.18 port 8000
    set server shop_local.blue/s3 state ready
    set server shop_local.blue/s3 health up
    set server shop_local.blue/s1 state maint
    ");
}

#[test]
fn host_names_come_and_go() {
    let before = state();
    let mut after = before.clone();
    let place = after.places.get_mut("shop_local").unwrap();
    place.domains = ["other.localhost".to_owned()].into();
    insta::assert_snapshot!(commands(&before, &after), @r"
    add map hosts.map other.localhost shop_local
    del map hosts.map shop.localhost
    ");
}

#[test]
fn words_cannot_end_a_command() {
    assert_eq!(word("/a b;c\\\n"), "/a\\ b\\;c\\\\");
}

#[test]
fn a_worker_is_read_back() {
    let output = "\n\u{1}section map hosts.map\n0x7fe6dc0a8e80 shop.localhost shop_local\n\n\
        \u{1}section map serving.map\n0x7f shop_local shop_local.blue\n\n\
        \u{1}section servers shop_local.blue\n1\n\
        # be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change \
        srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn \
        srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n\
        6 shop_local.blue 1 s1 172.29.0.21 2 4 1 1 0 1 0 3 6 0 0 0 - 8000 - 0 0 - - 0\n\
        6 shop_local.blue 2 s2 0.0.0.0 0 5 1 1 675 1 0 0 14 0 0 0 - 1 - 0 0 - - 0\n\n";
    let runtime = Runtime::read(&sections(output));
    assert_eq!(runtime.maps["hosts.map"]["shop.localhost"], "shop_local");
    assert_eq!(runtime.servers["shop_local.blue"][&1], Some((Ipv4Addr::new(172, 29, 0, 21), 8000)));
    assert_eq!(runtime.servers["shop_local.blue"][&2], None);
}

#[test]
fn a_worker_that_was_tampered_with_is_mended() {
    let mut state = state();
    stage(&mut state, "r1", &[16]);
    switch(&mut state, "r1");
    let wanted = Runtime::of(&state);
    let mut tampered = wanted.clone();
    tampered.maps.get_mut(SERVING).unwrap().insert("shop_local".into(), NOBODY.into());
    tampered.servers.get_mut("shop_local.blue").unwrap().insert(1, None);
    insta::assert_snapshot!(tampered.commands_to(&wanted).join("\n"), @r"
    set server shop_local.blue/s1 addr 172.18.0.16 port 8000
    set server shop_local.blue/s1 state ready
    set server shop_local.blue/s1 health up
    set server shop_local.blue/s1 health up
    set map serving.map shop_local shop_local.blue
    ");
}

#[test]
fn the_files_of_a_generation() {
    let mut state = state();
    stage(&mut state, "r1", &[16, 17]);
    switch(&mut state, "r1");
    let mut text = String::new();
    for (name, content) in files(&state) {
        text.push_str(&format!("=== {name}\n{content}"));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_map_of_checks_is_left_alone_where_none_asks_by_http() {
    let mut before = state();
    stage(&mut before, "r1", &[16]);
    let place = before.places.get_mut("shop_local").unwrap();
    place.checks = Color::ALL.map(|color| (color, CheckKind::Tcp)).into();
    let told = commands(&ProxyState::empty("172.18.0.0/22".into()), &before);
    assert!(told.contains("set server shop_local.blue/s1 state ready"), "{told}");
    assert!(!told.contains("check-"), "{told}");
}
