//! Values of the interface and values of the driver, with the same coverage as Spin's.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};
use rust_decimal::Decimal;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql, Type};
use uuid::Uuid;

use super::foreign::{Bound, Interval, Null, Raw, WitRange, range_from_sql, range_to_sql};
use crate::bindings::postgres::{Column, DbDataType, DbValue, ParameterValue};

/// A parameter for the driver, with the type that its value says by itself.
pub(super) type Parameter = (Box<dyn ToSql + Send + Sync>, Type);

/// Names and types of a row's columns.
pub(super) fn columns(row: &Row) -> Vec<Column> {
    let columns = row.columns().iter().map(|it| Column {
        name: it.name().to_owned(),
        data_type: data_type(it.type_()),
    });
    columns.collect()
}

/// All values of a row; fails for a value that the interface has a type for but cannot carry, such as a `timestamptz`.
pub(super) fn row(row: &Row) -> Result<Vec<DbValue>, String> {
    (0..row.len()).map(|index| value(row, index)).collect()
}

fn data_type(ty: &Type) -> DbDataType {
    match *ty {
        Type::BOOL => DbDataType::Boolean,
        Type::BYTEA => DbDataType::Binary,
        Type::FLOAT4 => DbDataType::Floating32,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::INT2 => DbDataType::Int16,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => DbDataType::Str,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => DbDataType::Datetime,
        Type::DATE => DbDataType::Date,
        Type::TIME => DbDataType::Time,
        Type::UUID => DbDataType::Uuid,
        Type::JSONB => DbDataType::Jsonb,
        Type::NUMERIC => DbDataType::Decimal,
        Type::INT4_RANGE => DbDataType::RangeInt32,
        Type::INT8_RANGE => DbDataType::RangeInt64,
        Type::NUM_RANGE => DbDataType::RangeDecimal,
        Type::INT4_ARRAY => DbDataType::ArrayInt32,
        Type::INT8_ARRAY => DbDataType::ArrayInt64,
        Type::NUMERIC_ARRAY => DbDataType::ArrayDecimal,
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => DbDataType::ArrayStr,
        Type::INTERVAL => DbDataType::Interval,
        _ => DbDataType::Other(ty.name().to_owned()),
    }
}

fn value(row: &Row, index: usize) -> Result<DbValue, String> {
    match *row.columns()[index].type_() {
        Type::BOOL => read(row, index, DbValue::Boolean),
        Type::BYTEA => read(row, index, DbValue::Binary),
        Type::FLOAT4 => read(row, index, DbValue::Floating32),
        Type::FLOAT8 => read(row, index, DbValue::Floating64),
        Type::INT2 => read(row, index, DbValue::Int16),
        Type::INT4 => read(row, index, DbValue::Int32),
        Type::INT8 => read(row, index, DbValue::Int64),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => read(row, index, DbValue::Str),
        // The driver refuses a `timestamptz` here, and Spin's components see the same error.
        Type::TIMESTAMP | Type::TIMESTAMPTZ => read(row, index, |it: NaiveDateTime| {
            let (year, month, day) = date_parts(it.date());
            let (hour, minute, second, nano) = time_parts(it.time());
            DbValue::Datetime((year, month, day, hour, minute, second, nano))
        }),
        Type::DATE => read(row, index, |it| DbValue::Date(date_parts(it))),
        Type::TIME => read(row, index, |it| DbValue::Time(time_parts(it))),
        Type::UUID => read(row, index, |it: Uuid| DbValue::Uuid(it.to_string())),
        Type::JSONB => read(row, index, |it: serde_json::Value| {
            DbValue::Jsonb(it.to_string().into_bytes())
        }),
        Type::NUMERIC => read(row, index, |it: Decimal| DbValue::Decimal(it.to_string())),
        Type::INT4_RANGE => read(row, index, |it| {
            DbValue::RangeInt32(range_from_sql(&it, |it| *it))
        }),
        Type::INT8_RANGE => read(row, index, |it| {
            DbValue::RangeInt64(range_from_sql(&it, |it| *it))
        }),
        Type::NUM_RANGE => read(row, index, |it| {
            DbValue::RangeDecimal(range_from_sql(&it, |it: &Bound| it.0.to_string()))
        }),
        Type::INT4_ARRAY => read(row, index, DbValue::ArrayInt32),
        Type::INT8_ARRAY => read(row, index, DbValue::ArrayInt64),
        Type::NUMERIC_ARRAY => read(row, index, |it: Vec<Option<Decimal>>| {
            DbValue::ArrayDecimal(it.iter().map(|it| it.map(|it| it.to_string())).collect())
        }),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => {
            read(row, index, DbValue::ArrayStr)
        }
        Type::INTERVAL => read(row, index, |it: Interval| DbValue::Interval(it.0)),
        _ => read(row, index, |it: Raw| DbValue::Unsupported(it.0)),
    }
}

fn read<'a, T: FromSql<'a>>(
    row: &'a Row,
    index: usize,
    convert: impl Fn(T) -> DbValue,
) -> Result<DbValue, String> {
    match row.try_get::<_, Option<T>>(index) {
        Ok(value) => Ok(value.map_or(DbValue::DbNull, convert)),
        Err(err) => Err(format!("{err:?}")),
    }
}

