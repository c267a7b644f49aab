//! Equality, order and arithmetic on values: exact, checked, and refusing what has no answer.

use std::cmp::Ordering;

use super::ast::Arithmetic;
use crate::value::Value;

/// Why two values cannot be compared or combined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Their types do not go together; where it is a part of them, which part and its two types.
    Types {
        at: String,
        left: &'static str,
        right: &'static str,
    },
    /// A number that is none.
    NotANumber,
    /// An infinite number, where an order is asked for: what is endless was not measured, on either side.
    Endless,
    /// The result has no place in its type, or does not exist.
    Impossible(&'static str),
}

fn types(left: &Value, right: &Value) -> Refused {
    Refused::Types {
        at: String::new(),
        left: left.type_name(),
        right: right.type_name(),
    }
}

impl Refused {
    /// The same clash, seen from the value that holds the part.
    fn inside(self, step: impl FnOnce() -> String) -> Self {
        match self {
            Self::Types { at, left, right } => Self::Types {
                at: step() + &at,
                left,
                right,
            },
            other => other,
        }
    }
}

/// Whether two values are equal. Null may be compared with anything, whole numbers with doubles; all other pairs
/// of different types are refused, also deep inside.
pub(super) fn equal(left: &Value, right: &Value) -> Result<bool, Refused> {
    match (left, right) {
        (Value::Null, Value::Null) => Ok(true),
        (Value::Null, _) | (_, Value::Null) => Ok(false),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::String(a), Value::String(b)) => Ok(a == b),
        (Value::Bytes(a), Value::Bytes(b)) => Ok(a == b),
        (Value::Duration(a), Value::Duration(b)) => Ok(a == b),
        (Value::Timestamp(a), Value::Timestamp(b)) => Ok(a == b),
        (Value::List(a), Value::List(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            // Every element is looked at: a clash must not hide behind an earlier difference.
            let mut same = true;
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                same &= equal(a, b).map_err(|e| e.inside(|| format!("[{i}]")))?;
            }
            Ok(same)
        }
        (Value::Map(a), Value::Map(b)) => {
            let mut same = a.len() == b.len();
            for (key, left) in a {
                match b.get(key) {
                    Some(right) => {
                        same &= equal(left, right).map_err(|e| e.inside(|| format!(".{key}")))?;
                    }
                    None => same = false,
                }
            }
            Ok(same)
        }
        _ => match numbers(left, right) {
            Some(order) => order.map(|o| o == Ordering::Equal),
            None => Err(types(left, right)),
        },
    }
}

/// How two values of one ordered type stand to each other.
pub(super) fn order(left: &Value, right: &Value) -> Result<Ordering, Refused> {
    match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a.cmp(b)),
        (Value::String(a), Value::String(b)) => Ok(a.cmp(b)),
        (Value::Bytes(a), Value::Bytes(b)) => Ok(a.cmp(b)),
        (Value::Duration(a), Value::Duration(b)) => Ok(a.cmp(b)),
        (Value::Timestamp(a), Value::Timestamp(b)) => Ok(a.cmp(b)),
        _ => match numbers(left, right) {
            None => Err(types(left, right)),
            Some(Ok(_)) if is_endless(left) || is_endless(right) => Err(Refused::Endless),
            Some(order) => order,
        },
    }
}

fn is_endless(value: &Value) -> bool {
    matches!(value, Value::Double(d) if d.is_infinite())
}

/// The order of two numbers, exact also between whole numbers and doubles; nothing where one is no number.
fn numbers(left: &Value, right: &Value) -> Option<Result<Ordering, Refused>> {
    let whole = |v: &Value| match v {
        Value::Int(i) => Some(i128::from(*i)),
        Value::Uint(u) => Some(i128::from(*u)),
        _ => None,
    };
    Some(match (left, right) {
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b).ok_or(Refused::NotANumber),
        (Value::Double(a), _) => whole_to_double(whole(right)?, *a).map(Ordering::reverse),
        (_, Value::Double(b)) => whole_to_double(whole(left)?, *b),
        _ => Ok(whole(left)?.cmp(&whole(right)?)),
    })
}

