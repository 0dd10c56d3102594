//! Text tables whose columns are as wide as their contents.

/// Formats rows of cells, the first row being the titles. The column of a title that starts with a space is right-aligned.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column| rows.iter().filter_map(|row| row.get(column)).map(|cell: &String| cell.trim().chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let right: Vec<bool> = rows.first().into_iter().flatten().map(|title| title.starts_with(' ')).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let (cell, width) = (cell.trim(), widths[column]);
            match right.get(column) {
                Some(true) => line.push_str(&format!("{cell:>width$}  ")),
                _ => line.push_str(&format!("{cell:<width$}  ")),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_aligned_and_lines_have_no_trailing_blanks() {
        let rows = [["NAME", " N"], ["a", "100"], ["longer", "7"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "NAME      N\na       100\nlonger    7\n");
    }
}
