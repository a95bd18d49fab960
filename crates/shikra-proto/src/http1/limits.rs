use crate::uri::UriPolicy;

/// What a message head may cost before it is refused.
///
/// # Examples
///
/// ```
/// use shikra_proto::http1::HeadLimits;
///
/// let limits = HeadLimits { fields_max: 32, ..HeadLimits::default() };
/// assert_eq!(limits.target_bytes_max, 16 * 1024);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Longest request target; a longer one is 414. Default 16 KiB.
    pub target_bytes_max: usize,
    /// Longest head, from its first byte to the empty line after it; a longer one is 431. Default 32 KiB, never over 1 GiB.
    pub head_bytes_max: usize,
    /// Most field lines; more are 431. Default 128, never over 65,535.
    pub fields_max: usize,
    /// Most query pairs, empty ones counted; more are 400. Default 1,000.
    pub query_pairs_max: usize,
    /// Most cookies in all `Cookie` fields, empty ones counted; more are 400. Default 100.
    pub cookies_max: usize,
    /// Which bytes a query may have. Default [`UriPolicy::Browser`].
    pub uri_policy: UriPolicy,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self {
            target_bytes_max: 16 * 1024,
            head_bytes_max: 32 * 1024,
            fields_max: 128,
            query_pairs_max: 1_000,
            cookies_max: 100,
            uri_policy: UriPolicy::Browser,
        }
    }
}

impl HeadLimits {
    /// The limit of the head, within what spans of 32 bits can hold.
    pub(super) fn head_bytes_cap(&self) -> usize {
        self.head_bytes_max.min(1 << 30)
    }

    /// The limit of field lines, within what the index of known fields can hold.
    pub(super) fn fields_cap(&self) -> usize {
        self.fields_max.min(usize::from(u16::MAX))
    }
}
