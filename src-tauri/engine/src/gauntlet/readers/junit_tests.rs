//! Reports, honest ones and others.
#![allow(clippy::unwrap_used)]

use super::*;

const XUNIT1: &str = r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="2" skipped="2" tests="6">
<testcase classname="tests.test_shop" name="test_ok" file="tests/test_shop.py" line="6" time="0.001" />
<testcase classname="tests.test_shop.TestCart" name="test_deep[a/b::c]" file="tests/test_shop.py" line="13" time="0.250"><failure message="AssertionError: not two&#10;assert 'a' == 2">    def test_deep(self, n):
&gt;       helper(n)

tests/test_shop.py:16:
x = 'a'
&gt;       assert x == 2 &amp;&amp; "quoted"
E       AssertionError: not two

tests/helpers.py:5: AssertionError</failure></testcase>
<testcase classname="tests.test_shop" name="test_lib" file="tests/test_shop.py" line="20" time="0"><failure message="ValueError: x">tests/test_shop.py:21:
/usr/lib/python3.13/json/decoder.py:355: ValueError</failure></testcase>
<testcase classname="tests.test_shop" name="test_skip" file="tests/test_shop.py" line="17" time="0.000"><skipped type="pytest.skip" message="later">/app/tests/test_shop.py:18: later</skipped></testcase>
<testcase classname="tests.test_shop" name="test_xfail" file="tests/test_shop.py" line="20" time="0.000"><skipped type="pytest.xfail" message="" /></testcase>
<testcase classname="" name="tests.test_import" file="tests/test_import.py" time="0.000"><error message="collection failure">ImportError while importing test module '/app/tests/test_import.py'.
tests/test_import.py:1: in &lt;module&gt;
    import nope
E   ModuleNotFoundError: No module named 'nope'</error></testcase>
</testsuite></testsuites>"#;

