//! The window tells by itself, on a real notification daemon, and a press leads to the incident.

use crate::desktop::{Dunst, Screen};
use crate::fragile::make_fragile;
use crate::world::{World, in_instances};

#[tokio::test]
async fn an_outage_is_told_by_the_window_even_when_it_is_closed_and_a_press_leads_to_it() {
    let world = World::new().await;
    let (dunst, screen) = (Dunst::start(&world).await, Screen::here());
    let (name, folder) = world.project();
    make_fragile(&folder, "desktop = true");
    world.remember(&name, &folder);
    let shipped = world.nonevent(&folder, &["ship", "local"]).output().await.unwrap();
    assert!(shipped.status.success(), "{}", String::from_utf8_lossy(&shipped.stderr));

    let page = world.window().await;
    page.find(&format!("//th//a[@title='{name}']")).await.send_keys(crate::world::ENTER).await.unwrap();
    page.find("//nav//a[normalize-space(.)='Health']").await.click().await.unwrap();
    page.find_late("//*[@role='status' and normalize-space(.)='Healthy']").await;
    page.find("//p[contains(normalize-space(.), 'Watched from here')]").await;
    page.find("//nav//a[normalize-space(.)='Overview']").await.click().await.unwrap();
    screen.close_window().await;
    page.press("Keep watching").await;
    screen.has_window(false).await;

    in_instances(name.as_str(), &["touch", "/tmp/sick"]);
    dunst.shows().await;
    dunst.press().await;
    screen.has_window(true).await;
    page.next_window().await;
    page.find("//a[@aria-current='page' and normalize-space(.)='Health']").await;
    page.find_late("//details[@open]//dd[contains(normalize-space(.), 'answered 500')]").await;
    page.picture("notice-opened").await;
    let told = dunst.told("is down").await;
    assert!(told.iter().any(|(title, text)| title.contains(name.as_str()) && text.contains("release")), "{told:?}");

    in_instances(name.as_str(), &["rm", "/tmp/sick"]);
    dunst.shows().await;
    dunst.told("is healthy again").await;
    page.close().await;
}
