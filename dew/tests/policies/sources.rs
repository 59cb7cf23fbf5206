//! The one decision and what goes into it: scopes, groups, grants, shares, limits; and the reason that is told.

use dew::iam::policy::{
    Action, ActionSet, Allowance, Attached, Context, Holder, Identity, Request, Resource, Role, Scope,
    Source, decide,
};

use crate::{about, actions, context, everywhere, may_do, one, policy, system};

fn sign() -> Action {
    actions("kms", "Sign")[0]
}

/// Requirement: IAM-084
#[test]
fn who_has_no_policy_may_do_nothing() {
    let context = context();
    for action in Action::all() {
        let decision = decide(&about(action, Some("x"), &context), &[&Identity(&[])]).is_allowed();
        assert!(!decision, "{}", action.name());
        assert!(!may_do(&[&one("Deny", &["iam:*:*"])], action, Some("x")), "{}", action.name());
    }
}

/// Requirement: IAM-003, IAM-083
#[test]
fn a_user_has_what_any_group_allows_save_what_any_denies() {
    let (signs, gets, no_get) =
        (one("Allow", &["kms:cmk:sign"]), one("Allow", &["kms:cmk:get"]), one("Deny", &["kms:cmk:get"]));
    let get = actions("kms", "ListKeyDetail")[0];
    assert!(may_do(&[&signs, &gets], sign(), Some("k")) && may_do(&[&signs, &gets], get, Some("k")));
    for order in [[&gets, &no_get], [&no_get, &gets]] {
        assert!(!may_do(&order, get, Some("k")), "deny wins in either order");
    }
    assert!(may_do(&[&no_get, &gets, &signs], sign(), Some("k")), "and takes no more than it names");
}

#[test]
fn a_policy_holds_in_its_scope_alone() {
    let all = system("FullAccess");
    let allowed = |scope, action: Action, context: &Context<'_>| {
        let attached = [Attached { policy: all, scope, to: Holder::Group("g") }];
        decide(&about(action, Some("k"), context), &[&Identity(&attached)]).is_allowed()
    };
    let in_p1 = context();
    let in_p2 = Context { project_id: Some("p2"), ..context() };
    let no_project = Context { project_id: None, ..context() };
    assert!(allowed(Scope::Project("p1"), sign(), &in_p1));
    assert!(
        !allowed(Scope::Project("p1"), sign(), &in_p2) && !allowed(Scope::Project("p1"), sign(), &no_project)
    );
    assert!(allowed(Scope::Everywhere, sign(), &in_p2));
    assert!(!allowed(Scope::Domain, sign(), &in_p1), "KMS is no global service");
    let users = actions("iam", "KeystoneListUsers")[0];
    assert!(allowed(Scope::Domain, users, &in_p1) && !allowed(Scope::Project("p1"), users, &in_p1));
    let filed = Context { enterprise_project: Some("e1"), ..context() };
    assert!(allowed(Scope::EnterpriseProject("e1"), sign(), &filed));
    assert!(!allowed(Scope::EnterpriseProject("e2"), sign(), &filed));
    assert!(!allowed(Scope::EnterpriseProject("e1"), sign(), &in_p1));
}

#[test]
fn a_deny_out_of_scope_denies_nothing() {
    let (allow, deny) = (one("Allow", &["kms:*:*"]), one("Deny", &["kms:*:*"]));
    let attached = [
        everywhere(&allow),
        Attached { policy: &deny, scope: Scope::Project("p2"), to: Holder::User("alice") },
    ];
    let identity = Identity(&attached);
    assert!(decide(&about(sign(), Some("k"), &context()), &[&identity]).is_allowed());
    let in_p2 = Context { project_id: Some("p2"), ..context() };
    assert!(!decide(&about(sign(), Some("k"), &in_p2), &[&identity]).is_allowed());
}

/// A key of another account.
fn foreign<'a>(action: Action, context: &'a Context<'a>) -> Request<'a> {
    let request = about(action, Some("k"), context);
    Request { resource: Resource { account: "a2", ..request.resource }, ..request }
}

fn allowance(name: &str, role: Role, action: Action) -> Allowance<'_> {
    let resource = Resource { service: "kms", region: "r", account: "a2", kind: "KeyId", path: Some("k") };
    Allowance { name, role, actions: ActionSet::from_iter([action]), resource }
}

#[test]
fn a_grant_gives_what_it_names_and_nothing_else() {
    let (context, grant) = (context(), allowance("grant 7c8a", Role::Gives, sign()));
    let decision = decide(&foreign(sign(), &context), &[&Identity(&[]), &grant]);
    assert!(decision.is_allowed());
    assert_eq!(decision.to_string(), "allowed: grant 7c8a");
    let verify = actions("kms", "ValidateSignature")[0];
    assert!(!decide(&foreign(verify, &context), &[&grant]).is_allowed());
    let request = foreign(sign(), &context);
    for resource in [
        Resource { path: Some("l"), ..request.resource },
        Resource { path: None, ..request.resource },
        Resource { account: "a3", ..request.resource },
        Resource { kind: "keystore", ..request.resource },
        Resource { service: "csms", ..request.resource },
    ] {
        assert!(!decide(&Request { resource, ..request }, &[&grant]).is_allowed(), "{resource}");
    }
    let deny = one("Deny", &["kms:cmk:sign"]);
    let attached = [everywhere(&deny)];
    assert!(!decide(&request, &[&grant, &Identity(&attached)]).is_allowed(), "a deny wins over a grant");
}

