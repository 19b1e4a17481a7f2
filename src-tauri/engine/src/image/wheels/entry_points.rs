//! Entry points and the scripts that call them (PyPA entry points specification).

use super::WheelError;

/// Groups whose entry points become scripts.
pub(crate) const SCRIPT_GROUPS: [&str; 2] = ["console_scripts", "gui_scripts"];

/// One line of `entry_points.txt`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryPoint {
    pub(crate) group: String,
    pub(crate) name: String,
    /// `module:function`, extras after it.
    pub(crate) target: String,
}

/// Reads `entry_points.txt`: sections, and `name = target` in them. Lines that are neither are skipped, as Python's own reader does.
pub(crate) fn parse(text: &str) -> Vec<EntryPoint> {
    let mut found = Vec::new();
    let mut group = String::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            group = section.trim().to_owned();
        } else if let Some((name, target)) = line.split_once('=') {
            let (name, target) = (name.trim().to_owned(), target.trim().to_owned());
            found.push(EntryPoint { group: group.clone(), name, target });
        }
    }
    found
}

/// Returns the script that calls an entry point.
pub(crate) fn script(interpreter: &str, name: &str, target: &str) -> Result<Vec<u8>, WheelError> {
    let refused = || WheelError::EntryPoint { name: name.to_owned(), target: target.to_owned() };
    let called = target.split('[').next().unwrap_or_default().trim();
    let (module, function) = called.split_once(':').ok_or_else(refused)?;
    let (module, function) = (module.trim(), function.trim());
    if !is_dotted_name(module) || !is_dotted_name(function) || !is_file_name(name) {
        return Err(refused());
    }
    let imported = function.split('.').next().unwrap_or(function);
    Ok(format!(
        "#!{interpreter}\nimport sys\n\nfrom {module} import {imported}\n\nif __name__ == \"__main__\":\n    sys.exit({function}())\n"
    )
    .into_bytes())
}

/// Points a script of a wheel, whose first line begins with `#!python`, to an interpreter; others stay as they are (`None`).
pub(crate) fn with_interpreter(script: &[u8], interpreter: &str) -> Option<Vec<u8>> {
    let rest = script.strip_prefix(b"#!python")?;
    let rest = rest.strip_prefix(b"w").unwrap_or(rest);
    Some([b"#!", interpreter.as_bytes(), rest].concat())
}

fn is_dotted_name(text: &str) -> bool {
    let is_name = |part: &str| {
        !part.is_empty()
            && !part.starts_with(|c: char| c.is_ascii_digit())
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    text.split('.').all(is_name)
}

fn is_file_name(text: &str) -> bool {
    !text.is_empty() && text != "." && text != ".." && !text.contains(['/', '\\', '\0', '\n'])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_lines() {
        let found =
            parse("# made by hand\n[console_scripts]\nshop = shop.cli:main\nx=a.b:c.d [extra]\n\n[pytest11]\nplug = p.lug\n");
        let said: Vec<_> = found.iter().map(|entry| format!("{}/{}/{}", entry.group, entry.name, entry.target)).collect();
        assert_eq!(said, ["console_scripts/shop/shop.cli:main", "console_scripts/x/a.b:c.d [extra]", "pytest11/plug/p.lug"]);
    }

    #[test]
    fn a_script_calls_its_target() {
        let text = String::from_utf8(script("/opt/venv/bin/python", "shop", "shop.cli:App.run [all]").unwrap()).unwrap();
        insta::assert_snapshot!(text, @r#"
#!/opt/venv/bin/python
import sys

from shop.cli import App

if __name__ == "__main__":
    sys.exit(App.run())
"#);
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for (name, target) in [("a", "module"), ("a", "m:"), ("a", ":f"), ("a", "m:f;import os"), ("a/b", "m:f"), ("a", "m:1f")] {
            let error = script("/p", name, target).unwrap_err();
            assert_eq!(error.to_string(), format!("`{name} = {target}` is no entry point: write it as `module:function`"));
        }
    }

    #[test]
    fn only_the_placeholder_is_replaced() {
        assert_eq!(with_interpreter(b"#!python\nx", "/p").unwrap(), b"#!/p\nx");
        assert_eq!(with_interpreter(b"#!pythonw -E\nx", "/p").unwrap(), b"#!/p -E\nx");
        assert_eq!(with_interpreter(b"#!/bin/sh\nx", "/p"), None);
        assert_eq!(with_interpreter(b"\x7fELF", "/p"), None);
    }
}
