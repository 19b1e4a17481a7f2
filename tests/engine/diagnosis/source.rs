//! What the project's files say.

use nonevent_engine::diagnosis::{Shipped, SourceFacts};
use nonevent_engine::model::SourcePlace;

#[test]
fn modules_hosts_prefix_and_lock_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let hash = "0".repeat(64);
    write("src/shop/__init__.py", "");
    write("src/shop/settings.py", "import os\n\nALLOWED_HOSTS = []\n");
    write("src/shop/config.py", "from pydantic_settings import BaseSettings\nX = dict(env_prefix=\"SHOP_\")\n");
    write("requirements.txt", &format!("flask==3.1.0 --hash=sha256:{hash}\n"));
    write("requirements-dev.txt", &format!("pytest==9.0.1 --hash=sha256:{hash}\n"));
    write("alembic.ini", "[alembic]\n");
    write(".venv/lib/python3.13/site-packages/shop/other.py", "");
    write(".gitignore", ".venv\n");
    let shipped = Shipped { python: "3.13".into(), ..Shipped::default() };
    let facts = SourceFacts::read(folder.path(), &shipped);
    assert_eq!(
        facts.files.iter().map(String::as_str).collect::<Vec<_>>(),
        ["src/shop/__init__.py", "src/shop/config.py", "src/shop/settings.py"]
    );
    assert_eq!(facts.allowed_hosts, Some(SourcePlace { file: "src/shop/settings.py".into(), line: 3 }));
    assert_eq!((facts.settings_prefix.as_deref(), facts.alembic), (Some("SHOP_"), true));
    let lock = facts.lock.clone().unwrap();
    assert!(lock.shipped.contains("flask") && lock.development.contains("pytest"), "{lock:?}");
    assert_eq!(facts.file("shop/settings.py").as_deref(), Some("src/shop/settings.py"));
    assert!(facts.has_package("shop") && !facts.has_package("src"));
    assert_eq!(facts.near("shop.setings").as_deref(), Some("shop.settings"));
    assert_eq!(facts.near("numpy"), None);
    assert_eq!(SourceFacts::read(&folder.path().join("absent"), &shipped), SourceFacts::default());
}
