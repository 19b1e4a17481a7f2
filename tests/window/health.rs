//! Seeing a health check fail: what `nonevent watch` measures appears in the Health screen.

use std::process::Stdio;

use crate::fragile::make_fragile;
use crate::world::{ENTER, World, in_instances};

/// Counts the shades of the first chart.
const DRAWN: &str = "const tell = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => {
    const canvas = document.querySelector('.u-wrap canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    tell(new Set(data).size);
}));";

#[tokio::test]
async fn a_health_check_that_fails_is_seen_with_its_incident() {
    let world = World::new().await;
    let (name, folder) = world.project();
    make_fragile(&folder, "desktop = false");
    world.remember(&name, &folder);
    let shipped = world.nonevent(&folder, &["ship", "local"]).output().await.unwrap();
    assert!(shipped.status.success(), "{}", String::from_utf8_lossy(&shipped.stderr));
    let mut watch = world.nonevent(&folder, &["watch"]);
    let mut watch = watch.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();

    let page = world.window().await;
    page.find(&format!("//th//a[@title='{name}']")).await.send_keys(ENTER).await.unwrap();
    page.find("//nav//a[normalize-space(.)='Health']").await.click().await.unwrap();
    page.find("//label[@title='the last hour']").await.click().await.unwrap();
    page.find_late("//*[@role='status' and normalize-space(.)='Healthy']").await;
    page.find("//p[.//b[.='app']]//span[.='Passes']").await;
    // The chart is drawn under the page's strict policy, too: more than one colour is on it.
    page.find("//*[contains(@class, 'u-wrap')]/canvas").await;
    let drawn = page.run(DRAWN, vec![]).await;
    assert!(drawn.as_u64().is_some_and(|colours| colours > 1), "{drawn}");

    in_instances(name.as_str(), &["touch", "/tmp/sick"]);
    page.find_late("//*[@role='status' and normalize-space(.)='Down']").await;
    page.find_late("//summary[contains(normalize-space(.), 'goes on')]").await;
    page.find("//dd[contains(normalize-space(.), 'answered 500')]").await;
    page.picture("health-down").await;

    in_instances(name.as_str(), &["rm", "/tmp/sick"]);
    page.find_late("//*[@role='status' and normalize-space(.)='Healthy']").await;
    page.picture("health").await;
    page.close().await;
    watch.kill().await.unwrap();
}
