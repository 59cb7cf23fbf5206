//! The rights of a token's users: one table of what each may do, which [`check`] decides by, the README prints and
//! a test tries cell by cell.
//!
//! The model is Luna's crypto user: it uses the keys of a partition and changes none of them. What it makes for
//! itself lasts no longer than its session, and no key of the token leaves by its hand.

use super::User;
use crate::error::Error;
use crate::object::{Attr, AttributeMap};

/// How far a right goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Not at all.
    Nothing,
    /// To public objects, which are everybody's by the standard.
    Public,
    /// To private ones too.
    All,
}

impl Reach {
    /// As the README has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "–",
            Self::Public => "public",
            Self::All => "yes",
        }
    }
}

macro_rules! rights {
    ($($deed:ident $words:literal $functions:literal: $nobody:ident $crypto_user:ident $user:ident $so:ident;)*) => {
        /// What is done to an object.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Deed {
            $(#[doc = $words] $deed,)*
        }

        impl Deed {
            /// Every deed, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$deed,)*];

            /// How far a user's right to it goes.
            #[must_use]
            pub const fn reach(self, user: User) -> Reach {
                match (self, user) {
                    $(
                        (Self::$deed, User::Nobody) => Reach::$nobody,
                        (Self::$deed, User::CryptoUser) => Reach::$crypto_user,
                        (Self::$deed, User::User) => Reach::$user,
                        (Self::$deed, User::So) => Reach::$so,
                    )*
                }
            }

            /// What it is, for people.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $(Self::$deed => $words,)* }
            }

            /// The functions that do it.
            #[must_use]
            pub const fn functions(self) -> &'static str {
                match self { $(Self::$deed => $functions,)* }
            }
        }
    };
}

rights! {
    //        what it is                     the functions                       nobody crypto-user officer SO
    Find      "find and read an object"      "`C_FindObjects`, `C_GetAttributeValue`": Public All     All Public;
    Use       "use a key"                    "`C_EncryptInit` and its like":       Public All     All Public;
    MakeOwn   "make a session object"        "`C_CreateObject` and its like":      Public All     All Public;
    ChangeOwn "change a session object"      "`C_SetAttributeValue`, `C_DestroyObject`": Public All All Public;
    CopyOwn   "copy a session object"        "`C_CopyObject`":                     Public All     All Public;
    WrapOwn   "wrap a session key"           "`C_WrapKey`":                        Public All     All Public;
    Make      "make a token object"          "`C_CreateObject` and its like":      Public Nothing All Public;
    Change    "change a token object"        "`C_SetAttributeValue`":              Public Nothing All Public;
    Destroy   "destroy a token object"       "`C_DestroyObject`":                  Public Nothing All Public;
    Copy      "copy a token object"          "`C_CopyObject`":                     Public Nothing All Public;
    Wrap      "wrap a token key"             "`C_WrapKey`":                        Public Nothing All Public;
    Reveal    "read an open token key"       "`C_GetAttributeValue`":              Public Nothing All Public;
}

impl Deed {
    /// To make an object of these attributes.
    pub(crate) fn making(attributes: &AttributeMap) -> Self {
        if attributes.flag(Attr::TOKEN) { Self::Make } else { Self::MakeOwn }
    }

    /// To change one.
    pub(crate) fn changing(attributes: &AttributeMap) -> Self {
        if attributes.flag(Attr::TOKEN) { Self::Change } else { Self::ChangeOwn }
    }

    /// To destroy one.
    pub(crate) fn destroying(attributes: &AttributeMap) -> Self {
        if attributes.flag(Attr::TOKEN) { Self::Destroy } else { Self::ChangeOwn }
    }

    /// To copy one.
    pub(crate) fn copying(attributes: &AttributeMap) -> Self {
        if attributes.flag(Attr::TOKEN) { Self::Copy } else { Self::CopyOwn }
    }

    /// To wrap a key.
    pub(crate) fn wrapping(attributes: &AttributeMap) -> Self {
        if attributes.flag(Attr::TOKEN) { Self::Wrap } else { Self::WrapOwn }
    }

    /// Why it is refused. `CKR_ACTION_PROHIBITED` is for three functions only (PKCS#11 3.2, "Other Cryptoki return
    /// values"); the others say that an appropriate user is not logged in.
    const fn refusal(self) -> Error {
        match self {
            Self::Change | Self::Destroy | Self::Copy => {
                Error::ActionProhibited("a crypto user changes nothing on the token")
            }
            _ => Error::UserNotLoggedIn("a crypto officer: a crypto user only uses what is on the token"),
        }
    }
}

/// Refuses what a user may not do to an object of these attributes: the one place where the table is asked.
///
/// # Errors
/// `UserNotLoggedIn` for a private object that is somebody else's to see, and for what a crypto user may not make
/// or take out; `ActionProhibited` for what a crypto user may not change.
pub(crate) fn check(user: User, deed: Deed, attributes: &AttributeMap) -> Result<(), Error> {
    match deed.reach(user) {
        Reach::All => Ok(()),
        Reach::Public if !attributes.flag(Attr::PRIVATE) => Ok(()),
        Reach::Public => Err(Error::UserNotLoggedIn("the user, since the object is private")),
        Reach::Nothing => Err(deed.refusal()),
    }
}

/// The table as the README prints it.
#[must_use]
pub fn table() -> String {
    let mut table = String::from("| what | functions | nobody | crypto user | crypto officer | SO |\n");
    table.push_str("|---|---|---|---|---|---|\n");
    for deed in Deed::ALL {
        let cells = User::ALL.map(|user| deed.reach(user).word()).join(" | ");
        table.push_str(&format!("| {} | {} | {cells} |\n", deed.words(), deed.functions()));
    }
    table
}
