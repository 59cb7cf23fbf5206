//! Text in the columns of a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The beginning of `text` in `width` columns, with `…` for what is left out.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut kept, mut used) = (String::new(), 1);
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}
