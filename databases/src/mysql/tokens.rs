//! A statement as the server prints it, in pieces: so that what is quoted is never taken for words.

/// A piece of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Letters, digits and underscores.
    Word(String),
    /// What stands in quotes or backticks: as it stands, and what it means.
    Quoted(String, String),
    /// Anything else: one character.
    Sign(char),
}

impl Token {
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(text) if text.eq_ignore_ascii_case(word))
    }

    fn text(&self) -> String {
        match self {
            Self::Word(text) | Self::Quoted(text, _) => text.clone(),
            Self::Sign(sign) => sign.to_string(),
        }
    }
}

/// Takes a statement apart; blanks go.
pub(super) fn tokens(statement: &str) -> Vec<Token> {
    let (mut found, mut rest) = (Vec::new(), statement.trim_start());
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '\'' | '"' | '`' => quoted(rest, first),
            char if is_word(char) => {
                let length = rest.find(|char| !is_word(char)).unwrap_or(rest.len());
                (Token::Word(rest.chars().take_while(|char| is_word(*char)).collect()), length)
            }
            sign => (Token::Sign(sign), sign.len_utf8()),
        };
        found.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    found
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '$' | '.')
}

/// What stands in quotes at the beginning of a text, and its length there.
fn quoted(text: &str, quote: char) -> (Token, usize) {
    let (mut meaning, mut chars) = (String::new(), text.char_indices().skip(1).peekable());
    let mut end = text.len();
    while let Some((at, char)) = chars.next() {
        if char == '\\' && quote != '`' {
            meaning.extend(chars.next().map(|(_, char)| char));
        } else if char != quote {
            meaning.push(char);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            meaning.push(quote);
        } else {
            end = at + quote.len_utf8();
            break;
        }
    }
    (Token::Quoted(text.get(..end).unwrap_or_default().to_owned(), meaning), end)
}

/// Puts a statement together again.
pub(super) fn statement(tokens: &[Token]) -> String {
    let mut text = String::new();
    for (index, token) in tokens.iter().enumerate() {
        // `a`.`b` and `a`@`b` are one thing; elsewhere a blank does no harm.
        let tight = |token: &Token| matches!(token, Token::Sign('@')) || token.is(".");
        let before = index.checked_sub(1).and_then(|before| tokens.get(before));
        if before.is_some_and(|before| !tight(before) && !tight(token)) {
            text.push(' ');
        }
        text.push_str(&token.text());
    }
    text
}
