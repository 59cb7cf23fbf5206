//! What `ACL LIST` says of an account: `user NAME on #HASH ~keys &channels +commands (selector)`.

/// The rule of an account that takes any password.
pub(super) const NO_PASSWORD: &str = "nopass";

/// What an account has whose payloads are checked, which some versions list and some do not.
const CHECKED: &[u8] = b"sanitize-payload";

/// What an account may do, without its passwords.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// Its rules in their order, which matters. No rule has a blank in it, save a selector, which the server takes in
    /// several words too.
    pub(super) words: Vec<Vec<u8>>,
    /// Whether it takes any password.
    pub(super) no_password: bool,
}

impl Rules {
    /// The rules in a line, if it is of this account.
    pub(super) fn of(name: &str, line: &[u8]) -> Option<Self> {
        let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        if words.next() != Some(b"user") || words.next() != Some(name.as_bytes()) {
            return None;
        }
        let mut rules = Self { words: Vec::new(), no_password: false };
        for word in words {
            rules.no_password |= word == NO_PASSWORD.as_bytes();
            if !word.starts_with(b"#") && word != NO_PASSWORD.as_bytes() && word != CHECKED {
                rules.words.push(word.to_vec());
            }
        }
        Some(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let rules = Rules::of("app", line.as_bytes()).unwrap();
        rules.words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    #[test]
    fn rules_are_all_but_passwords() {
        let line = "user app on sanitize-payload #2d71 #30c9 ~k1 %R~#foo resetchannels &c -@all +@read -mget \
                    (~x resetchannels -@all +set)";
        let rules = "on ~k1 %R~#foo resetchannels &c -@all +@read -mget (~x resetchannels -@all +set)";
        assert_eq!(words(line).join(" "), rules);
        assert!(!Rules::of("app", line.as_bytes()).unwrap().no_password);
        assert!(Rules::of("app", b"user app on nopass ~* &* +@all").unwrap().no_password);
        assert_eq!(words("user app off nopass -@all"), ["off", "-@all"]);
        assert_eq!(words("user app"), Vec::<String>::new());
    }

    #[test]
    fn a_line_is_of_one_account() {
        for other in ["user app2 on", "user ap on", "user", "", "app on", "group app on"] {
            assert_eq!(Rules::of("app", other.as_bytes()), None, "{other:?}");
        }
    }
}
