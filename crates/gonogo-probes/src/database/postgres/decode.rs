//! Values as PostgreSQL sends them, turned into ours.
//!
//! Whole numbers are ints, `numeric` of scale 0 too where it fits and text otherwise: its digits are what it is for.
//! A `timestamp` without zone is taken for UTC. What is out of range of ours (`infinity`, years before Christ) stays
//! text, in the form that the server itself reads. Values of types that have no form of ours come as the server's
//! text (`wording`).

use std::error::Error;

use chrono::{Datelike as _, NaiveDate, TimeDelta};
use gonogo_core::Value;
use tokio_postgres::types::{FromSql, Kind, Type};

use super::json::json;
use super::literal;

/// A value of any type that is read.
pub(crate) struct Decoded(pub(crate) Value);

type Failed = Box<dyn Error + Sync + Send>;

impl<'a> FromSql<'a> for Decoded {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failed> {
        value(ty, raw).map(Self)
    }

    fn from_sql_null(_ty: &Type) -> Result<Self, Failed> {
        Ok(Self(Value::Null))
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }
}

/// A value that came as the server's text; of an array, a list of such texts.
pub(crate) struct Worded(pub(crate) Value);

impl<'a> FromSql<'a> for Worded {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failed> {
        worded(ty, std::str::from_utf8(raw)?).map(Self)
    }

    fn from_sql_null(_ty: &Type) -> Result<Self, Failed> {
        Ok(Self(Value::Null))
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }
}

fn worded(ty: &Type, text: &str) -> Result<Value, Failed> {
    match ty.kind() {
        Kind::Domain(of) => worded(of, text),
        Kind::Array(of) => literal::array(text, delimiter(of))
            .ok_or_else(|| format!("a malformed array of type {}", ty.name()).into()),
        _ => Ok(text.into()),
    }
}

/// What stands between the elements of an array in text form.
pub(super) fn delimiter(of: &Type) -> char {
    if *of == Type::BOX { ';' } else { ',' }
}

/// How a type is read.
#[derive(Clone, Copy)]
enum Form {
    Bool,
    Int,
    Unsigned,
    Float4,
    Float8,
    Numeric,
    Text,
    Char,
    Bytes,
    Uuid,
    Json,
    Jsonb,
    Timestamp,
    TimestampTz,
    Date,
    Time,
    TimeTz,
    Interval,
    Bits,
    Inet,
    Mac,
    Void,
}

fn form(ty: &Type) -> Option<Form> {
    Some(match *ty {
        Type::BOOL => Form::Bool,
        Type::INT2 | Type::INT4 | Type::INT8 => Form::Int,
        Type::OID
        | Type::XID
        | Type::CID
        | Type::XID8
        | Type::REGCLASS
        | Type::REGTYPE
        | Type::REGPROC
        | Type::REGPROCEDURE
        | Type::REGNAMESPACE
        | Type::REGROLE => Form::Unsigned,
        Type::FLOAT4 => Form::Float4,
        Type::FLOAT8 => Form::Float8,
        Type::NUMERIC => Form::Numeric,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::XML => {
            Form::Text
        }
        Type::CHAR => Form::Char,
        Type::BYTEA => Form::Bytes,
        Type::UUID => Form::Uuid,
        Type::JSON => Form::Json,
        Type::JSONB => Form::Jsonb,
        Type::TIMESTAMP => Form::Timestamp,
        Type::TIMESTAMPTZ => Form::TimestampTz,
        Type::DATE => Form::Date,
        Type::TIME => Form::Time,
        Type::TIMETZ => Form::TimeTz,
        Type::INTERVAL => Form::Interval,
        Type::BIT | Type::VARBIT => Form::Bits,
        Type::INET | Type::CIDR => Form::Inet,
        Type::MACADDR | Type::MACADDR8 => Form::Mac,
        Type::VOID => Form::Void,
        _ if matches!(ty.kind(), Kind::Enum(_)) || ty.name() == "citext" => Form::Text,
        _ => return None,
    })
}

