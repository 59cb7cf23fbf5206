//! Times as the interface writes them.

use jiff::Timestamp;

/// Seconds since 1970 as text, such as `2026-09-21T14:13:20.000000Z`.
#[must_use]
pub fn when(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.unwrap_or(Timestamp::MAX).strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_time_is_written_with_six_digits_behind_the_second() {
        assert_eq!(super::when(1_790_000_000), "2026-09-21T14:13:20.000000Z");
        assert_eq!(super::when(0), "1970-01-01T00:00:00.000000Z");
        assert!(super::when(u64::MAX).starts_with("9999-12-30T"));
    }
}
