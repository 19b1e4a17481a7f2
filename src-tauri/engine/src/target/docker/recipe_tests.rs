use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::model::{CommandLine, Resources, VolumeMount};
use crate::target::Secret;

fn spec(root: RootFileSystem) -> InstanceSpec {
    InstanceSpec {
        process: "web".into(),
        release: "3f2a91c04d5e".into(),
        rollout: "r1".into(),
        image: "sha256:aa".into(),
        command: CommandLine::Exec(vec!["python".into(), "-m".into(), "shop".into()]),
        env: BTreeMap::from([("PORT".into(), "8000".into())]),
        secrets: BTreeMap::from([("API_KEY".into(), Secret::new("made-up"))]),
        secret_delivery: SecretDelivery::Env,
        port: Some(8000),
        resources: Resources { memory: 64 << 20, cpus: 0.5, pids: 32 },
        volumes: vec![VolumeMount { name: "uploads".into(), path: "/data".into(), exclusive: false }],
        stop_grace: Duration::from_secs(7),
        root,
    }
}

fn body(spec: &InstanceSpec) -> ContainerCreateBody {
    let scope = Scope::new("nonevent");
    let place = Place { project: "shop".into(), environment: "local".into() };
    let secrets = (spec.secret_delivery == SecretDelivery::File).then(|| "shop-secrets".to_owned());
    container(
        spec,
        Seat {
            scope: &scope,
            place: &place,
            labels: HashMap::new(),
            network: "nonevent".into(),
            address: Some(Ipv4Addr::new(172, 18, 0, 16)),
            secrets,
            restart: unless_stopped(),
            init: Init::Engine,
        },
    )
}

#[test]
fn a_wheel_built_instance_is_hardened_and_limited() {
    let body = body(&spec(RootFileSystem::ReadOnly));
    let host = body.host_config.unwrap();
    assert_eq!(host.readonly_rootfs, Some(true));
    assert_eq!(host.cap_drop, Some(vec!["ALL".to_owned()]));
    assert!(host.tmpfs.unwrap()["/tmp"].contains("mode=1777"));
    assert_eq!(
        (host.memory, host.memory_swap, host.pids_limit, host.nano_cpus),
        (Some(64 << 20), Some(64 << 20), Some(32), Some(500_000_000))
    );
    assert_eq!(host.port_bindings, None);
    assert_eq!(host.init, Some(true));
    assert_eq!(host.binds, Some(vec!["nonevent_shop_local.uploads:/data".to_owned()]));
    assert_eq!(body.stop_timeout, Some(7));
    assert_eq!(body.env, Some(vec!["PORT=8000".to_owned(), "API_KEY=made-up".to_owned()]));
}

#[test]
fn a_dockerfile_instance_keeps_its_root_and_its_capabilities() {
    let host = body(&spec(RootFileSystem::Writable)).host_config.unwrap();
    assert_eq!((host.readonly_rootfs, host.cap_drop, host.tmpfs), (Some(false), None, None));
    assert_eq!(host.security_opt, Some(vec!["no-new-privileges".to_owned()]));
}

#[test]
fn secrets_as_files_are_in_no_variable() {
    let spec = InstanceSpec { secret_delivery: SecretDelivery::File, ..spec(RootFileSystem::ReadOnly) };
    let body = body(&spec);
    assert_eq!(body.env, Some(vec!["PORT=8000".to_owned()]));
    assert!(body.host_config.unwrap().binds.unwrap().contains(&"shop-secrets:/run/secrets:ro".to_owned()));
    assert!(!format!("{spec:?}").contains("made-up"));
}

#[test]
fn an_empty_command_leaves_the_image_its_own() {
    let spec = InstanceSpec { command: CommandLine::Exec(Vec::new()), ..spec(RootFileSystem::Writable) };
    assert_eq!(body(&spec).cmd, None);
}

#[test]
fn users_are_read_from_the_image() {
    assert_eq!(numeric_user(""), Some((0, Some(0))));
    assert_eq!(numeric_user("1000"), Some((1000, None)));
    assert_eq!(numeric_user("1000:100"), Some((1000, Some(100))));
    assert_eq!(numeric_user("app"), None);
    let passwd = "root:x:0:0:root:/root:/bin/bash\napp:x:1001:1002::/home/app:/bin/sh\n";
    assert_eq!(look_up(passwd, "app"), Some((1001, 1002)));
    assert_eq!(look_up(passwd, "1001:5"), Some((1001, 1002)));
    assert_eq!(look_up(passwd, "nobody"), None);
}
