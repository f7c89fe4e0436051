//! Values that the driver's own types do not cover.

use std::error::Error;

use bytes::{Buf, BufMut, BytesMut};
use postgres_range::{BoundSided, BoundType, Normalizable, Range, RangeBound};
use rust_decimal::Decimal;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::bindings::postgres;

type Failure = Box<dyn Error + Sync + Send>;

/// A null for a parameter of any type: what the server expects is not known when the guest passes it.
#[derive(Debug)]
pub(super) struct Null;

impl ToSql for Null {
    fn to_sql(&self, _: &Type, _: &mut BytesMut) -> Result<IsNull, Failure> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The bytes of a value whose type the interface does not have.
pub(super) struct Raw(pub(super) Vec<u8>);

impl FromSql<'_> for Raw {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Failure> {
        Ok(Self(raw.to_owned()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// An interval in the server's own three parts.
#[derive(Debug)]
pub(super) struct Interval(pub(super) postgres::Interval);

impl ToSql for Interval {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        out.put_i64(self.0.micros);
        out.put_i32(self.0.days);
        out.put_i32(self.0.months);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::INTERVAL
    }

    to_sql_checked!();
}

impl FromSql<'_> for Interval {
    fn from_sql(_: &Type, mut raw: &[u8]) -> Result<Self, Failure> {
        if raw.len() != 16 {
            return Err("an interval is not 16 bytes long".into());
        }
        Ok(Self(postgres::Interval {
            micros: raw.get_i64(),
            days: raw.get_i32(),
            months: raw.get_i32(),
        }))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::INTERVAL
    }
}

/// A decimal as a bound of a range; its ranges are continuous, so there is nothing to normalize.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) struct Bound(pub(super) Decimal);

impl Normalizable for Bound {
    fn normalize<S: BoundSided>(bound: RangeBound<S, Self>) -> RangeBound<S, Self> {
        bound
    }
}

impl ToSql for Bound {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        self.0.to_sql(ty, out)
    }

    fn accepts(ty: &Type) -> bool {
        <Decimal as ToSql>::accepts(ty)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Bound {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        Decimal::from_sql(ty, raw).map(Self)
    }

    fn accepts(ty: &Type) -> bool {
        <Decimal as FromSql>::accepts(ty)
    }
}

/// A range as the interface has it: an absent bound is infinite.
pub(super) type WitRange<T> = (
    Option<(T, postgres::RangeBoundKind)>,
    Option<(T, postgres::RangeBoundKind)>,
);

/// From the driver's range, with `convert` for the value of a bound.
pub(super) fn range_from_sql<T, U>(range: &Range<T>, convert: impl Fn(&T) -> U) -> WitRange<U>
where
    T: Normalizable + PartialOrd,
{
    let kind = |it| match it {
        BoundType::Inclusive => postgres::RangeBoundKind::Inclusive,
        BoundType::Exclusive => postgres::RangeBoundKind::Exclusive,
    };
    (
        range.lower().map(|it| (convert(&it.value), kind(it.type_))),
        range.upper().map(|it| (convert(&it.value), kind(it.type_))),
    )
}

/// To the driver's range.
pub(super) fn range_to_sql<T: Normalizable + PartialOrd>((lower, upper): WitRange<T>) -> Range<T> {
    let kind = |it| match it {
        postgres::RangeBoundKind::Inclusive => BoundType::Inclusive,
        postgres::RangeBoundKind::Exclusive => BoundType::Exclusive,
    };
    Range::new(
        lower.map(|(value, it)| RangeBound::new(value, kind(it))),
        upper.map(|(value, it)| RangeBound::new(value, kind(it))),
    )
}
