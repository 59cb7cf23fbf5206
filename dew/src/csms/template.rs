//! Templates of programs by which somebody rotates secrets in databases by themselves.

use super::Csms;
use super::allow::About;
use super::error::{CsmsError, Result};
use super::secret::SecretKind;
use crate::caller::Caller;

/// What the program does to a database, by its engine: how it connects, and how it sets a password.
const ENGINES: [(&str, &str, &str); 2] = [
    (
        "mysql",
        "import pymysql

def connect(user, password):
    return pymysql.connect(host=os.environ['DB_HOST'], user=user, password=password)
",
        "    cursor.execute('ALTER USER %s IDENTIFIED BY %s', (user, password))",
    ),
    (
        "postgresql",
        "import psycopg
from psycopg import sql

def connect(user, password):
    return psycopg.connect(host=os.environ['DB_HOST'], user=user, password=password, dbname='postgres')
",
        "    change = sql.SQL('ALTER ROLE {} PASSWORD {}')
    cursor.execute(change.format(sql.Identifier(user), sql.Literal(password)))",
    ),
];

/// Whose password is set, and by whom: of one user, or of two in turn.
const SUB_TYPES: [(&str, &str, &str); 2] = [
    (
        "SingleUser",
        "The user sets its own password: what still has the old one is refused until it reads the new one.",
        "user, by = value['username'], (value['username'], value['password'])",
    ),
    (
        "MultiUser",
        "NAME and NAME_clone take turns, and an administrator sets their passwords: the last one stays good.",
        "user = value['username']
user = user.removesuffix('_clone') if user.endswith('_clone') else user + '_clone'
by = (os.environ['DB_ADMIN'], os.environ['DB_ADMIN_PASSWORD'])",
    ),
];

const PROGRAM: &str = "# Rotates a secret of a KIND database (ENGINE, SUB_TYPE).
# ABOUT
#
# Run this by yourself where the database can be reached: the HSM runs programs that its operator lists alone. The secret is
# of type COMMON, since the values of those that CSMS rotates are set by CSMS alone. Its value is {\"username\": ..., \"password\": ...}.
# Gets: the secret's name as argument; KMS_ENDPOINT, AK, SK, PROJECT_ID, DB_HOST in the environment. The access key's user
# may do csms:secret:getVersion, createVersion and updateStage.
# Answers: 0 once SYSCURRENT is the new value. Otherwise SYSCURRENT is as it was, and SYSPENDING what was to follow: if the
# database took that already, put SYSCURRENT on it.
import json, os, secrets, sys
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcsms.v1 import *
CONNECT
credentials = BasicCredentials(os.environ['AK'], os.environ['SK'], os.environ['PROJECT_ID'])
endpoint = os.environ['KMS_ENDPOINT']
csms = CsmsClient.new_builder().with_credentials(credentials).with_endpoint(endpoint).build()
name = sys.argv[1]

asked = ShowSecretVersionRequest(secret_name=name, version_id='SYSCURRENT')
value = json.loads(csms.show_secret_version(asked).version.secret_string)
WHOSE
password = secrets.token_urlsafe(24)
value.update(username=user, password=password)

# 1. Kept before the database knows it.
body = CreateSecretVersionRequestBody(secret_string=json.dumps(value), version_stages=['SYSPENDING'])
made = csms.create_secret_version(CreateSecretVersionRequest(secret_name=name, body=body)).version_metadata
# 2. Set.
with connect(*by) as database, database.cursor() as cursor:
SET
    database.commit()
# 3. Tried.
connect(user, password).close()
# 4. Current.
body = UpdateSecretStageRequestBody(version_id=made.id)
csms.update_secret_stage(UpdateSecretStageRequest(secret_name=name, stage_name='SYSCURRENT', body=body))
";

impl Csms {
    /// A program in Python that rotates a secret, to begin with.
    ///
    /// # Errors
    /// `Field` for what there is no program for; `Forbidden`, `OtherProject`.
    pub fn function_template(
        &self,
        caller: &Caller,
        kind: &str,
        sub_type: &str,
        engine: Option<&str>,
    ) -> Result<String> {
        self.permitted_in(caller, "ShowSecretFunctionTemplates", About::default())?;
        let field = |text: String| Err(CsmsError::Field(text));
        let kind = SecretKind::named(kind)?;
        let engine = engine.unwrap_or(if kind == SecretKind::PostgreSql { "postgresql" } else { "mysql" });
        match (kind, engine) {
            (SecretKind::Common, _) => {
                return field("secret_type COMMON: expected RDS-FG or GaussDB-FG".to_owned());
            }
            (SecretKind::Redis | SecretKind::SshPassword | SecretKind::SshKey | SecretKind::Program, _) => {
                return field(format!(
                    "secret_type {}: there are templates for databases alone",
                    kind.name()
                ));
            }
            (SecretKind::TaurusDb, "postgresql") => {
                return field("engine postgresql: TaurusDB speaks mysql".to_owned());
            }
            (SecretKind::PostgreSql, "mysql") => {
                return field("engine mysql: a secret of PostgreSQL is for postgresql".to_owned());
            }
            _ => {}
        }
        let Some((_, connect, set)) = ENGINES.iter().find(|(name, ..)| *name == engine) else {
            return field(format!("engine {engine:?}: there are templates for mysql and postgresql alone"));
        };
        let Some((_, about, whose)) = SUB_TYPES.iter().find(|(name, ..)| *name == sub_type) else {
            return field(format!("secret_sub_type {sub_type:?}: expected SingleUser or MultiUser"));
        };
        let words = [
            ("KIND", kind.name()),
            ("ENGINE", engine),
            ("SUB_TYPE", sub_type),
            ("ABOUT", about),
            ("CONNECT", connect),
            ("WHOSE", whose),
            ("SET", set),
        ];
        // Each in a line of its own or between spaces and brackets, so that no name of a variable is one.
        let filled = words.into_iter().fold(PROGRAM.to_owned(), |text, (word, with)| match word {
            "KIND" | "ENGINE" | "SUB_TYPE" => text.replacen(word, with, 1),
            _ => text.replacen(&format!("{word}\n"), &format!("{with}\n"), 1),
        });
        Ok(filled)
    }
}
