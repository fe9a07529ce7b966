//! Parsers of arguments that are not plain text.

use std::time::Duration;

use spaces_client::spaces_api::Timestamp;
use spaces_domain::invite::is_hub_address;

/// A parser for one of the fixed words of a type of the contract, so that help,
/// completion and the nearest right word come by themselves.
macro_rules! words {
    ($type:ty) => {{
        use clap::builder::TypedValueParser;
        clap::builder::PossibleValuesParser::new(<$type>::ALL.iter().map(|word| word.as_str()))
            .map(|word| word.parse::<$type>().expect("one of the words of the type"))
    }};
}
pub(crate) use words;

/// A length of time: `90s`, `10m`, `2h`, `7d`.
pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write it as 90s, 10m, 2h or 7d"))
}

/// A moment to come: a length of time from now, or an RFC 3339 time.
pub fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let length = duration(text).map_err(|_| {
        format!(
            "`{text}` is neither a time from now (10m, 2h, 7d) nor a moment (2026-01-31T12:00:00Z)"
        )
    })?;
    Ok(shifted(length, 1))
}

/// A moment that has passed: a length of time before now, or an RFC 3339 time.
pub fn past_moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let length = duration(text)
        .map_err(|_| format!("`{text}` is neither a time before now (10m, 2h, 7d) nor a moment (2026-01-31T12:00:00Z)"))?;
    Ok(shifted(length, -1))
}

/// The address of a hub: `https://HOST`, `http://HOST:PORT`.
pub fn hub_address(text: &str) -> Result<String, String> {
    if is_hub_address(text) {
        return Ok(text.trim_end_matches('/').to_owned());
    }
    Err("write it as https://HOST or http://HOST:PORT".to_owned())
}

fn shifted(length: Duration, direction: i64) -> Timestamp {
    let micros = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
    let now = Timestamp::now().as_micros();
    Timestamp::from_micros(now.saturating_add(micros.saturating_mul(direction)))
}

#[cfg(test)]
mod tests {
    use spaces_client::spaces_api::Timestamp;

    use super::{moment, past_moment};

    #[test]
    fn a_moment_is_a_length_from_now_or_a_time() {
        let now = Timestamp::now();
        let later = moment("2h").unwrap();
        assert!((7_199_000..7_210_000).contains(&now.millis_until(later)));
        let earlier = past_moment("1d").unwrap();
        assert!((86_399_000..86_410_000).contains(&earlier.millis_until(Timestamp::now())));
        assert_eq!(
            moment("2023-11-14T22:13:20Z").unwrap().as_micros(),
            1_700_000_000_000_000
        );
        let error = moment("tomorrow").unwrap_err();
        assert!(error.contains("2h"), "{error}");
    }
}
