//! What things may be called. What a rule does not allow cannot be written: names have no characters that are not seen,
//! or that look like others ("Creating an IAM User" and its like in the IAM documentation).

use super::error::IamError;

/// A rule of names.
#[derive(Debug)]
pub(super) struct Rule {
    /// What has such names, in words.
    pub what: &'static str,
    /// How many characters at the least and at the most.
    len: (usize, usize),
    /// Which characters beside English letters and digits.
    special: &'static str,
    /// Whether Chinese characters are among them.
    chinese: bool,
    /// What it may not begin with.
    first: First,
}

#[derive(Debug, PartialEq, Eq)]
enum First {
    /// Begins with a letter.
    Letter,
    /// Begins with anything but a space, as it ends.
    Any,
}

pub(super) const ACCOUNT: Rule =
    Rule { what: "an account", len: (1, 64), special: "_-", chinese: false, first: First::Letter };
pub(super) const USER: Rule =
    Rule { what: "a user", len: (1, 64), special: " _-.", chinese: false, first: First::Letter };
pub(super) const GROUP: Rule =
    Rule { what: "a group", len: (1, 128), special: " _-.{}", chinese: true, first: First::Any };
pub(super) const PROJECT: Rule =
    Rule { what: "a project", len: (1, 64), special: "_-", chinese: false, first: First::Any };
pub(super) const ENTERPRISE_PROJECT: Rule =
    Rule { what: "an enterprise project", len: (1, 64), special: "_-", chinese: true, first: First::Any };
pub(super) const ROLE: Rule =
    Rule { what: "a policy", len: (1, 128), special: " _-.,()@/", chinese: true, first: First::Any };
pub(super) const AGENCY: Rule =
    Rule { what: "an agency", len: (1, 64), special: " _-.,+=@", chinese: true, first: First::Any };
pub(super) const UNIT: Rule =
    Rule { what: "a unit", len: (1, 64), special: " _-.", chinese: true, first: First::Any };
pub(super) const TAG_POLICY: Rule =
    Rule { what: "a tag policy", len: (1, 64), special: " _-.", chinese: true, first: First::Any };
pub(super) const DEVICE: Rule =
    Rule { what: "a virtual MFA device", len: (1, 64), special: "_-", chinese: false, first: First::Any };
pub(super) const SESSION: Rule =
    Rule { what: "a session", len: (5, 64), special: "_-.@=,+", chinese: false, first: First::Any };

impl Rule {
    /// Refuses what is no such name.
    ///
    /// # Errors
    /// `Name`
    pub(super) fn check(&self, name: &str) -> Result<(), IamError> {
        let (min, max) = self.len;
        let allowed = |c: char| {
            c.is_ascii_alphanumeric()
                || self.special.contains(c)
                || (self.chinese && crate::tag::is_chinese(c))
        };
        let begins = match self.first {
            First::Letter => name.starts_with(|c: char| c.is_ascii_alphabetic()),
            First::Any => true,
        };
        let len = name.chars().count();
        let spaces = name.starts_with(' ') || name.ends_with(' ');
        if (min..=max).contains(&len) && begins && !spaces && name.chars().all(allowed) {
            return Ok(());
        }
        Err(IamError::Name(self.to_string()))
    }
}

/// For people: what the rule asks for.
impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, len: (min, max), special, chinese, first } = self;
        write!(f, "the name of {what} has {min} to {max} ")?;
        f.write_str(if *chinese {
            "Chinese characters, English letters, digits"
        } else {
            "English letters, digits"
        })?;
        write!(f, " and {special:?}")?;
        f.write_str(if *first == First::Letter { ", and begins with a letter" } else { "" })?;
        f.write_str(", without a space at its ends")
    }
}

/// Refuses what is no name of a service, such as `op_svc_kms` or `service.KMS`.
///
/// # Errors
/// `Name`
pub(super) fn check_service(name: &str) -> Result<(), IamError> {
    const SERVICE: Rule =
        Rule { what: "a service", len: (1, 64), special: "_-.", chinese: false, first: First::Letter };
    SERVICE.check(name)
}

