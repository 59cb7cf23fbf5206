//! What an account decides for its users, as the interface writes it: what is left out of a change stays.

use dew::iam::{IamError, LoginPolicy, MAX_PASSWORD, PasswordPolicy, ProtectPolicy, SecondFactorGiver};
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::Flag;
use crate::rest::operation::Number;

#[derive(Deserialize)]
pub(super) struct LoginChange {
    account_validity_period: Option<Number>,
    custom_info_for_login: Option<String>,
    lockout_duration: Option<Number>,
    login_failed_times: Option<Number>,
    period_with_login_failures: Option<Number>,
    session_timeout: Option<Number>,
    show_recent_login_info: Option<Flag>,
}

impl LoginChange {
    pub(super) fn changed(self, old: LoginPolicy) -> Result<LoginPolicy, IamError> {
        if self.account_validity_period.is_some_and(|days| days.0 != 0) {
            return Err(IamError::Invalid(
                "account_validity_period is 0: users that are idle are not stopped here",
            ));
        }
        Ok(LoginPolicy {
            message: self.custom_info_for_login.unwrap_or(old.message),
            lockout_minutes: number(self.lockout_duration, old.lockout_minutes),
            tries: number(self.login_failed_times, old.tries),
            forgotten_minutes: number(self.period_with_login_failures, old.forgotten_minutes),
            session_minutes: number(self.session_timeout, old.session_minutes),
            show_last: self.show_recent_login_info.map_or(old.show_last, |flag| flag.0),
        })
    }
}

pub(super) fn login(policy: &LoginPolicy) -> Value {
    json!({
        "account_validity_period": 0,
        "custom_info_for_login": policy.message,
        "lockout_duration": policy.lockout_minutes,
        "login_failed_times": policy.tries,
        "period_with_login_failures": policy.forgotten_minutes,
        "session_timeout": policy.session_minutes,
        "show_recent_login_info": policy.show_last,
    })
}

#[derive(Deserialize)]
pub(super) struct PasswordChange {
    maximum_consecutive_identical_chars: Option<Number>,
    minimum_password_age: Option<Number>,
    minimum_password_length: Option<Number>,
    number_of_recent_passwords_disallowed: Option<Number>,
    password_not_username_or_invert: Option<Flag>,
    password_validity_period: Option<Number>,
    password_char_combination: Option<Number>,
}

impl PasswordChange {
    #[allow(clippy::unnecessary_wraps)] // as the other policies
    #[allow(clippy::needless_pass_by_value)] // as the other policies
    pub(super) fn changed(self, old: PasswordPolicy) -> Result<PasswordPolicy, IamError> {
        Ok(PasswordPolicy {
            length: number(self.minimum_password_length, old.length),
            kinds: number(self.password_char_combination, old.kinds),
            repeats: number(self.maximum_consecutive_identical_chars, old.repeats),
            recent: number(self.number_of_recent_passwords_disallowed, old.recent),
            valid_days: number(self.password_validity_period, old.valid_days),
            least_minutes: number(self.minimum_password_age, old.least_minutes),
            not_name: self.password_not_username_or_invert.map_or(old.not_name, |flag| flag.0),
        })
    }
}

pub(super) fn password(policy: &PasswordPolicy) -> Value {
    json!({
        "maximum_consecutive_identical_chars": policy.repeats,
        "maximum_password_length": MAX_PASSWORD,
        "minimum_password_age": policy.least_minutes,
        "minimum_password_length": policy.length,
        "number_of_recent_passwords_disallowed": policy.recent,
        "password_not_username_or_invert": policy.not_name,
        "password_requirements": format!(
            "A password has {} to {MAX_PASSWORD} characters of {} kinds at the least: capital letters, small letters, \
             digits, others.",
            policy.length, policy.kinds
        ),
        "password_validity_period": policy.valid_days,
        "password_char_combination": policy.kinds,
    })
}

#[derive(Deserialize)]
pub(super) struct ProtectChange {
    operation_protection: Flag,
    allow_user: Option<Allowed>,
    mobile: Option<String>,
    admin_check: Option<String>,
    email: Option<String>,
    scene: Option<String>,
}

#[derive(Deserialize)]
struct Allowed {
    manage_accesskey: Option<Flag>,
    manage_email: Option<Flag>,
    manage_mobile: Option<Flag>,
    manage_password: Option<Flag>,
}

impl ProtectChange {
    pub(super) fn changed(self, old: ProtectPolicy) -> Result<ProtectPolicy, IamError> {
        let verifier = match self.admin_check.as_deref() {
            None => old.verifier,
            Some("off") => None,
            Some("on") => Some(SecondFactorGiver {
                scene: self.scene.unwrap_or_default(),
                mobile: self.mobile.unwrap_or_default(),
                email: self.email.unwrap_or_default(),
            }),
            Some(_) => return Err(IamError::Invalid("admin_check is on or off")),
        };
        let allowed = self.allow_user;
        let allows =
            |of: fn(&Allowed) -> Option<Flag>, old| allowed.as_ref().and_then(of).map_or(old, |flag| flag.0);
        Ok(ProtectPolicy {
            on: self.operation_protection.0,
            verifier,
            own_keys: allows(|allowed| allowed.manage_accesskey, old.own_keys),
            own_password: allows(|allowed| allowed.manage_password, old.own_password),
            own_email: allows(|allowed| allowed.manage_email, old.own_email),
            own_phone: allows(|allowed| allowed.manage_mobile, old.own_phone),
        })
    }
}

pub(super) fn protect(policy: &ProtectPolicy) -> Value {
    let verifier = policy.verifier.as_ref();
    let text = |of: fn(&SecondFactorGiver) -> &String| verifier.map_or("", |verifier| of(verifier).as_str());
    json!({
        "operation_protection": policy.on,
        "admin_check": if verifier.is_some() { "on" } else { "off" },
        "scene": text(|verifier| &verifier.scene),
        "mobile": text(|verifier| &verifier.mobile),
        "email": text(|verifier| &verifier.email),
        "allow_user": {
            "manage_accesskey": policy.own_keys,
            "manage_email": policy.own_email,
            "manage_mobile": policy.own_phone,
            "manage_password": policy.own_password,
        },
    })
}

/// A number that is far out of range for what it stands for is refused where its range is known.
fn number(new: Option<Number>, old: u32) -> u32 {
    new.map_or(old, |number| u32::try_from(number.0).unwrap_or(u32::MAX))
}
