//! `RECORD`: what an installed package consists of (PyPA, recording installed projects).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// The hashes that a wheel's own `RECORD` states, by path.
pub(crate) fn parse(bytes: &[u8]) -> Result<BTreeMap<String, String>, csv::Error> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut hashes = BTreeMap::new();
    for row in reader.records() {
        let row = row?;
        if let (Some(path), Some(hash)) = (row.get(0), row.get(1))
            && !hash.is_empty()
        {
            hashes.insert(path.to_owned(), hash.to_owned());
        }
    }
    Ok(hashes)
}

/// Returns bytes' hash as `RECORD` writes it.
pub(crate) fn hash(bytes: &[u8]) -> String {
    of_sha256(&Sha256::digest(bytes))
}

/// Returns a sha256 as `RECORD` writes it.
pub(crate) fn of_sha256(hash: &[u8]) -> String {
    format!("sha256={}", URL_SAFE_NO_PAD.encode(hash))
}

/// Writes rows of path, hash and size, sorted by path; `own_path` is the file itself, which has neither hash nor size.
pub(crate) fn write(rows: &BTreeMap<String, (String, u64)>, own_path: &str) -> Result<Vec<u8>, csv::Error> {
    let mut sorted: BTreeMap<&str, (&str, String)> =
        rows.iter().map(|(path, (hash, size))| (path.as_str(), (hash.as_str(), size.to_string()))).collect();
    sorted.insert(own_path, ("", String::new()));
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    for (path, (hash, size)) in sorted {
        writer.write_record([path, hash, &size])?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_are_sorted_and_quoted_where_needed() {
        let rows = BTreeMap::from([("z.py".to_owned(), (hash(b""), 0)), ("a,b.py".to_owned(), ("sha256=x".to_owned(), 3))]);
        let text = String::from_utf8(write(&rows, "m.dist-info/RECORD").unwrap()).unwrap();
        assert_eq!(
            text,
            "\"a,b.py\",sha256=x,3\nm.dist-info/RECORD,,\nz.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(paths in proptest::collection::btree_set("[^\\r\\n\\x00]{1,40}", 1..20)) {
            let rows: BTreeMap<_, _> = paths.iter().map(|path| (path.clone(), (hash(path.as_bytes()), 1))).collect();
            let read = parse(&write(&rows, "own").unwrap()).unwrap();
            let expected: BTreeMap<_, _> = rows.iter().filter(|(path, _)| *path != "own").map(|(path, (hash, _))| (path.clone(), hash.clone())).collect();
            prop_assert_eq!(read, expected);
        }
    }
}
