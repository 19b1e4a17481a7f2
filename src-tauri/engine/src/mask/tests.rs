#![allow(clippy::unwrap_used)]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;

use super::*;

const TOKEN: &str = "made-up/T0ken+with \"all\" & <kinds>?";

fn mask(values: &[&str]) -> Mask {
    let secrets: Vec<Secret> = values.iter().map(|value| Secret::new(*value)).collect();
    Mask::new(&secrets)
}

fn streamed(mask: &Mask, text: &[u8], chunk: usize) -> String {
    let mut stream = mask.stream();
    let mut shown: Vec<u8> = text.chunks(chunk.max(1)).flat_map(|piece| stream.push(piece)).collect();
    shown.extend(stream.finish());
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn a_value_is_found_in_every_form() {
    let mask = mask(&[TOKEN]);
    let forms = [
        TOKEN.to_owned(),
        serde_json::to_string(TOKEN).unwrap(),
        "made-up/T0ken+with &quot;all&quot; &amp; &lt;kinds&gt;?".to_owned(),
        "made-up%2FT0ken%2Bwith%20%22all%22%20%26%20%3Ckinds%3E%3F".to_owned(),
        "made-up%2fT0ken%2bwith%20%22all%22%20%26%20%3ckinds%3e%3f".to_owned(),
        "made-up%2FT0ken%2Bwith+%22all%22+%26+%3Ckinds%3E%3F".to_owned(),
        "made-up/T0ken%2Bwith%20%22all%22%20%26%20%3Ckinds%3E%3F".to_owned(),
        hex::encode(TOKEN),
        hex::encode_upper(TOKEN),
    ];
    for form in forms {
        for chunk in [1, 2, 7, 1000] {
            let shown = streamed(&mask, format!("before {form} after").as_bytes(), chunk);
            let within = shown.strip_prefix("before ").and_then(|rest| rest.strip_suffix(" after")).unwrap();
            assert_eq!(within.trim_matches('"'), HIDDEN, "{form} in chunks of {chunk}");
        }
    }
}

#[test]
fn a_value_that_is_not_of_ascii_is_found_in_json_of_ascii() {
    let mask = mask(&["gänse<füße>😀&'schnee"]);
    for form in [
        r"g\u00e4nse<f\u00fc\u00dfe>\ud83d\ude00&'schnee",
        r"gänse\u003cfüße\u003e😀\u0026'schnee",
        r"gänse\u003Cfüße\u003E😀\u0026'schnee",
        r"gänse\u003cfüße\u003e😀\u0026\u0027schnee",
        r"g\u00e4nse\u003cf\u00fc\u00dfe\u003e\ud83d\ude00\u0026\u0027schnee",
        r"g\u00e4nse\u003Cf\u00fc\u00dfe\u003E\ud83d\ude00\u0026'schnee",
    ] {
        assert_eq!(mask.text(form), HIDDEN, "{form}");
    }
}

#[test]
fn base64_is_found_at_every_place_and_wrapped() {
    let mask = mask(&[TOKEN]);
    for before in 0..4 {
        let text = format!("{}{TOKEN}:password", "u".repeat(before));
        for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
            assert!(mask.text(&encoded).contains(HIDDEN), "{before} bytes before");
            let wrapped: Vec<String> =
                encoded.as_bytes().chunks(16).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
            let shown = streamed(&mask, wrapped.join("\n").as_bytes(), 5);
            assert!(shown.contains(HIDDEN), "{before} bytes before, wrapped: {shown}");
            assert_eq!(shown.matches('\n').count(), wrapped.len() - 1, "lines stay lines");
            // What is left at the ends tells less than a group of the value.
            let left: String = shown.replace(HIDDEN, "").replace('\n', "");
            assert!(!left.contains(&encoded[4 * before.div_ceil(3) + 4..4 * before.div_ceil(3) + 12]), "{left}");
        }
    }
}

#[test]
fn a_key_of_several_lines_is_found_line_by_line() {
    let key = "-----BEGIN MADE UP KEY-----\nMIIBVgIBADANBgkqhkiG9w0BAQ\nEFAASCAUAwggE8AgEAAkEAq7BF\n-----END MADE UP KEY-----\n";
    let mask = mask(&[key]);
    let indented = key.replace('\n', "\n    ");
    let shown = mask.text(&indented);
    assert!(!shown.contains("MIIBVgIBADANBgkqhkiG9w0BAQ") && !shown.contains("EFAASCAUAwggE8AgEAAkEAq7BF"), "{shown}");
    assert_eq!(mask.text(&format!("a\n{key}b")), "a\n***\n\n\n\nb");
}

#[test]
fn what_only_looks_like_a_beginning_passes() {
    let mask = mask(&["secret-one", "secret-one-and-more"]);
    let mut stream = mask.stream();
    assert_eq!(stream.push(b"a sec"), b"a ");
    assert_eq!(stream.push(b"ond secret-one"), b"second ");
    assert_eq!(stream.push(b"-and-lead"), b"***-and-lead");
    assert_eq!(stream.push(b" secret-one-and-more"), b" ***");
    assert_eq!(stream.push(b"\nplain\n"), b"\nplain\n");
    assert!(stream.finish().is_empty());
    assert_eq!(mask.text("secret-on"), "secret-on");
}

#[test]
fn nothing_to_hide_costs_nothing() {
    let empty = mask(&["", "abc", "  a  "]);
    assert!(empty.is_empty());
    assert!(matches!(empty.text("abc"), Cow::Borrowed("abc")));
}

#[test]
fn anything_with_a_json_shape_is_walked() {
    let mask = mask(&["hunter22"]);
    let told = std::collections::BTreeMap::from([("key hunter22".to_owned(), vec!["x".to_owned(), "aHVudGVyMjI=".to_owned()])]);
    let hidden = mask.of(told).unwrap();
    assert_eq!(format!("{hidden:?}"), r#"{"key ***": ["x", "***I="]}"#);
    assert_eq!(format!("{mask:?} {:?}", Secret::new("hunter22")), "Mask(****) ****");
}

proptest! {
    #[test]
    fn chunks_make_no_difference_and_the_rest_stays(
        parts in proptest::collection::vec("[ab\n ]{0,6}|abba-abba|abba-abab", 0..12),
        chunk in 1_usize..9,
    ) {
        let mask = mask(&["abba-abba", "abba-abab"]);
        let text = parts.concat();
        let shown = streamed(&mask, text.as_bytes(), chunk);
        prop_assert_eq!(&shown, &mask.text(&text).into_owned());
        let flat = shown.replace('\n', "");
        prop_assert!(!flat.contains("abba-abba") && !flat.contains("abba-abab"), "{}", shown);
        prop_assert_eq!(shown.matches('\n').count(), text.matches('\n').count());
        if !text.contains('-') {
            prop_assert_eq!(shown, text);
        }
    }
}
