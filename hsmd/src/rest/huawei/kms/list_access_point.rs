//! Lists the access points of a keyspace.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::keyspaces::{Asked, PageInfo, Point};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Op(Asked);

#[derive(Serialize)]
pub(super) struct Reply {
    page_info: PageInfo,
    access_points: Vec<Point>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ListAccessPoint";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1.0/{project_id}/kms/access-points";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let all = services.kms.list_access_points(caller, &self.0.keyspace_id)?;
        let (part, page_info) = self.0.page(all, |point| point.id.to_string())?;
        Ok(Reply { page_info, access_points: part.iter().map(|point| Point::from(&**point)).collect() })
    }
}
