//! Networks as the configuration lists them.

use dew::instance::Cidr;
use dew::message::Networks;
use serde::Deserialize;

/// The networks that something may be in; without any, all but this machine and its link.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Listed(Vec<Range>);

/// A range of addresses.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Range(Cidr);

impl TryFrom<String> for Range {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error: dew::instance::NoCidr| error.to_string())
    }
}

impl Listed {
    /// What decides of an address.
    pub(crate) fn networks(&self) -> Networks {
        Networks::new(self.0.iter().map(|range| range.0).collect())
    }
}
