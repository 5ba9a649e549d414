//! The document at `/openapi.json`, made from the handlers, and what all of them share in it.

mod bodies;

use std::{collections::BTreeMap, sync::OnceLock};

use bytes::Bytes;
use onair_wire::Code;
use serde_json::Value;
use utoipa::{
    IntoParams, IntoResponses, Modify, OpenApi, PartialSchema, ToSchema,
    openapi::{
        Content, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Schema,
        schema::{SchemaType, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

pub(crate) use bodies::{Can, Manifest, Mutation, Plan, Settings, SettingsPatch, StreamFigures, Validity};

/// The document, encoded once.
pub(crate) fn document() -> Bytes {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    DOCUMENT
        .get_or_init(|| {
            let (_, document) = crate::routes::api().split_for_parts();
            let mut document = serde_json::to_value(document).expect("the document has string keys");
            exact(&mut document);
            document.to_string().into()
        })
        .clone()
}

/// What holds for all of it and is said once here: integers are as large as every reader keeps them, and a parameter
/// that is optional is left out, never null.
fn exact(part: &mut Value) {
    if let Some(schema) = part.as_object_mut() {
        let is_integer = match schema.get("type") {
            Some(Value::String(name)) => name == "integer",
            Some(Value::Array(names)) => names.iter().any(|name| name == "integer"),
            _ => false,
        };
        if is_integer {
            schema.entry("maximum").or_insert(onair_wire::INTEGER_MAX.into());
        }
        if schema.contains_key("in")
            && let Some(kind) = schema.get_mut("schema").and_then(|schema| schema.get_mut("type"))
            && let Some(first) = kind.as_array().and_then(|names| names.first().cloned())
        {
            *kind = first;
        }
        schema.values_mut().for_each(exact);
    } else if let Some(items) = part.as_array_mut() {
        items.iter_mut().for_each(exact);
    }
}

/// What the document begins with; the handlers add themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "onair",
        description = "State authority for live productions. A production is a set of documents in collections and \
                       one log of commits; everything a client sees is a document, and every change is a commit with \
                       the next revision. Refusals are `application/problem+json`, each code with a page under \
                       `/docs/problems/`.",
    ),
    servers((url = "/", description = "This server")),
    security((), ("bearer" = [])),
    components(schemas(ProblemBody)),
    modifiers(&Security),
    tags(
        (name = "productions", description = "Productions and their snapshots"),
        (name = "documents", description = "Documents: read, written, merged, restored"),
        (name = "log", description = "Commits as they were made, and as they come"),
        (name = "conflicts", description = "Edits that could not be merged in full"),
        (name = "operation", description = "Settings, sequences, findings, backends, who is connected"),
        (name = "transfer", description = "A production as one file"),
        (name = "synchronization", description = "Kept in step over one WebSocket"),
        (name = "stream", description = "The default production, as a front end of one stream sees it"),
        (name = "access", description = "Tokens and tickets"),
        (name = "server", description = "The server itself"),
    ),
)]
pub(crate) struct Start;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token of `onair token create`. Without any configured, callers on the same machine need none."))
            .build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// The production in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only described here, and read by `On`")]
pub(crate) struct OfProduction {
    /// The production.
    #[param(pattern = "^[A-Za-z0-9._~-]{1,128}$", example = "main")]
    production: String,
}

/// A refusal (RFC 9457).
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "the wire crate has the problem itself, and knows no OpenAPI")]
pub(crate) struct ProblemBody {
    /// Where the page of the code is.
    #[schema(example = "/docs/problems/invalid")]
    r#type: String,
    /// The code's sentence.
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened here, with the values.
    detail: String,
    /// What went wrong, as a word that stays.
    code: ProblemCode,
    /// The places, where it helps.
    errors: Option<Vec<ProblemDetail>>,
}

/// One place and what is wrong there.
#[derive(ToSchema)]
#[expect(dead_code, reason = "as the problem")]
pub(crate) struct ProblemDetail {
    /// A JSON pointer into the body (RFC 6901), or the name of a header or parameter.
    pointer: String,
    /// What is wrong.
    detail: String,
}

struct ProblemCode;

impl PartialSchema for ProblemCode {
    fn schema() -> RefOr<Schema> {
        let codes = Code::ALL.iter().map(|code| code.as_str());
        let schema = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        schema.enum_values(Some(codes)).build().into()
    }
}

impl ToSchema for ProblemCode {}

/// A set of refusals that many handlers share.
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident { $($status:literal $what:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;
        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                BTreeMap::from([$((stringify!($status).to_owned(), RefOr::T(problem($what)))),*])
            }
        }
    )*};
}

fn problem(what: &str) -> Response {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new().description(what).content("application/problem+json", content).build()
}

problems! {
    /// Of whatever is asked.
    Asked {
        400 "The request is not valid HTTP (`bad-request`)",
        401 "The token is not known (`unauthenticated`)",
        403 "The role, the production, the host or the origin (`forbidden`, `origin-refused`)",
        422 "A parameter or header says something that cannot be (`invalid`)",
        429 "Too many at once (`too-many-requests`)",
        500 "A mistake of the server (`internal`)",
        503 "The server is closing, or its log does not answer (`closing`, `engine-unavailable`, `read-only`)",
    }
    /// Of reading something that is named.
    Read {
        400 "The request is not valid HTTP (`bad-request`)",
        401 "The token is not known (`unauthenticated`)",
        403 "The role, the production, the host or the origin (`forbidden`, `origin-refused`)",
        404 "There is no such thing (`not-found`)",
        422 "A parameter or header says something that cannot be (`invalid`)",
        429 "Too many at once (`too-many-requests`)",
        500 "A mistake of the server (`internal`)",
        503 "The server is closing, or its log does not answer (`closing`, `engine-unavailable`, `read-only`)",
    }
    /// Of changing something, with a body.
    Changed {
        400 "The request is not valid HTTP, or its body is not JSON (`bad-request`, `bad-json`)",
        401 "The token is not known (`unauthenticated`)",
        403 "The role, the production, the host or the origin (`forbidden`, `origin-refused`)",
        404 "There is no such thing (`not-found`)",
        408 "The body did not arrive in time (`request-timeout`)",
        409 "The state does not allow it (`not-allowed`, `already-exists`)",
        413 "The body, the document or the batch is over its limit (`too-large`)",
        415 "The body has another content type (`unsupported-media-type`)",
        422 "It says something that cannot be (`invalid`, `mutation-id-reused`)",
        429 "Too many wait already (`too-many-requests`)",
        500 "A mistake of the server (`internal`)",
        503 "Nothing is taken now (`read-only`, `engine-unavailable`, `closing`)",
    }
    /// Of a handshake.
    Upgraded {
        400 "The handshake is not one (`bad-request`)",
        403 "The host or the origin (`origin-refused`)",
        426 "It does not ask for a WebSocket of version 13 (`bad-request`)",
        429 "Too many at once (`too-many-requests`)",
        500 "A mistake of the server (`internal`)",
        503 "The server is closing (`closing`)",
    }
    /// Of what needs nobody and nothing.
    Served {
        400 "The request is not valid HTTP (`bad-request`)",
        403 "The host or the origin (`origin-refused`)",
        422 "There is a parameter that is not known (`invalid`)",
        500 "A mistake of the server (`internal`)",
    }
}