#[test]
fn tests_are_counted_and_failures_placed() {
    let report = read(XUNIT1.as_bytes(), &Paths::new("/app")).expect("report").report;
    assert_eq!((report.passed, report.failed, report.errors, report.skipped), (1, 2, 1, 2));
    let deep = &report.failures[0];
    assert_eq!(deep.id, "tests/test_shop.py::TestCart::test_deep[a/b::c]");
    assert_eq!((deep.file.as_deref(), deep.line), (Some("tests/helpers.py"), Some(5)));
    assert_eq!(deep.message, "AssertionError: not two");
    assert!(deep.text.contains("> ") && deep.text.contains(r#"x == 2 && "quoted""#), "{}", deep.text);
    assert!((deep.duration_s - 0.25).abs() < 1e-9);
    let library = &report.failures[1];
    assert_eq!((library.file.as_deref(), library.line), (Some("tests/test_shop.py"), Some(21)));
    let import = &report.failures[2];
    assert_eq!((import.id.as_str(), import.line), ("tests/test_import.py", Some(1)));
    assert_eq!(import.message, "ModuleNotFoundError: No module named 'nope'");
}

#[test]
fn the_family_without_files_is_understood() {
    let xml = r#"<testsuites><testsuite><testcase classname="tests.unit.test_shop.TestCart" name="test_x" time="1"><failure message="">boom
File "/app/tests/unit/test_shop.py", line 12, in test_x
ValueError: boom</failure></testcase></testsuite></testsuites>"#;
    let report = read(xml.as_bytes(), &Paths::new("/app")).expect("report").report;
    let outcome = &report.failures[0];
    assert_eq!(outcome.id, "tests/unit/test_shop.py::TestCart::test_x");
    assert_eq!((outcome.file.as_deref(), outcome.line), (Some("tests/unit/test_shop.py"), Some(12)));
    assert_eq!(outcome.message, "ValueError: boom");
}

#[test]
fn no_tests_are_no_tests() {
    let xml = r#"<?xml version="1.0"?><testsuites name="pytest tests"><testsuite name="pytest" tests="0" /></testsuites>"#;
    assert_eq!(read(xml.as_bytes(), &Paths::new("/app")).expect("report").report, TestReport::default());
}

#[test]
fn what_is_torn_or_no_report_is_nonsense() {
    let torn = XUNIT1.get(..XUNIT1.len() / 2).expect("half");
    for text in [torn, "", "not xml", "<html></html>", "<testsuites><testsuite>"] {
        assert!(read(text.as_bytes(), &Paths::new("/app")).is_err(), "{text}");
    }
}

#[test]
fn a_failure_without_end_is_cut() {
    let long = "é".repeat(LONGEST_TEXT);
    let xml =
        format!("<testsuite><testcase name=\"t\" classname=\"a\"><failure message=\"m\">{long}</failure></testcase></testsuite>");
    let report = read(xml.as_bytes(), &Paths::new("/app")).expect("report").report;
    assert!(report.failures[0].text.len() <= LONGEST_TEXT);
}

#[test]
fn every_test_is_told_with_its_state_and_time() {
    let tests = read(XUNIT1.as_bytes(), &Paths::new("/app")).expect("report");
    let states: Vec<(&str, TestState)> = tests.results.iter().map(|test| (test.id.as_str(), test.state)).collect();
    assert_eq!(
        states,
        [
            ("tests/test_shop.py::test_ok", TestState::Passed),
            ("tests/test_shop.py::TestCart::test_deep[a/b::c]", TestState::Failed),
            ("tests/test_shop.py::test_lib", TestState::Failed),
            ("tests/test_shop.py::test_skip", TestState::Skipped),
            ("tests/test_shop.py::test_xfail", TestState::Skipped),
            ("tests/test_import.py", TestState::Error),
        ]
    );
    let slowest: Vec<&str> = tests.report.slowest.iter().map(|test| test.id.as_str()).collect();
    assert_eq!(slowest, ["tests/test_shop.py::TestCart::test_deep[a/b::c]"]);
}

#[test]
fn a_test_that_is_told_twice_is_one_and_keeps_what_it_printed() {
    let xml = r#"<testsuites><testsuite>
<testcase classname="tests.test_a" name="test_x" file="tests/test_a.py" line="3" time="0.5"><failure message="boom">body</failure><system-out>said &lt;this&gt;</system-out></testcase>
<testcase classname="tests.test_a" name="test_x" file="tests/test_a.py" line="3" time="0.25"><error message="late">teardown</error></testcase>
</testsuite></testsuites>"#;
    let tests = read(xml.as_bytes(), &Paths::new("/app")).expect("report");
    assert_eq!((tests.report.failed, tests.report.errors, tests.results.len()), (1, 0, 1));
    let failure = &tests.report.failures[0];
    assert_eq!((failure.text.as_str(), failure.output.as_str()), ("body\n\nteardown", "said <this>"));
    assert_eq!((failure.file.as_deref(), failure.line), (Some("tests/test_a.py"), Some(4)), "where it is defined, at least");
    assert!((tests.results[0].duration_s - 0.75).abs() < 1e-9);
}

#[test]
fn bombs_and_entities_of_its_own_are_nonsense() {
    let bomb = r#"<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]>
<testsuites><testsuite><testcase classname="a" name="b"><failure>&lol2;</failure></testcase></testsuite></testsuites>"#;
    let reason = read(bomb.as_bytes(), &Paths::new("/app")).unwrap_err().to_string();
    assert!(reason.contains("document type"), "{reason}");
    let entity = r#"<testsuite><testcase classname="a" name="b"><failure>&x;</failure></testcase></testsuite>"#;
    assert!(read(entity.as_bytes(), &Paths::new("/app")).is_err());
    let attribute = r#"<testsuite><testcase classname="a" name="&x;"/></testsuite>"#;
    assert!(read(attribute.as_bytes(), &Paths::new("/app")).is_err());
}

#[test]
fn what_is_not_text_is_nonsense_and_never_a_crash() {
    let bytes =
        b"<testsuite><testcase classname=\"a\" name=\"b\"><failure message=\"m\">\xff\xfe</failure></testcase></testsuite>";
    assert!(read(bytes, &Paths::new("/app")).is_err());
    let nameless = "<testsuite><testcase classname=\"a\"/></testsuite>";
    assert!(read(nameless.as_bytes(), &Paths::new("/app")).is_err());
    let times =
        r#"<testsuite><testcase classname="a" name="b" time="NaN"/><testcase classname="a" name="c" time="-1e999"/></testsuite>"#;
    let tests = read(times.as_bytes(), &Paths::new("/app")).expect("report");
    assert!(tests.results.iter().all(|test| test.duration_s == 0.0));
}

#[test]
fn ten_thousand_failures_stay_within_bounds() {
    let text = "x".repeat(4096);
    let cases: String = (0..10_000)
        .map(|n| format!("<testcase classname=\"a\" name=\"t{n}\"><failure message=\"m\">{text}</failure></testcase>"))
        .collect();
    let tests = read(format!("<testsuite>{cases}</testsuite>").as_bytes(), &Paths::new("/app")).expect("report");
    assert_eq!(tests.report.failed, 10_000);
    assert!(tests.report.failures.iter().map(|failure| failure.text.len()).sum::<usize>() <= ALL_TEXTS);
    assert_eq!(tests.report.failures[9_999].message, "m");
}
