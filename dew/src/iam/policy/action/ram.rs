//! RAM: shares of resources, who they are for and what they permit.

use super::Access::{List, Read, Write};
use super::{Row, row};

const SHARE: &str = "resourceShare";
const INVITATION: &str = "resourceShareInvitation";
const PERMISSION: &str = "permission";

pub(super) static ACTIONS: &[Row] = &[
    row(&["ram:resourceShares:create"], Write, SHARE, &["CreateResourceShare"]),
    row(&["ram:resourceShares:update"], Write, SHARE, &["UpdateResourceShare"]),
    row(&["ram:resourceShares:delete"], Write, SHARE, &["DeleteResourceShare"]),
    row(&["ram:resourceShares:search"], List, SHARE, &["SearchResourceShares"]),
    row(&["ram:resourceShares:associate"], Write, SHARE, &["AssociateResourceShare"]),
    row(&["ram:resourceShares:disassociate"], Write, SHARE, &["DisassociateResourceShare"]),
    row(&["ram:resourceShares:searchAssociations"], List, SHARE, &["SearchResourceShareAssociations"]),
    row(&["ram:resourceShares:associatePermission"], Write, SHARE, &["AssociateResourceSharePermission"]),
    row(
        &["ram:resourceShares:disassociatePermission"],
        Write,
        SHARE,
        &["DisassociateResourceSharePermission"],
    ),
    row(&["ram:resourceShares:listPermissions"], List, SHARE, &["ListResourceSharePermissions"]),
    row(&["ram:resourceShares:createTags"], Write, SHARE, &["BatchCreateResourceShareTags"]),
    row(&["ram:resourceShares:deleteTags"], Write, SHARE, &["BatchDeleteResourceShareTags"]),
    row(&["ram:resourceShares:listTags"], List, SHARE, &["ListResourceShareTags"]),
    row(
        &["ram:resourceShares:listByTags"],
        List,
        SHARE,
        &["ListResourceSharesByTags", "SearchResourceShareCountByTags"],
    ),
    row(&["ram:quotas:list"], List, SHARE, &["ListQuota"]),
    row(&["ram:resourceTypes:list"], List, SHARE, &["ListResourceTypes"]),
    row(
        &["ram:sharedPrincipals:search"],
        List,
        SHARE,
        &["SearchSharedPrincipals", "SearchDistinctPrincipals"],
    ),
    row(
        &["ram:sharedResources:search"],
        List,
        SHARE,
        &["SearchSharedResources", "SearchDistinctSharedResources"],
    ),
    row(&["ram:organizationShare:enable"], Write, SHARE, &["EnableOrganizationShare"]),
    row(&["ram:organizationShare:disable"], Write, SHARE, &["DisableOrganizationShare"]),
    row(&["ram:organizationShare:get"], Read, SHARE, &["ShowOrganizationShare"]),
    row(&["ram:permissions:list"], List, PERMISSION, &["ListPermissions"]),
    row(&["ram:permissions:get"], Read, PERMISSION, &["ShowPermission"]),
    row(&["ram:permissions:listVersions"], List, PERMISSION, &["ListPermissionVersions"]),
    row(&["ram:resourceShareInvitations:accept"], Write, INVITATION, &["AcceptResourceShareInvitation"]),
    row(&["ram:resourceShareInvitations:reject"], Write, INVITATION, &["RejectResourceShareInvitation"]),
    row(&["ram:resourceShareInvitations:search"], List, INVITATION, &["SearchResourceShareInvitation"]),
];
