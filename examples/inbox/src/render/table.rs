//! Columns: a line of headings, and cells under them that no colour moves.

use super::style::{Ink, Style};
use super::text::{left, width};

/// What a table is, beside its rows.
pub(super) struct Table<const N: usize> {
    pub(super) headings: [&'static str; N],
    /// These columns are aligned to the right.
    pub(super) numbers: &'static [usize],
}

impl<const N: usize> Table<N> {
    /// One line for each row under a line of headings. `paint` gets row, column and the padded cell.
    pub(super) fn render(
        &self,
        rows: &[[String; N]],
        style: Style,
        paint: impl Fn(usize, usize, String) -> String,
    ) -> String {
        let widths: [usize; N] = std::array::from_fn(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell));
            cells.chain(self.headings.get(column).map(|heading| width(heading))).max().unwrap_or_default()
        });
        let headings = self.line(&self.headings.map(str::to_owned), &widths, |_, cell| cell);
        let mut out = style.paint(Ink::Strong, headings.trim_end());
        out.push('\n');
        for (index, row) in rows.iter().enumerate() {
            let painted = self.line(row, &widths, |column, cell| paint(index, column, cell));
            out.push_str(painted.trim_end());
            out.push('\n');
        }
        out
    }

    /// Painting comes after padding: colour codes have no width.
    fn line(&self, row: &[String; N], widths: &[usize; N], paint: impl Fn(usize, String) -> String) -> String {
        let padded = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            let cell = if self.numbers.contains(&column) { format!("{cell:>width$}") } else { left(cell, *width) };
            paint(column, cell)
        });
        padded.collect::<Vec<_>>().join("  ")
    }
}
