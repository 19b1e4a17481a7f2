#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::auth::{Challenge, challenge};
use super::*;

#[track_caller]
fn check_endpoints(reference: &str, mirrors: &[&str], expected: &[&str]) {
    let mirrors: Vec<_> = mirrors.iter().map(|mirror| (*mirror).to_owned()).collect();
    let found = endpoints(&Reference::parse(reference).unwrap(), &mirrors);
    assert_eq!(found.iter().map(|endpoint| endpoint.base.as_str()).collect::<Vec<_>>(), expected);
}

#[test]
fn mirrors_stand_for_docker_hub_alone() {
    let mirrors = ["http://127.0.0.1:5000/", "https://mirror.example.com"];
    check_endpoints(
        "python:3.13-slim",
        &mirrors,
        &["http://127.0.0.1:5000/", "https://mirror.example.com/", "https://registry-1.docker.io/"],
    );
    check_endpoints("registry.example.com/team/app", &mirrors, &["https://registry.example.com/"]);
    check_endpoints("127.0.0.1:5001/app", &mirrors, &["http://127.0.0.1:5001/"]);
    check_endpoints("localhost:5001/app", &mirrors, &["http://localhost:5001/"]);
}

#[test]
fn bearer_is_answered_before_basic() {
    let mut headers = HeaderMap::new();
    headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"x\""));
    assert_eq!(challenge(&headers), Some(Challenge::Basic));
    let bearer = "Bearer realm=\"https://auth.example.com/token\",service=\"s\",scope=\"repository:a/b:pull,push\"";
    headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(bearer));
    let Some(Challenge::Bearer { realm, parameters }) = challenge(&headers) else { panic!("no bearer challenge") };
    assert_eq!(realm.as_str(), "https://auth.example.com/token");
    assert_eq!(parameters["scope"], "repository:a/b:pull,push");
    assert_eq!(challenge(&HeaderMap::new()), None);
}

/// A registry that answers by a script: request line (and whether it was authorised) → answer.
async fn scripted(answers: impl Fn(&str, &str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
    let own = address.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).await.unwrap();
                request.push(byte[0]);
            }
            let answer = answers(&String::from_utf8(request).unwrap(), &own);
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    address
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

fn http() -> Http {
    Http::new(None).unwrap()
}

fn linux() -> Platform {
    Platform { os: "linux".into(), architecture: "amd64".into(), variant: None }
}

const CONFIG: &str = r#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;

fn manifest() -> String {
    format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":{}}},"layers":[]}}"#,
        sha256(CONFIG.as_bytes()),
        CONFIG.len()
    )
}

