//! Lists: filters, order, and as many pages as are wanted.

use clap::Args;
use serde_json::{Value, json};

use super::{
    Desk, RemoteError,
    table::{Column, table},
};
use crate::cli::{Exit, print, warn};
use crate::interchange::Lang;

/// Items of one page, at most.
const PAGE: usize = 1_000;

/// Which part of a list, and in which order.
#[derive(Debug, Args)]
pub(super) struct PageArgs {
    /// Field to sort by, with - before it downwards, for instance -id
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    sort: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// All of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl PageArgs {
    const fn most(&self) -> usize {
        match self.all {
            true => usize::MAX,
            false => self.limit as usize,
        }
    }
}

/// Parameters of a query.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Filters(Vec<(&'static str, String)>);

impl Filters {
    /// With this parameter, if it has a value.
    pub(in crate::cli) fn with(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.0.push((name, value.to_string()));
        }
        self
    }

    /// The address of a list with them.
    pub(super) fn path(&self, path: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.0);
        let query = query.finish();
        match query.is_empty() {
            true => format!("/api/v1/{path}"),
            false => format!("/api/v1/{path}?{query}"),
        }
    }
}

/// A list, as far as it was asked for.
pub(in crate::cli) struct Listed {
    pub(in crate::cli) items: Vec<Value>,
    /// Where it goes on.
    next: Option<String>,
}

impl Desk {
    /// Up to so many items of a list.
    pub(in crate::cli) async fn items(
        &self,
        path: &str,
        filters: &Filters,
        most: usize,
    ) -> Result<Listed, RemoteError> {
        let mut items = Vec::new();
        let mut next = None;
        loop {
            let left = most - items.len();
            let page = filters
                .clone()
                .with("limit", Some(left.min(PAGE)))
                .with("cursor", next.take());
            let mut page = self.served.json(&page.path(path)).await?;
            let Some(Value::Array(found)) = page.get_mut("items").map(Value::take) else {
                return Err(RemoteError::Lacks { field: "items" });
            };
            let is_last = found.is_empty();
            items.extend(found);
            next = page["next_cursor"].as_str().map(str::to_owned);
            if next.is_none() || items.len() >= most || is_last {
                return Ok(Listed { items, next });
            }
        }
    }

    /// Prints a list.
    pub(super) async fn list(
        &self,
        path: &str,
        filters: Filters,
        page: &PageArgs,
        columns: &[Column],
    ) -> Result<Exit, RemoteError> {
        let filters = filters.with("sort", page.sort.as_ref());
        let listed = self.items(path, &filters, page.most()).await?;
        if self.json {
            let answer = json!({"items": listed.items, "next_cursor": listed.next});
            return Ok(print(self.lang, format_args!("{answer:#}")));
        }
        if listed.items.is_empty() {
            warn(self.pick("there is none", "没有符合条件的内容"));
            return Ok(Exit::Success);
        }
        let exit = print(self.lang, table(columns, &listed.items, self.lang));
        if listed.next.is_some() {
            let shown = listed.items.len();
            warn(match self.lang {
                Lang::En => format!("the first {shown}; more with --limit or --all"),
                Lang::Zh => format!("只列出前 {shown} 个；用 --limit 或 --all 查看更多"),
            });
        }
        Ok(exit)
    }
}