/// Compares without rounding: 2^53 + 1 is not 2^53 as a double.
fn whole_to_double(whole: i128, double: f64) -> Result<Ordering, Refused> {
    if double.is_nan() {
        return Err(Refused::NotANumber);
    }
    // Beyond any 64-bit number, infinities included.
    if double.abs() >= 1e30 {
        return Ok(if double > 0.0 {
            Ordering::Less
        } else {
            Ordering::Greater
        });
    }
    let floor = double.floor();
    Ok(whole.cmp(&(floor as i128)).then(if double > floor {
        Ordering::Less
    } else {
        Ordering::Equal
    }))
}

/// Adds, subtracts, multiplies, divides.
pub(super) fn arithmetic(by: Arithmetic, left: &Value, right: &Value) -> Result<Value, Refused> {
    use Arithmetic::{Add, Subtract};
    const RANGE: Refused = Refused::Impossible("the result is out of range");
    match (by, left, right) {
        (_, Value::Int(a), Value::Int(b)) => whole(by, i128::from(*a), i128::from(*b))
            .and_then(|n| i64::try_from(n).map(Value::Int).map_err(|_| RANGE)),
        (_, Value::Int(_) | Value::Uint(_), Value::Int(_) | Value::Uint(_)) => {
            let wide = |v: &Value| match v {
                Value::Uint(u) => i128::from(*u),
                other => other.as_int().map_or(0, i128::from),
            };
            let n = whole(by, wide(left), wide(right))?;
            i64::try_from(n)
                .map(Value::Int)
                .or_else(|_| u64::try_from(n).map(Value::Uint))
                .map_err(|_| RANGE)
        }
        (_, Value::Double(a), Value::Double(b)) => double(by, *a, *b)
            .map(Value::Double)
            .ok_or_else(|| types(left, right)),
        (Add, Value::String(a), Value::String(b)) => Ok(Value::String(format!("{a}{b}"))),
        (Add, Value::Bytes(a), Value::Bytes(b)) => Ok(Value::Bytes([&a[..], b].concat())),
        (Add, Value::List(a), Value::List(b)) => Ok(Value::List([&a[..], b].concat())),
        (Add, Value::Duration(a), Value::Duration(b)) => {
            a.checked_add(*b).map(Value::Duration).ok_or(RANGE)
        }
        (Subtract, Value::Duration(a), Value::Duration(b)) => {
            a.checked_sub(*b).map(Value::Duration).ok_or(RANGE)
        }
        (Add, Value::Timestamp(t), Value::Duration(d))
        | (Add, Value::Duration(d), Value::Timestamp(t)) => t
            .checked_add_signed(chrono::Duration::nanoseconds(*d))
            .filter(in_years)
            .map(Value::Timestamp)
            .ok_or(RANGE),
        (Subtract, Value::Timestamp(t), Value::Duration(d)) => t
            .checked_sub_signed(chrono::Duration::nanoseconds(*d))
            .filter(in_years)
            .map(Value::Timestamp)
            .ok_or(RANGE),
        (Subtract, Value::Timestamp(a), Value::Timestamp(b)) => a
            .signed_duration_since(*b)
            .num_nanoseconds()
            .map(Value::Duration)
            .ok_or(RANGE),
        _ => Err(types(left, right)),
    }
}

/// The years that RFC 3339 can write.
pub(super) fn in_years(t: &chrono::DateTime<chrono::Utc>) -> bool {
    (1..=9999).contains(&chrono::Datelike::year(t))
}

fn whole(by: Arithmetic, a: i128, b: i128) -> Result<i128, Refused> {
    // Both fit 65 bits, so that sums cannot overflow.
    match by {
        Arithmetic::Add => Ok(a + b),
        Arithmetic::Subtract => Ok(a - b),
        Arithmetic::Multiply => a
            .checked_mul(b)
            .ok_or(Refused::Impossible("the result is out of range")),
        Arithmetic::Divide | Arithmetic::Remainder if b == 0 => {
            Err(Refused::Impossible("division by zero"))
        }
        Arithmetic::Divide => Ok(a / b),
        Arithmetic::Remainder => Ok(a % b),
    }
}

fn double(by: Arithmetic, a: f64, b: f64) -> Option<f64> {
    match by {
        Arithmetic::Add => Some(a + b),
        Arithmetic::Subtract => Some(a - b),
        Arithmetic::Multiply => Some(a * b),
        Arithmetic::Divide => Some(a / b),
        Arithmetic::Remainder => None,
    }
}
