//! `[notify]`: when people are told, and how.

use super::checks::{check_label, word};
use crate::model::WebhookKind;
use crate::project::names::is_variable;
use crate::project::section::{Section, quoted};
use crate::project::{Located, ProjectError};

/// `[notify]`.
#[derive(Debug, Default)]
pub(in crate::project) struct NotifySection {
    pub desktop: Option<Located<bool>>,
    pub quiet: Option<Located<(u16, u16)>>,
    pub webhooks: Vec<(String, WebhookSection)>,
}

/// `[notify.webhook.NAME]`.
#[derive(Debug)]
pub(in crate::project) struct WebhookSection {
    pub kind: Option<Located<WebhookKind>>,
    pub url: Located<String>,
    pub secret: Option<Located<String>>,
}

impl NotifySection {
    pub fn read(top: &Section<'_>) -> Result<Self, ProjectError> {
        let Some(section) = top.section("notify")? else { return Ok(Self::default()) };
        let found = Self {
            desktop: section.flag("desktop")?,
            quiet: read_quiet(&section)?,
            webhooks: WebhookSection::read_all(&section)?,
        };
        section.finish()?;
        Ok(found)
    }
}

impl WebhookSection {
    fn read_all(notify: &Section<'_>) -> Result<Vec<(String, Self)>, ProjectError> {
        let Some(all) = notify.section("webhook")? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in all.entries() {
            check_label(&all, &entry)?;
            let section = all.named(&entry)?;
            found.push((entry.name.clone(), Self::read(&section)?));
        }
        Ok(found)
    }

    fn read(section: &Section<'_>) -> Result<Self, ProjectError> {
        let words = [
            ("slack", WebhookKind::Slack),
            ("discord", WebhookKind::Discord),
            ("ntfy", WebhookKind::Ntfy),
            ("json", WebhookKind::Json),
        ];
        let kind = word(section, "kind", &words)?;
        let (url, secret) = (section.string("url")?, section.string("secret")?);
        section.finish()?;
        let url = url.ok_or_else(|| section.missing("url", "url = \"env:SHOP_WEBHOOK\""))?;
        let sound = match url.value.strip_prefix("env:") {
            Some(name) => is_variable(name),
            None => url::Url::parse(&url.value).is_ok_and(|url| matches!(url.scheme(), "http" | "https")),
        };
        if !sound {
            let reason = "it is neither an `http` or `https` URL nor the name of a variable".into();
            return Err(section.bad("url", &url.at, "the text", reason, "write `url = \"env:SHOP_WEBHOOK\"`".into()));
        }
        if let Some(secret) = &secret {
            if secret.value.strip_prefix("env:").is_none_or(|name| !is_variable(name)) {
                let reason = "the key of a signature stands in a variable, never in a file".into();
                return Err(section.bad("secret", &secret.at, "the text", reason, "write `secret = \"env:SHOP_KEY\"`".into()));
            }
            if kind.as_ref().is_some_and(|kind| kind.value != WebhookKind::Json) {
                return Err(ProjectError::Contradiction {
                    at: secret.at.clone(),
                    message: format!("`{}` signs what only `kind = \"json\"` posts", section.key("secret")),
                    hint: "leave `secret` out".into(),
                });
            }
        }
        Ok(Self { kind, url, secret })
    }
}

/// Reads `quiet = "22:00-07:00"`.
fn read_quiet(section: &Section<'_>) -> Result<Option<Located<(u16, u16)>>, ProjectError> {
    let Some(found) = section.string("quiet")? else { return Ok(None) };
    let minutes = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    match found.value.split_once('-').and_then(|(from, to)| Some((minutes(from)?, minutes(to)?))) {
        Some(quiet) => Ok(Some(Located::new(quiet, found.at))),
        None => {
            let hint = "write `quiet = \"22:00-07:00\"`".into();
            Err(section.bad("quiet", &found.at, &quoted(&found.value), "it is no span of a day".into(), hint))
        }
    }
}
