//! The page in the window, as a person reads and uses it.

use std::path::Path;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::world::{PATIENCE, WINDOW};

/// Long enough for a whole ship on a machine that does much else.
const LONG: Duration = Duration::from_secs(240);

/// The page in the window.
pub struct Page(Client);

impl Page {
    /// Opens the window through the driver at an address.
    pub async fn open(driver: &str) -> Self {
        let wanted = json!({ "tauri:options": { "application": WINDOW }, "webkitgtk:browserOptions": { "binary": WINDOW } });
        let Value::Object(wanted) = wanted else { panic!("capabilities are an object") };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(wanted).connect(driver);
        // A window that ends before it is there is waited for without end by its driver.
        let client = tokio::time::timeout(PATIENCE, client).await.expect("the window opens in time");
        Self(client.expect("the window opens"))
    }

    /// Waits for an element (XPath 1.0).
    pub async fn find(&self, path: &str) -> Element {
        self.find_in_time(path, PATIENCE).await
    }

    /// Waits for an element that comes at the end of a run: wheels may have to be fetched first.
    pub async fn find_late(&self, path: &str) -> Element {
        self.find_in_time(path, LONG).await
    }

    async fn find_in_time(&self, path: &str, time: Duration) -> Element {
        match self.0.wait().at_most(time).for_element(Locator::XPath(path)).await {
            Ok(element) => element,
            Err(error) => panic!("no {path}: {error}\nthe page says:\n{}", self.text().await),
        }
    }

    /// Waits for a text in the part of the table that belongs to a project.
    pub async fn find_in(&self, project: &str, text: &str) -> Element {
        self.find(&format!("//tbody[.//*[@title='{project}']]//*[normalize-space(text())='{text}']")).await
    }

    /// Waits for the button of that name and presses it.
    pub async fn press(&self, name: &str) {
        let path = format!("//button[@aria-label='{name}' or normalize-space(.)='{name}']");
        self.find(&path).await.click().await.unwrap();
    }

    /// Returns everything that is written on the page.
    pub async fn text(&self) -> String {
        self.0.find(Locator::Css("body")).await.unwrap().text().await.unwrap()
    }

    /// Runs a script in the page and returns what its last argument is called with.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.0.execute_async(script, arguments).await.unwrap()
    }

    /// Asks a command of the window as the page does; returns its answer, or the problem.
    pub async fn ask(&self, command: &str, arguments: Value) -> Value {
        let ask = "const tell = arguments[2]; window.__TAURI_INTERNALS__.invoke(arguments[0], arguments[1]).then(tell, tell)";
        self.run(ask, vec![json!(command), arguments]).await
    }

    /// Goes to a screen by its address, the part from `#` on.
    pub async fn show(&self, address: &str) {
        self.run("location.hash = arguments[0]; arguments[1]()", vec![json!(address)]).await;
    }

    /// Loads the page anew.
    pub async fn reload(&self) {
        self.0.refresh().await.unwrap();
    }

    /// Keeps a picture of the page for people, in the target folder.
    pub async fn picture(&self, name: &str) {
        let drawn = "const tell = arguments[0]; document.fonts.ready.then(() => requestAnimationFrame(() => requestAnimationFrame(tell)))";
        self.run(drawn, vec![]).await;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("window");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), self.0.screenshot().await.unwrap()).unwrap();
    }

    /// Looks at the window that is there now, after the one before was closed.
    pub async fn next_window(&self) {
        let found = async {
            let mut pause = tokio::time::interval(Duration::from_millis(100));
            loop {
                pause.tick().await;
                if let Ok(handles) = self.0.windows().await
                    && let Some(handle) = handles.into_iter().next()
                    && self.0.switch_to_window(handle).await.is_ok()
                {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("a window is there");
    }

    /// Closes the window.
    pub async fn close(self) {
        self.0.close().await.unwrap();
    }
}
