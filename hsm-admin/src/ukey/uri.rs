//! PKCS#11 URIs (RFC 7512) that name a key pair on a token, and the module that reaches it.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use ukey::Error;

/// A token, a key on it, and the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uri {
    pub(crate) module: PathBuf,
    /// The token's label.
    pub(crate) token: Option<String>,
    pub(crate) serial: Option<String>,
    pub(crate) manufacturer: Option<String>,
    pub(crate) model: Option<String>,
    /// The key's label.
    pub(crate) object: Option<String>,
}

impl Uri {
    /// Reads one. What it does not know it refuses: an attribute left out of account would name another key.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |why: String| Err(Error::Holder(why));
        let rest = text.get(7..).unwrap_or_default();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::default();
        for part in path.split(';').chain(query.split('&')).filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return refuse(format!("the URI has no value for {part:?}"));
            };
            let Ok(value) = percent_decode_str(value).decode_utf8() else {
                return refuse(format!("the URI's {name} is not UTF-8"));
            };
            let into = match name {
                "module-path" if uri.module.as_os_str().is_empty() => {
                    uri.module = value.as_ref().into();
                    continue;
                }
                "token" => &mut uri.token,
                "serial" => &mut uri.serial,
                "manufacturer" => &mut uri.manufacturer,
                "model" => &mut uri.model,
                "object" => &mut uri.object,
                "module-path" => return refuse("the URI names module-path twice".into()),
                "pin-value" | "pin-source" => {
                    return refuse("a PIN is not taken from a URI: give --pin-file or --pin-fd".into());
                }
                _ => return refuse(format!("the URI's attribute {name:?} is not one that is known here")),
            };
            if into.replace(value.into_owned()).is_some() {
                return refuse(format!("the URI names {name} twice"));
            }
        }
        if !uri.module.is_absolute() {
            return refuse("the URI names no module: end it with ?module-path=/path/of/the/module.so".into());
        }
        Ok(uri)
    }

    /// What it says of the token, for errors.
    pub(crate) fn token_words(&self) -> String {
        let facts = [
            ("label", &self.token),
            ("serial number", &self.serial),
            ("manufacturer", &self.manufacturer),
            ("model", &self.model),
        ];
        let facts =
            facts.into_iter().filter_map(|(name, value)| Some(format!("{name} {:?}", value.as_ref()?)));
        let words = facts.collect::<Vec<_>>().join(", ");
        if words.is_empty() { "any label".into() } else { words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_says_module_token_and_key() {
        let uri = Uri::parse("pkcs11:token=Ada%27s%20card;object=admin;serial=01?module-path=/usr/lib/x.so");
        assert_eq!(
            uri.unwrap(),
            Uri {
                module: "/usr/lib/x.so".into(),
                token: Some("Ada's card".into()),
                serial: Some("01".into()),
                object: Some("admin".into()),
                ..Uri::default()
            }
        );
        let uri = Uri::parse("pkcs11:module-path=/x.so;object=a").unwrap();
        assert_eq!((uri.module.to_str(), uri.object.as_deref()), (Some("/x.so"), Some("a")));
    }

    #[test]
    fn what_a_uri_cannot_mean_is_refused() {
        for (text, why) in [
            ("pkcs11:", "names no module"),
            ("pkcs11:token=a", "names no module"),
            ("pkcs11:token=a?module-path=relative.so", "names no module"),
            ("pkcs11:token=a;token=b?module-path=/x", "names token twice"),
            ("pkcs11:token=a?module-path=/x&module-path=/y", "names module-path twice"),
            ("pkcs11:tokn=a?module-path=/x", "\"tokn\" is not one that is known"),
            ("pkcs11:token?module-path=/x", "no value for \"token\""),
            ("pkcs11:token=%ff?module-path=/x", "token is not UTF-8"),
            ("pkcs11:token=a?pin-value=123456", "a PIN is not taken from a URI"),
        ] {
            let said = Uri::parse(text).unwrap_err().to_string();
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn an_error_never_shows_a_pin_that_was_put_into_a_uri() {
        let said = Uri::parse("pkcs11:token=a?pin-value=123456").unwrap_err().to_string();
        assert!(!said.contains("123456"), "{said}");
    }
}
