//! Setting a secret in the window: the value goes to the vault, and is not on the page afterwards.

use crate::world::{ENTER, World};

/// Made up.
const VALUE: &str = "made-up-stripe-key-0000";

#[tokio::test]
async fn a_secret_is_set_shown_for_a_moment_and_forgotten() {
    // No keychain is on the test's bus: the encrypted file takes its place.
    let world = World::new().await;
    let (name, folder) = world.project();
    world.remember(&name, &folder);
    std::fs::write(folder.join("nonevent.toml"), "[environments.local]\nsecrets = [\"STRIPE_KEY\"]\n").unwrap();
    let page = world.window().await;
    page.find("//nav//a[normalize-space(.)='Credentials']").await.click().await.unwrap();
    page.press("Keep them in an encrypted file").await;
    for field in ["Passphrase", "The same once more"] {
        page.find(&format!("//dialog//label[.//*[.='{field}']]//input")).await.send_keys("made-up-passphrase").await.unwrap();
    }
    page.press("Bring them over").await;
    page.find("//dd[contains(normalize-space(.), 'vault.age, closed with a passphrase')]").await;
    page.picture("credentials").await;

    page.find(&format!("//nav//a[@title='{name}']")).await.send_keys(ENTER).await.unwrap();
    page.find("//nav//a[normalize-space(.)='Secrets']").await.click().await.unwrap();
    page.find("//li[contains(normalize-space(.), 'Without a value: STRIPE_KEY')]").await;
    page.press("Set STRIPE_KEY, local").await;
    page.find("//dialog//textarea").await.send_keys(VALUE).await.unwrap();
    page.press("Keep it").await;
    page.find("//dialog//p[contains(normalize-space(.), 'STRIPE_KEY is kept, version 1')]").await;
    page.press("Close").await;
    page.find("//tr[.//*[.='local']]//td[contains(normalize-space(.), 'the vault')]").await;
    assert!(!page.text().await.contains(VALUE));

    page.press("Show STRIPE_KEY of local").await;
    page.find(&format!("//code[.='{VALUE}']")).await;
    page.press("Hide").await;
    assert!(!page.text().await.contains(VALUE));
    page.picture("secrets").await;

    page.press("Forget STRIPE_KEY, local").await;
    page.find("//dialog//input").await.send_keys("STRIPE_KEY").await.unwrap();
    page.find("//dialog//button[@type='submit' and not(@disabled)]").await.click().await.unwrap();
    page.find("//li[contains(normalize-space(.), 'Without a value: STRIPE_KEY')]").await;
    page.close().await;
}
