//! What files of traces are called in a bucket, as in the cloud's: folders for region, day, tracker and service.

use jiff::Timestamp;

use super::Target;
use crate::kms::Millis;

/// A file of traces.
#[derive(Clone, Copy, Debug)]
pub struct TraceFile<'a> {
    /// In which form, and what its name begins with.
    pub target: &'a Target,
    /// The region of the traces.
    pub region: &'a str,
    /// When they were taken together.
    pub time: Millis,
    /// The tracker's name.
    pub tracker: &'a str,
    /// The service whose traces they are; none if they are of all services.
    pub service: Option<&'a str>,
    /// The number of the first of them, which no other file has.
    pub first: u64,
}

impl TraceFile<'_> {
    /// The folders that it is in, from the bucket's own on.
    #[must_use]
    pub fn folders(&self) -> Vec<String> {
        let day = self.at().strftime("%Y %-m %-d").to_string();
        let mut folders = vec!["CloudTraces".to_owned(), part(self.region)];
        folders.extend(day.split(' ').map(str::to_owned));
        folders.push(part(self.tracker));
        folders.extend(self.service.map(part));
        folders
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        let prefix = match self.target.prefix.as_str() {
            "" => String::new(),
            prefix => format!("{prefix}_"),
        };
        let (region, time) = (part(self.region), self.at().strftime("%Y-%m-%dT%H-%M-%SZ"));
        let end = if self.target.gzip { "json.gz" } else { "json" };
        format!("{prefix}CloudTrace_{region}_{time}_{:016x}.{end}", self.first)
    }

    fn at(&self) -> Timestamp {
        let time = i64::try_from(self.time).ok();
        time.and_then(|time| Timestamp::from_millisecond(time).ok()).unwrap_or(Timestamp::MAX)
    }
}

/// A text as a part of a path: one part, whatever is in it.
fn part(text: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let part: String = text.chars().map(safe).collect();
    if part.trim_matches('.').is_empty() { format!("_{part}") } else { part }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_as_in_the_cloud() {
        let target = Target {
            bucket: "traces".into(),
            prefix: "audit".into(),
            gzip: true,
            by_service: true,
            made: false,
        };
        let file = TraceFile {
            target: &target,
            region: "cn-north-4",
            time: 1_788_225_005_000,
            tracker: "system",
            service: Some("KMS"),
            first: 0xabc,
        };
        let folders = ["CloudTraces", "cn-north-4", "2026", "9", "1", "system", "KMS"];
        assert_eq!(file.folders(), folders);
        assert_eq!(file.name(), "audit_CloudTrace_cn-north-4_2026-09-01T01-10-05Z_0000000000000abc.json.gz");
        let plain = Target { prefix: String::new(), gzip: false, ..target.clone() };
        let all = TraceFile { target: &plain, service: None, ..file };
        assert_eq!(all.folders(), folders[..6]);
        assert_eq!(all.name(), "CloudTrace_cn-north-4_2026-09-01T01-10-05Z_0000000000000abc.json");
    }

    #[test]
    fn no_name_of_a_region_leads_out_of_the_bucket() {
        for text in ["..", ".", "", "../..", "a/b", "/etc"] {
            let part = part(text);
            assert!(!part.contains('/') && !part.trim_matches('.').is_empty(), "{text:?}: {part:?}");
        }
    }
}