/// The most characters of a description.
const MAX_DESCRIPTION: usize = 255;

/// Refuses a description that is too long, has characters that are not seen, or some that the interface excludes.
///
/// # Errors
/// `Description`
pub(super) fn check_description(text: &str) -> Result<(), IamError> {
    let excluded = |c: char| is_hidden(c) || "@#%&<>\\$^*".contains(c);
    if text.chars().count() > MAX_DESCRIPTION || text.chars().any(excluded) {
        return Err(IamError::Description(MAX_DESCRIPTION));
    }
    Ok(())
}

/// Refuses what is no address of mail, no telephone number and no country code, as far as can be seen; nothing is one.
///
/// # Errors
/// `Contact`
pub(super) fn check_contact(email: &str, areacode: &str, phone: &str) -> Result<(), IamError> {
    let digits = |text: &str, most: usize| {
        text.len() <= most && text.trim_start_matches('+').chars().all(|c| c.is_ascii_digit())
    };
    let wrong = [
        ("email", !email.is_empty() && !is_mail_address(email)),
        ("areacode", !digits(areacode, 8)),
        ("phone", !digits(phone, 32)),
    ];
    match wrong.iter().find(|(_, wrong)| *wrong) {
        Some((field, _)) => Err(IamError::Contact(field)),
        None => Ok(()),
    }
}

/// Whether this is an address of mail, as far as can be seen.
pub(crate) fn is_mail_address(text: &str) -> bool {
    let parts = text.split_once('@').filter(|(name, host)| !name.is_empty() && host.contains('.'));
    text.len() <= MAX_DESCRIPTION
        && parts.is_some_and(|(_, host)| !host.contains('@'))
        && text.chars().all(|c| c.is_ascii_graphic() && !"<>\"'\\(),;:[]`".contains(c))
}

/// Characters that are not seen, or that change how others are.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_characters_of_their_rule_and_no_tricks() {
        for (rule, good) in [
            (&ACCOUNT, "acme"),
            (&USER, "Ann.B_c-d e"),
            (&GROUP, "管理员 1"),
            (&PROJECT, "eu-west-1_sub"),
            (&ROLE, "Keys (read/list)"),
            (&AGENCY, "for=ops@acme,+x"),
        ] {
            rule.check(good).unwrap();
            let long = "a".repeat(rule.len.1 + 1);
            let tricks = [
                "",
                " a",
                "a ",
                "a\u{200b}b",
                "a\u{202e}b",
                "аcme",
                "a\0",
                "a\nb",
                "a\"b",
                "ａb",
                "a<b",
                "..\u{301}",
                &long,
            ];
            for bad in tricks {
                assert!(matches!(rule.check(bad), Err(IamError::Name(_))), "{rule} takes {bad:?}");
            }
        }
        assert!(USER.check(&"a".repeat(64)).is_ok());
        assert!(USER.check("1ann").is_err() && ACCOUNT.check("-a").is_err());
        assert!(USER.check("管理员").is_err(), "only where the rule has Chinese");
    }

    #[test]
    fn descriptions_and_contacts_are_looked_at() {
        check_description("Rotates keys; ünïcode is fine.").unwrap();
        for bad in ["a\u{202e}b", "a\nb", "50%", "<b>", &"x".repeat(256)] {
            assert!(check_description(bad).is_err(), "{bad:?}");
        }
        check_contact("ann@example.com", "0086", "12345678901").unwrap();
        check_contact("", "", "").unwrap();
        for (email, areacode, phone) in [
            ("ann", "", ""),
            ("a@b", "", ""),
            ("a b@c.de", "", ""),
            ("a@b@c.de", "", ""),
            ("", "x", ""),
            ("", "", "12a"),
        ] {
            assert!(check_contact(email, areacode, phone).is_err(), "{email} {areacode} {phone}");
        }
    }
}
