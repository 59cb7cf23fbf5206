//! `X-Sdk-Date`: a second in UTC, in one form.

use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::Error;

/// A second, written `YYYYMMDDTHHMMSSZ`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date(Timestamp);

impl Date {
    /// Reads the one form; what is read is written the same.
    ///
    /// # Errors
    /// `Date` for any other text, and for a day or second that does not exist.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        let &[a, b, c, d, e, f, g, h, b'T', i, j, k, l, m, n, b'Z'] = text else { return Err(Error::Date) };
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0i16, |sum, digit| {
                digit.is_ascii_digit().then(|| sum * 10 + i16::from(digit - b'0')).ok_or(Error::Date)
            })
        };
        let two = |high, low| number(&[high, low]).map(|number| number as i8);
        let (month, day) = (two(e, f)?, two(g, h)?);
        let (hour, minute, second) = (two(i, j)?, two(k, l)?, two(m, n)?);
        let date = DateTime::new(number(&[a, b, c, d])?, month, day, hour, minute, second, 0);
        date.and_then(|date| Offset::UTC.to_timestamp(date)).map(Self).map_err(|_| Error::Date)
    }

    /// The second that a time lies in.
    ///
    /// # Errors
    /// `Date` before the year 0 and after the year 9999, for which there is no form.
    pub fn of(time: SystemTime) -> Result<Self, Error> {
        let time = Timestamp::try_from(time).map_err(|_| Error::Date)?;
        // Through the form: it drops what is below a second.
        Self::parse(Self(time).to_string().as_bytes())
    }

    /// How far it is from a time, before or after.
    ///
    /// # Errors
    /// `Date` if the time is outside the years that can be written.
    pub fn distance(self, time: SystemTime) -> Result<Duration, Error> {
        let time = Timestamp::try_from(time).map_err(|_| Error::Date)?;
        Ok(self.0.duration_since(time).unsigned_abs())
    }

    /// The day, as the scope of a derived key names it: `YYYYMMDD`.
    pub fn day(self) -> String {
        self.to_string().chars().take(8).collect()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = Offset::UTC.to_datetime(self.0);
        let (year, month, day) = (date.year(), date.month(), date.day());
        let (hour, minute, second) = (date.hour(), date.minute(), date.second());
        write!(f, "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_date_is_read_in_its_one_form_alone() {
        let date = Date::parse(b"20260601T120000Z").unwrap();
        assert_eq!(date.to_string(), "20260601T120000Z");
        assert_eq!(date.day(), "20260601");
        assert_eq!(date.distance(UNIX_EPOCH + Duration::from_secs(1_780_315_200)), Ok(Duration::ZERO));
        for text in [
            "",
            "20260601T120000",
            "20260601t120000Z",
            "20260601T120000z",
            "20260601T120000Z ",
            "2026-06-01T12:00:00Z",
            "20260601T1200+0Z",
            "20260229T120000Z",
            "20261301T120000Z",
            "20260601T240000Z",
            "20260601T120060Z",
        ] {
            assert_eq!(Date::parse(text.as_bytes()), Err(Error::Date), "{text}");
        }
        assert!(Date::parse(b"20280229T235959Z").is_ok());
    }

    #[test]
    fn the_date_of_a_time_drops_what_is_below_a_second() {
        let time = UNIX_EPOCH + Duration::from_millis(1_780_315_200_999);
        let date = Date::of(time).unwrap();
        assert_eq!(date.to_string(), "20260601T120000Z");
        assert_eq!(date.distance(time), Ok(Duration::from_millis(999)));
        assert_eq!(date.distance(time - Duration::from_secs(2)), Ok(Duration::from_millis(1001)));
    }
}
