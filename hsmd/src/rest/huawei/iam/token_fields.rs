//! What operations on tokens have in common: who logs in, what a token is for, and what is told of one.

use std::sync::Arc;

use dew::caller::Caller;
use dew::iam::{AccountId, Agency, Assumed, Iam, IamError, Issued, Principal, Token, TokenScope, User, when};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// The header in which a token is told, and asked about.
pub(super) const SUBJECT: &str = "x-subject-token";

/// Something that is named by id or by name.
#[derive(Default, Deserialize)]
struct Named {
    id: Option<String>,
    name: Option<String>,
}

impl Named {
    /// The account that it names.
    fn account(&self, iam: &Iam) -> Option<AccountId> {
        let account = match (&self.id, &self.name) {
            (Some(id), _) => iam.account(id.parse().ok()?)?,
            (None, name) => iam.account_named(name.as_ref()?)?,
        };
        Some(account.id)
    }
}

/// The agency that somebody wants to act through.
#[derive(Deserialize)]
pub(super) struct Through {
    #[serde(rename = "agency_name")]
    name: String,
    domain_id: Option<String>,
    domain_name: Option<String>,
}

impl Through {
    /// The agency, for whoever may do an operation to it by their own policies, and whom it trusts. What there is in
    /// another account is told to nobody else.
    ///
    /// # Errors
    /// `Forbidden`, `NotTrusted`.
    pub(super) fn permitted(
        self,
        caller: &Caller,
        operation: &str,
        iam: &Iam,
    ) -> Result<Arc<Agency>, IamError> {
        let of = Named { id: self.domain_id, name: self.domain_name };
        let by = caller.identity.account;
        let agency = of.account(iam).and_then(|account| iam.agency_for(account, &self.name, by));
        // Policies name agencies by id; what is no agency for the caller has none.
        let id = agency.as_ref().map(|agency| agency.id.to_string());
        iam.permit(caller, operation, id.as_deref())?;
        agency.ok_or(IamError::NotTrusted)
    }
}

/// The user that a password is of.
#[derive(Deserialize)]
pub(super) struct Login {
    #[serde(flatten)]
    user: Named,
    #[serde(default)]
    domain: Named,
    pub(super) password: Zeroizing<String>,
}

/// As an error is told to who tries to log in: that somebody is locked tells that there is such a user, and is for the log.
pub(super) fn refused(error: IamError, user: Option<&User>) -> IamError {
    match (error, user) {
        (locked @ IamError::Locked { .. }, Some(user)) => {
            tracing::warn!("the user {} is not let in: {locked}", user.id);
            IamError::WrongLogin
        }
        (error, _) => error,
    }
}

impl Login {
    /// The user, if there is one.
    pub(super) fn find(&self, iam: &Iam) -> Option<Arc<User>> {
        match (&self.user.id, &self.user.name) {
            (Some(id), _) => iam.any_user(id.parse().ok()?),
            (None, name) => iam.user_named(self.domain.account(iam)?, name.as_ref()?),
        }
    }
}

/// What a token is for.
#[derive(Default, Deserialize)]
pub(super) struct Scope {
    domain: Option<Named>,
    project: Option<Named>,
}

impl Scope {
    /// What it is in an account; the account without more.
    ///
    /// # Errors
    /// `Unknown` for a project that is not there, `Forbidden` for another account.
    pub(super) fn in_account(&self, account: AccountId, iam: &Iam) -> Result<TokenScope, IamError> {
        if let Some(project) = &self.project {
            let id = match (&project.id, &project.name) {
                (Some(id), _) => id.parse().ok(),
                (None, Some(name)) => iam.project_named(account, name).map(|project| project.id),
                (None, None) => None,
            };
            return id.map(TokenScope::Project).ok_or(IamError::Unknown("project"));
        }
        match &self.domain {
            Some(domain) if domain.account(iam) != Some(account) => {
                Err(IamError::Forbidden("a token is for the account of who has it".to_owned()))
            }
            _ => Ok(TokenScope::Account),
        }
    }
}

/// A token with its text, which goes into a header.
pub(super) struct Told {
    pub(super) body: Value,
    pub(super) text: String,
}

impl Told {
    pub(super) fn of(issued: Issued, iam: &Iam) -> Self {
        Self { body: shown(&issued.token, iam), text: issued.text }
    }
}

impl serde::Serialize for Told {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.body.serialize(to)
    }
}

/// What a token says.
pub(super) fn shown(token: &Token, iam: &Iam) -> Value {
    let who = &token.identity;
    let domain = json!({ "id": who.account.to_string(), "name": &*who.account_name });
    let mut user = json!({ "id": who.id(), "name": who.name(), "domain": domain, "password_expires_at": "" });
    let mut fields = json!({
        "methods": token.methods.iter().map(|method| method.name()).collect::<Vec<_>>(),
        "issued_at": when(token.issued),
        "expires_at": when(token.expires),
        "catalog": [],
        "roles": [],
    });
    if let Principal::Agency { name, by, id } = &who.principal {
        user =
            json!({ "id": id.to_string(), "name": format!("{}/{name}", who.account_name), "domain": domain });
        if let Assumed::User { account, account_name, id, name, .. } = by {
            let of = json!({ "id": account.to_string(), "name": &**account_name });
            let by =
                json!({ "id": id.to_string(), "name": &**name, "domain": of, "password_expires_at": "" });
            set(&mut fields, "assumed_by", json!({ "user": by }));
        }
    }
    set(&mut fields, "user", user);
    match token.scope {
        TokenScope::Account => set(&mut fields, "domain", domain),
        TokenScope::Project(id) => {
            let name = iam.project(id).map(|project| project.name.clone()).unwrap_or_default();
            set(&mut fields, "project", json!({ "id": id.to_string(), "name": name, "domain": domain }));
        }
    }
    json!({ "token": fields })
}

fn set(fields: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = fields {
        fields.insert(name.to_owned(), value);
    }
}
