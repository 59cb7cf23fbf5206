//! Text with a bound: whatever comes from outside is cut to it, so that writing a record cannot fail.

use std::fmt;

/// What stands at the end of a text that was cut.
const CUT: &str = "…";

/// Text of at most `N` bytes of UTF-8. Longer text is cut at a character and ends in `…`.
#[derive(Clone, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Text<const N: usize>(String);

impl<const N: usize> Text<N> {
    /// The text, cut if it is too long.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.len() > N {
            let mut end = N.saturating_sub(CUT.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            if end + CUT.len() <= N {
                text.push_str(CUT);
            }
        }
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<const N: usize> From<&str> for Text<N> {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl<const N: usize> From<String> for Text<N> {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl<const N: usize> From<&String> for Text<N> {
    fn from(text: &String) -> Self {
        Self::new(text.as_str())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether `c` could end a line, drive a terminal, or turn the direction of writing.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// `text` on one line: what could end a line or drive a terminal is written `\u{…}`, a backslash `\\`. Two
/// different texts never become the same one.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            c if is_unsafe(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_too_long_is_cut_at_a_character() {
        assert_eq!(Text::<8>::from("12345678").as_str(), "12345678");
        assert_eq!(Text::<8>::from("123456789").as_str(), "12345…");
        assert_eq!(Text::<8>::from("1234éééé").as_str(), "1234…");
        assert_eq!(Text::<2>::from("abc").as_str(), "");
    }

    #[test]
    fn no_control_character_is_printed() {
        assert_eq!(printable("a\nb\\n\x1b[2J\u{9b}\u{202e}é"), "a\\u{a}b\\\\n\\u{1b}[2J\\u{9b}\\u{202e}é");
    }
}
