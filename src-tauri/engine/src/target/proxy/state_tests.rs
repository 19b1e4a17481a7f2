use super::*;

fn place() -> PlaceState {
    PlaceState::new(Place { project: "shop".into(), environment: "local".into() })
}

fn members(names: &[&str]) -> Vec<Member> {
    names
        .iter()
        .enumerate()
        .map(|(index, name)| Member {
            instance: (*name).into(),
            listens: Some((Ipv4Addr::new(10, 0, 0, u8::try_from(index).unwrap() + 16), 8000)),
        })
        .collect()
}

fn new(rollout: &str, names: &[&str]) -> NewSide {
    NewSide {
        rollout: rollout.into(),
        release: ReleaseId::new(format!("release-{rollout}")),
        record: format!("shop_local.{rollout}.json"),
        domain: "shop.localhost".into(),
        check: CheckKind::Tcp,
        path: "/".into(),
        members: members(names),
    }
}

fn slots(place: &PlaceState, color: Color) -> Vec<(u16, &str)> {
    place.sides[&color].slots.iter().map(|(number, slot)| (*number, slot.instance.as_str())).collect()
}

#[test]
fn rollouts_alternate_between_the_sides() {
    let mut place = place();
    place.stage(new("r1", &["a", "b"])).unwrap();
    assert_eq!(place.serving_side(), None);
    place.switch(&"r1".into()).unwrap();
    assert_eq!(place.serving, Some(Color::Blue));
    place.stage(new("r2", &["c"])).unwrap();
    assert_eq!(place.serving, Some(Color::Blue));
    place.switch(&"r2".into()).unwrap();
    assert_eq!(place.serving, Some(Color::Green));
    assert_eq!(slots(&place, Color::Blue), [(1, "a"), (2, "b")]);
    place.switch(&"r1".into()).unwrap();
    assert_eq!(place.serving, Some(Color::Blue), "the warm side can be switched back to");
}

#[test]
fn every_move_can_be_made_twice() {
    let mut place = place();
    place.stage(new("r1", &["a"])).unwrap();
    let staged = place.clone();
    place.stage(new("r1", &["a"])).unwrap();
    assert_eq!(place, staged);
    place.switch(&"r1".into()).unwrap();
    let switched = place.clone();
    place.switch(&"r1".into()).unwrap();
    place.stage(new("r1", &["a"])).unwrap();
    assert_eq!(place, switched);
    place.forget(&"nobody".into()).unwrap();
    assert_eq!(place, switched);
}

#[test]
fn what_was_not_staged_cannot_be_switched_to() {
    let mut place = place();
    assert_eq!(place.switch(&"r1".into()), Err(StateError::NothingStaged("r1".into())));
    place.stage(new("r1", &["a"])).unwrap();
    assert_eq!(place.switch(&"r2".into()), Err(StateError::NothingStaged("r2".into())));
}

#[test]
fn rescaling_keeps_the_slots_of_those_that_stay() {
    let mut place = place();
    place.stage(new("r1", &["a", "b", "c"])).unwrap();
    place.switch(&"r1".into()).unwrap();
    place.rescale(new("r2", &["c", "a"])).unwrap();
    assert_eq!(slots(&place, Color::Blue), [(1, "a"), (3, "c")]);
    place.rescale(new("r3", &["c", "a", "d"])).unwrap();
    assert_eq!(slots(&place, Color::Blue), [(1, "a"), (2, "d"), (3, "c")]);
    assert_eq!(place.serving_side().unwrap().rollout, "r3".into());
}

