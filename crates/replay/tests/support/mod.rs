//! What the tests share: a configuration, and what must hold for any bytes.

pub mod walk;
