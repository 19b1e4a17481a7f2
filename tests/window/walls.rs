//! What the page must not be able to do.

use std::io::ErrorKind;
use std::net::TcpListener;

use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn the_page_reaches_no_address_and_runs_no_text() {
    let world = World::new().await;
    let page = world.window().await;
    page.find("//h1[.='Projects']").await;

    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    outside.set_nonblocking(true).unwrap();
    let address = format!("http://{}/", outside.local_addr().unwrap());
    let fetched = page
        .run("const tell = arguments[1]; fetch(arguments[0], { mode: 'no-cors' }).then(() => tell('reached'), () => tell('refused'))", vec![json!(address)])
        .await;
    assert_eq!(fetched, json!("refused"));
    assert_eq!(outside.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "nobody came");

    page.run("location.href = arguments[0]; setTimeout(arguments[1], 1000)", vec![json!(address)]).await;
    page.find("//h1[.='Projects']").await;
    assert_eq!(outside.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "the page is not left");

    let run = page
        .run(
            "const tell = arguments[0];
             const script = document.createElement('script');
             script.textContent = 'window.ran = true';
             document.addEventListener('securitypolicyviolation', (event) => tell([event.effectiveDirective, window.ran === true]), { once: true });
             document.body.append(script);",
            vec![],
        )
        .await;
    assert_eq!(run, json!(["script-src-elem", false]));
    page.close().await;
}

#[tokio::test]
async fn the_page_may_ask_nothing_but_our_own_commands() {
    let world = World::new().await;
    let page = world.window().await;
    page.find("//h1[.='Projects']").await;
    for command in
        ["plugin:dialog|open", "plugin:window|close", "plugin:event|emit", "plugin:fs|read_file", "plugin:shell|execute"]
    {
        let answer = page
            .run(
                "const tell = arguments[1];
                 window.__TAURI_INTERNALS__.invoke(arguments[0], {}).then(() => tell('allowed'), (error) => tell(String(error)))",
                vec![json!(command)],
            )
            .await;
        let answer = answer.as_str().unwrap();
        assert!(answer.contains("not allowed") || answer.contains("not found"), "{command}: {answer}");
    }
    page.close().await;
}
