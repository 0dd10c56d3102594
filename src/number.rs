//! Numbers on command lines and in the configuration.

/// Reads a number in decimal, or in hexadecimal with 0x.
pub fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // from_str_radix alone would accept a sign.
    digits.chars().all(|c| c.is_digit(radix)).then(|| u32::from_str_radix(digits, radix).ok())?
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_decimal_or_0x_and_fit_a_word() {
        assert_eq!(number("31"), Some(31));
        assert_eq!(number("0x1F"), Some(31));
        assert_eq!(number("4294967295"), Some(u32::MAX));
        for bad in ["", "0x", "4294967296", "+1", "-1", "1f", "0x1g", " 1"] {
            assert_eq!(number(bad), None, "{bad:?}");
        }
    }
}
