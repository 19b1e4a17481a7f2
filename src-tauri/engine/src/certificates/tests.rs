use super::*;

fn authority_in(folder: &tempfile::TempDir) -> Authority {
    Authority::of(folder.path())
}

#[test]
fn an_authority_is_made_once_and_only_its_owner_reads_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let first = authority_in(&folder);
    let (path, id) = (first.certificate().unwrap(), first.id().unwrap());
    let before = std::fs::read(&path).unwrap();
    let second = authority_in(&folder);
    assert_eq!((second.certificate().unwrap(), second.id().unwrap()), (path.clone(), id));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join("authority").join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn processes_that_make_an_authority_at_once_agree_on_one() {
    let folder = tempfile::tempdir().unwrap();
    let ids: Vec<String> = std::thread::scope(|scope| {
        let makers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| authority_in(&folder).issue("shop.localhost").unwrap().authority)).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

/// What OpenSSL thinks of a certificate.
fn verified(folder: &tempfile::TempDir, authority: &Path, pem: &str, host: &str) -> (bool, String) {
    let file = folder.path().join("leaf.pem");
    std::fs::write(&file, pem).unwrap();
    let output = std::process::Command::new("openssl")
        .args(["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", host, "-CAfile"])
        .args([authority, &file])
        .output()
        .expect("this test needs openssl");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_it_signs_is_good_for_its_host_and_for_local_names_only() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority_in(&folder);
    let certificate = authority.certificate().unwrap();
    let issued = authority.issue("review.shop.localhost").unwrap();
    assert_eq!(verified(&folder, &certificate, issued.pem.reveal(), "review.shop.localhost"), (true, String::new()));
    assert!(!verified(&folder, &certificate, issued.pem.reveal(), "other.localhost").0);

    // Whoever steals the key can vouch for nothing else.
    let key = KeyPair::generate().unwrap();
    let stolen = Issuer::new(super::authority(&authority.key().unwrap()).unwrap(), authority.key().unwrap());
    let (params, _) = leaf("bank.example.com", LEAF_DAYS).unwrap();
    let forged = params.signed_by(&key, &stolen).unwrap().pem();
    let (good, said) = verified(&folder, &certificate, &forged, "bank.example.com");
    assert!(!good && said.contains("permitted subtree violation"), "{said}");
}

#[test]
fn it_refuses_names_that_are_not_local() {
    let folder = tempfile::tempdir().unwrap();
    let error = authority_in(&folder).issue("shop.example.com").unwrap_err();
    assert_eq!(error.to_string(), "shop.example.com is not a local name");
    assert!(error.hint().unwrap().contains("https = \"acme\""));
    assert!(is_local("localhost") && is_local("a.b.test") && !is_local("localhost.example.com") && !is_local("notlocalhost"));
}

#[test]
fn a_key_that_is_none_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("authority")).unwrap();
    std::fs::write(folder.path().join("authority").join(KEY_FILE), "nonsense").unwrap();
    let error = authority_in(&folder).issue("shop.localhost").unwrap_err();
    assert!(error.to_string().contains("authority.key holds no key"), "{error}");
    assert!(error.hint().unwrap().contains("remove the folder"), "{error:?}");
}

#[test]
fn a_certificate_is_due_before_it_ends_and_a_placeholder_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let issued = authority_in(&folder).issue("shop.localhost").unwrap();
    assert!(!is_due(&issued.until), "{}", issued.until);
    assert!(is_due("2026-01-01") && is_due("nonsense"));
    let pem = placeholder("shop.example.com").unwrap();
    let file = folder.path().join("placeholder.pem");
    std::fs::write(&file, pem.reveal()).unwrap();
    let ended =
        std::process::Command::new("openssl").args(["x509", "-noout", "-checkend", "0", "-in"]).arg(&file).output().unwrap();
    assert!(!ended.status.success(), "it has ended");
}
