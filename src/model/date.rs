//! A calendar date without a calendar library: the browser half must stay small.

use std::fmt;

/// A day of the proleptic Gregorian calendar, year 1 to 9999, written `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CalendarDate {
    year: u16,
    month: u8,
    day: u8,
}

impl CalendarDate {
    /// Reads exactly `YYYY-MM-DD`; `None` for any other shape and for days that do not exist.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let number = |range: std::ops::Range<usize>| -> Option<u16> {
            bytes[range]
                .iter()
                .try_fold(0u16, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u16::from(byte - b'0')))
        };
        let year = number(0..4)?;
        let month = u8::try_from(number(5..7)?).ok()?;
        let day = u8::try_from(number(8..10)?).ok()?;
        let exists = year >= 1 && (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
        exists.then_some(Self { year, month, day })
    }

    /// Days since 1970-01-01, negative before it: what Delta's DATE and Zerobus' protobuf carry.
    pub fn days_since_epoch(self) -> i32 {
        // Howard Hinnant's days_from_civil: years counted from March so that the leap day comes last.
        let year = i32::from(self.year) - i32::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month_from_march = (i32::from(self.month) + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + i32::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }
}

impl fmt::Display for CalendarDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Microseconds since 1970 of a UTC time written `YYYY-MM-DDTHH:MM:SS[.ffffff]Z`; `None` for any other text.
pub fn timestamp_micros(text: &str) -> Option<i64> {
    local_micros(text.strip_suffix('Z')?)
}

/// The same of a time without a zone, `YYYY-MM-DDTHH:MM:SS[.ffffff]`, as if it were in UTC.
pub fn local_micros(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let days = i64::from(CalendarDate::parse(date)?.days_since_epoch());
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = clock.split(':').map(|part| {
        let two_digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        two_digits.then(|| part.parse::<i64>().ok()).flatten()
    });
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let fraction_is_good = (1..=6).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if parts.next().is_some() || hours > 23 || minutes > 59 || seconds > 59 || !fraction_is_good {
        return None;
    }
    let micros = format!("{fraction:0<6}").parse::<i64>().ok()?;
    Some((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000_000 + micros)
}

fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::{CalendarDate, timestamp_micros};

    #[test]
    fn reads_days_that_exist_and_no_others() {
        for good in ["2025-01-01", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"] {
            assert_eq!(CalendarDate::parse(good).map(|date| date.to_string()).as_deref(), Some(good));
        }
        for bad in [
            "",
            "2025-02-29",
            "1900-02-29",
            "2025-13-01",
            "2025-00-01",
            "2025-04-31",
            "2025-1-1",
            "25-01-01",
            "2025/01/01",
            "2025-01-01T00:00",
            "0000-01-01",
            "２０２５-01",
            "2025-01-0a",
            "+025-01-01",
        ] {
            assert_eq!(CalendarDate::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn reads_times_in_utc() {
        assert_eq!(timestamp_micros("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(timestamp_micros("2026-11-23T17:48:16.5Z"), Some(1_795_456_096_500_000));
        assert_eq!(timestamp_micros("1969-12-31T23:59:59.999999Z"), Some(-1));
        for bad in [
            "2026-11-23",
            "2026-11-23T17:48:16",
            "2026-11-23T24:00:00Z",
            "2026-11-23T1:00:00Z",
            "2026-11-23T17:48:16.Z",
            "2026-11-23T17:48:16.1234567Z",
            "2026-11-23T17:48:16+01:00",
            "T00:00:00Z",
        ] {
            assert_eq!(timestamp_micros(bad), None, "{bad}");
        }
    }

    #[test]
    fn counts_days_from_the_epoch() {
        let days = |text| CalendarDate::parse(text).map(CalendarDate::days_since_epoch);
        assert_eq!(days("1970-01-01"), Some(0));
        assert_eq!(days("1969-12-31"), Some(-1));
        assert_eq!(days("2000-03-01"), Some(11_017));
        assert_eq!(days("2026-11-23"), Some(20_780));
        assert_eq!(days("0001-01-01"), Some(-719_162));
    }
}
