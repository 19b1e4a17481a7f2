#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::*;

struct InMemory;

impl Content<Vec<u8>> for InMemory {
    fn open<'a>(&'a mut self, content: &'a Vec<u8>) -> io::Result<Box<dyn Read + 'a>> {
        Ok(Box::new(Cursor::new(content)))
    }
}

fn file(bytes: &[u8]) -> Node<Vec<u8>> {
    Node::File { mode: Mode::Plain, size: bytes.len() as u64, time: EPOCH, content: bytes.to_vec() }
}

fn made(tree: &Tree<Vec<u8>>, packing: Packing) -> (LayerBlob, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let blob = write(tree, &mut InMemory, packing, &cache).unwrap();
    let bytes = std::fs::read(cache.blob(&blob.digest)).unwrap();
    (blob, bytes)
}

fn sample() -> Tree<Vec<u8>> {
    let mut tree = Tree::default();
    let long = format!("app/{}/{}.py", "deep".repeat(30), "name".repeat(30));
    tree.insert("app/main.py", file(b"print('hello')\n")).unwrap();
    tree.insert("app/big.bin", file(&(0..3_000_000u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>())).unwrap();
    tree.insert(&long, file(b"")).unwrap();
    tree.insert("app/naïve.txt", file("ü".as_bytes())).unwrap();
    tree.insert("app/link", Node::Link { target: "main.py".into() }).unwrap();
    tree.insert("app-other", file(b"sorts before the folder's children")).unwrap();
    tree
}

#[test]
fn bytes_are_the_same_as_those_of_one_thread() {
    let input: Vec<u8> = (0..1_500_000u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
    let mut parallel = gzip::Gzip::new(Vec::new());
    // Cut as awkwardly as a tar writer does.
    for piece in input.chunks(70_001) {
        parallel.write_all(piece).unwrap();
    }
    let serial: Vec<u8> = input.chunks(1 << 20).flat_map(|chunk| gzip::member(chunk).unwrap()).collect();
    assert_eq!(parallel.finish().unwrap(), serial);
}

#[test]
fn golden_digest_of_a_small_layer() {
    let mut tree = Tree::default();
    tree.insert("app/main.py", file(b"print('hello')\n")).unwrap();
    let (blob, _) = made(&tree, Packing::Gzip);
    insta::assert_snapshot!(
        format!("{} {} {} {}", blob.digest, blob.diff_id, blob.size, blob.unpacked),
        @"sha256:51564b87ef07b541be493239adc88a7f3bf7b641e23f12ea16913cf54e2e9d45 sha256:cd87b128ff2d7a00d3f8dbbd95f014b04b3206ba8181bcefa74f672eb5e7f660 135 2560"
    );
}

#[test]
fn any_reader_of_tar_and_gzip_reads_it_back() {
    let (blob, bytes) = made(&sample(), Packing::Gzip);
    let mut tar = Vec::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut tar).unwrap();
    assert_eq!(tar.len() as u64, blob.unpacked);
    assert_eq!(super::super::digest::sha256(&tar), blob.diff_id);
    let (plain, plain_bytes) = made(&sample(), Packing::Plain);
    assert_eq!(plain.diff_id, blob.diff_id);
    assert_eq!(plain.digest, plain.diff_id);
    assert_eq!(plain_bytes, tar);

    let mut archive = tar::Archive::new(tar.as_slice());
    let mut names = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let header = entry.header();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, EPOCH));
        if path == "app/main.py" {
            assert_eq!(header.mode().unwrap(), 0o644);
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            assert_eq!(text, "print('hello')\n");
        }
        names.push(path);
    }
    assert_eq!(names[..2], ["app/".to_owned(), "app-other".to_owned()]);
    assert!(names.iter().any(|name| name.ends_with(&format!("{}.py", "name".repeat(30)))));
    assert!(names.contains(&"app/naïve.txt".to_owned()));
}

#[test]
fn a_file_that_grew_or_shrank_is_an_error() {
    for lie in [4, 6] {
        let mut tree = Tree::default();
        tree.insert("app/log.txt", Node::File { mode: Mode::Plain, size: lie, time: EPOCH, content: b"12345".to_vec() }).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let error = write(&tree, &mut InMemory, Packing::Gzip, &Cache::at(folder.path())).unwrap_err();
        assert_eq!(error.to_string(), "`app/log.txt` could not be put into the image: its size changed while it was read");
        assert!(!folder.path().join("blobs").exists());
    }
}

#[test]
fn a_path_is_taken_once() {
    let mut tree = Tree::default();
    tree.insert("a/b", file(b"1")).unwrap();
    tree.insert("a", Node::Directory).unwrap();
    assert_eq!(tree.insert("a/b", file(b"1")), Err(Clash { path: "a/b".into() }));
    assert_eq!(tree.insert("a/b/c", file(b"1")), Err(Clash { path: "a/b".into() }));
    assert_eq!(tree.insert("a", file(b"1")), Err(Clash { path: "a".into() }));
}
