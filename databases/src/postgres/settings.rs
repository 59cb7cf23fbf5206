//! What `ALTER ROLE … SET` said of a role, said of its clone too.

use crate::Fault;

use super::{Session, identifier, literal};

/// Settings whose value is a list of names, each quoted by itself (`GUC_LIST_QUOTE`).
const LISTS: &[&str] = &[
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

impl Session {
    /// Gives the clone the original's settings in place of its own, and has it become the original.
    pub(super) async fn copy_settings(&self, original: &str, clone: &str) -> Result<(), Fault> {
        let name = identifier(clone);
        for (place, _) in self.settings(clone).await? {
            self.run(&format!("ALTER ROLE {name}{place} RESET ALL")).await?;
        }
        self.run(&format!("ALTER ROLE {name} SET role = {}", literal(original))).await?;
        for (place, setting) in self.settings(original).await? {
            if let Some(set) = set(&setting) {
                self.run(&format!("ALTER ROLE {name}{place} SET {set}")).await?;
            }
        }
        Ok(())
    }

    /// The settings of a role: in which database, if in one, as it stands in the statement, and what.
    async fn settings(&self, role: &str) -> Result<Vec<(String, String)>, Fault> {
        let query = "SELECT d.datname::text, s.setting FROM \
                     (SELECT setdatabase, setrole, pg_catalog.unnest(setconfig) AS setting \
                     FROM pg_catalog.pg_db_role_setting) s \
                     JOIN pg_catalog.pg_roles r ON r.oid = s.setrole \
                     LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase WHERE r.rolname = $1";
        let rows = self.rows(query, &[role]).await?;
        let place = |database: Option<&str>| {
            database.map(|name| format!(" IN DATABASE {}", identifier(name))).unwrap_or_default()
        };
        Ok(rows.iter().map(|row| (place(row.get(0)), row.get(1))).collect())
    }
}

/// A setting as the server keeps it, `name=value`, as it stands after `SET`.
fn set(setting: &str) -> Option<String> {
    let (name, value) = setting.split_once('=')?;
    let parts: Vec<_> = name.split('.').map(identifier).collect();
    let values = match LISTS.contains(&name) {
        true => list(value).iter().map(|name| literal(name)).collect::<Vec<_>>().join(", "),
        false => literal(value),
    };
    Some(format!("{} = {values}", parts.join(".")))
}

/// The names of a list, without their quotes. An empty list is one empty name.
fn list(value: &str) -> Vec<String> {
    let (mut names, mut name, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = value.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => name.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => names.push(std::mem::take(&mut name)),
            ' ' if !quoted => (),
            char => name.push(char),
        }
    }
    names.push(name);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_names_is_taken_apart_and_each_is_quoted_anew() {
        assert_eq!(set(r#"search_path="$user", public"#).unwrap(), r#""search_path" = '$user', 'public'"#);
        assert_eq!(set(r#"search_path="a, ""b""", c"#).unwrap(), r#""search_path" = 'a, "b"', 'c'"#);
        assert_eq!(set(r#"search_path="""#).unwrap(), r#""search_path" = ''"#);
    }

    #[test]
    fn a_setting_says_nothing_but_itself() {
        assert_eq!(set("search_path=a;drop role b").unwrap(), r#""search_path" = 'a;droproleb'"#);
        assert_eq!(set("my.app=it's = so").unwrap(), r#""my"."app" = 'it''s = so'"#);
        assert_eq!(set("nothing"), None);
    }
}
