//! How much a template may ask for. What exceeds one of these is an error that names it.

/// What one rendering may cost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Work: one for an instruction and one for each 64 bytes made (minijinja's unit). It bounds
    /// time and memory both: 200,000 are at most 13 MB, and a tenth of a second.
    pub fuel_max: u64,
    /// Bytes of what is rendered.
    pub output_bytes_max: usize,
    /// Bytes of one template.
    pub template_bytes_max: usize,
    /// Templates given to one rendering.
    pub templates_max: usize,
    /// Templates within each other by `include`.
    pub include_depth_max: usize,
    /// Templates within each other by `text_of`, each an engine of its own.
    pub text_of_depth_max: usize,
    /// Calls of `hash_password` in one rendering: each costs milliseconds and up to 16 MiB.
    pub hashes_max: u32,
    /// Bytes of all facts, secrets included.
    pub facts_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel_max: 200_000,
            output_bytes_max: 1 << 20,
            template_bytes_max: 256 << 10,
            templates_max: 512,
            include_depth_max: 32,
            text_of_depth_max: 4,
            hashes_max: 16,
            facts_bytes_max: 256 << 10,
        }
    }
}
