//! The description of the API: OpenAPI 3.1, made of the table of routes.
//!
//! In: the routes, each with its policy and the [`shape::Shape`] of its handler, which the compiler reads
//! off the handler's own arguments and answer. Out: one document. Never: a word about a route that the
//! handler itself does not bear out; there is no second list to keep.

pub mod arrays;
mod document;
mod schemas;
pub mod shape;

pub use document::{document, operation_id};
