//! What a template and a rendering may cost.

/// Bounds what one template and one rendering may cost.
///
/// A breach fails the page with [`ErrorKind::Limit`](crate::ErrorKind::Limit).
///
/// ```
/// use shikra_template::{Engine, ErrorKind, Limits, context};
///
/// # fn main() -> Result<(), shikra_template::Error> {
/// let limits = Limits { output_bytes_max: 4, ..Limits::default() };
/// let engine = Engine::new().with_limits(limits);
/// engine.add("index", "{{ text }}")?;
/// assert_eq!(engine.render("index", &context! { text: "four" })?, "four");
/// let error = engine.render("index", &context! { text: "five!" }).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Limit);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Instructions of one rendering, about; going through text costs one for every 16 bytes.
    /// Default: 10,000,000.
    pub steps_max: u64,
    /// Bytes that one rendering puts out. Default: 32 MiB.
    pub output_bytes_max: usize,
    /// Imports, components and layouts within one another. Default: 64.
    pub depth_max: usize,
    /// Bytes of one text that an expression makes. Default: 16 MiB.
    pub value_bytes_max: usize,
    /// Bytes of the source of one template. Default: 4 MiB; never more than 1 GiB.
    pub source_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps_max: 10_000_000,
            output_bytes_max: 32 << 20,
            depth_max: 64,
            value_bytes_max: 16 << 20,
            source_bytes_max: 4 << 20,
        }
    }
}
