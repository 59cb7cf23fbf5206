//! What the server says of an account, said of its clone.

use zeroize::Zeroizing;

use crate::{Account, Fault};

use super::tokens::{Token, statement, tokens};
use super::{Entry, Secret, Session, literal, user};

/// What begins the options behind an account's password in `SHOW CREATE USER`.
const OPTIONS: &[&[&str]] = &[
    &["REQUIRE"],
    &["WITH", "MAX_QUERIES_PER_HOUR"],
    &["WITH", "MAX_UPDATES_PER_HOUR"],
    &["WITH", "MAX_CONNECTIONS_PER_HOUR"],
    &["WITH", "MAX_USER_CONNECTIONS"],
    &["WITH", "MAX_STATEMENT_TIME"],
    &["ACCOUNT"],
    &["PASSWORD", "EXPIRE"],
];

impl Session {
    /// Makes the clone for one host of the original.
    pub(super) async fn clone_entry(
        &mut self,
        original: &str,
        clone: &Account<'_>,
        entry: &Entry,
    ) -> Result<(), Fault> {
        let (from, to) = (user(original, &entry.host), user(clone.name, &entry.host));
        let shown = self.column(&format!("SHOW CREATE USER {from}"), &[]).await?;
        let shown = tokens(shown.first().map(String::as_str).unwrap_or_default());
        let (value, how) = self.identified(clone.password, &entry.plugin);
        let text = format!("CREATE USER {to} IDENTIFIED {} {}", *how, statement(options(&shown)));
        self.run_secretly(&Zeroizing::new(text), clone.password, &value).await?;

        let grants = self.column(&format!("SHOW GRANTS FOR {from}"), &[]).await?;
        let wanted: Vec<_> =
            grants.iter().filter_map(|grant| regrant(grant, original, clone.name, &entry.host)).collect();
        for grant in &wanted {
            self.run(grant).await?;
        }
        if let Some(roles) = default_roles(&shown) {
            self.run(&format!("SET DEFAULT ROLE {} TO {to}", statement(roles))).await?;
        }
        self.compare(clone.name, &entry.host, wanted).await
    }

    /// How the clone's password stands in its `CREATE USER`, and the secret part of it.
    fn identified(&self, password: &str, plugin: &str) -> (Zeroizing<String>, Zeroizing<String>) {
        let plugin = plugin.replace('`', "``");
        let (value, how) = match self.secret(password, plugin.as_str()) {
            Secret::Hash(hash) => {
                let how = format!("VIA `{plugin}` USING '{}'", *hash);
                (hash, how)
            }
            Secret::Clear => {
                let value = literal(password);
                let how = match self.is_maria {
                    true => format!("VIA `{plugin}` USING PASSWORD({})", *value),
                    false => format!("WITH `{plugin}` BY {}", *value),
                };
                (value, how)
            }
        };
        (value, Zeroizing::new(how))
    }

    /// Looks whether the server says of the clone what it says of the original.
    async fn compare(&mut self, clone: &str, host: &str, mut wanted: Vec<String>) -> Result<(), Fault> {
        let found = self.column(&format!("SHOW GRANTS FOR {}", user(clone, host)), &[]).await?;
        let mut found: Vec<_> = found.iter().filter_map(|grant| regrant(grant, clone, clone, host)).collect();
        // The server lists columns in whichever order it has them in memory.
        for grants in [&mut wanted, &mut found] {
            grants.iter_mut().for_each(|grant| *grant = in_order(grant));
            grants.sort();
        }
        if wanted == found {
            return Ok(());
        }
        let missing = wanted.iter().find(|grant| !found.contains(grant));
        Err(Fault::Refused(format!(
            "the clone did not become equal: {}",
            missing.map_or("it has more", |grant| grant)
        )))
    }
}

/// The same grant with each list of columns sorted.
fn in_order(grant: &str) -> String {
    let mut parts = grant.split("( ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (columns, rest) = part.split_once(" )").unwrap_or((part, ""));
        let mut columns: Vec<_> = columns.split(" , ").collect();
        columns.sort_unstable();
        text.push_str(&format!("( {} ){rest}", columns.join(" , ")));
    }
    text
}

/// The options of an account, such as `REQUIRE SSL`.
fn options(shown: &[Token]) -> &[Token] {
    let begins = |at: usize| {
        OPTIONS.iter().any(|words| {
            words.iter().enumerate().all(|(n, word)| shown.get(at + n).is_some_and(|token| token.is(word)))
        })
    };
    let at = (0..shown.len()).find(|at| begins(*at));
    at.and_then(|at| shown.get(at..)).unwrap_or_default()
}

