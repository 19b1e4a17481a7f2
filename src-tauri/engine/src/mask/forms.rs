//! The forms in which a value may be printed. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode};

use super::SHORTEST;

/// A line of a value of several lines counts from this length on: `-----` and the like stand in everything.
const LINE: usize = 12;

/// What JavaScript's `encodeURIComponent` leaves, and what Python's `quote` leaves with and without `safe=""`.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const PATH: &AsciiSet = &QUOTED.remove(b'/');
/// What a browser leaves in a user's name or password.
const USERINFO: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'=')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'|');

/// Returns the forms of a value, each without line ends.
pub(super) fn of(value: &str) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    // What is read from a file mostly ends with a line end, which what prints it leaves out.
    for value in [value, value.trim()] {
        written(value, &mut forms);
        encoded(value.as_bytes(), &mut forms);
    }
    for line in value.lines().map(str::trim).filter(|line| line.len() >= LINE && line.len() < value.trim().len()) {
        written(line, &mut forms);
    }
    forms.into_iter().map(without_line_ends).filter(|form| form.len() >= SHORTEST).collect()
}

fn written(value: &str, forms: &mut Vec<Vec<u8>>) {
    let json = serde_json::to_string(value).unwrap_or_default();
    let json = json.trim_matches('"').to_owned();
    // Python's `json.dumps`, and what puts JSON into pages (Django's `json_script`, Flask's `tojson`).
    let script = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let shouted = json.replace('<', "\\u003C").replace('>', "\\u003E").replace('&', "\\u0026");
    let quoted = script.replace('\'', "\\u0027");
    let [ascii, ascii_script, ascii_shouted, ascii_quoted] = [&json, &script, &shouted, &quoted].map(|json| ascii(json));
    // Python's `repr` escapes as JSON does, but for quotes, of which it chooses the kind that does not occur.
    let repr = json.replace("\\\"", "\"");
    let quotes = repr.replace('\'', "\\'");
    let xml = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let attribute = xml.replace('"', "&quot;");
    let html = attribute.replace('\'', "&#x27;");
    let shell = value.replace('\'', "'\\''");
    let shlex = value.replace('\'', "'\"'\"'");
    for form in [
        value.to_owned(),
        ascii,
        ascii_script,
        ascii_shouted,
        ascii_quoted,
        script,
        shouted,
        quoted,
        json,
        repr,
        quotes,
        xml,
        attribute,
        html,
        shell,
        shlex,
    ] {
        forms.push(form.into_bytes());
    }
    for set in [COMPONENT, QUOTED, PATH, USERINFO, NON_ALPHANUMERIC] {
        let upper = percent_encode(value.as_bytes(), set).to_string();
        forms.push(upper.replace("%20", "+").into_bytes());
        forms.push(lower_hexadecimal(&upper).into_bytes());
        forms.push(upper.into_bytes());
    }
}

/// JSON whose characters are all of ASCII: the others as `\u` and four digits of UTF-16 (RFC 8259, section 7).
fn ascii(json: &str) -> String {
    let mut units = [0; 2];
    let escaped = |character: char| match character.is_ascii() {
        true => String::from(character),
        false => character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    json.chars().map(escaped).collect()
}

/// `%3A` as `%3a`, nothing else.
fn lower_hexadecimal(text: &str) -> String {
    let mut digits = 0;
    let lowered = text.chars().map(|character| {
        let lower = digits > 0;
        digits = if character == '%' { 2 } else { usize::saturating_sub(digits, 1) };
        if lower { character.to_ascii_lowercase() } else { character }
    });
    lowered.collect()
}

fn encoded(value: &[u8], forms: &mut Vec<Vec<u8>>) {
    let hexadecimal = hex::encode(value);
    forms.push(hexadecimal.to_uppercase().into_bytes());
    forms.push(hexadecimal.into_bytes());
    // Inside of something longer a value may begin at any of three places of base64's groups; the characters at both ends then
    // depend on their neighbours and are left out.
    for before in 0..3_usize {
        let mut padded = vec![0; before];
        padded.extend_from_slice(value);
        let first = (before * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        for encoded in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            forms.push(encoded.get(first..last).unwrap_or_default().as_bytes().to_vec());
        }
    }
}

fn without_line_ends(mut form: Vec<u8>) -> Vec<u8> {
    form.retain(|byte| !matches!(byte, b'\r' | b'\n'));
    form
}
