//! *Roll back* on a notice begins a run of the window. The test is the notification daemon of its bus: dunst presses no second action by a
//! command.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use zbus::{Connection, OwnedVariant};

use crate::fragile::make_fragile;
use crate::world::{World, eventually, in_instances};

/// Desktop Notifications Specification 1.2.
struct Daemon(Arc<Mutex<Vec<Shown>>>);

/// A notification that is shown.
#[derive(Debug, Clone)]
struct Shown {
    id: u32,
    title: String,
    actions: Vec<String>,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Daemon {
    #[allow(clippy::too_many_arguments)]
    fn notify(
        &self,
        _app: String,
        replaces: u32,
        _icon: String,
        title: String,
        _body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedVariant>,
        _timeout: i32,
    ) -> u32 {
        let mut all = self.0.lock().unwrap();
        let id = if replaces == 0 { u32::try_from(all.len()).unwrap() + 1 } else { replaces };
        all.push(Shown { id, title, actions });
        id
    }

    fn get_capabilities(&self) -> Vec<String> {
        vec!["actions".into(), "body".into()]
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("test".into(), "nonevent".into(), "1".into(), "1.2".into())
    }
}

const PATH: &str = "/org/freedesktop/Notifications";

async fn daemon(world: &World) -> (Connection, Arc<Mutex<Vec<Shown>>>) {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let bus = zbus::connection::Builder::address(world.bus())
        .name("org.freedesktop.Notifications")
        .serve_at(PATH, Daemon(Arc::clone(&shown)))
        .build()
        .await
        .unwrap();
    (bus, shown)
}

#[tokio::test]
async fn a_press_on_a_notice_goes_back_and_the_recovery_takes_its_place() {
    let world = World::new().await;
    let (bus, shown) = daemon(&world).await;
    let (name, folder) = world.project();
    make_fragile(&folder, "desktop = true");
    world.remember(&name, &folder);
    for text in ["What a slug is:", "What a slug is, in short:"] {
        let file = folder.join("slugs/slug.py");
        let source = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, source.replace("What a slug is:", text)).unwrap();
        let shipped = world.nonevent(&folder, &["ship", "local"]).output().await.unwrap();
        assert!(shipped.status.success(), "{}", String::from_utf8_lossy(&shipped.stderr));
    }
    let page = world.window().await;
    page.find(&format!("//th//a[@title='{name}']")).await.send_keys(crate::world::ENTER).await.unwrap();
    page.find("//nav//a[normalize-space(.)='Health']").await.click().await.unwrap();
    page.find_late("//*[@role='status' and normalize-space(.)='Healthy']").await;

    in_instances(name.as_str(), &["touch", "/tmp/sick"]);
    let told = |title: &'static str| {
        let shown = Arc::clone(&shown);
        move || shown.lock().unwrap().iter().rfind(|one| one.title.contains(title)).cloned()
    };
    let down = eventually("an outage is told", told("is down")).await;
    assert!(down.actions.chunks(2).any(|action| action[0] == "rollback"), "{down:?}");
    // No sooner than a person could.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let pressed = (down.id, "rollback");
    bus.emit_signal(None::<&str>, PATH, "org.freedesktop.Notifications", "ActionInvoked", &pressed).await.unwrap();

    page.find("//a[@aria-current='page' and normalize-space(.)='Runs']").await;
    page.find_late("//*[@role='status' and normalize-space(.)='Succeeded']").await;
    page.picture("notice-rolled-back").await;
    eventually("the recovery is told", told("is healthy again")).await;
    page.close().await;
}
