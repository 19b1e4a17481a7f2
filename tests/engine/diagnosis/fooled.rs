//! What must not be taken for a cause: words alone, exceptions that were handled, what explains something else.

use nonevent_engine::model::{Certainty, Framework, HealthProbe};
use nonevent_engine::target::OnceExit;

use crate::patient::{Patient, answers, ended, silent};

fn codes(patient: &Patient) -> Vec<&'static str> {
    patient.diagnose().suspects.iter().map(|suspect| suspect.cause.code()).collect()
}

#[test]
fn exceptions_that_were_handled_do_not_explain_a_missing_path() {
    assert_eq!(codes(&answers(404, "").log("handled").source()), ["health_path_missing"]);
}

#[test]
fn exceptions_that_were_handled_do_not_explain_a_wrong_port() {
    assert_eq!(codes(&silent(&["0.0.0.0:5000"]).log("handled").source()), ["wrong_port"]);
}

#[test]
fn words_in_a_log_are_no_diagnosis() {
    let words = "INFO relation \"orders\" does not exist yet, making it\n\
                 INFO user asked: why does OSError: [Errno 98] Address already in use happen?\n\
                 INFO KeyError: 'SHOP_TOKEN' is what Python says\n\
                 INFO docs: [CRITICAL] WORKER TIMEOUT means that\n\
                 INFO ModuleNotFoundError: No module named 'httpx'\n\
                 INFO exec format error, Permission denied, exec /x failed\n\
                 INFO connection to server at \"db\", port 5432 failed: Connection refused (retrying)\n\
                 INFO connected after all\n\
                 INFO ready";
    ended(1).prints(words).is_unknown("exit code 1");
    silent(&["0.0.0.0:8000"]).prints(words).is_unknown("accepts connections on port 8000");
    answers(503, "not yet").prints(words).is_unknown("answers 503");
    answers(500, "").prints(words).is_unknown("answers 500");
    answers(400, "bad").prints(words).is_unknown("answers 400");
}

#[test]
fn a_handled_exception_does_not_explain_a_later_end() {
    let handled = "ERROR:root:no cache, going on without\nTraceback (most recent call last):\n  File \"/app/shop/wsgi.py\", line 3, in <module>\n    os.environ[\"SHOP_TOKEN\"]\n  File \"<frozen os>\", line 717, in __getitem__\nKeyError: 'SHOP_TOKEN'\n";
    ended(3).prints(&format!("{handled}INFO:root:serving\nINFO:root:told to stop")).is_unknown("exit code 3");
    let silent = silent(&["0.0.0.0:8000"]).prints(&format!("{handled}INFO:root:serving"));
    silent.is_unknown("accepts connections");
    // Nothing was printed after it: it may be it.
    assert_eq!(ended(3).prints(handled).diagnose().suspects[0].certainty, Certainty::Likely);
}

#[test]
fn a_key_that_a_dictionary_lacks_is_no_variable() {
    let text = "Traceback (most recent call last):\n  File \"/app/shop/prices.py\", line 5, in load\n    return PRICES[name]\nKeyError: 'SHOP_TOKEN'";
    assert_eq!(codes(&ended(1).prints(text)), ["uncaught_exception"]);
}

#[test]
fn a_validation_error_of_other_data_is_no_variable() {
    let text = "Traceback (most recent call last):\n  File \"/app/shop/prices.py\", line 5, in load\n    Price(**row)\n  File \"/usr/local/lib/python3.13/site-packages/pydantic/main.py\", line 280, in __init__\npydantic_core._pydantic_core.ValidationError: 1 validation error for Price\namount\n  Field required [type=missing, input_value={}, input_type=dict]";
    assert_eq!(codes(&ended(1).prints(text)), ["uncaught_exception"]);
}

#[test]
fn what_another_request_met_does_not_explain_the_probe() {
    // `/users` fails; the probe of `/healthz` is answered 503 by intent.
    answers(503, "warming up").log("django_no_table").is_unknown("answers 503");
    assert_eq!(codes(&answers(404, "").log("django_no_table")), ["health_path_missing"]);
}

#[test]
fn unapplied_migrations_that_the_development_server_mentions_are_no_cause() {
    assert_eq!(codes(&answers(404, "").log("django_runserver")), ["health_path_missing"]);
}

#[test]
fn memory_explains_more_than_what_was_printed_before() {
    let patient = ended(137).log("missing_package").with(|it| it.examined.exit = Some(OnceExit { exit_code: 137, oom: true }));
    assert_eq!(codes(&patient)[0], "out_of_memory");
}

#[test]
fn an_old_timeout_of_a_worker_does_not_explain_a_404() {
    assert_eq!(codes(&answers(404, "").log("gunicorn_timeout")), ["health_path_missing"]);
    answers(503, "").log("gunicorn_timeout").is_unknown("503");
}

#[test]
fn a_bad_request_of_another_app_is_not_djangos() {
    answers(400, "<h1>Bad Request (400)</h1>").framework(Framework::Flask).is_unknown("400");
    answers(400, "missing parameter `shop`").is_unknown("400");
}

#[test]
fn a_port_for_figures_beside_a_slow_start() {
    let patient = silent(&["0.0.0.0:9100"]).with(|it| it.examined.busy = Some(900));
    assert_eq!(codes(&patient), ["wrong_port", "slow_start"]);
    assert_eq!(patient.diagnose().suspects[0].certainty, Certainty::Likely);
}

#[test]
fn waiting_without_a_sign_of_life_is_not_known() {
    silent(&[]).prints("waiting").is_unknown("listens on no port");
    silent(&[]).is_unknown("has printed nothing");
}

#[test]
fn a_worker_has_no_port_to_be_wrong_about() {
    let worker = silent(&["127.0.0.1:5000"]).with(|it| {
        it.examined.port = None;
        it.probe = Some(HealthProbe::Running);
    });
    worker.is_unknown("the probe failed");
}

#[test]
fn an_exception_that_was_merely_being_handled_counts_less() {
    let text = "Traceback (most recent call last):\n  File \"/app/shop/settings.py\", line 3, in <module>\n    os.environ[\"TOKEN\"]\n  File \"<frozen os>\", line 717, in __getitem__\nKeyError: 'TOKEN'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"/app/shop/settings.py\", line 5, in <module>\n    read()\nRuntimeError: no token anywhere";
    let found = ended(1).prints(text).diagnose();
    assert_eq!((found.suspects[0].cause.code(), found.suspects[0].certainty), ("missing_variable", Certainty::Likely));
}

#[test]
fn nothing_at_all_is_survived() {
    use nonevent_engine::diagnosis::{Symptoms, diagnose};
    assert!(diagnose(&Symptoms::default()).suspects.is_empty());
    for text in [
        "Traceback (most recent call last):",
        "Traceback (most recent call last):\n  File \"",
        "File \"x\", line y, in z",
        "{\"Traceback",
        "| + |",
        "\u{1b}[31m",
    ] {
        drop(ended(1).prints(text).diagnose());
    }
}
