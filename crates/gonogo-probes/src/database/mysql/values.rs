//! Values of MySQL and MariaDB: to a fact and from a plan, without loss.

use chrono::NaiveDate;
use gonogo_core::Value;
use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::{Column, Value as Raw};
use serde_json::Value as Json;

/// The character set of bytes that are no text.
const BINARY: u16 = 63;

/// A type as the server names it, near enough for a person.
pub(crate) fn type_name(column: &Column) -> String {
    use ColumnType as T;
    let is_text = column.character_set() != BINARY;
    let flags = column.flags();
    let name = match column.column_type() {
        T::MYSQL_TYPE_TINY => "tinyint",
        T::MYSQL_TYPE_SHORT => "smallint",
        T::MYSQL_TYPE_INT24 => "mediumint",
        T::MYSQL_TYPE_LONG => "int",
        T::MYSQL_TYPE_LONGLONG => "bigint",
        T::MYSQL_TYPE_FLOAT => "float",
        T::MYSQL_TYPE_DOUBLE => "double",
        T::MYSQL_TYPE_DECIMAL | T::MYSQL_TYPE_NEWDECIMAL => "decimal",
        T::MYSQL_TYPE_DATE | T::MYSQL_TYPE_NEWDATE => "date",
        T::MYSQL_TYPE_TIME | T::MYSQL_TYPE_TIME2 => "time",
        T::MYSQL_TYPE_DATETIME | T::MYSQL_TYPE_DATETIME2 => "datetime",
        T::MYSQL_TYPE_TIMESTAMP | T::MYSQL_TYPE_TIMESTAMP2 => "timestamp",
        T::MYSQL_TYPE_YEAR => "year",
        T::MYSQL_TYPE_BIT => "bit",
        T::MYSQL_TYPE_JSON => "json",
        T::MYSQL_TYPE_NULL => "null",
        T::MYSQL_TYPE_GEOMETRY => "geometry",
        _ if flags.contains(ColumnFlags::ENUM_FLAG) => "enum",
        _ if flags.contains(ColumnFlags::SET_FLAG) => "set",
        T::MYSQL_TYPE_STRING if is_text => "char",
        T::MYSQL_TYPE_STRING => "binary",
        T::MYSQL_TYPE_VARCHAR | T::MYSQL_TYPE_VAR_STRING if is_text => "varchar",
        T::MYSQL_TYPE_VARCHAR | T::MYSQL_TYPE_VAR_STRING => "varbinary",
        _ if is_text => "text",
        _ => "blob",
    };
    let is_number = matches!(
        name,
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint"
    );
    if is_number && flags.contains(ColumnFlags::UNSIGNED_FLAG) {
        format!("{name} unsigned")
    } else {
        name.to_owned()
    }
}

/// A value as what it is.
pub(crate) fn value(raw: Raw, column: &Column) -> Value {
    use ColumnType as T;
    let ty = column.column_type();
    match raw {
        Raw::NULL => Value::Null,
        Raw::Int(number) => Value::Int(number),
        Raw::UInt(number) => match i64::try_from(number) {
            Ok(number) => Value::Int(number),
            Err(_) => Value::Uint(number),
        },
        // The shortest text that is the same `f32` is what was meant: 0.1, and not 0.10000000149.
        Raw::Float(number) => {
            Value::Double(number.to_string().parse().unwrap_or(f64::from(number)))
        }
        Raw::Double(number) => Value::Double(number),
        Raw::Date(year, month, day, hour, minute, second, micro) => {
            let date = NaiveDate::from_ymd_opt(i32::from(year), month.into(), day.into());
            let whole = !matches!(ty, T::MYSQL_TYPE_DATE | T::MYSQL_TYPE_NEWDATE);
            let at = date.and_then(|date| {
                date.and_hms_micro_opt(hour.into(), minute.into(), second.into(), micro)
            });
            match at {
                Some(at) if whole => Value::Timestamp(at.and_utc()),
                // Also `0000-00-00`, which is no day.
                _ if whole => {
                    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
                        .into()
                }
                _ => format!("{year:04}-{month:02}-{day:02}").into(),
            }
        }
        Raw::Time(negative, days, hours, minutes, seconds, micros) => {
            let sign = if negative { "-" } else { "" };
            let hours = days * 24 + u32::from(hours);
            let text = format!("{sign}{hours:02}:{minutes:02}:{seconds:02}");
            if micros == 0 {
                text.into()
            } else {
                let fraction = format!("{micros:06}");
                format!("{text}.{}", fraction.trim_end_matches('0')).into()
            }
        }
        Raw::Bytes(bytes) => of_bytes(bytes, column),
    }
}

fn of_bytes(bytes: Vec<u8>, column: &Column) -> Value {
    use ColumnType as T;
    match column.column_type() {
        T::MYSQL_TYPE_BIT => bits(&bytes, column.column_length() as usize).into(),
        T::MYSQL_TYPE_DECIMAL | T::MYSQL_TYPE_NEWDECIMAL => match String::from_utf8(bytes) {
            Ok(text) => text.parse().map_or_else(|_| text.into(), Value::Int),
            Err(e) => Value::Bytes(e.into_bytes()),
        },
        T::MYSQL_TYPE_JSON => match serde_json::from_slice::<Json>(&bytes) {
            Ok(json) => Value::from_json(&json),
            Err(_) => text(bytes),
        },
        T::MYSQL_TYPE_GEOMETRY => Value::Bytes(bytes),
        _ if column.character_set() == BINARY => Value::Bytes(bytes),
        _ => text(bytes),
    }
}

fn text(bytes: Vec<u8>) -> Value {
    match String::from_utf8(bytes) {
        Ok(text) => Value::String(text),
        Err(e) => Value::Bytes(e.into_bytes()),
    }
}

/// `0101` of `BIT(4)`.
fn bits(bytes: &[u8], width: usize) -> String {
    let all: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let width = width.min(all.len());
    all[all.len() - width..].to_owned()
}

/// A value of a plan. The server makes of a text what the column is: a decimal stays exact that way.
pub(crate) fn parameter(json: &Json) -> Raw {
    if let Some(bytes) = crate::database::postgres::bytes_of(json) {
        return Raw::Bytes(bytes);
    }
    match json {
        Json::Null => Raw::NULL,
        Json::Bool(yes) => Raw::Int((*yes).into()),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Raw::Int(number),
            (None, Some(number)) => Raw::UInt(number),
            (None, None) => Raw::Bytes(number.to_string().into_bytes()),
        },
        Json::String(text) => Raw::Bytes(text.clone().into_bytes()),
        list_or_map @ (Json::Array(_) | Json::Object(_)) => {
            Raw::Bytes(list_or_map.to_string().into_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_as_many_as_the_column_has() {
        assert_eq!(bits(&[0b0000_0101], 4), "0101");
        assert_eq!(bits(&[1, 0], 9), "100000000");
        assert_eq!(bits(&[], 1), "");
    }
}