#[test]
fn a_slot_that_was_just_left_is_taken_last() {
    let mut place = place();
    place.stage(new("r1", &["a", "b"])).unwrap();
    place.stage(new("r2", &["c", "d"])).unwrap();
    assert_eq!(slots(&place, Color::Blue), [(3, "c"), (4, "d")]);
    let many: Vec<String> = (0..SLOTS).map(|number| format!("i{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    place.stage(new("r3", &many)).unwrap();
    assert_eq!(place.sides[&Color::Blue].slots.len(), usize::from(SLOTS));
}

#[test]
fn more_instances_than_slots_are_refused() {
    let mut place = place();
    let many: Vec<String> = (0..=SLOTS).map(|number| format!("i{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(place.stage(new("r1", &many)), Err(StateError::TooMany { asked: 33 }));
    assert_eq!(place.sides.len(), 0);
}

#[test]
fn instances_without_a_port_are_held_without_a_slot() {
    let mut place = place();
    let mut side = new("r1", &["a"]);
    side.members.push(Member { instance: "worker".into(), listens: None });
    place.stage(side).unwrap();
    assert_eq!(slots(&place, Color::Blue), [(1, "a")]);
    assert_eq!(place.sides[&Color::Blue].instances.len(), 2);
}

#[test]
fn what_serves_cannot_be_forgotten_and_an_empty_side_is_none() {
    let mut place = place();
    place.stage(new("r1", &["a"])).unwrap();
    place.switch(&"r1".into()).unwrap();
    place.stage(new("r2", &["b", "c"])).unwrap();
    assert_eq!(place.forget(&"a".into()), Err(StateError::Serves("a".into())));
    place.forget(&"b".into()).unwrap();
    assert_eq!(place.idle_side().unwrap().instances, ["c".into()]);
    place.forget(&"c".into()).unwrap();
    assert_eq!(place.idle_side(), None);
}

#[test]
fn after_a_switch_only_the_new_host_name_is_left() {
    let mut place = place();
    place.domains = BTreeSet::from(["old.localhost".into(), "shop.localhost".into()]);
    place.stage(new("r1", &["a"])).unwrap();
    assert_eq!(place.domains.len(), 2);
    place.switch(&"r1".into()).unwrap();
    assert_eq!(place.domains, BTreeSet::from(["shop.localhost".into()]));
}

#[test]
fn the_first_rollout_decides_how_both_backends_check() {
    let mut place = place();
    assert_eq!(place.check(Color::Green), CheckKind::Http);
    place.stage(new("r1", &["a"])).unwrap();
    assert_eq!((place.check(Color::Blue), place.check(Color::Green)), (CheckKind::Tcp, CheckKind::Tcp));
    place.switch(&"r1".into()).unwrap();
    place.stage(NewSide { check: CheckKind::Http, ..new("r2", &["b"]) }).unwrap();
    assert_eq!((place.check(Color::Blue), place.check(Color::Green)), (CheckKind::Tcp, CheckKind::Http));
}

#[test]
fn the_state_survives_its_own_json() {
    let mut place = place();
    place.stage(new("r1", &["a"])).unwrap();
    let mut state = ProxyState::empty("172.18.0.0/22".into());
    state.places.insert("shop_local".into(), place);
    let text = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<ProxyState>(&text).unwrap(), state);
}

#[test]
fn only_what_is_declared_in_advance_needs_a_reload() {
    let before = ProxyState::empty("172.18.0.0/22".into());
    let mut after = before.clone();
    after.places.insert("shop_local".into(), place());
    assert!(before.needs_reload(&after), "a new environment");
    let mut staged = after.clone();
    let place = staged.places.get_mut("shop_local").unwrap();
    place.stage(NewSide { check: CheckKind::Http, ..new("r1", &["a"]) }).unwrap();
    assert!(!after.needs_reload(&staged), "a rollout");
    assert_eq!(staged.records(), BTreeSet::from(["shop_local.r1.json"]));
    let mut switched = staged.clone();
    let place = switched.places.get_mut("shop_local").unwrap();
    place.switch(&"r1".into()).unwrap();
    assert!(!staged.needs_reload(&switched), "a switch");
    let place = switched.places.get_mut("shop_local").unwrap();
    place.stage(new("r2", &["b"])).unwrap();
    assert!(staged.needs_reload(&switched), "another kind of check");
}

fn earlier(place: &PlaceState) -> Vec<&str> {
    place.earlier.iter().map(|one| one.release.as_str()).collect()
}

fn serve(place: &mut PlaceState, new: NewSide) {
    let rollout = new.rollout.clone();
    place.stage(new).unwrap();
    place.switch(&rollout).unwrap();
}

#[test]
fn what_served_before_is_kept_each_release_once() {
    let mut place = place();
    for rollout in ["r1", "r2", "r3"] {
        serve(&mut place, new(rollout, &["a"]));
    }
    assert_eq!(earlier(&place), ["release-r2", "release-r1"]);
    assert_eq!(place.serving_side().unwrap().record, "shop_local.r3.json");

    // A restart is no other release.
    serve(&mut place, NewSide { release: "release-r3".into(), ..new("r4", &["b"]) });
    assert_eq!(earlier(&place), ["release-r2", "release-r1"]);
    // A rollback by a rollout of its own: what it left is the last that served.
    serve(&mut place, NewSide { release: "release-r1".into(), ..new("r5", &["c"]) });
    assert_eq!(earlier(&place), ["release-r3", "release-r2"]);
}

#[test]
fn what_traffic_came_back_from_is_not_kept() {
    let mut place = place();
    for rollout in ["r1", "r2", "r3"] {
        serve(&mut place, new(rollout, &["a"]));
    }
    place.switch(&"r2".into()).unwrap();
    assert_eq!(earlier(&place), ["release-r1"], "r3 was worse than what was still warm");
}

#[test]
fn records_of_what_served_before_are_needed() {
    let mut place = place();
    for number in 0..EARLIER + 5 {
        serve(&mut place, new(&format!("r{number}"), &["a"]));
    }
    assert_eq!(place.earlier.len(), EARLIER);
    let state = ProxyState { places: BTreeMap::from([("shop_local".to_owned(), place)]), ..ProxyState::empty(String::new()) };
    assert_eq!(state.records().len(), EARLIER + 1, "the last one that served is the idle side as well");
}
