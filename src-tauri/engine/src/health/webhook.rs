//! Posting notices: what each kind of address understands, signed where that is asked for, and tried again while that may help.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::json;
use sha2::Sha256;

use crate::mask::Secret;
use crate::model::{Notice, NoticeWeight, WebhookKind};

/// The header of the signature: `sha256=` and the HMAC-SHA256 of the body in hex, as GitHub writes its own.
pub const SIGNATURE: &str = "x-nonevent-signature-256";
/// Time that one attempt may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An address with all that is needed to post to it.
#[derive(Debug, Clone)]
pub struct Address {
    /// What it understands.
    pub kind: WebhookKind,
    /// Where it is; it may hold a password.
    pub url: Secret,
    /// The key of the signature.
    pub key: Option<Secret>,
}

/// Why a notice was not taken.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The variable that holds the address or the key is not set.
    #[error("the variable `{name}` is not set")]
    Unset {
        /// Its name.
        name: String,
    },
    /// The address answered, and did not take it.
    #[error("the address answered {status}")]
    Refused {
        /// How.
        status: StatusCode,
    },
    /// The address did not answer.
    #[error("the address cannot be reached: {reason}")]
    Unreachable {
        /// Why, without the address.
        reason: String,
    },
}

impl WebhookError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unset { name } => Some(format!("set `{name}` where `nonevent watch` runs")),
            Self::Refused { .. } => Some("check the address and what it understands: `webhook.NAME.kind`".into()),
            Self::Unreachable { .. } => None,
        }
    }

    /// Tells whether it may be taken the next time.
    fn may_pass(&self) -> bool {
        match self {
            Self::Unset { .. } => false,
            Self::Refused { status } => {
                status.is_server_error() || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
            }
            Self::Unreachable { .. } => true,
        }
    }
}

/// How often, and how long, an address is tried: five times, over about a minute.
pub fn patience() -> ExponentialBuilder {
    ExponentialBuilder::default().with_min_delay(Duration::from_secs(4)).with_max_times(4).with_jitter()
}

/// Posts a notice, trying again while that may help.
///
/// # Errors
/// When it was never taken.
pub async fn post(client: &Client, address: &Address, notice: &Notice, patience: ExponentialBuilder) -> Result<(), WebhookError> {
    let attempt = || async {
        let answer = request(client, address, notice).timeout(TIMEOUT).send().await;
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(WebhookError::Refused { status: answer.status() }),
            Err(error) => Err(WebhookError::Unreachable { reason: crate::image::http::reason(&error.without_url()) }),
        }
    };
    attempt.retry(patience).when(WebhookError::may_pass).await
}

fn request(client: &Client, address: &Address, notice: &Notice) -> RequestBuilder {
    let post = client.post(address.url.reveal());
    let line = format!("{}\n{}", notice.title, notice.text);
    match address.kind {
        WebhookKind::Slack => post.json(&json!({ "text": escaped(&line) })),
        // Discord refuses more than 2000 characters, and would call everybody whom a text names.
        WebhookKind::Discord => {
            let content: String = line.chars().take(2000).collect();
            post.json(&json!({ "content": content, "allowed_mentions": { "parse": [] } }))
        }
        WebhookKind::Ntfy => {
            let (priority, tag) = match notice.weight {
                NoticeWeight::Outage => ("urgent", "rotating_light"),
                NoticeWeight::Warning => ("high", "warning"),
                NoticeWeight::Good => ("default", "white_check_mark"),
            };
            let post = post.header("Priority", priority).header("Tags", tag).body(notice.text.clone());
            let post = post.header("Title", ascii(&notice.title));
            match &notice.url {
                Some(url) => post.header("Click", ascii(url)),
                None => post,
            }
        }
        WebhookKind::Json => {
            let body = serde_json::to_vec(notice).unwrap_or_default();
            let post = post.header("Content-Type", "application/json");
            match &address.key {
                Some(key) => post.header(SIGNATURE, signature(key, &body)).body(body),
                None => post.body(body),
            }
        }
    }
}

/// Returns the signature of a body.
pub fn signature(key: &Secret, body: &[u8]) -> String {
    // A key of any length will do for HMAC (RFC 2104).
    let mac = Hmac::<Sha256>::new_from_slice(key.reveal().as_bytes()).map(|mac| mac.chain_update(body));
    mac.map(|mac| format!("sha256={}", hex::encode(mac.finalize().into_bytes()))).unwrap_or_default()
}

/// What Slack would read as its own marks.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What may stand in a header.
fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
