//! What a running worker does, and the commands that bring it to what it should do. Pure.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::https;
use super::render::backend_name;
use super::script::Section;
use super::{CheckKind, Color, ProxyState, SLOTS};

/// Entries of a map file, or of a worker's copy of it.
pub type Entries = BTreeMap<String, String>;

/// What stands in `serving.map` and `preview.map` for an environment without such a side: no backend has this name.
const NOBODY: &str = "-";

/// What can be changed without a reload: maps and servers. Derived from a state, or read from a worker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Runtime {
    maps: BTreeMap<&'static str, Entries>,
    servers: BTreeMap<String, BTreeMap<u16, Option<(Ipv4Addr, u16)>>>,
}

/// Every map, in the order in which it is changed: what a request meets last comes last.
const MAPS: [&str; 7] = ["check-path.map", "check-host.map", "scheme.map", "hosts.map", PREVIEW, SHARE, SERVING];
const PREVIEW: &str = "preview.map";
const SHARE: &str = "share.map";
const SERVING: &str = "serving.map";

impl Runtime {
    /// Derives what a worker does that follows this state.
    pub fn of(state: &ProxyState) -> Self {
        let mut maps: BTreeMap<&'static str, Entries> = MAPS.iter().map(|name| (*name, Entries::new())).collect();
        let mut servers = BTreeMap::new();
        let mut put = |map: &'static str, key: String, value: String| {
            maps.entry(map).or_default().insert(key, value);
        };
        for host in https::secure_only(state) {
            put("scheme.map", host.to_owned(), "https".to_owned());
        }
        for (key, place) in &state.places {
            for domain in &place.domains {
                put("hosts.map", domain.clone(), key.clone());
            }
            let name = |color: Option<Color>| color.map_or_else(|| NOBODY.to_owned(), |color| backend_name(key, color));
            put(SERVING, key.clone(), name(place.serving));
            let idle = Some(place.idle_color()).filter(|color| place.sides.contains_key(color));
            put(PREVIEW, key.clone(), name(idle));
            put(SHARE, key.clone(), place.share.to_string());
            for color in Color::ALL {
                let backend = backend_name(key, color);
                let side = place.sides.get(&color);
                // A worker knows only the maps that its configuration names: where every check is TCP, those of checks are not there.
                if place.check(color) == CheckKind::Http {
                    put("check-path.map", backend.clone(), side.map_or_else(|| "/".to_owned(), |side| side.path.clone()));
                    let host = side.map(|side| side.domain.clone()).filter(|domain| !domain.is_empty());
                    put("check-host.map", backend.clone(), host.unwrap_or_else(|| "localhost".to_owned()));
                }
                let slots = (1..=SLOTS)
                    .map(|number| (number, side.and_then(|side| side.slots.get(&number)).map(|slot| (slot.address, slot.port))))
                    .collect();
                servers.insert(backend, slots);
            }
        }
        Self { maps, servers }
    }

    /// Reads what a worker does from what the scripts print: sections `map NAME` and `servers BACKEND`.
    pub fn read(sections: &[Section]) -> Self {
        let mut runtime = Self::default();
        for section in sections {
            match section.name.split_once(' ') {
                Some(("map", name)) => {
                    if let Some(name) = MAPS.iter().find(|known| **known == name) {
                        runtime.maps.insert(name, section.lines().filter_map(map_entry).collect());
                    }
                }
                Some(("servers", backend)) => {
                    runtime.servers.insert(backend.to_owned(), section.lines().filter_map(server).collect());
                }
                _ => {}
            }
        }
        runtime
    }

    /// Leaves only the servers of one environment, as the scripts print no others.
    pub fn only(mut self, key: &str) -> Self {
        let names = Color::ALL.map(|color| backend_name(key, color));
        self.servers.retain(|backend, _| names.contains(backend));
        self
    }

    /// Returns its maps by file name.
    pub fn maps(&self) -> impl Iterator<Item = (&'static str, &Entries)> {
        self.maps.iter().map(|(name, entries)| (*name, entries))
    }

    /// Returns the commands that bring a worker from here to there, in an order in which every moment between two of them is a
    /// state that is fit to serve: servers are ready before a map names them, and stop only after none does.
    pub fn commands_to(&self, wanted: &Self) -> Vec<String> {
        let mut commands = Vec::new();
        let mut endings = Vec::new();
        for (backend, slots) in &wanted.servers {
            let none = BTreeMap::new();
            let now = self.servers.get(backend).unwrap_or(&none);
            for (number, slot) in slots {
                let server = format!("{backend}/s{number}");
                let held = now.get(number).copied().flatten();
                match slot {
                    Some((address, port)) if held != *slot => {
                        if held.is_some() {
                            commands.push(format!("set server {server} state maint"));
                        }
                        commands.push(format!("set server {server} addr {address} port {port}"));
                        commands.push(format!("set server {server} state ready"));
                        commands.push(format!("set server {server} health up"));
                    }
                    None if held.is_some() => endings.push(format!("set server {server} state maint")),
                    _ => {}
                }
            }
        }
        for map in MAPS {
            let none = Entries::new();
            let (now, then) = (self.maps.get(map).unwrap_or(&none), wanted.maps.get(map).unwrap_or(&none));
            for (key, value) in then.iter().filter(|(key, value)| now.get(*key) != Some(value)) {
                match map {
                    SERVING => commands.extend(wanted.awaken(value)),
                    SHARE if value != "0" && now.get(key).is_none_or(|before| before == "0") => {
                        commands.extend(
                            wanted
                                .maps
                                .get(PREVIEW)
                                .and_then(|map| map.get(key))
                                .into_iter()
                                .flat_map(|idle| wanted.awaken(idle)),
                        );
                    }
                    _ => {}
                }
                let verb = if now.contains_key(key) { "set" } else { "add" };
                commands.push(format!("{verb} map {map} {} {}", word(key), word(value)));
            }
            endings.extend(now.keys().filter(|key| !then.contains_key(*key)).map(|key| format!("del map {map} {}", word(key))));
        }
        commands.extend(endings);
        commands
    }

    /// A server that was staged before its app listened is down until the next check of the proxy; whoever gives it requests knows better.
    fn awaken(&self, backend: &str) -> Vec<String> {
        let slots = self.servers.get(backend).into_iter().flatten();
        slots.filter(|(_, slot)| slot.is_some()).map(|(number, _)| format!("set server {backend}/s{number} health up")).collect()
    }
}

