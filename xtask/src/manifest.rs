//! The few things that the other modules want to know from a `Cargo.toml`, read line by line.
//!
//! Not a TOML parser: one entry a line, as the manifests of this workspace are written.

/// The keys of the tables with this exact name, such as `features` or `dependencies`, in order.
pub(crate) fn keys<'t>(manifest: &'t str, table: &str) -> Vec<&'t str> {
    let entries = entries(manifest).filter(|entry| entry.table == table);
    entries.map(|entry| entry.key.split('.').next().unwrap_or(entry.key).trim()).collect()
}

/// The string values of one key in all tables with this name, such as `name` in each `[[bin]]`.
pub(crate) fn values<'t>(manifest: &'t str, table: &str, key: &str) -> Vec<&'t str> {
    let entries = entries(manifest).filter(|entry| entry.table == table && entry.key == key);
    entries.filter_map(|entry| entry.value.split('"').nth(1)).collect()
}

struct Entry<'t> {
    table: &'t str,
    key: &'t str,
    value: &'t str,
}

fn entries(manifest: &str) -> impl Iterator<Item = Entry<'_>> {
    let mut table = "";
    let mut list_open = 0_usize;
    manifest.lines().filter_map(move |line| {
        let line = line.trim();
        if list_open > 0 {
            list_open = (list_open + line.matches('[').count()).saturating_sub(closings(line));
            return None;
        }
        if line.starts_with('#') {
            return None;
        }
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_start_matches('[').split(']').next().unwrap_or("").trim();
            return None;
        }
        let (key, value) = line.split_once('=')?;
        list_open = value.matches('[').count().saturating_sub(closings(value));
        Some(Entry { table, key: key.trim(), value: value.trim() })
    })
}

fn closings(line: &str) -> usize {
    line.matches(']').count()
}

#[cfg(test)]
mod tests {
    use super::{keys, values};

    const SAMPLE: &str = r#"
[package]
name = "sample"

[features]
# A comment = no key.
default = ["json"]
json = [
    "dep:serde_json",
]
testing = []

[dependencies]
bytes.workspace = true
serde_json = { workspace = true, optional = true }

[[bin]]
name = "one"
path = "one.rs"

[[bin]]
name = "two"
"#;

    #[test]
    fn reads_the_keys_of_a_table() {
        assert_eq!(keys(SAMPLE, "features"), ["default", "json", "testing"]);
        assert_eq!(keys(SAMPLE, "dependencies"), ["bytes", "serde_json"]);
        assert!(keys(SAMPLE, "target").is_empty());
    }

    #[test]
    fn reads_the_values_of_repeated_tables() {
        assert_eq!(values(SAMPLE, "bin", "name"), ["one", "two"]);
        assert_eq!(values(SAMPLE, "package", "name"), ["sample"]);
    }
}