/// Whether values of the type are decoded from their binary form; otherwise they come as text.
pub(crate) fn is_decoded(ty: &Type) -> bool {
    match ty.kind() {
        Kind::Array(of) | Kind::Domain(of) => is_decoded(of),
        _ => form(ty).is_some(),
    }
}

fn value(ty: &Type, raw: &[u8]) -> Result<Value, Failed> {
    match ty.kind() {
        Kind::Domain(of) => return value(of, raw),
        Kind::Array(of) => return array(of, raw),
        _ => {}
    }
    let form = form(ty).ok_or_else(|| format!("values of type {} are not read", ty.name()))?;
    scalar(form, raw).ok_or_else(|| format!("a malformed value of type {}", ty.name()).into())
}

fn scalar(form: Form, raw: &[u8]) -> Option<Value> {
    let mut bytes = Bytes(raw);
    Some(match form {
        Form::Bool => Value::Bool(bytes.array::<1>()? != [0]),
        Form::Int => Value::Int(signed(raw)?),
        Form::Unsigned => Value::from(raw.iter().fold(0_u64, |sum, b| sum << 8 | u64::from(*b))),
        // By way of its shortest text: 0.1 stays 0.1.
        Form::Float4 => Value::Double(
            f32::from_be_bytes(bytes.array()?)
                .to_string()
                .parse()
                .ok()?,
        ),
        Form::Float8 => Value::Double(f64::from_be_bytes(bytes.array()?)),
        Form::Numeric => numeric(raw)?,
        Form::Text => Value::String(std::str::from_utf8(raw).ok()?.to_owned()),
        // As the server writes it: nothing for zero, a code for what is not ASCII.
        Form::Char => match *raw.first()? {
            0 => "".into(),
            byte if byte.is_ascii() => Value::String(char::from(byte).to_string()),
            byte => Value::String(format!("\\{byte:03o}")),
        },
        Form::Bytes => Value::Bytes(raw.to_vec()),
        Form::Uuid => Value::String(uuid(raw)?),
        Form::Json => json(raw)?,
        Form::Jsonb => json(raw.strip_prefix(&[1])?)?,
        Form::Timestamp => timestamp(bytes.i64()?, ""),
        Form::TimestampTz => timestamp(bytes.i64()?, "+00"),
        Form::Date => date(bytes.i32()?),
        Form::Time => Value::String(time(bytes.i64()?)),
        Form::TimeTz => {
            let at = time(bytes.i64()?);
            Value::String(format!("{at}{}", zone(bytes.i32()?)))
        }
        Form::Interval => {
            let (micros, days, months) = (bytes.i64()?, bytes.i32()?, bytes.i32()?);
            Value::String(interval(months, days, micros))
        }
        Form::Bits => bits(bytes)?,
        Form::Inet => Value::String(inet(raw)?),
        Form::Mac => Value::String(joined(raw, ":")),
        Form::Void => Value::Null,
    })
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn i16(&mut self) -> Option<i16> {
        self.array().map(i16::from_be_bytes)
    }

    fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }
}

fn signed(raw: &[u8]) -> Option<i64> {
    let mut bytes = Bytes(raw);
    match raw.len() {
        2 => bytes.i16().map(i64::from),
        4 => bytes.i32().map(i64::from),
        _ => bytes.i64(),
    }
}

