//! The way through the tree that most requests take: by literal text and parameters, through a path that is
//! compared as it was sent.
//!
//! It is the one that a search tries first, and it cuts the path as it goes. Where it does not lead to an end,
//! the search says what there is.

use super::edges::head;
use super::params::Params;
use super::path::{PathCase, PathView, TrailingSlash, slashes};
use super::table::{ROOT, RouteId, Table, Wanted};

impl Table {
    #[inline(always)]
    pub(super) fn walk(
        &self,
        path: PathView<'_>,
        wanted: Wanted,
        params: &mut Params,
    ) -> Option<(RouteId, bool)> {
        let settings = self.settings;
        if !path.is_plain() || settings.path_case == PathCase::Insensitive {
            return None;
        }
        let mut rest = path.raw().strip_prefix('/')?.as_bytes();
        match settings.trailing_slash {
            TrailingSlash::Ignore => rest = rest.strip_suffix(b"/").unwrap_or(rest),
            TrailingSlash::Strict => {}
            TrailingSlash::Redirect => return None,
        }
        let (mut at, mut node, mut start) = (ROOT, self.nodes.first()?, 1);
        params.begin_walk();
        loop {
            let (len, head) = segment(rest);
            let child = match len {
                _ if !node.has_static => None,
                0..=8 => self.edges.short_child(at, len, head),
                _ => self.edges.child(at, rest.get(..len)?),
            };
            at = match child {
                Some(child) => child,
                None if node.affix_count == 0 && len > 0 => {
                    params.capture_segment(start, len)?;
                    node.param
                }
                None => return None,
            };
            node = self.nodes.get(at as usize)?;
            let Some(behind) = rest.get(len + 1..) else { break };
            rest = behind;
            start += len + 1;
        }
        let (way, via_head) = self.end(node.exact, wanted, &mut 0)?;
        let way = self.ways.get(way as usize).filter(|way| way.takes_segments)?;
        params.take_uncut(way.route, settings);
        Some((way.route, via_head))
    }
}

/// The length of the first segment, and the first eight bytes of it with zeros behind them.
#[inline]
fn segment(rest: &[u8]) -> (usize, u64) {
    let word = head(rest);
    let found = slashes(word);
    if found != 0 {
        // The bit that is set is the highest of its byte.
        let bits = found.trailing_zeros() - 7;
        return ((bits >> 3) as usize, word & ((1 << bits) - 1));
    }
    match rest.get(8..) {
        None | Some([]) => (rest.len(), word),
        Some(behind) => {
            let len = behind.iter().position(|&byte| byte == b'/').unwrap_or(behind.len());
            (8 + len, word)
        }
    }
}