/// Quotes one word for the command line of HAProxy, where spaces part words and semicolons part commands.
fn word(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for character in text.chars().filter(|character| !character.is_control()) {
        if matches!(character, ' ' | ';' | '\\' | '"' | '\'' | '#' | '<') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

/// Reads a line of `show map`: `0x55d0 shop.localhost shop_local`.
fn map_entry(line: &str) -> Option<(String, String)> {
    let mut words = line.splitn(3, ' ');
    let address = words.next()?;
    address.starts_with("0x").then_some(())?;
    Some((words.next()?.to_owned(), words.next()?.trim_end().to_owned()))
}

/// Reads a line of `show servers state` (management guide, 9.3): server name, address, administrative state and port.
fn server(line: &str) -> Option<(u16, Option<(Ipv4Addr, u16)>)> {
    /// Put into maintenance by a command or by the configuration, and not taken out since.
    const FORCED_MAINTENANCE: u32 = 1;
    let fields: Vec<&str> = line.split(' ').collect();
    let number = fields.get(3)?.strip_prefix('s')?.parse().ok()?;
    let address = fields.get(4)?.parse().ok()?;
    let admin: u32 = fields.get(6)?.parse().ok()?;
    let port = fields.get(18)?.parse().ok()?;
    Some((number, (admin & FORCED_MAINTENANCE == 0).then_some((address, port))))
}

#[cfg(test)]
#[path = "runtime_tests.rs"]
mod tests;
