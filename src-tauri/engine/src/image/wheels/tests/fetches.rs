//! Wheels on their way into the cache.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::synthetic::Draft;
use crate::image::cache::Cache;
use crate::image::http::Http;
use crate::image::wheels::fetch::fetch;
use crate::image::wheels::{Wheel, WheelError};

/// Answers the n-th request (from 0) by a script; counts the requests.
async fn server(answers: impl Fn(usize) -> Vec<u8> + Send + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await.unwrap();
            let answer = answers(counter.fetch_add(1, Ordering::SeqCst));
            stream.write_all(&answer).await.unwrap();
            let _ = stream.shutdown().await;
        }
    });
    (address, count)
}

fn answer(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn wheel(url: String, bytes: &[u8]) -> Wheel {
    Wheel {
        name: "pkg".into(),
        version: "1.0".into(),
        filename: "pkg-1.0-py3-none-any.whl".into(),
        url,
        sha256: crate::image::digest::sha256(bytes).hex().to_owned(),
        size: None,
    }
}

async fn fetched(wheel: &Wheel, cache: &Cache) -> Result<(), WheelError> {
    fetch(std::slice::from_ref(wheel), &Http::new(None).unwrap(), cache, &|_| {}).await.map(|_| ())
}

#[tokio::test]
async fn a_fault_that_passes_is_tried_again() {
    let (address, count) = server(|request| match request {
        0 => answer("503 Service Unavailable", b""),
        // Ends in the middle.
        1 => b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\nwheel by".to_vec(),
        _ => answer("200 OK", b"wheel bytes"),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let wheel = wheel(format!("http://{address}/pkg.whl"), b"wheel bytes");
    fetched(&wheel, &cache).await.unwrap();
    assert_eq!(std::fs::read(cache.wheel(&wheel.sha256)).unwrap(), b"wheel bytes");
    assert_eq!(count.load(Ordering::SeqCst), 3);
    // What is in the cache is not asked for again, and nothing half lies beside it.
    fetched(&wheel, &cache).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 3);
    assert_eq!(std::fs::read_dir(folder.path().join("drafts")).unwrap().count(), 0);
}

#[tokio::test]
async fn other_bytes_than_the_lock_s_are_not_used() {
    let (address, count) = server(|_| answer("200 OK", b"replaced")).await;
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let wheel = wheel(format!("http://{address}/pkg.whl"), b"wheel bytes");
    let error = fetched(&wheel, &cache).await.unwrap_err();
    let found = crate::image::digest::sha256(b"replaced");
    assert_eq!(
        error.to_string(),
        format!("sha256 of `pkg-1.0-py3-none-any.whl` is {}, the lock says {}: not used", found.hex(), wheel.sha256)
    );
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert!(!cache.wheel(&wheel.sha256).exists());
}

#[tokio::test]
async fn a_host_that_refuses_is_named_without_its_password() {
    let (address, _) = server(|_| answer("404 Not Found", b"")).await;
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let gone = wheel(format!("http://user:made-up@{address}/pkg.whl"), b"");
    let error = fetched(&gone, &cache).await.unwrap_err();
    assert_eq!(error.to_string(), "`pkg-1.0-py3-none-any.whl` cannot be downloaded: 127.0.0.1 answered with status 404");
    assert_eq!(error.hint().unwrap(), "it was removed there: lock another version");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = fetched(&wheel(format!("http://{address}/x.whl"), b""), &cache).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("`pkg-1.0-py3-none-any.whl` cannot be downloaded: 127.0.0.1 does not answer: "), "{text}");
    assert!(error.hint().unwrap().starts_with("check the network"));
}

#[tokio::test]
async fn a_wheel_on_this_machine_is_checked_too() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(&folder.path().join("cache"));
    let mut wheel = Draft::new("pkg").write(folder.path());
    fetched(&wheel, &cache).await.unwrap();
    wheel.sha256 = "0".repeat(64);
    assert!(matches!(fetched(&wheel, &cache).await.unwrap_err(), WheelError::Mismatch { .. }));
    wheel.sha256 = "../../etc/passwd".into();
    assert!(matches!(fetched(&wheel, &cache).await.unwrap_err(), WheelError::Address { .. }));
    wheel.sha256 = "1".repeat(64);
    wheel.url = "git+https://example.com/x".into();
    let error = fetched(&wheel, &cache).await.unwrap_err();
    assert!(error.to_string().ends_with("its address in the lock is none: `git+https:` is not fetched"), "{error}");
}
