//! The files of a generation: HAProxy's configuration, its maps, its pages. Pure; `ProxyState::TEMPLATE` grows with each change.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::log::FORMAT;
use super::{
    CheckKind, Color, FOLDER, INSTANCE_HEADER, PREVIEW_PORT, PREVIEW_SUFFIX, PUBLIC_PORT, PlaceState, ProxyState, REASON_HEADER,
    Runtime, SECURE_PORT, SLOTS, https,
};

/// Renders every file that a generation is made of, by name, from the state that it also holds (as [`super::Generation`]).
pub fn files(state: &ProxyState) -> BTreeMap<&'static str, String> {
    let runtime = Runtime::of(state);
    let mut files = BTreeMap::from([
        ("haproxy.cfg", configuration(state)),
        ("nothing.html", NOTHING_HTML.to_owned()),
        ("unavailable.http", unavailable()),
    ]);
    files.extend(https::files(state));
    for (name, entries) in runtime.maps() {
        let mut text = String::new();
        for (key, value) in entries {
            let _ = writeln!(text, "{key} {value}");
        }
        files.insert(name, text);
    }
    files
}

fn configuration(state: &ProxyState) -> String {
    let head = HEAD.replace("{FOLDER}", FOLDER).replace("{LOG_FORMAT}", FORMAT);
    let mut text = head.replace("{TLS}\n", &https::global(state));
    text.push_str(&https::sections(state));
    text.push_str(
        &FRONTENDS
            .replace("{PUBLIC_PORT}", &PUBLIC_PORT.to_string())
            .replace("{SECURE_PORT}", &SECURE_PORT.to_string())
            .replace("{HTTPS_RULES}\n", &https::rules(state))
            .replace("{PREVIEW_PORT}", &PREVIEW_PORT.to_string())
            .replace("{INSTANCE_HEADER}", INSTANCE_HEADER)
            .replace("{REASON_HEADER}", REASON_HEADER)
            .replace("{PREVIEW_SUFFIX}", &PREVIEW_SUFFIX.replace('.', "\\."))
            .replace("{PUBLIC_FORWARDED}", &FORWARDED.replace("{SCHEME}", "%[ssl_fc,iif(https,http)]"))
            // Probes and previews bear what requests bear that reach the host as people do.
            .replace("{PREVIEW_FORWARDED}", &FORWARDED.replace("{SCHEME}", "%[var(txn.host),map(scheme.map,http)]"))
            .replace("{SUBNET}", &state.subnet),
    );
    for (key, place) in &state.places {
        for color in Color::ALL {
            backend(&mut text, key, place, color);
        }
    }
    text
}

fn backend(text: &mut String, key: &str, place: &PlaceState, color: Color) {
    let name = backend_name(key, color);
    let _ = writeln!(text, "\nbackend {name}\n    balance leastconn");
    if place.check(color) == CheckKind::Http {
        let _ = writeln!(
            text,
            "    option httpchk\n    \
             http-check send meth GET uri-lf \"%[str({name}),map(check-path.map,/)]\" ver HTTP/1.1 \
             hdr Host \"%[str({name}),map(check-host.map,localhost)]\" \
             hdr X-Forwarded-Proto \"%[str({name}),map(check-host.map,localhost),map(scheme.map,http)]\" hdr User-Agent nonevent\n    \
             http-check expect rstatus ^2"
        );
    }
    let _ = writeln!(text, "    default-server check inter 2s fastinter 1s downinter 1s fall 3 rise 1");
    for number in 1..=SLOTS {
        let _ = match place.sides.get(&color).and_then(|side| side.slots.get(&number)) {
            Some(slot) => writeln!(text, "    server s{number} {}:{}", slot.address, slot.port),
            None => writeln!(text, "    server s{number} 0.0.0.0:1 disabled"),
        };
    }
}

/// Returns the name of one backend of an environment.
pub(super) fn backend_name(key: &str, color: Color) -> String {
    format!("{key}.{}", color.word())
}

/// Bodies are not kept on connections to servers (`http-server-close`): an app that closes an idle connection in the very moment
/// in which a request is sent on it would lose that request, and a POST cannot be sent again. With clients they are kept.
const HEAD: &str = r#"# Written by Nonevent. A change made here by hand is lost with the next one made by Nonevent.
global
    log stdout format raw local0 info
    fd-hard-limit 65536
    hard-stop-after 12h
    default-path origin "${NONEVENT_STATE}"
{TLS}