// The months, days, hours, minutes and seconds of chrono fit a byte by their ranges.
fn date_parts(it: NaiveDate) -> (i32, u8, u8) {
    (it.year(), it.month() as u8, it.day() as u8)
}

fn time_parts(it: NaiveTime) -> (u8, u8, u8, u32) {
    let (hour, minute, second) = (it.hour() as u8, it.minute() as u8, it.second() as u8);
    (hour, minute, second, it.nanosecond())
}

/// Converts the parameters of a statement; the error says which value is malformed.
pub(super) fn parameters(values: Vec<ParameterValue>) -> Result<Vec<Parameter>, String> {
    values.into_iter().map(parameter).collect()
}

fn parameter(value: ParameterValue) -> Result<Parameter, String> {
    Ok(match value {
        ParameterValue::Boolean(it) => (Box::new(it), Type::BOOL),
        ParameterValue::Int8(it) => (Box::new(it), Type::CHAR),
        ParameterValue::Int16(it) => (Box::new(it), Type::INT2),
        ParameterValue::Int32(it) => (Box::new(it), Type::INT4),
        ParameterValue::Int64(it) => (Box::new(it), Type::INT8),
        ParameterValue::Floating32(it) => (Box::new(it), Type::FLOAT4),
        ParameterValue::Floating64(it) => (Box::new(it), Type::FLOAT8),
        ParameterValue::Str(it) => (Box::new(it), Type::TEXT),
        ParameterValue::Binary(it) => (Box::new(it), Type::BYTEA),
        ParameterValue::Date(it) => (Box::new(date(it)?), Type::DATE),
        ParameterValue::Time(it) => (Box::new(time(it)?), Type::TIME),
        ParameterValue::Datetime((year, month, day, hour, minute, second, nano)) => {
            let date = date((year, month, day))?;
            let time = time((hour, minute, second, nano))?;
            (Box::new(NaiveDateTime::new(date, time)), Type::TIMESTAMP)
        }
        ParameterValue::Timestamp(it) => {
            let instant = DateTime::<Utc>::from_timestamp(it, 0)
                .ok_or_else(|| format!("invalid epoch timestamp {it}"))?;
            (Box::new(instant), Type::TIMESTAMPTZ)
        }
        ParameterValue::Uuid(it) => {
            let uuid = Uuid::parse_str(&it).map_err(|err| format!("invalid UUID {it}: {err}"))?;
            (Box::new(uuid), Type::UUID)
        }
        ParameterValue::Jsonb(it) => {
            let json: serde_json::Value = serde_json::from_slice(&it)
                .map_err(|err| format!("invalid JSON {}: {err}", String::from_utf8_lossy(&it)))?;
            (Box::new(json), Type::JSONB)
        }
        ParameterValue::Decimal(it) => (Box::new(decimal(&it)?), Type::NUMERIC),
        ParameterValue::RangeInt32(it) => (Box::new(range_to_sql(it)), Type::INT4_RANGE),
        ParameterValue::RangeInt64(it) => (Box::new(range_to_sql(it)), Type::INT8_RANGE),
        ParameterValue::RangeDecimal(it) => {
            (Box::new(range_to_sql(decimal_range(it)?)), Type::NUM_RANGE)
        }
        ParameterValue::ArrayInt32(it) => (Box::new(it), Type::INT4_ARRAY),
        ParameterValue::ArrayInt64(it) => (Box::new(it), Type::INT8_ARRAY),
        ParameterValue::ArrayDecimal(it) => {
            let decimals = it.iter().map(|it| it.as_deref().map(decimal).transpose());
            let decimals: Vec<Option<Decimal>> = decimals.collect::<Result<_, _>>()?;
            (Box::new(decimals), Type::NUMERIC_ARRAY)
        }
        ParameterValue::ArrayStr(it) => (Box::new(it), Type::TEXT_ARRAY),
        ParameterValue::Interval(it) => (Box::new(Interval(it)), Type::INTERVAL),
        ParameterValue::DbNull => (Box::new(Null), Type::UNKNOWN),
    })
}

fn date((year, month, day): (i32, u8, u8)) -> Result<NaiveDate, String> {
    NaiveDate::from_ymd_opt(year, month.into(), day.into())
        .ok_or_else(|| format!("invalid date y={year}, m={month}, d={day}"))
}

fn time((hour, minute, second, nano): (u8, u8, u8, u32)) -> Result<NaiveTime, String> {
    NaiveTime::from_hms_nano_opt(hour.into(), minute.into(), second.into(), nano)
        .ok_or_else(|| format!("invalid time {hour}:{minute}:{second}:{nano}"))
}

fn decimal(text: &str) -> Result<Decimal, String> {
    Decimal::from_str_exact(text).map_err(|err| format!("invalid decimal {text}: {err}"))
}

fn decimal_range((lower, upper): WitRange<String>) -> Result<WitRange<Bound>, String> {
    let bound = |it: Option<(String, _)>| {
        it.map(|(text, kind)| Ok::<_, String>((Bound(decimal(&text)?), kind)))
            .transpose()
    };
    Ok((bound(lower)?, bound(upper)?))
}
