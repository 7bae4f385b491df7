//! Tables for documents.

/// A Markdown table: first column to the left, others to the right.
pub(crate) fn markdown(heads: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = format!("| {} |\n|---{}|\n", heads.join(" | "), "|---:".repeat(heads.len().saturating_sub(1)));
    for row in rows {
        out.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_heads_a_line_and_rows() {
        assert_eq!(markdown(&["a", "b"], &[vec!["1".into(), "2".into()]]), "| a | b |\n|---|---:|\n| 1 | 2 |\n");
    }
}
