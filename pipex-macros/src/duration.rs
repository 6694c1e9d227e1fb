//! Durations, as `#[task]` takes them and writes them.

use proc_macro2::TokenStream;
use quote::quote;

const MILLIS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// The milliseconds of `"5s"`, `"1m30s"`, `"250ms"`.
pub fn parse_millis(text: &str) -> Result<u64, String> {
    let mistake = || format!("`{text}` is no duration: write numbers with units (ms, s, m, h, d), such as \"1m30s\"");
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(mistake());
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(mistake)?);
        let (unit, after) = after.split_at(after.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(after.len()));
        let (_, factor) = MILLIS.iter().find(|(name, _)| *name == unit).ok_or_else(mistake)?;
        let number: u64 = number.parse().map_err(|_| mistake())?;
        total = number
            .checked_mul(*factor)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(|| format!("`{text}` is too long: there is no such number of milliseconds"))?;
        rest = after.trim_start();
    }
    Ok(total)
}

/// A `Duration` of so many milliseconds.
pub fn emit(millis: u64) -> TokenStream {
    quote!(::core::time::Duration::from_millis(#millis))
}

#[cfg(test)]
mod tests {
    use super::parse_millis;

    #[test]
    fn units_and_sums() {
        for (text, expected) in
            [("5s", 5_000), ("250ms", 250), ("10m", 600_000), ("1m30s", 90_000), ("1d 2h", 93_600_000), ("0s", 0)]
        {
            assert_eq!(parse_millis(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration() {
        for text in
            ["", " ", "5", "s", "5 s", "-5s", "1.5h", "5w", "5S", "99999999999999999999s", "9999999999999999999s"]
        {
            assert!(parse_millis(text).is_err(), "{text}");
        }
    }
}
