//! Variables in a compose file's values (Compose specification, "Interpolation"). Pure.

/// A text whose variables were filled in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Filled {
    pub text: String,
    /// Variables that nothing sets and that have no default: they are taken as empty, as Compose does.
    pub unset: Vec<String>,
}

/// Nesting of defaults in defaults that nobody writes.
const DEEPEST: usize = 16;

/// Fills in `$NAME`, `${NAME}`, and `${NAME…}` with `:-`, `-`, `:?`, `?`, `:+` and `+`; `$$` is a dollar.
///
/// # Errors
/// What a required variable asks for, or that something is no variable.
pub(super) fn interpolate(text: &str, get: &dyn Fn(&str) -> Option<String>) -> Result<Filled, String> {
    let mut filled = Filled::default();
    fill(text, get, 0, &mut filled)?;
    Ok(filled)
}

fn fill(text: &str, get: &dyn Fn(&str) -> Option<String>, depth: usize, filled: &mut Filled) -> Result<(), String> {
    if depth > DEEPEST {
        return Err("its defaults are nested too deeply".to_owned());
    }
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        filled.text.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            filled.text.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix('{') {
            let end = closing(after).ok_or_else(|| format!("`${{{}` is not closed", head(after)))?;
            let (inside, after) = (after.get(..end).unwrap_or_default(), after.get(end + 1..).unwrap_or_default());
            braced(inside, get, depth, filled)?;
            rest = after;
        } else {
            let name = name_of(after);
            if name.is_empty() {
                return Err(format!("`${}` is no variable: write a dollar as `$$`", head(after)));
            }
            plain(name, get, filled);
            rest = after.get(name.len()..).unwrap_or_default();
        }
    }
    filled.text.push_str(rest);
    Ok(())
}

fn braced(inside: &str, get: &dyn Fn(&str) -> Option<String>, depth: usize, filled: &mut Filled) -> Result<(), String> {
    let name = name_of(inside);
    let operation = inside.get(name.len()..).unwrap_or_default();
    if name.is_empty() {
        return Err(format!("`${{{inside}}}` is no variable"));
    }
    let value = get(name);
    let filled_value = || value.clone().filter(|value| !value.is_empty());
    // The longer operators first: they say that an empty value counts as none.
    let operators: [(&str, &dyn Fn() -> Option<String>); 6] = [
        (":-", &filled_value),
        (":?", &filled_value),
        (":+", &filled_value),
        ("-", &|| value.clone()),
        ("?", &|| value.clone()),
        ("+", &|| value.clone()),
    ];
    if operation.is_empty() {
        plain(name, get, filled);
        return Ok(());
    }
    let Some((operator, word, value)) =
        operators.iter().find_map(|(operator, value)| Some((*operator, operation.strip_prefix(operator)?, value())))
    else {
        return Err(format!("`${{{inside}}}` is no variable"));
    };
    match (operator.trim_start_matches(':'), value) {
        ("-", Some(value)) | ("?", Some(value)) => filled.text.push_str(&value),
        ("-", None) | ("+", Some(_)) => fill(word, get, depth + 1, filled)?,
        ("+", None) => {}
        (_, _) => {
            let mut asked = Filled::default();
            fill(word, get, depth + 1, &mut asked)?;
            let words = if asked.text.is_empty() { String::new() } else { format!(": {}", asked.text) };
            return Err(format!("the variable `{name}` must be set{words}"));
        }
    }
    Ok(())
}

fn plain(name: &str, get: &dyn Fn(&str) -> Option<String>, filled: &mut Filled) {
    match get(name) {
        Some(value) => filled.text.push_str(&value),
        None => filled.unset.push(name.to_owned()),
    }
}

/// Returns the name at the start of a text; empty when there is none.
fn name_of(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let name = text.get(..end).unwrap_or_default();
    if name.starts_with(|c: char| c.is_ascii_digit()) { "" } else { name }
}

/// Finds the brace that closes, skipping those of variables inside.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut dollar = false;
    for (at, character) in text.char_indices() {
        match character {
            '{' if dollar => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
        dollar = character == '$';
    }
    None
}

fn head(text: &str) -> String {
    text.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(name: &str) -> Option<String> {
        match name {
            "SET" => Some("value".into()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn variables_are_filled_in_as_the_specification_says() {
        let table = [
            ("no variable", "no variable"),
            ("$SET and ${SET}s", "value and values"),
            ("$$SET costs $$5", "$SET costs $5"),
            ("${SET:-default}", "value"),
            ("${NONE:-default}", "default"),
            ("${EMPTY:-default}", "default"),
            ("${EMPTY-default}", ""),
            ("${NONE-default}", "default"),
            ("${NONE:-}", ""),
            ("${SET:+other}|${EMPTY:+other}|${NONE:+other}", "other||"),
            ("${SET+other}|${EMPTY+other}|${NONE+other}", "other|other|"),
            ("${SET:?needed}${EMPTY?needed}", "value"),
            ("${NONE:-${EMPTY:-${SET}}}", "value"),
            ("redis://:${NONE:-p}@cache:6379/0", "redis://:p@cache:6379/0"),
            ("${NONE:-a{b}", "a{b"),
            ("$NONE.", "."),
        ];
        for (text, expected) in table {
            assert_eq!(interpolate(text, &get).map(|filled| filled.text), Ok(expected.to_owned()), "{text}");
        }
        assert_eq!(interpolate("$A ${B} ${C:-c} ${D-}", &get).map(|filled| filled.unset), Ok(vec!["A".into(), "B".into()]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let table = [
            ("${NONE:?set it in .env}", "the variable `NONE` must be set: set it in .env"),
            ("${EMPTY:?}", "the variable `EMPTY` must be set"),
            ("${NONE?}", "the variable `NONE` must be set"),
            ("costs $5", "`$5` is no variable: write a dollar as `$$`"),
            ("${SET", "`${SET` is not closed"),
            ("${SET!x}", "`${SET!x}` is no variable"),
            ("${}", "`${}` is no variable"),
        ];
        for (text, expected) in table {
            assert_eq!(interpolate(text, &get), Err(expected.to_owned()), "{text}");
        }
        assert!(interpolate(&format!("{}x{}", "${A:-".repeat(100), "}".repeat(100)), &get).is_err());
    }
}