/// Groups of four decimal digits; `weight` is the power of 10,000 of the first.
fn numeric(raw: &[u8]) -> Option<Value> {
    let mut bytes = Bytes(raw);
    let (count, weight) = (bytes.i16()?, i32::from(bytes.i16()?));
    let (sign, scale) = (bytes.i16()? as u16, bytes.i16()?);
    match sign {
        0xC000 => return Some(Value::Double(f64::NAN)),
        0xD000 => return Some(Value::Double(f64::INFINITY)),
        0xF000 => return Some(Value::Double(f64::NEG_INFINITY)),
        _ => {}
    }
    let mut groups = Vec::new();
    for _ in 0..count {
        groups.push(bytes.i16()?);
    }
    let group = |power: i32| {
        let index = usize::try_from(weight - power).ok();
        index.and_then(|i| groups.get(i)).copied().unwrap_or(0)
    };
    let digits = |powers: &mut dyn Iterator<Item = i32>| {
        let groups: Vec<String> = powers.map(|p| format!("{:04}", group(p))).collect();
        groups.concat()
    };
    let text = digits(&mut (0..=weight.max(0)).rev());
    let whole = text.trim_start_matches('0');
    let mut text = if whole.is_empty() { "0" } else { whole }.to_owned();
    let scale = usize::try_from(scale).ok()?;
    if scale > 0 {
        let groups = i32::try_from(scale.div_ceil(4)).ok()?;
        let fraction = digits(&mut (1..=groups).map(|power| -power));
        text.push('.');
        text.push_str(&fraction[..scale]);
    }
    if sign == 0x4000 {
        text.insert(0, '-');
    }
    let whole = (scale == 0).then(|| text.parse().ok()).flatten();
    Some(whole.map_or(Value::String(text), Value::Int))
}

fn joined(raw: &[u8], by: &str) -> String {
    let parts: Vec<String> = raw.iter().map(|b| format!("{b:02x}")).collect();
    parts.join(by)
}

fn uuid(raw: &[u8]) -> Option<String> {
    let hex = joined(raw, "");
    let part = |from: usize, to: usize| hex.get(from..to);
    let parts = [
        part(0, 8)?,
        part(8, 12)?,
        part(12, 16)?,
        part(16, 20)?,
        part(20, 32)?,
    ];
    Some(parts.join("-"))
}

fn epoch() -> NaiveDate {
    NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default()
}

/// `zone` is what the server's text has at the end.
fn timestamp(micros: i64, zone: &str) -> Value {
    match micros {
        i64::MAX => return "infinity".into(),
        i64::MIN => return "-infinity".into(),
        _ => {}
    }
    let at = epoch()
        .and_time(chrono::NaiveTime::MIN)
        .checked_add_signed(TimeDelta::microseconds(micros));
    match at.map(|at| at.and_utc()) {
        // Beyond, RFC 3339 has no form, and PostgreSQL no year 0.
        Some(at) if (1..=9999).contains(&at.year()) => Value::Timestamp(at),
        _ => {
            let (date, era) = day(micros.div_euclid(86_400_000_000));
            let time = time(micros.rem_euclid(86_400_000_000));
            Value::String(format!("{date} {time}{zone}{era}"))
        }
    }
}

fn date(days: i32) -> Value {
    match days {
        i32::MAX => "infinity".into(),
        i32::MIN => "-infinity".into(),
        days => {
            let (date, era) = day(days.into());
            Value::String(format!("{date}{era}"))
        }
    }
}

/// Year, month and day, and ` BC` before Christ. PostgreSQL's years go further than the calendar's at hand; every 400
/// years it is the same.
fn day(days: i64) -> (String, &'static str) {
    const CYCLE: i64 = 146_097;
    let within = TimeDelta::days(days.rem_euclid(CYCLE));
    let at = epoch().checked_add_signed(within).unwrap_or_default();
    let year = i64::from(at.year()) + 400 * days.div_euclid(CYCLE);
    let rest = at.format("%m-%d");
    if year < 1 {
        (format!("{:04}-{rest}", 1 - year), " BC")
    } else {
        (format!("{year:04}-{rest}"), "")
    }
}

fn time(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let clock = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    fraction(clock, micros % 1_000_000)
}

fn fraction(clock: String, micros: i64) -> String {
    if micros == 0 {
        return clock;
    }
    format!("{clock}.{micros:06}")
        .trim_end_matches('0')
        .to_owned()
}