defaults
    mode http
    log global
    log-format {LOG_FORMAT}
    option http-server-close
    option idle-close-on-response
    option redispatch 1
    retries 3
    retry-on conn-failure
    timeout connect 2s
    timeout http-request 30s
    timeout http-keep-alive 75s
    timeout client 10m
    timeout server 10m
    timeout queue 10s
    timeout tunnel 1h
    timeout client-fin 30s
    timeout check 5s
    errorfile 503 unavailable.http
"#;

const FORWARDED: &str = r"http-request set-var(txn.host) req.hdr(host),host_only,lower
    http-request del-header forwarded
    http-request del-header x-forwarded- -m beg
    http-request del-header x-real-ip
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto {SCHEME}
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    http-request set-var(txn.place) var(txn.host),map(hosts.map)";

/// The preview answers for an instance that gave none by its own words, and tells HAProxy's termination state in a header.
const FRONTENDS: &str = r"
frontend public
    bind :{PUBLIC_PORT}
    bind :{SECURE_PORT} ssl crt-list certificates.list strict-sni alpn h2,http/1.1
    http-request del-header {INSTANCE_HEADER}
    {PUBLIC_FORWARDED}
{HTTPS_RULES}
    http-request set-var(txn.backend) var(txn.place),map(serving.map)
    http-request set-var(txn.share) var(txn.place),map_str_int(share.map,0)
    http-request set-var(txn.other) var(txn.place),map(preview.map) if { var(txn.share) -m int gt 0 }
    http-request set-var(txn.backend) var(txn.other) if { var(txn.other),nbsrv -m int gt 0 } { rand(100),sub(txn.share) -m int lt 0 }
    use_backend %[var(txn.backend)] if { var(txn.backend) -m found }
    default_backend nothing

frontend preview
    bind :{PREVIEW_PORT}
    http-request set-log-level silent
    http-request set-var(txn.instance) req.hdr({INSTANCE_HEADER})
    http-request del-header {INSTANCE_HEADER}
    http-request replace-header Host ^(.+){PREVIEW_SUFFIX}(:[0-9]+)?$ \1\2
    {PREVIEW_FORWARDED}
    http-request set-var(txn.backend) var(txn.place),map(preview.map)
    use_backend instance if { var(txn.instance) -m found }
    use_backend %[var(txn.backend)] if { var(txn.backend) -m found }
    default_backend nothing

backend instance
    retries 0
    http-request set-dst var(txn.instance),field(1,:)
    http-request set-dst-port var(txn.instance),field(2,:)
    http-request deny deny_status 403 unless { dst -m ip {SUBNET} }
    http-error status 502 content-type text/plain hdr {REASON_HEADER} %ts string no-answer
    http-error status 503 content-type text/plain hdr {REASON_HEADER} %ts string no-answer
    http-error status 504 content-type text/plain hdr {REASON_HEADER} %ts string no-answer
    server any 0.0.0.0:0

backend nothing
    http-request return status 503 content-type text/html hdr Cache-Control no-store file nothing.html
";

const NOTHING_HTML: &str = r"<!doctype html>
<html lang=en>
<meta charset=utf-8>
<meta name=viewport content='width=device-width'>
<title>Nothing is served here</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;color:#222;background:#fff}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}}</style>
<h1>Nothing is served here</h1>
<p>Nonevent answers at this address, but no release serves under this host name.</p>
<p>Either the name is not that of an environment, or nothing was shipped to it yet: <code>nonevent status</code> lists what serves, <code>nonevent ship</code> changes that.</p>
";

const UNAVAILABLE_HTML: &str = r"<!doctype html>
<html lang=en>
<meta charset=utf-8>
<meta name=viewport content='width=device-width'>
<title>No instance answers</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;color:#222;background:#fff}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}}</style>
<h1>No instance answers</h1>
<p>A release serves here, but none of its instances answers its health check right now. They may be starting.</p>
<p><code>nonevent status</code> shows their state, <code>nonevent logs</code> what they print.</p>
";

fn unavailable() -> String {
    let body = UNAVAILABLE_HTML;
    format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\nCache-Control: no-store\r\nRetry-After: 2\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
