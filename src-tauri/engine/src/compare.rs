//! What differs between two releases: pure, but for the commits, which whoever asks has looked up.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::model::{Changed, Commits, Migrations, Placement, Release, ReleaseDiff, unknown_migrations};

/// The version of the evidence's shape from which on it says what an image holds.
const SAYS_PACKAGES: u32 = 3;

/// Compares two releases, and what one environment added to each where that is known.
pub fn compare(from: &Release, to: &Release, placements: Option<(&Placement, &Placement)>, commits: Commits) -> ReleaseDiff {
    let (mut settings, mut secrets) = (release_settings(from, to), Vec::new());
    if let Some((before, after)) = placements {
        settings.extend(changed(&placement_settings(before), &placement_settings(after)));
        secrets = changed(&before.secrets, &after.secrets).into_iter().map(hidden).collect();
    }
    let says = |release: &Release| release.evidence.format >= SAYS_PACKAGES;
    let packages = |release: &Release| -> BTreeMap<String, String> {
        release.evidence.packages.iter().map(|package| (package.name.clone(), package.version.clone())).collect()
    };
    ReleaseDiff {
        from: from.id.clone(),
        to: to.id.clone(),
        commits,
        packages: (says(from) && says(to)).then(|| changed(&packages(from), &packages(to))),
        settings,
        secrets,
        migrations: migrations(&from.evidence.migrations, &to.evidence.migrations),
        image_size: (from.evidence.image_size, to.evidence.image_size),
        base: (base(from), base(to)),
        python: (from.app.python.clone(), to.app.python.clone()),
    }
}

/// Names what an environment gave to its instances otherwise than before: settings by their keys within it, secrets by name.
pub fn placement_changes(before: &Placement, after: &Placement) -> Vec<String> {
    /// Longer values say more than there is room for.
    const SHORT: usize = 16;
    let own = format!("environments.{}.", after.environment);
    let settings = changed(&placement_settings(before), &placement_settings(after)).into_iter().map(|change| {
        let name = change.name.strip_prefix(&own).unwrap_or(&change.name);
        let is_short = |side: &Option<String>| side.as_ref().is_none_or(|value| value.len() <= SHORT);
        match (&change.before, &change.after) {
            (Some(before), Some(after)) if is_short(&change.before) && is_short(&change.after) => {
                format!("{name} {before} → {after}")
            }
            _ => name.to_owned(),
        }
    });
    let secrets = changed(&before.secrets, &after.secrets).into_iter().map(|change| format!("secret {}", change.name));
    settings.chain(secrets).collect()
}

fn base(release: &Release) -> Option<crate::model::Digest> {
    release.evidence.base.as_ref().map(|base| base.digest.clone())
}

fn migrations(before: &[Migrations], after: &[Migrations]) -> Vec<Changed> {
    let only = |these: &[Migrations], those: &[Migrations]| unknown_migrations(these, those).into_iter();
    let gone = only(before, after).map(|name| Changed { before: Some(name.clone()), after: None, name });
    let new = only(after, before).map(|name| Changed { before: None, after: Some(name.clone()), name });
    new.chain(gone).collect()
}

/// The value of a secret is known by its keyed hash only, and that says nothing to a person.
fn hidden(change: Changed) -> Changed {
    let word = |side: Option<String>| side.map(|_| "****".to_owned());
    Changed { name: change.name, before: word(change.before), after: word(change.after) }
}

fn release_settings(from: &Release, to: &Release) -> Vec<Changed> {
    let of = |release: &Release| {
        let mut flat = BTreeMap::new();
        flatten("app", &shape(&release.app), &mut flat);
        flatten("health", &shape(&release.health), &mut flat);
        flatten("release", &shape(&release.settings), &mut flat);
        // It has a place of its own.
        flat.remove("app.python");
        flat
    };
    changed(&of(from), &of(to))
}

fn placement_settings(placement: &Placement) -> BTreeMap<String, String> {
    let mut flat = BTreeMap::new();
    let bare = Placement { secrets: BTreeMap::new(), ..placement.clone() };
    flatten(&format!("environments.{}", placement.environment), &shape(&bare), &mut flat);
    flat.retain(|key, _| !key.ends_with(".environment"));
    flat
}

fn shape(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Writes every leaf under its dotted key. Things of a list that have a name are known by it, so that a new one does not move the others.
fn flatten(key: &str, value: &Value, flat: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) if is_span(fields) => {
            flat.insert(key.to_owned(), span(fields));
        }
        Value::Object(fields) => fields.iter().for_each(|(name, value)| flatten(&format!("{key}.{name}"), value, flat)),
        Value::Array(items) if items.iter().all(|item| item.get("name").is_some_and(Value::is_string)) => {
            for item in items {
                let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
                let mut rest = item.clone();
                rest.as_object_mut().map(|fields| fields.remove("name"));
                flatten(&format!("{key}.{name}"), &rest, flat);
            }
        }
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            flat.insert(key.to_owned(), words.join(" "));
        }
        Value::Null => {}
        Value::String(text) => {
            flat.insert(key.to_owned(), text.clone());
        }
        other => {
            flat.insert(key.to_owned(), other.to_string());
        }
    }
}

/// How serde writes a `Duration`.
fn is_span(fields: &serde_json::Map<String, Value>) -> bool {
    fields.len() == 2 && fields.contains_key("secs") && fields.contains_key("nanos")
}

fn span(fields: &serde_json::Map<String, Value>) -> String {
    let number = |name: &str| fields.get(name).and_then(Value::as_u64).unwrap_or_default();
    match (number("secs"), number("nanos") / 1_000_000) {
        (seconds, 0) => format!("{seconds}s"),
        (seconds, milliseconds) => format!("{}ms", seconds * 1000 + milliseconds),
    }
}

fn changed(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<Changed> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let sides = names.into_iter().map(|name| (name, before.get(name), after.get(name)));
    sides
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| Changed { name: name.clone(), before: before.cloned(), after: after.cloned() })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_environment_gave_otherwise_is_named_and_no_value_of_a_secret_is() {
        let before = json!({
            "environment": "local", "domain": "shop.localhost", "replicas": {"web": 1}, "services": [],
            "env": {"DEBUG": "0", "URL": "http://a-long-name.example.com", "GONE": "x"},
            "secrets": {"API_KEY": "hash-1", "OTHER": "hash-2"}, "secret_delivery": "env",
            "resources": {"memory": 1, "cpus": 1.0, "pids": 1},
        });
        let mut after = before.clone();
        after["replicas"]["web"] = json!(3);
        after["env"] = json!({"DEBUG": "1", "URL": "http://another-name.example.com"});
        after["secrets"]["API_KEY"] = json!("hash-3");
        let placement = |value| serde_json::from_value::<Placement>(value).unwrap();
        let (before, after) = (placement(before), placement(after));
        let named = ["env.DEBUG 0 → 1", "env.GONE", "env.URL", "replicas.web 1 → 3", "secret API_KEY"];
        assert_eq!(placement_changes(&before, &after), named);
        assert_eq!(placement_changes(&after, &after), Vec::<String>::new());
    }
}