fn index() -> String {
    format!(
        r#"{{"schemaVersion":2,"manifests":[
        {{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{other}","size":1,"platform":{{"os":"linux","architecture":"arm64"}}}},
        {{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":1,"platform":{{"os":"linux","architecture":"amd64"}}}}]}}"#,
        other = sha256(b"other"),
        digest = sha256(manifest().as_bytes()),
    )
}

/// A registry with one image, below an index, for those who fetched a token.
fn registry_with_token(request: &str, own: &str) -> String {
    let index_type = "Content-Type: application/vnd.oci.image.index.v1+json\r\n";
    if request.starts_with("GET /token?service=made-up&scope=repository%3Ateam%2Fapp%3Apull ") {
        return answer("200 OK", "", r#"{"token":"made-up-token"}"#);
    }
    if !request.contains("authorization: Bearer made-up-token") {
        let challenge = format!(
            "WWW-Authenticate: Bearer realm=\"http://{own}/token\",service=\"made-up\",scope=\"repository:team/app:pull\"\r\n"
        );
        return answer("401 Unauthorized", &challenge, "");
    }
    let line = request.lines().next().unwrap_or_default();
    if line.starts_with("HEAD /v2/team/app/manifests/1 ") {
        return format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nDocker-Content-Digest: {}\r\n{index_type}Content-Length: 9\r\n\r\n",
            sha256(index().as_bytes())
        );
    }
    if line.contains(sha256(index().as_bytes()).as_str()) {
        return answer("200 OK", index_type, &index());
    }
    if line.contains(sha256(manifest().as_bytes()).as_str()) {
        return answer("200 OK", "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n", &manifest());
    }
    if line.contains(sha256(CONFIG.as_bytes()).as_str()) {
        return answer("200 OK", "", CONFIG);
    }
    answer("404 Not Found", "", "{}")
}

#[tokio::test]
async fn a_token_is_fetched_and_the_platform_s_image_found() {
    let address = scripted(registry_with_token).await;
    let reference = Reference::parse(&format!("{address}/team/app:1")).unwrap();
    let (registry, digest) = Registry::find(&http(), &reference, None, &[]).await.unwrap();
    assert_eq!(digest, sha256(index().as_bytes()));
    let resolved = registry.resolve(&digest, &linux()).await.unwrap();
    assert_eq!(resolved.digest, digest);
    assert_eq!(resolved.manifest_digest, sha256(manifest().as_bytes()));
    assert_eq!(resolved.config, CONFIG.as_bytes());
    let windows = Platform { os: "windows".into(), ..linux() };
    let error = registry.resolve(&digest, &windows).await.unwrap_err();
    assert_eq!(error.to_string(), "`team/app` has no image for windows/amd64, only for linux/arm64, linux/amd64");
}

#[tokio::test]
async fn a_mirror_that_lacks_the_image_does_not_decide() {
    let empty = scripted(|_, _| answer("404 Not Found", "", "{}")).await;
    let full = scripted(|request, own| {
        registry_with_token(&request.replace("/library/python/", "/team/app/").replace("manifests/3", "manifests/1"), own)
    })
    .await;
    let reference = Reference::parse("python:3").unwrap();
    let mirrors = [format!("http://{empty}"), format!("http://{full}")];
    let (_, digest) = Registry::find(&http(), &reference, None, &mirrors).await.unwrap();
    assert_eq!(digest, sha256(index().as_bytes()));
}

#[tokio::test]
async fn what_a_registry_refuses_is_told_with_its_remedy() {
    let refused = async |status: &'static str| {
        let address = scripted(move |_, _| answer(status, "", "")).await;
        let reference = Reference::parse(&format!("{address}/app:1")).unwrap();
        let error = Registry::find(&http(), &reference, None, &[]).await.map(|_| ()).unwrap_err();
        format!("{error} | {}", error.hint().unwrap_or_default()).replace(&address, "ADDRESS")
    };
    insta::assert_snapshot!(refused("404 Not Found").await, @"the registry ADDRESS has no `app/manifests/1` | check the name and the tag");
    insta::assert_snapshot!(refused("401 Unauthorized").await, @"the registry ADDRESS gives `app` only to those who are logged in and may read it | run `docker login ADDRESS`, or `nonevent credential login ADDRESS -u USER`");
    insta::assert_snapshot!(refused("429 Too Many Requests").await, @"the registry ADDRESS wants fewer requests for now | wait a while, or run `docker login ADDRESS` to be allowed more");
    insta::assert_snapshot!(refused("500 Internal Server Error").await, @"the registry ADDRESS answered with status 500 |");
}

#[tokio::test]
async fn content_that_is_not_what_was_asked_for_is_not_used() {
    let address = scripted(|_, _| answer("200 OK", "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n", "{}")).await;
    let digest = sha256(b"something else");
    let reference = Reference::parse(&format!("{address}/app@{digest}")).unwrap();
    let (registry, _) = Registry::find(&http(), &reference, None, &[]).await.unwrap();
    let error = registry.resolve(&digest, &linux()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the registry {address} sent {} for {digest}: not used", sha256(b"{}")));
    let folder = tempfile::tempdir().unwrap();
    let error = registry.download(&digest, &Cache::at(folder.path())).await.unwrap_err();
    assert!(error.to_string().ends_with(": not used"), "{error}");
    assert!(!folder.path().join("blobs").exists());
}

#[tokio::test]
async fn no_network_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let reference = Reference::parse(&format!("{address}/app:1")).unwrap();
    let error = Registry::find(&http(), &reference, None, &[]).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, RegistryError::Unreachable { .. }), "{error}");
    assert!(error.to_string().starts_with(&format!("the registry {address} does not answer: ")), "{error}");
}
