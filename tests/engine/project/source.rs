//! The state of the source, by the real `git`.

use std::path::Path;
use std::process::Command;

use nonevent_engine::project::source_state;

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .env_remove("GIT_DIR")
        .output()
        .expect("these tests need `git`");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "--quiet", "--initial-branch", "main"]);
    folder
}

fn commit(folder: &Path, file: &str, text: &str) -> String {
    std::fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
    std::fs::write(folder.join(file), text).unwrap();
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "x"]);
    git(folder, &["rev-parse", "HEAD"])
}

#[test]
fn a_clean_tree_has_commit_and_branch() {
    let folder = repository();
    let hash = commit(folder.path(), "a.py", "");
    let state = source_state(folder.path());
    assert_eq!((state.commit, state.branch.as_deref(), state.dirty), (Some(hash), Some("main"), false));
}

#[test]
fn changed_and_untracked_files_make_it_dirty_and_ignored_ones_do_not() {
    let folder = repository();
    commit(folder.path(), ".gitignore", "*.log\n");
    std::fs::write(folder.path().join("a.log"), "").unwrap();
    assert!(!source_state(folder.path()).dirty);
    std::fs::write(folder.path().join("b.py"), "").unwrap();
    assert!(source_state(folder.path()).dirty, "untracked");
    commit(folder.path(), "b.py", "1");
    std::fs::write(folder.path().join("b.py"), "2").unwrap();
    assert!(source_state(folder.path()).dirty, "changed");
}

#[test]
fn only_the_projects_own_folder_counts() {
    let folder = repository();
    commit(folder.path(), "api/a.py", "");
    std::fs::write(folder.path().join("elsewhere.py"), "").unwrap();
    assert!(!source_state(&folder.path().join("api")).dirty);
}

#[test]
fn a_detached_head_has_no_branch() {
    let folder = repository();
    let hash = commit(folder.path(), "a.py", "");
    git(folder.path(), &["checkout", "--quiet", "--detach"]);
    let state = source_state(folder.path());
    assert_eq!((state.commit, state.branch, state.dirty), (Some(hash), None, false));
}

#[test]
fn before_the_first_commit_there_is_none() {
    let state = source_state(repository().path());
    assert_eq!((state.commit, state.branch.as_deref(), state.dirty), (None, Some("main"), true));
}

#[test]
fn outside_a_repository_the_source_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let state = source_state(folder.path());
    assert_eq!((state.commit, state.branch, state.dirty), (None, None, true));
}

#[test]
fn a_folder_that_its_repository_ignores_is_not_in_it() {
    let folder = repository();
    commit(folder.path(), ".gitignore", "work/\n");
    std::fs::create_dir(folder.path().join("work")).unwrap();
    assert_eq!((source_state(&folder.path().join("work")).commit, source_state(&folder.path().join("work")).dirty), (None, true));
}
