//! Checks that are made while a document is read, so that what is wrong is told with its line.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// The most tables or indexes that a snapshot may hold.
const MAX: usize = 1_000_000;

/// What is found by its name.
pub(super) trait Named {
    /// The name.
    fn name(&self) -> &str;
}

/// Reads a list in which no name stands twice: growth is found by name.
pub(super) fn list<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Named,
{
    struct Distinct<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de> + Named> Visitor<'de> for Distinct<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let mut names = BTreeSet::new();
            let mut out = Vec::new();
            while let Some(item) = items.next_element::<T>()? {
                if !names.insert(item.name().to_owned()) {
                    return Err(A::Error::custom(format!(
                        "`{}` stands here twice",
                        item.name()
                    )));
                }
                if out.len() >= MAX {
                    return Err(A::Error::custom(format!("more than {MAX} entries")));
                }
                out.push(item);
            }
            Ok(out)
        }
    }

    from.deserialize_seq(Distinct(PhantomData))
}

/// Reads a size or count: a whole number that a record can hold.
pub(super) fn size<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let number = u64::deserialize(from)?;
    if i64::try_from(number).is_err() {
        return Err(D::Error::invalid_value(
            Unexpected::Unsigned(number),
            &"a size that there can be",
        ));
    }
    Ok(number)
}

/// The same, or null.
pub(super) fn maybe_size<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Size(#[serde(deserialize_with = "size")] u64);
    Ok(Option::<Size>::deserialize(from)?.map(|Size(number)| number))
}

/// Reads a share of a whole, from 0 upwards, or null.
pub(super) fn maybe_share<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let share = Option::<f64>::deserialize(from)?;
    match share {
        Some(share) if !(share.is_finite() && share >= 0.0) => Err(D::Error::invalid_value(
            Unexpected::Float(share),
            &"a share from 0 upwards",
        )),
        share => Ok(share),
    }
}
