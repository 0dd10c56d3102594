//! Text in words.
use core::str;

/// Text as words, byte for byte as in memory, zeros behind; cut off at the end.
pub fn pack_text<const N: usize>(text: &str) -> [u32; N] {
    let mut bytes = text.bytes();
    core::array::from_fn(|_| u32::from_ne_bytes(core::array::from_fn(|_| bytes.next().unwrap_or(0))))
}

/// The text in these words, copied into `bytes`, which has room for all of them.
pub fn unpack_text<'a>(words: &[u32], bytes: &'a mut [u8]) -> &'a str {
    for (to, from) in bytes.iter_mut().zip(words.iter().flat_map(|word| word.to_ne_bytes())) {
        *to = from;
    }
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    match str::from_utf8(&bytes[..end]) {
        Ok(text) => text,
        // A cut may go through a character.
        Err(error) => str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_restored_from_words_and_truncated_between_characters() {
        let mut bytes = [0; 8];
        assert_eq!(unpack_text(&pack_text::<2>("sdhmgt"), &mut bytes), "sdhmgt");
        assert_eq!(unpack_text(&pack_text::<2>("sdhmgt-12"), &mut bytes), "sdhmgt-1");
        assert_eq!(unpack_text(&pack_text::<2>("1234567ü"), &mut bytes), "1234567");
    }
}
