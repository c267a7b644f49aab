//! Sizes and shares as people write them.

const UNITS: [(&str, u32); 5] = [("B", 0), ("kB", 10), ("MB", 20), ("GB", 30), ("TB", 40)];

/// Reads `1GB`, `512 MiB`, `8192`. As PostgreSQL has it, a kB is 1024 bytes, with or without an `i`.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let bad = || {
        format!("`{text}` is not a size; write a number with B, kB, MB, GB or TB, such as `512MB`")
    };
    let trimmed = text.trim();
    let digits = trimmed
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase().replace('i', "");
    let shift = match unit.as_str() {
        "" => 0,
        unit => UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))
            .map(|(_, shift)| *shift)
            .ok_or_else(bad)?,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || fraction.len() > 6 {
        return Err(bad());
    }
    let mut bytes = whole.parse::<u64>().map_err(|_| bad())?;
    bytes = bytes.checked_mul(1 << shift).ok_or_else(bad)?;
    if !fraction.is_empty() {
        let parts = fraction.parse::<u64>().map_err(|_| bad())?;
        let of = 10_u64.pow(fraction.len() as u32);
        let more = u128::from(parts) * (1_u128 << shift) / u128::from(of);
        bytes = u64::try_from(more)
            .ok()
            .and_then(|more| bytes.checked_add(more))
            .ok_or_else(bad)?;
    }
    // A record holds sizes as signed whole numbers.
    i64::try_from(bytes).map(|_| bytes).map_err(|_| bad())
}

/// Reads `15%` as 0.15. More than 100 % is a share too: a table can double in a day.
pub fn parse_share(text: &str) -> Result<f64, String> {
    let bad = || format!("`{text}` is not a share; write a percentage such as `15%`");
    let number = text.trim().strip_suffix('%').ok_or_else(bad)?.trim_end();
    let plain = !number.is_empty()
        && number.len() <= 20
        && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let percent: f64 = plain
        .then(|| number.parse().ok())
        .flatten()
        .ok_or_else(bad)?;
    // Rounded at the twelfth decimal: 15 % is 0.15, whatever the division made of it.
    Ok((percent / 100.0 * 1e12).round() / 1e12)
}

/// `8192 B`, `4.2 MiB`, `1.13 GiB`: three digits, for a person.
pub fn size_text(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = 0;
    // From 1023.5 on, three digits would read 1024.
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let name = ["B", "KiB", "MiB", "GiB", "TiB"][unit];
    if unit == 0 {
        return format!("{bytes} {name}");
    }
    let decimals = match value {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{text} {name}")
}

/// `+12.4 %`, `−3 %`, `+0.02 %`: for a person.
pub fn share_text(share: f64) -> String {
    let percent = share * 100.0;
    let abs = percent.abs();
    let decimals = match abs {
        a if a >= 99.95 => 0,
        a if a >= 0.95 => 1,
        _ => 2,
    };
    let text = format!("{abs:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    let sign = if percent < 0.0 && text != "0" {
        "−"
    } else {
        "+"
    };
    format!("{sign}{text} %")
}
