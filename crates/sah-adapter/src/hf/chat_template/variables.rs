//! Which variables a template reads: those that a user can give it values for.

use minijinja::Template;

use super::pieces::{Piece, pieces};

/// Whether `template` reads the variable `name` from outside, in any branch.
pub(super) fn reads(template: &Template<'_, '_>, name: &str) -> bool {
    if template.undeclared_variables(false).contains(name) {
        return true;
    }
    // What minijinja does not see: `{% set name = name or 1 %}`, and `name[1:]`.
    let mentions = mentions(template.source(), name);
    mentions.iter().any(|mention| mention.reads)
        && mentions.iter().all(|mention| mention.reads || !mention.assigns)
}

/// What a piece of code does with a variable.
#[derive(Clone, Copy, Default)]
struct Mention {
    assigns: bool,
    reads: bool,
}

fn mentions(source: &str, name: &str) -> Vec<Mention> {
    let mut mentions = Vec::new();
    for piece in pieces(source) {
        let Piece::Code { inside, is_block, .. } = piece else { continue };
        let (targets, code) = if is_block { split_targets(inside) } else { ("", inside) };
        mentions.push(Mention { assigns: has_word(targets, name), reads: has_word(code, name) });
    }
    mentions
}

/// What a block assigns to, and what it reads.
fn split_targets(block: &str) -> (&str, &str) {
    let (word, rest) = block.split_once(char::is_whitespace).unwrap_or((block, ""));
    match word {
        "set" | "with" => rest.split_once('=').unwrap_or((rest, "")),
        "for" => rest.split_once(" in ").unwrap_or((rest, "")),
        "macro" => (rest, ""),
        _ => ("", block),
    }
}

/// Whether `name` stands in `code` as a variable: as a word outside quotes, not behind a dot or a bar.
fn has_word(code: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in code.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if code[at..].starts_with(name) => {
                let before = &code[..at];
                let after = &code[at + name.len()..];
                let is_member = before.trim_end().ends_with(['.', '|']);
                if !before.ends_with(is_word) && !after.starts_with(is_word) && !is_member {
                    return true;
                }
            }
            Some(_) | None => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use minijinja::Environment;

    use super::reads;

    #[test]
    fn a_variable_from_outside_is_read_in_any_branch_or_not_at_all() {
        for (source, expected) in [
            ("{% if x is defined and x is false %}{% endif %}", true),
            ("{% if tools %}{{ x }}{% endif %}", true),
            ("{% set x = x or 1 %}{{ x }}", true),
            ("{% set x = x if x is defined else 1 %}", true),
            ("{%- if not x is defined %}{%- set x = 'd' %}{%- endif %}{{ x }}", true),
            ("{% if tools %}{% set x = 'd' %}{% endif %}{{ x }}", true),
            ("{{ x[1:] }}", true),
            ("{% macro f(y=x) %}{% endmacro %}", true),
            ("{% set x = 1 %}{{ x }}", false),
            ("{% for x in y %}{{ x }}{% endfor %}", false),
            ("{% macro f(x) %}{{ x }}{% endmacro %}", false),
            ("{{ y.x }}{{ y | x }}{{ 'x' }}{# x #}x{% raw %}{{ x }}{% endraw %}{{ xx }}", false),
        ] {
            let mut environment = Environment::new();
            environment.add_filter("x", |text: String| text);
            environment.add_template("t", source).unwrap();
            assert_eq!(reads(&environment.get_template("t").unwrap(), "x"), expected, "{source}");
        }
    }
}