#[test]
fn a_share_needs_the_recipients_own_permission_and_that_needs_the_share() {
    let (context, share) = (context(), allowance("share 11f2", Role::Opens, sign()));
    let allow = system("KMS Administrator");
    let attached = [everywhere(allow)];
    let (identity, nobody) = (Identity(&attached), Identity(&[]));
    let request = foreign(sign(), &context);
    assert!(decide(&request, &[&identity, &share]).is_allowed());
    assert!(!decide(&request, &[&nobody, &share]).is_allowed());
    let alone = decide(&request, &[&identity]);
    assert!(!alone.is_allowed());
    assert!(alone.to_string().ends_with("but it is another account's, which does not open it"), "{alone}");
    let verify = actions("kms", "ValidateSignature")[0];
    assert!(!decide(&foreign(verify, &context), &[&identity, &share]).is_allowed(), "more than is shared");
    let stranger = Context { account_id: "", ..context };
    let nobodys =
        Request { resource: Resource { account: "", ..request.resource }, context: &stranger, ..request };
    assert!(!decide(&nobodys, &[&identity]).is_allowed(), "no account is not the same account");
}

#[test]
fn what_a_limit_does_not_allow_is_refused_whoever_allows_it() {
    let (context, limit) = (context(), allowance("ownership", Role::Limits, sign()));
    let grant = allowance("grant", Role::Gives, actions("kms", "ValidateSignature")[0]);
    let sources: [&dyn Source; 2] = [&grant, &limit];
    let decision = decide(&foreign(actions("kms", "ValidateSignature")[0], &context), &sources);
    assert_eq!(decision.to_string(), "refused: it is beyond what is left open");
    assert!(!decide(&foreign(sign(), &context), &[&limit]).is_allowed(), "a limit allows nothing by itself");
}

#[test]
fn the_reason_names_the_statement_or_what_came_closest() {
    let text = r#"{"Version":"1.1","Statement":[
        {"Effect":"Allow","Action":["kms:cmk:get"]},
        {"Effect":"Allow","Action":["kms:cmk:sign"],"Condition":{"Bool":{"g:MFAPresent":["true"]}}},
        {"Effect":"Allow","Action":["kms:cmk:verify"],"Resource":["kms:*:*:KeyId:other"]},
        {"Effect":"Deny","Action":["kms:cmk:disable"]}]}"#;
    let policy = policy(text);
    let attached = [Attached { policy: &policy, scope: Scope::Project("p1"), to: Holder::Group("apps") }];
    let identity = Identity(&attached);
    let told = |operation, context: &Context<'_>| {
        decide(&about(actions("kms", operation)[0], Some("k"), context), &[&identity]).to_string()
    };
    let (here, there) = (context(), Context { project_id: Some("p2"), ..context() });
    let of = r#"of the policy "custom" of the group apps in the project p1"#;
    for (operation, context, expected) in [
        ("ListKeyDetail", &here, format!("allowed: Statement[0] {of}")),
        ("DisableKey", &here, format!("refused: Statement[3] {of}")),
        (
            "Sign",
            &here,
            format!(
                "refused: nothing allows it; Statement[1] {of} would allow it, but asks for Bool g:MFAPresent true"
            ),
        ),
        (
            "ValidateSignature",
            &here,
            format!(
                "refused: nothing allows it; Statement[2] {of} would allow it, but is about other resources"
            ),
        ),
        (
            "ListKeyDetail",
            &there,
            format!("refused: nothing allows it; Statement[0] {of} would allow it, but does not hold here"),
        ),
        ("CreateKey", &here, "refused: nothing allows it, and no policy names it".into()),
    ] {
        assert_eq!(told(operation, context), expected);
    }
}

#[test]
fn an_agency_may_be_limited_to_one_and_gives_what_its_own_policies_do() {
    let assume = actions("iam", "KeystoneCreateAgencyToken")[0];
    let one_agency = policy(
        r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["iam:agencies:assume"],
            "Resource":{"uri":["/iam/agencies/07805acaba800fdd4fbdc00b8f888c7c"]}}]}"#,
    );
    assert!(may_do(&[&one_agency], assume, Some("07805acaba800fdd4fbdc00b8f888c7c")));
    assert!(!may_do(&[&one_agency], assume, Some("another")));
    // Who has assumed it asks in the account that made the agency, with the agency's policies.
    let assumed = Context { account_id: "a2", user_name: Some("ops"), ..context() };
    let key_reader = system("KMS CMKReadOnlyAccess");
    let attached = [Attached { policy: key_reader, scope: Scope::Everywhere, to: Holder::Agency("ops") }];
    let identity = Identity(&attached);
    let get = decide(&foreign(actions("kms", "ListKeyDetail")[0], &assumed), &[&identity]);
    assert_eq!(
        get.to_string(),
        r#"allowed: Statement[0] of the policy "KMS CMKReadOnlyAccess" of the agency ops everywhere"#
    );
    assert!(!decide(&foreign(sign(), &assumed), &[&identity]).is_allowed());
    assert!(
        !decide(&about(actions("kms", "ListKeyDetail")[0], Some("k"), &assumed), &[&identity]).is_allowed()
    );
}
