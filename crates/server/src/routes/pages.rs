//! Pages for people: nothing on them comes from elsewhere, and a browser is told so.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

const STYLE: &str = include_str!("../../assets/page.css");

/// A page without any script; its style is `page.css`.
pub(super) fn plain(html: &str) -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    page(html.replace("{style}", STYLE), HeaderValue::from_static(policy))
}

/// A page whose own script and style run, by a word that is new each time, and nobody else's.
pub(super) fn with_script(html: &str, random: fn() -> u64) -> Response {
    let nonce = format!("{:016x}{:016x}", random(), random());
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::from_str(&policy).expect("hexadecimal digits");
    page(html.replace("{nonce}", &nonce), policy)
}

fn page(html: String, policy: HeaderValue) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (headers, html).into_response()
}

/// A page of `docs/problems`: headings, paragraphs, code; the pages have nothing else.
pub(super) fn of_markdown(title: &str, text: &str) -> Response {
    let mut body = String::new();
    for (place, block) in text.split("```").enumerate() {
        if place % 2 == 1 {
            let code = block.split_once('\n').map_or(block, |(_, code)| code);
            body.push_str(&format!("<pre><code>{}</code></pre>\n", escape(code)));
            continue;
        }
        for paragraph in block.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
            body.push_str(&match (paragraph.strip_prefix("# "), paragraph.strip_prefix("## ")) {
                (Some(heading), _) => format!("<h1>{}</h1>\n", inline(heading)),
                (_, Some(heading)) => format!("<h2>{}</h2>\n", inline(heading)),
                (None, None) => format!("<p>{}</p>\n", inline(paragraph)),
            });
        }
    }
    plain(&format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title} · onair</title><style>{{style}}</style></head><body><main>\n\
         {body}<nav><a href=\"/docs\">API</a> <a href=\"/\">Start</a></nav></main></body></html>\n"
    ))
}

/// Text with what stands between backticks as code.
fn inline(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(place, part)| match place % 2 {
        0 => escape(part),
        _ => format!("<code>{}</code>", escape(part)),
    });
    parts.collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
