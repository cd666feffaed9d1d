//! Reading columns, with the table, the row and the column in every error.

use std::error::Error;

use hcndc_core::time::{DataDate, DateFormat, Timestamp};
use sea_orm::{QueryResult, TryGetable, prelude::Date};
use serde::de::DeserializeOwned;

use crate::SqlError;

/// A row that came from the database.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    table: &'static str,
    row: &'a QueryResult,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(table: &'static str, row: &'a QueryResult) -> Self {
        Self { table, row }
    }

    /// A column of a type that the driver knows; `Option` for what may be null.
    pub(crate) fn column<T: TryGetable>(self, column: &'static str) -> Result<T, SqlError> {
        let value = self.row.try_get::<T>("", column);
        value.map_err(|error| self.corrupt(column, error))
    }

    /// A number that is never negative.
    pub(crate) fn number(self, column: &'static str) -> Result<u64, SqlError> {
        self.convert(column, self.column::<i64>(column)?)
    }

    pub(crate) fn number_if(self, column: &'static str) -> Result<Option<u64>, SqlError> {
        let value = self.column::<Option<i64>>(column)?;
        value.map(|value| self.convert(column, value)).transpose()
    }

    /// A smaller number that is never negative.
    pub(crate) fn small(self, column: &'static str) -> Result<u32, SqlError> {
        self.convert(column, self.column::<i64>(column)?)
    }

    pub(crate) fn small_if(self, column: &'static str) -> Result<Option<u32>, SqlError> {
        let value = self.column::<Option<i64>>(column)?;
        value.map(|value| self.convert(column, value)).transpose()
    }

    pub(crate) fn time(self, column: &'static str) -> Result<Timestamp, SqlError> {
        Ok(Timestamp::from_micros(self.column(column)?))
    }

    pub(crate) fn time_if(self, column: &'static str) -> Result<Option<Timestamp>, SqlError> {
        let micros = self.column::<Option<i64>>(column)?;
        Ok(micros.map(Timestamp::from_micros))
    }

    pub(crate) fn date(self, column: &'static str) -> Result<DataDate, SqlError> {
        let date = self.date_if(column)?;
        date.ok_or_else(|| self.senseless(column))
    }

    pub(crate) fn date_if(self, column: &'static str) -> Result<Option<DataDate>, SqlError> {
        let Some(date) = self.column::<Option<Date>>(column)? else {
            return Ok(None);
        };
        let date = DataDate::new(date).ok_or_else(|| self.senseless(column))?;
        Ok(Some(date))
    }

    pub(crate) fn date_format_if(
        self,
        column: &'static str,
    ) -> Result<Option<DateFormat>, SqlError> {
        let text = self.column::<Option<String>>(column)?;
        let format = text.map(|text| text.parse().map_err(|error| self.corrupt(column, error)));
        format.transpose()
    }

    /// A name that stands for a value, such as a state.
    pub(crate) fn named<T>(
        self,
        column: &'static str,
        from_name: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, SqlError> {
        let name = self.column::<String>(column)?;
        from_name(&name).ok_or_else(|| self.senseless(column))
    }

    pub(crate) fn json<T: DeserializeOwned>(self, column: &'static str) -> Result<T, SqlError> {
        let text = self.column::<String>(column)?;
        serde_json::from_str(&text).map_err(|error| self.corrupt(column, error))
    }

    fn convert<T: TryFrom<i64, Error: Error + Send + Sync + 'static>>(
        self,
        column: &'static str,
        value: i64,
    ) -> Result<T, SqlError> {
        T::try_from(value).map_err(|error| self.corrupt(column, error))
    }

    fn senseless(self, what: &'static str) -> SqlError {
        SqlError::Corrupt {
            table: self.table,
            id: self.id(),
            what,
            source: None,
        }
    }

    fn corrupt(self, what: &'static str, source: impl Error + Send + Sync + 'static) -> SqlError {
        SqlError::Corrupt {
            table: self.table,
            id: self.id(),
            what,
            source: Some(Box::new(source)),
        }
    }

    /// For errors: the row may be one without an id.
    fn id(self) -> String {
        let id = self.row.try_get::<i64>("", "id");
        id.map_or_else(|_| String::from("?"), |id| id.to_string())
    }
}
