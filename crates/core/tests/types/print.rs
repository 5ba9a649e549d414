//! Prints what ts-rs says as this repository writes TypeScript: everything `readonly`, one member a line, and what may
//! be left out is never null.

use std::iter::Peekable;

/// A type, as far as ts-rs uses the language.
#[derive(Clone, PartialEq)]
enum Type {
    /// A name, or a literal.
    Word(String),
    List(Box<Self>),
    Object(Vec<Member>),
    /// One of these.
    Any(Vec<Self>),
    /// These at once.
    All(Vec<Self>),
}

#[derive(Clone, PartialEq)]
struct Member {
    doc: String,
    name: String,
    optional: bool,
    value: Type,
}

/// The declaration `text`, `type Name = …` as of ts-rs, with the sentence above it.
pub(crate) fn declaration(docs: &str, text: &str) -> String {
    let (head, body) = text.split_once('=').expect("a declaration");
    let name = head.trim().strip_prefix("type ").expect("the declaration of a type");
    let mut tokens = tokens(body.trim_end_matches(';')).into_iter().peekable();
    let body = union(&mut tokens);
    assert!(tokens.next().is_none(), "{name} goes on behind its end");
    let text = format!("{}export type {name} = {}\n", sentence(docs, ""), print(&body, ""));
    text.replace("= \n", "=\n")
}

/// Comments, literals, names and single characters.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("/*") {
            rest.find("*/").expect("the end of the comment") + 2
        } else if first == '"' {
            rest[1..].find('"').expect("the end of the literal") + 2
        } else if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        tokens.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    tokens
}

type Tokens = Peekable<std::vec::IntoIter<String>>;

fn eat(tokens: &mut Tokens, wanted: &str) -> bool {
    tokens.next_if(|token| token == wanted).is_some()
}

fn expect(tokens: &mut Tokens, wanted: &str) {
    let token = tokens.next();
    assert_eq!(token.as_deref(), Some(wanted), "what ts-rs writes has changed");
}

fn doc(tokens: &mut Tokens) -> String {
    tokens.next_if(|token| token.starts_with("/*")).unwrap_or_default()
}

fn union(tokens: &mut Tokens) -> Type {
    let mut parts = vec![intersection(tokens)];
    while eat(tokens, "|") {
        parts.push(intersection(tokens));
    }
    // What ts-rs makes of a JSON value where it does not say its name.
    let json = parts.len() == 6 && parts.contains(&Type::List(Box::new(Type::Word("Json".to_owned()))));
    match parts.len() {
        1 => parts.remove(0),
        _ if json => Type::Word("Json".to_owned()),
        _ => Type::Any(parts),
    }
}

/// Objects that hold at once are one object.
fn intersection(tokens: &mut Tokens) -> Type {
    let mut parts = vec![single(tokens)];
    while eat(tokens, "&") {
        let next = single(tokens);
        match (parts.last_mut(), next) {
            (Some(Type::Object(members)), Type::Object(more)) => members.extend(more),
            (_, next) => parts.push(next),
        }
    }
    for part in &mut parts {
        if let Type::Object(members) = part {
            allow_absent(members);
        }
    }
    if parts.len() == 1 { parts.remove(0) } else { Type::All(parts) }
}

fn single(tokens: &mut Tokens) -> Type {
    // Of a variant; its object says as much.
    doc(tokens);
    let token = tokens.next().expect("a type");
    match token.as_str() {
        "(" => {
            let inner = union(tokens);
            expect(tokens, ")");
            inner
        }
        "{" => {
            let mut members = Vec::new();
            while !eat(tokens, "}") {
                members.push(member(tokens));
                eat(tokens, ",");
            }
            Type::Object(members)
        }
        "Array" => {
            expect(tokens, "<");
            let inner = union(tokens);
            expect(tokens, ">");
            Type::List(Box::new(inner))
        }
        "JsonValue" => Type::Word("Json".to_owned()),
        word => Type::Word(word.replace('"', "'")),
    }
}

/// Members of any name beside some that may be missing: whoever compiles without `exactOptionalPropertyTypes` is told that
/// any of them may be.
fn allow_absent(members: &mut [Member]) {
    if !members.iter().any(|member| member.optional) {
        return;
    }
    if let Some(any) = members.iter_mut().find(|member| member.name.starts_with('[')) {
        let value = std::mem::replace(&mut any.value, Type::Any(Vec::new()));
        any.value = Type::Any(vec![value, Type::Word("undefined".to_owned())]);
    }
}

fn member(tokens: &mut Tokens) -> Member {
    let doc = doc(tokens);
    let name = tokens.next().expect("a name");
    let name = if name == "[" {
        ["key", "in", "string", "]"].into_iter().for_each(|token| expect(tokens, token));
        "[name: string]".to_owned()
    } else {
        name.trim_matches('"').to_owned()
    };
    let optional = eat(tokens, "?");
    expect(tokens, ":");
    let mut value = union(tokens);
    if let (true, Type::Any(parts)) = (optional, &mut value) {
        parts.retain(|part| *part != Type::Word("null".to_owned()));
        if let [only] = parts.as_slice() {
            value = only.clone();
        }
    }
    Member { doc, name, optional, value }
}

/// The widest line.
const WIDTH: usize = 120;

fn print(of: &Type, indent: &str) -> String {
    let deeper = format!("{indent}  ");
    let printed = |of: &Type| print(of, indent);
    match of {
        Type::Word(word) => word.clone(),
        Type::List(inner) => match &**inner {
            Type::Word(word) => format!("readonly {word}[]"),
            inner => format!("readonly ({})[]", printed(inner)),
        },
        Type::All(parts) => {
            let one = |part: &Type| match part {
                Type::Any(_) => format!("({}\n{indent})", print(part, indent)),
                part => printed(part),
            };
            parts.iter().map(one).collect::<Vec<_>>().join(" & ")
        }
        Type::Any(parts) => {
            let line = parts.iter().map(printed).collect::<Vec<_>>().join(" | ");
            if fits(&line, indent) && !parts.iter().any(|part| matches!(part, Type::Object(_))) {
                return line;
            }
            parts.iter().map(|part| format!("\n{deeper}| {}", print(part, &deeper))).collect()
        }
        Type::Object(members) => {
            let one = |Member { name, optional, value, .. }: &Member| {
                format!("readonly {name}{}: {}", if *optional { "?" } else { "" }, print(value, &deeper))
            };
            let line = format!("{{ {} }}", members.iter().map(one).collect::<Vec<_>>().join("; "));
            if fits(&line, indent) && members.iter().all(|member| member.doc.is_empty()) {
                return line;
            }
            let lines = members
                .iter()
                .map(|member| format!("{}{deeper}{}\n", sentence(&member.doc, &deeper), one(member)));
            format!("{{\n{}{indent}}}", lines.collect::<String>())
        }
    }
}

fn fits(line: &str, indent: &str) -> bool {
    !line.contains('\n') && indent.len() + line.len() <= WIDTH - 20
}

/// A comment, on one line where it fits; what links in Rust is a word here.
fn sentence(doc: &str, indent: &str) -> String {
    let text = doc.trim().trim_start_matches("/**").trim_end_matches("*/");
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.trim().trim_start_matches('*').trim().replace("[`", "`").replace("`]", "`"))
        .filter(|line| !line.is_empty())
        .collect();
    match lines.as_slice() {
        [] => String::new(),
        [only] => format!("{indent}/** {only} */\n"),
        lines => {
            let lines: String = lines.iter().map(|line| format!("{indent} * {line}\n")).collect();
            format!("{indent}/**\n{lines}{indent} */\n")
        }
    }
}