/// PostgreSQL counts zones west of Greenwich.
fn zone(west: i32) -> String {
    let sign = if west > 0 { '-' } else { '+' };
    let seconds = west.unsigned_abs();
    let mut text = format!("{sign}{:02}", seconds / 3600);
    for (part, of) in [
        (seconds / 60 % 60, seconds % 3600),
        (seconds % 60, seconds % 60),
    ] {
        if of != 0 {
            text.push_str(&format_args!(":{part:02}").to_string());
        }
    }
    text
}

/// `1 year 2 mons -3 days +04:05:06`, as `psql` shows it.
fn interval(months: i32, days: i32, micros: i64) -> String {
    match (months, days, micros) {
        (i32::MAX, i32::MAX, i64::MAX) => return "infinity".to_owned(),
        (i32::MIN, i32::MIN, i64::MIN) => return "-infinity".to_owned(),
        _ => {}
    }
    let mut parts = Vec::new();
    // After a negative part, the sign of a positive one is said.
    let mut negative = false;
    for (count, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if count != 0 {
            let plus = if negative && count > 0 { "+" } else { "" };
            let plural = if count == 1 { "" } else { "s" };
            parts.push(format!("{plus}{count} {unit}{plural}"));
            negative = count < 0;
        }
    }
    if micros != 0 || parts.is_empty() {
        let sign = match (micros < 0, negative) {
            (true, _) => "-",
            (false, true) => "+",
            (false, false) => "",
        };
        let micros = i64::try_from(micros.unsigned_abs()).unwrap_or(i64::MAX);
        parts.push(format!("{sign}{}", time(micros)));
    }
    parts.join(" ")
}

fn bits(mut bytes: Bytes<'_>) -> Option<Value> {
    let count = usize::try_from(bytes.i32()?).ok()?;
    let octets: Vec<String> = bytes.0.iter().map(|b| format!("{b:08b}")).collect();
    Some(Value::String(octets.concat().get(..count)?.to_owned()))
}

/// Family, bits of the net, whether it is a net, length, address.
fn inet(raw: &[u8]) -> Option<String> {
    let [_family, net, is_cidr, _length, address @ ..] = raw else {
        return None;
    };
    let (address, all) = if let Ok(four) = <[u8; 4]>::try_from(address) {
        (std::net::Ipv4Addr::from(four).to_string(), 32)
    } else {
        let sixteen = <[u8; 16]>::try_from(address).ok()?;
        (std::net::Ipv6Addr::from(sixteen).to_string(), 128)
    };
    Some(if *net == all && *is_cidr == 0 {
        address
    } else {
        format!("{address}/{net}")
    })
}

fn array(of: &Type, raw: &[u8]) -> Result<Value, Failed> {
    let malformed = || Failed::from("a malformed array");
    let mut bytes = Bytes(raw);
    let count = bytes.i32().ok_or_else(malformed)?;
    bytes.take(8).ok_or_else(malformed)?;
    let mut lengths = Vec::new();
    for _ in 0..count {
        let length = bytes.i32().and_then(|n| usize::try_from(n).ok());
        lengths.push(length.ok_or_else(malformed)?);
        bytes.take(4).ok_or_else(malformed)?;
    }
    if lengths.is_empty() {
        return Ok(Value::List(Vec::new()));
    }
    dimension(of, &lengths, &mut bytes)
}

/// PostgreSQL has at most six dimensions.
fn dimension(of: &Type, lengths: &[usize], bytes: &mut Bytes<'_>) -> Result<Value, Failed> {
    let malformed = || Failed::from("a malformed array");
    let Some((length, inner)) = lengths.split_first() else {
        let size = bytes.i32().ok_or_else(malformed)?;
        let Ok(size) = usize::try_from(size) else {
            return Ok(Value::Null);
        };
        return value(of, bytes.take(size).ok_or_else(malformed)?);
    };
    if inner.len() > 5 {
        return Err(malformed());
    }
    let mut items = Vec::new();
    for _ in 0..*length {
        items.push(dimension(of, inner, bytes)?);
    }
    Ok(Value::List(items))
}
