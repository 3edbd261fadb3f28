// SPDX-License-Identifier: MIT
//! Reads the kernel's Kconfig files far enough to say why a symbol did not get its value.
//!
//! The kernel's own tools answer this only on a full-screen terminal (menuconfig's search), and
//! Kconfiglib does not read 7.3's grammar. It is a reader for explanations: no decision hangs on
//! it, so what it does not understand it shows as it stands.

use crate::fragment::{Config, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// How far a chain of unmet dependencies is followed.
const DEPTH: usize = 4;

/// Each symbol's definitions; a symbol may have several, one of which is enough.
#[derive(Default)]
pub struct Tree {
    symbols: BTreeMap<String, Vec<Definition>>,
}

#[derive(Clone, Default)]
struct Definition {
    /// Expressions that must all hold: `depends on` of its own and of what encloses it.
    depends: Vec<String>,
    /// Whether the user may set it: it has a prompt.
    prompt: bool,
}

/// What a block that encloses symbols adds to each of them.
struct Scope {
    depends: Vec<String>,
}

impl Tree {
    /// Reads Kconfig from the top of the kernel source.
    ///
    /// # Errors
    ///
    /// When the top file cannot be read.
    pub fn read(source: &Path, srcarch: &str) -> Result<Self> {
        let mut tree = Self::default();
        let mut scopes = Vec::new();
        tree.file(source, srcarch, "Kconfig", &mut scopes)
            .map_err(|error| format!("reading the kernel's Kconfig files: {error}"))?;
        Ok(tree)
    }

    fn file(
        &mut self,
        source: &Path,
        srcarch: &str,
        name: &str,
        scopes: &mut Vec<Scope>,
    ) -> Result<()> {
        let text =
            fs::read_to_string(source.join(name)).map_err(|error| format!("{name}: {error}"))?;
        let text = text.replace("\\\n", " ");
        let mut current: Option<String> = None;
        // Indentation of a help text's first line; lines at least as deep belong to it.
        let mut help: Option<usize> = None;
        for line in text.lines() {
            let indent = line
                .chars()
                .take_while(|c| c.is_whitespace())
                .map(|c| if c == '\t' { 8 } else { 1 })
                .sum::<usize>();
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            if let Some(depth) = help {
                if depth == 0 && indent > 0 {
                    help = Some(indent);
                    continue;
                }
                if depth > 0 && indent >= depth {
                    continue;
                }
                help = None;
            }
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let rest = rest.trim();
            match word {
                "config" | "menuconfig" => {
                    let depends = scopes.iter().flat_map(|s| s.depends.clone()).collect();
                    self.symbols
                        .entry(rest.to_owned())
                        .or_default()
                        .push(Definition { depends, prompt: false });
                    current = Some(rest.to_owned());
                }
                "if" => {
                    scopes.push(Scope { depends: vec![rest.to_owned()] });
                    current = None;
                }
                "menu" | "choice" => {
                    scopes.push(Scope { depends: Vec::new() });
                    current = None;
                }
                "endif" | "endmenu" | "endchoice" => {
                    scopes.pop();
                    current = None;
                }
                "comment" => current = Some(String::new()),
                "source" => {
                    let path = rest
                        .trim_matches('"')
                        .replace("$(SRCARCH)", srcarch)
                        .replace("$(HEADER_ARCH)", srcarch);
                    // A generated or an absent optional file explains nothing.
                    if source.join(&path).is_file() {
                        self.file(source, srcarch, &path, scopes)?;
                    }
                    current = None;
                }
                "help" | "---help---" => help = Some(0),
                "depends" => {
                    let expression = rest.strip_prefix("on").unwrap_or(rest).trim().to_owned();
                    match current.as_deref() {
                        Some("") => {}
                        Some(symbol) => {
                            if let Some(last) =
                                self.symbols.get_mut(symbol).and_then(|d| d.last_mut())
                            {
                                last.depends.push(expression);
                            }
                        }
                        None => {
                            if let Some(scope) = scopes.last_mut() {
                                scope.depends.push(expression);
                            }
                        }
                    }
                }
                "bool" | "tristate" | "string" | "int" | "hex" | "prompt" => {
                    let has_prompt = rest.starts_with(['"', '\'']);
                    if let Some(last) = current
                        .as_deref()
                        .and_then(|symbol| self.symbols.get_mut(symbol))
                        .and_then(|d| d.last_mut())
                    {
                        last.prompt |= has_prompt;
                        // The condition of a prompt is a dependency for whoever sets the symbol.
                        if let Some((_, condition)) = rest.rsplit_once("\" if ") {
                            last.depends.push(condition.to_owned());
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Says in words why `symbol` (with its `CONFIG_`) is not `value`.
    pub fn explain(&self, symbol: &str, value: &str, config: &Config) -> String {
        let name = symbol.strip_prefix("CONFIG_").unwrap_or(symbol);
        let mut seen = BTreeSet::new();
        self.reason(name, value, config, DEPTH, &mut seen)
    }

    fn reason(
        &self,
        name: &str,
        value: &str,
        config: &Config,
        depth: usize,
        seen: &mut BTreeSet<String>,
    ) -> String {
        let Some(definitions) = self.symbols.get(name) else {
            return "this kernel has no such symbol for this architecture".to_owned();
        };
        if value == "n" {
            return "something selects it, or its default is on and it has no prompt".to_owned();
        }
        if !definitions.iter().any(|d| d.prompt) {
            return format!(
                "{name} has no prompt: it is computed or selected, and cannot be asked for"
            );
        }
        // The definition with the fewest unmet dependencies is the one that was meant.
        let unmet = definitions
            .iter()
            .map(|definition| {
                let mut unmet = Vec::new();
                for expression in &definition.depends {
                    for part in conjuncts(expression) {
                        if evaluate(part, config) < tristate(value) && !unmet.contains(&part) {
                            unmet.push(part);
                        }
                    }
                }
                unmet
            })
            .min_by_key(Vec::len)
            .unwrap_or_default();
        if unmet.is_empty() {
            return "its dependencies are met; another fragment, a choice or a value out of range overrides it".to_owned();
        }
        unmet
            .iter()
            .map(|part| {
                let mut text = format!("unmet dependency {part}");
                let states: Vec<_> =
                    names(part).map(|n| format!("{n}={}", state(n, config))).collect();
                text.push_str(&format!(" ({})", states.join(", ")));
                let single = part.trim_matches(|c| c == '(' || c == ')').trim();
                if depth > 0 && self.symbols.contains_key(single) && seen.insert(single.to_owned())
                {
                    text.push_str(&format!(
                        ": {}",
                        self.reason(single, "y", config, depth - 1, seen)
                    ));
                }
                text
            })
            .collect::<Vec<_>>()
            .join("; ")
    }
}

fn state<'a>(name: &str, config: &'a Config) -> &'a str {
    config.get(&format!("CONFIG_{name}")).map_or("n", String::as_str)
}

/// n, m, y as 0, 1, 2. Strings and numbers ask for y.
fn tristate(value: &str) -> u8 {
    match value {
        "n" => 0,
        "m" => 1,
        _ => 2,
    }
}

/// The symbols in an expression.
fn names(expression: &str) -> impl Iterator<Item = &str> {
    expression
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.chars().any(|c| c.is_ascii_uppercase()))
}

/// Splits at the `&&` that stand outside parentheses.
fn conjuncts(expression: &str) -> Vec<&str> {
    split(expression, "&&")
}

fn split<'a>(expression: &'a str, operator: &str) -> Vec<&'a str> {
    let (mut parts, mut depth, mut start, mut at) = (Vec::new(), 0usize, 0, 0);
    let bytes = expression.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            // The rest of the line is a comment.
            b'#' => break,
            _ if depth == 0 && expression[at..].starts_with(operator) => {
                parts.push(expression[start..at].trim());
                at += operator.len();
                start = at;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(expression[start..at].trim());
    parts
}

/// An expression's value; what this reader does not understand counts as met.
fn evaluate(expression: &str, config: &Config) -> u8 {
    let expression = expression.trim();
    let either = split(expression, "||");
    if either.len() > 1 {
        return either.iter().map(|part| evaluate(part, config)).max().unwrap_or(2);
    }
    let all = split(expression, "&&");
    if all.len() > 1 {
        return all.iter().map(|part| evaluate(part, config)).min().unwrap_or(2);
    }
    if expression.starts_with("$(") {
        return 2;
    }
    if let Some(rest) = expression.strip_prefix('!') {
        if !rest.starts_with('=') {
            return 2 - evaluate(rest, config);
        }
    }
    if let Some(inner) = expression.strip_prefix('(').and_then(|e| e.strip_suffix(')')) {
        return evaluate(inner, config);
    }
    for (operator, equal) in [("!=", false), (">=", true), ("<=", true), ("=", true)] {
        if let Some((left, right)) = expression.split_once(operator) {
            if operator.len() == 2 && equal {
                let (left, right) = (number(left, config), number(right, config));
                let (Some(left), Some(right)) = (left, right) else { return 2 };
                let holds = if operator == ">=" { left >= right } else { left <= right };
                return if holds { 2 } else { 0 };
            }
            let same = operand(left, config) == operand(right, config);
            return if same == equal { 2 } else { 0 };
        }
    }
    match expression {
        "y" => 2,
        "m" => 1,
        "n" => 0,
        name => match state(name, config) {
            "m" => 1,
            "n" => 0,
            _ => 2,
        },
    }
}

fn operand(word: &str, config: &Config) -> String {
    let word = word.trim().trim_matches('"');
    if word.chars().any(|c| c.is_ascii_uppercase()) {
        state(word, config).to_owned()
    } else {
        word.to_owned()
    }
}

fn number(word: &str, config: &Config) -> Option<u64> {
    operand(word, config).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Tree {
        let dir = std::env::temp_dir().join(format!(
            "ironroot-kconfig-{}-{:p}",
            std::process::id(),
            text
        ));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("Kconfig"), text).unwrap();
        let tree = Tree::read(&dir, "riscv").unwrap();
        fs::remove_dir_all(&dir).unwrap();
        tree
    }

    fn config(pairs: &[(&str, &str)]) -> Config {
        pairs.iter().map(|(k, v)| (format!("CONFIG_{k}"), (*v).to_owned())).collect()
    }

    #[test]
    fn names_the_missing_dependency_and_its_own() {
        let tree = tree("config A\n\tbool \"a\"\n\tdepends on B && C\n\thelp\n\t  depends on nothing\nif D\nconfig B\n\tbool \"b\"\nendif\nconfig D\n\tbool \"d\"\n");
        let text = tree.explain("CONFIG_A", "y", &config(&[("C", "y")]));
        assert!(text.contains("unmet dependency B (B=n): unmet dependency D (D=n)"), "{text}");
        assert!(!text.contains(" C "), "{text}");
    }

    #[test]
    fn knows_what_cannot_be_asked_for() {
        let tree = tree("config A\n\tdef_bool y\n");
        assert!(tree.explain("CONFIG_A", "y", &config(&[])).contains("no prompt"));
        assert!(tree.explain("CONFIG_Z", "y", &config(&[])).contains("no such symbol"));
    }

    #[test]
    fn a_module_does_not_satisfy_a_builtin() {
        let tree = tree("config A\n\ttristate \"a\"\n\tdepends on B\nconfig B\n\ttristate \"b\"\n");
        assert!(tree.explain("CONFIG_A", "y", &config(&[("B", "m")])).contains("B=m"));
    }

    #[test]
    fn evaluates() {
        let config = config(&[("A", "y"), ("M", "m"), ("V", "108501")]);
        for (expression, value) in [
            ("A && !B", 2),
            ("A && M", 1),
            ("B || (M && A)", 1),
            ("A=y", 2),
            ("A!=y", 0),
            ("V >= 109600", 0),
            ("V >= 108500", 2),
            ("!(A && B)", 2),
            ("$(cc-option,-mx)", 2),
        ] {
            assert_eq!(evaluate(expression, &config), value, "{expression}");
        }
    }
}
