//! What a handler takes and gives, by its own types: `fn(Asked<Which>) -> Result<Json<View>, Problem>`
//! says all of it.

use crate::{House, Problem, body};
use axum::Json;
use axum::body::Body;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse, Response};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::marker::PhantomData;

/// Makes the schema of a type.
pub type Make = fn(&mut SchemaGenerator) -> Schema;

/// A header that a request has to bring: its name, and what it says.
pub type Header = (&'static str, &'static str);

/// What a handler takes and gives.
#[derive(Clone, Copy, Default)]
pub struct Shape {
    /// The keys of its query, as the properties of an object.
    pub query: Option<Make>,
    /// What has to be in its body.
    pub body: Option<Content>,
    /// A header that it needs.
    pub header: Option<Header>,
    /// What it answers when all is well.
    pub gives: Gives,
}

/// Bytes of a known kind.
#[derive(Clone, Copy)]
pub struct Content {
    /// Their media type.
    pub media: &'static str,
    /// What they say, where that is JSON (each line or event of it, where they are many).
    pub schema: Option<Make>,
}

/// An answer.
#[derive(Clone, Copy, Default)]
pub enum Gives {
    /// Nothing but that it is done: 204.
    #[default]
    Nothing,
    /// 200, with this.
    Content(Content),
    /// 200, with this, or drawn as SVG, or as text, for who accepts that.
    Drawn(Content),
    /// A page, or 303 to another one.
    Page,
}

/// An argument of a handler.
pub trait Takes {
    /// Adds what a request has to bring for it.
    fn say(_: &mut Shape) {}
}

/// The answer of a handler.
pub trait Answers {
    /// What it is.
    const GIVES: Gives;
}

/// A handler whose types say what it takes and gives. `T` is what axum calls the types of its arguments.
pub trait Described<T> {
    /// What they say.
    fn shape() -> Shape;
}

fn schema_of<T: JsonSchema>(of: &mut SchemaGenerator) -> Schema {
    of.subschema_for::<T>()
}

const fn json<T: JsonSchema>() -> Content {
    Content { media: "application/json", schema: Some(schema_of::<T>) }
}

impl Takes for crate::routes::State<House> {}
impl<T> Takes for axum::extract::State<T> {}
impl<T> Takes for axum::Extension<T> {}
impl Takes for crate::routes::session::OverTls {}
impl Takes for HeaderMap {}
// The names in braces of the route's path say it.
impl Takes for Path<String> {}

impl Takes for Path<(String, String)> {}

impl<T: JsonSchema> Takes for crate::routes::Asked<T> {
    fn say(shape: &mut Shape) {
        // The properties themselves: each is a key of the query.
        shape.query = Some(T::json_schema);
    }
}

impl<T: JsonSchema> Takes for body::Json<T> {
    fn say(shape: &mut Shape) {
        shape.body = Some(json::<T>());
    }
}

impl<T: JsonSchema> Takes for body::Large<T> {
    fn say(shape: &mut Shape) {
        shape.body = Some(json::<T>());
    }
}

impl<T: JsonSchema> Takes for body::Form<T> {
    fn say(shape: &mut Shape) {
        let media = "application/x-www-form-urlencoded";
        shape.body = Some(Content { media, schema: Some(schema_of::<T>) });
    }
}

impl Takes for Body {
    fn say(shape: &mut Shape) {
        shape.body = Some(Content { media: "application/octet-stream", schema: None });
    }
}

impl<T: JsonSchema> Answers for Json<T> {
    const GIVES: Gives = Gives::Content(json::<T>());
}

impl Answers for Html<String> {
    const GIVES: Gives = Gives::Page;
}

impl<T: Answers> Answers for Result<T, Problem> {
    const GIVES: Gives = T::GIVES;
}

/// With a problem that has headers of its own.
impl<T: Answers> Answers for Result<T, Response> {
    const GIVES: Gives = T::GIVES;
}

/// A finished answer, and what is in it.
pub struct Said<K>(Response, PhantomData<K>);

impl<K> Said<K> {
    /// Says that this is in it.
    pub fn new(response: impl IntoResponse) -> Self {
        Self(response.into_response(), PhantomData)
    }
}

impl<K> IntoResponse for Said<K> {
    fn into_response(self) -> Response {
        self.0
    }
}

/// What can be in a finished answer.
pub trait Kind {
    /// What it is.
    const GIVES: Gives;
}

impl<K: Kind> Answers for Said<K> {
    const GIVES: Gives = K::GIVES;
}

/// JSON, with header fields beside it.
impl<T: JsonSchema> Kind for Json<T> {
    const GIVES: Gives = Gives::Content(json::<T>());
}

/// A JSON value on each line, as the work goes on.
pub struct Lines<T>(PhantomData<T>);

impl<T: JsonSchema> Kind for Lines<T> {
    const GIVES: Gives =
        Gives::Content(Content { media: "application/x-ndjson", schema: Some(schema_of::<T>) });
}

/// Server-sent events, with a JSON value in each.
pub struct Events<T>(PhantomData<T>);

impl<T: JsonSchema> Kind for Events<T> {
    const GIVES: Gives =
        Gives::Content(Content { media: "text/event-stream", schema: Some(schema_of::<T>) });
}

/// JSON, or SVG, or text, as the request accepts.
pub struct Drawn<T>(PhantomData<T>);

impl<T: JsonSchema> Kind for Drawn<T> {
    const GIVES: Gives = Gives::Drawn(json::<T>());
}

/// Bytes.
pub struct Bytes;

impl Kind for Bytes {
    const GIVES: Gives =
        Gives::Content(Content { media: "application/octet-stream", schema: None });
}

/// Numbers for Prometheus.
pub struct Numbers;

impl Kind for Numbers {
    const GIVES: Gives =
        Gives::Content(Content { media: crate::routes::metrics::MEDIA, schema: None });
}

/// A page for people, or the way to another.
pub struct Page;

impl Kind for Page {
    const GIVES: Gives = Gives::Page;
}

/// Nothing.
pub struct Nothing;

impl Kind for Nothing {
    const GIVES: Gives = Gives::Nothing;
}

impl<F, Fut> Described<((),)> for F
where
    F: FnOnce() -> Fut,
    Fut: Future<Output: Answers>,
{
    fn shape() -> Shape {
        Shape { gives: <Fut::Output as Answers>::GIVES, ..Shape::default() }
    }
}

/// For a handler with so many arguments. `M` is axum's mark of how the last one is read.
macro_rules! described {
    ($($argument:ident)+) => {
        impl<F, Fut, M, $($argument),+> Described<(M, $($argument,)+)> for F
        where
            F: FnOnce($($argument),+) -> Fut,
            Fut: Future<Output: Answers>,
            $($argument: Takes,)+
        {
            fn shape() -> Shape {
                let mut shape = Shape { gives: <Fut::Output as Answers>::GIVES, ..Shape::default() };
                $($argument::say(&mut shape);)+
                shape
            }
        }
    };
}
described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);