/// The default roles, which MySQL shows in front of the options.
fn default_roles(shown: &[Token]) -> Option<&[Token]> {
    let at = shown.windows(2).position(|pair| matches!(pair, [a, b] if a.is("DEFAULT") && b.is("ROLE")))?;
    let rest = shown.get(at + 2..)?;
    let end = rest.iter().position(|token| matches!(token, Token::Word(_))).unwrap_or(rest.len());
    rest.get(..end)
}

/// A row of `SHOW GRANTS` as it must be said to give another account the same; none if it is of somebody else, a role
/// of the account for instance.
fn regrant(grant: &str, from: &str, to: &str, host: &str) -> Option<String> {
    let mut tokens = tokens(grant);
    let at = tokens.windows(4).position(|four| match four {
        [word, Token::Quoted(_, name), Token::Sign('@'), Token::Quoted(_, place)] => {
            ["TO", "FOR", "FROM"].iter().any(|known| word.is(known)) && name == from && place == host
        }
        _ => false,
    })?;
    let quoted = |text: &str| Token::Quoted(format!("`{}`", text.replace('`', "``")), text.to_owned());
    let rest = tokens.split_off(at + 4);
    tokens.truncate(at + 1);
    tokens.extend([quoted(to), Token::Sign('@'), quoted(host)]);
    // MariaDB shows the password's hash and what the connection must be in the first row; the account has both.
    let with = rest.iter().position(|token| token.is("WITH"));
    let with = with.and_then(|at| rest.get(at..)).unwrap_or_default();
    if with.get(1).is_some_and(|word| word.is("GRANT") || word.is("ADMIN")) {
        tokens.extend_from_slice(with);
    }
    Some(statement(&tokens))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_said_of_the_clone_and_of_nobody_else() {
        let told = |grant| regrant(grant, "a", "b", "%");
        let grant = "GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*AB' REQUIRE SSL WITH MAX_USER_CONNECTIONS 3";
        assert_eq!(told(grant).unwrap(), "GRANT USAGE ON * . * TO `b`@`%`".replace("* . *", "*.*"));
        assert_eq!(
            told("GRANT SELECT (`to`), INSERT ON `x``y`.`t` TO `a`@`%` WITH GRANT OPTION").unwrap(),
            "GRANT SELECT ( `to` ) , INSERT ON `x``y`.`t` TO `b`@`%` WITH GRANT OPTION"
        );
        assert_eq!(
            told("GRANT `r` TO 'a'@'%' WITH ADMIN OPTION").unwrap(),
            "GRANT `r` TO `b`@`%` WITH ADMIN OPTION"
        );
        assert_eq!(told("SET DEFAULT ROLE `r` FOR `a`@`%`").unwrap(), "SET DEFAULT ROLE `r` FOR `b`@`%`");
        assert_eq!(
            told("REVOKE SELECT ON `mysql`.* FROM `a`@`%`").unwrap(),
            "REVOKE SELECT ON `mysql`.* FROM `b`@`%`"
        );
        assert_eq!(told("GRANT SELECT ON *.* TO `r`"), None);
        assert_eq!(told("GRANT SELECT ON ` TO 'a'@'%'`.* TO `c`@`%`"), None);
    }

    #[test]
    fn what_is_shown_of_an_account_is_taken_apart() {
        let options = |text| statement(options(&tokens(text)));
        let maria =
            "CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '*REQUIRE' REQUIRE SSL WITH MAX_USER_CONNECTIONS 3";
        assert_eq!(options(maria), "REQUIRE SSL WITH MAX_USER_CONNECTIONS 3");
        assert_eq!(
            options("CREATE USER `a`@`%` IDENTIFIED VIA ed25519 USING 'x' WITH MAX_STATEMENT_TIME 1.5"),
            "WITH MAX_STATEMENT_TIME 1.5"
        );
        assert_eq!(options("CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '*AB'"), "");
        let mysql = "CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' AS '$A$' DEFAULT ROLE `r`@`%`,`s`@`%` \
                     REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK";
        assert_eq!(options(mysql), "REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK");
        assert_eq!(statement(default_roles(&tokens(mysql)).unwrap()), "`r`@`%` , `s`@`%`");
        assert_eq!(default_roles(&tokens(maria)), None);
    }
}
