//! What the tray is given, read as a desktop's tray reads it: the item by StatusNotifierItem, its menu by com.canonical.dbusmenu.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use nonevent_engine::model::HealthState;
use nonevent_engine::target::Place;
use zbus::message::Header;
use zbus::{Connection, OwnedObjectPath, OwnedVariant, Structure, Variant};

use crate::desktop::Screen;
use crate::world::{PATIENCE, World};

/// The desktop's list of items, as far as one item needs it.
struct Watcher(Arc<Mutex<Vec<Item>>>);

/// Where an item is.
#[derive(Debug, Clone)]
struct Item {
    sender: String,
    path: String,
}

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&mut self, service: String, #[zbus(header)] header: Header<'_>) {
        let sender = header.sender().unwrap().to_string();
        self.0.lock().unwrap().push(Item { sender, path: service });
    }

    fn register_status_notifier_host(&mut self, _service: String) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|item| format!("{}{}", item.sender, item.path)).collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

/// A tray on a world's bus.
struct Tray {
    bus: Connection,
    items: Arc<Mutex<Vec<Item>>>,
}

impl Tray {
    async fn start(world: &World) -> Self {
        let items = Arc::new(Mutex::new(Vec::new()));
        let bus = zbus::connection::Builder::address(world.bus())
            .name("org.kde.StatusNotifierWatcher")
            .serve_at("/StatusNotifierWatcher", Watcher(Arc::clone(&items)))
            .build()
            .await
            .unwrap();
        Self { bus, items }
    }

    fn item(&self) -> Option<Item> {
        self.items.lock().unwrap().last().cloned()
    }

    async fn property(&self, item: &Item, name: &str) -> Option<OwnedVariant> {
        let words = ("org.kde.StatusNotifierItem", name);
        let properties = Some("org.freedesktop.DBus.Properties");
        let answer = self.bus.call_method(Some(item.sender.as_str()), item.path.as_str(), properties, "Get", &words).await;
        answer.ok()?.body().deserialize().ok()
    }

    async fn menu(&self) -> Option<(Item, String)> {
        let item = self.item()?;
        let menu: OwnedObjectPath = self.property(&item, "Menu").await?.try_into().ok()?;
        Some((item, menu.to_string()))
    }

    /// The lines of the menu with their numbers.
    async fn lines(&self) -> Option<Vec<(i32, String)>> {
        type Layout = (u32, (i32, HashMap<String, OwnedVariant>, Vec<OwnedVariant>));
        let (item, menu) = self.menu().await?;
        let words = (0_i32, -1_i32, Vec::<String>::new());
        let interface = Some("com.canonical.dbusmenu");
        let answer = self.bus.call_method(Some(item.sender.as_str()), menu.as_str(), interface, "GetLayout", &words).await;
        let (_, (_, _, children)): Layout = answer.ok()?.body().deserialize().ok()?;
        children
            .into_iter()
            .map(|child| {
                let child: Structure<'_> = Variant::from(child).try_into().ok()?;
                let [number, texts, ..] = child.fields() else { return None };
                let texts: HashMap<String, OwnedVariant> = texts.try_clone().ok()?.try_into().ok()?;
                let label = texts.get("label").and_then(|label| String::try_from(label.try_clone().ok()?).ok());
                Some((i32::try_from(number).ok()?, label.unwrap_or_default()))
            })
            .collect()
    }

    /// Waits for a line of the menu; returns its number.
    async fn line(&self, text: &str) -> i32 {
        let look = async {
            let mut pause = tokio::time::interval(std::time::Duration::from_millis(100));
            loop {
                pause.tick().await;
                let lines = self.lines().await.unwrap_or_default();
                if let Some((number, _)) = lines.iter().find(|(_, line)| line == text) {
                    return *number;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, look).await {
            Ok(number) => number,
            Err(_) => panic!("no line `{text}` among {:?}", self.lines().await),
        }
    }

    async fn press(&self, text: &str) {
        let number = self.line(text).await;
        let (item, menu) = self.menu().await.unwrap();
        let words = (number, "clicked", Variant::from(0_i32), 0_u32);
        let interface = Some("com.canonical.dbusmenu");
        self.bus.call_method(Some(item.sender.as_str()), menu.as_str(), interface, "Event", &words).await.unwrap();
    }

    async fn icon(&self) -> String {
        let item = self.item().unwrap();
        String::try_from(self.property(&item, "IconName").await.unwrap()).unwrap()
    }
}

#[tokio::test]
async fn the_tray_tells_the_worst_and_leads_to_it() {
    // Without an engine nothing is looked at: the window's process takes what is kept for what is.
    let world = World::with(&[("DOCKER_HOST", "unix:///nonexistent/docker.sock")]).await;
    let (name, folder) = world.project();
    world.remember(&name, &folder);
    let (tray, screen) = (Tray::start(&world).await, Screen::here());
    let mut hidden = world.start(&["--hidden"]);
    tray.line("Nothing is watched yet").await;
    let nothing = tray.icon().await;

    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let place = Place { project: name.clone(), environment: "local".into() };
    world.health().keep_state(&place, HealthState::Down, i64::try_from(now).unwrap()).unwrap();
    tray.line("1 of 1 not healthy").await;
    let ill = tray.icon().await;
    assert_ne!(ill, nothing);
    let picture = image(&ill);
    assert!(picture.starts_with(b"\x89PNG"), "{ill}");

    tray.press(&format!("{name} (local): down")).await;
    screen.has_window(true).await;

    tray.press("Quit").await;
    let status = tokio::time::timeout(PATIENCE, hidden.wait()).await.expect("it ends").unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_tray_that_comes_later_is_used_and_one_that_goes_is_survived() {
    let world = World::new().await;
    let mut hidden = world.start(&["--hidden"]);
    world.kept("watch.lock", "process").await;
    for _ in 0..2 {
        let tray = Tray::start(&world).await;
        tray.line("Open Nonevent").await;
        drop(tray);
    }
    assert!(hidden.try_wait().unwrap().is_none(), "it goes on");
    let status = tokio::time::timeout(PATIENCE, world.second_start().status()).await.expect("the second start ends").unwrap();
    assert!(status.success(), "{status}");
}

/// What an icon's name leads to: a path, with or without the file's end.
fn image(name: &str) -> Vec<u8> {
    std::fs::read(name).or_else(|_| std::fs::read(format!("{name}.png"))).unwrap_or_else(|error| panic!("{name}: {error}"))
}
