//! Which operation a request is for. The raw path is split before it is decoded, so that `%2F` within a part stays there;
//! a literal part goes before a field.

use std::collections::HashMap;

use hyper::Method;
use percent_encoding::percent_decode_str;

use super::operation::Row;
use super::{databases, huawei};

/// The operations, by their paths.
#[derive(Default)]
pub(crate) struct Routes {
    root: Node,
}

#[derive(Default)]
struct Node {
    literal: HashMap<&'static str, Node>,
    field: Option<Box<Node>>,
    rows: Vec<(&'static Row, Vec<&'static str>)>,
}

/// An operation, and the fields of its path.
pub(crate) type Route = (&'static Row, Vec<(&'static str, String)>);

/// Why there is no operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoute {
    /// Nothing is there.
    Path,
    /// What is there does not take this method.
    Method,
}

impl Routes {
    /// All operations there are.
    pub(crate) fn all() -> Self {
        let mut routes = Self::default();
        for row in huawei::OPERATIONS.iter().copied().flatten().chain(databases::OPERATIONS) {
            routes.add(row);
        }
        routes
    }

    fn add(&mut self, row: &'static Row) {
        let (mut node, mut fields) = (&mut self.root, Vec::new());
        for part in parts(row.path) {
            node = match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(field) => {
                    fields.push(field);
                    node.field.get_or_insert_default()
                }
                None => node.literal.entry(part).or_default(),
            };
        }
        node.rows.push((row, fields));
    }

    /// The operation of a method and a raw path.
    ///
    /// # Errors
    /// [`NoRoute`]
    pub(crate) fn find(&self, method: &Method, path: &str) -> Result<Route, NoRoute> {
        let parts: Vec<&str> = parts(path).collect();
        let mut other_method = false;
        let found = self.root.find(&parts, &mut Vec::new(), &mut |node, values| {
            let row = node.rows.iter().find(|(row, _)| row.method == method);
            other_method |= row.is_none() && !node.rows.is_empty();
            row.and_then(|(row, fields)| {
                let values = values.iter().map(|raw| percent_decode_str(raw).decode_utf8().ok());
                let values = values.collect::<Option<Vec<_>>>()?;
                let decoded = fields.iter().zip(values).map(|(name, value)| (*name, value.into_owned()));
                Some((*row, decoded.collect()))
            })
        });
        found.ok_or(if other_method { NoRoute::Method } else { NoRoute::Path })
    }
}

impl Node {
    fn find<'a>(
        &self,
        parts: &[&'a str],
        values: &mut Vec<&'a str>,
        take: &mut dyn FnMut(&Self, &[&'a str]) -> Option<Route>,
    ) -> Option<Route> {
        let Some((first, rest)) = parts.split_first() else { return take(self, values) };
        if let Some(node) = self.literal.get(first)
            && let Some(found) = node.find(rest, values, take)
        {
            return Some(found);
        }
        let node = self.field.as_ref().filter(|_| !first.is_empty() && *first != "." && *first != "..")?;
        values.push(first);
        let found = node.find(rest, values, take);
        values.pop();
        found
    }
}

/// The parts of a path. One slash at the end is as good as none.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut whole = path.split('/');
    if path.is_empty() {
        whole.next();
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(method: &Method, path: &str) -> Result<&'static str, NoRoute> {
        Routes::all().find(method, path).map(|(row, _)| row.name)
    }

    #[test]
    fn a_literal_part_goes_before_a_field_and_an_encoded_slash_separates_nothing() {
        let routes = Routes::all();
        let project = "0123456789abcdef0123456789abcdef";
        let path = format!("/v1.0/{project}/kms/create-key");
        let (row, fields) = routes.find(&Method::POST, &path).unwrap();
        assert_eq!(row.name, "CreateKey");
        assert_eq!(fields, [("project_id", project.to_owned())]);
        assert_eq!(name(&Method::POST, &format!("{path}/")), Ok("CreateKey"));
        assert_eq!(name(&Method::POST, "/v1.0/a%2Fb/kms/create-key"), Ok("CreateKey"));
        assert_eq!(name(&Method::POST, "/v1.0/a/b/kms/create-key"), Err(NoRoute::Path));
        assert_eq!(name(&Method::GET, &path), Err(NoRoute::Method));
        assert_eq!(name(&Method::POST, "/v1.0/../kms/create-key"), Err(NoRoute::Path));
        assert_eq!(name(&Method::POST, "//kms/create-key"), Err(NoRoute::Path));
        assert_eq!(name(&Method::POST, "/v1.0/%ff/kms/create-key"), Err(NoRoute::Path));
    }

    #[test]
    fn no_two_operations_are_at_one_place() {
        let mut seen = std::collections::HashSet::new();
        for row in huawei::OPERATIONS.iter().copied().flatten().chain(databases::OPERATIONS) {
            let shape: Vec<_> =
                parts(row.path).map(|part| if part.starts_with('{') { "{}" } else { part }).collect();
            assert!(seen.insert((row.method.clone(), shape.join("/"))), "{} {}", row.method, row.path);
        }
    }
}
