//! What a name means: the id that the API goes by.

use serde_json::Value;

use super::{
    Desk, RemoteError,
    list::Filters,
    nouns::{FLOW, JOB, Noun, job_name},
};
use crate::interchange::nearest;

/// Names that are looked through for one that is near.
const CANDIDATES: usize = 5_000;

/// A name or an id, as bodies take it.
pub(super) fn reference(name: &str) -> Value {
    match name.parse::<u64>() {
        Ok(id) => id.into(),
        Err(_) => name.into(),
    }
}

impl Desk {
    /// The id of a definition: digits are one, everything else is a name.
    pub(super) async fn id(&self, noun: &'static Noun, name: &str) -> Result<u64, RemoteError> {
        if let Ok(id) = name.parse() {
            return Ok(id);
        }
        match noun.path == JOB.path {
            true => self.job_id(name).await,
            false => self.named_id(noun, name).await,
        }
    }

    /// The id of a definition of a kind whose names are unique.
    async fn named_id(&self, noun: &'static Noun, name: &str) -> Result<u64, RemoteError> {
        let having = Filters::default().with("text", Some(name));
        let items = self.items(noun.path, &having, usize::MAX).await?.items;
        let found = items.iter().find(|item| item["name"] == name);
        if let Some(id) = found.and_then(|item| item["id"].as_u64()) {
            return Ok(id);
        }
        let all = self
            .items(noun.path, &Filters::default(), CANDIDATES)
            .await?;
        let names = all.items.iter().filter_map(|item| item["name"].as_str());
        Err(RemoteError::UnknownName {
            noun,
            name: name.to_owned(),
            near: nearest(name, names).map(str::to_owned),
        })
    }

    /// The definition of this name or id, as the server tells it.
    pub(super) async fn definition(
        &self,
        noun: &'static Noun,
        name: &str,
    ) -> Result<Value, RemoteError> {
        let id = self.id(noun, name).await?;
        let path = format!("/api/v1/{}/{id}", noun.path);
        Ok(self.served.json(&path).await?)
    }

    /// The id of a job by `flow/job`, split where there are both: names of jobs may have slashes.
    async fn job_id(&self, name: &str) -> Result<u64, RemoteError> {
        let mut near = None;
        let mut is_split = false;
        for (at, _) in name.match_indices('/') {
            is_split = true;
            let (flow, job) = (&name[..at], &name[at + 1..]);
            let flow = match self.named_id(&FLOW, flow).await {
                Ok(flow) => flow,
                Err(RemoteError::UnknownName { near: flow, .. }) => {
                    near = near.or_else(|| flow.map(|flow| format!("{flow}/{job}")));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let of_flow = Filters::default().with("flow", Some(flow));
            let jobs = self.items(JOB.path, &of_flow, usize::MAX).await?.items;
            let found = jobs.iter().find(|it| it["name"] == job);
            if let Some(id) = found.and_then(|it| it["id"].as_u64()) {
                return Ok(id);
            }
            let names: Vec<String> = jobs.iter().map(|it| job_name(it, self.lang)).collect();
            let nearest = nearest(name, names.iter().map(String::as_str));
            near = nearest.map(str::to_owned).or(near);
        }
        match is_split {
            true => Err(RemoteError::UnknownName {
                noun: &JOB,
                name: name.to_owned(),
                near,
            }),
            false => Err(RemoteError::JobName {
                name: name.to_owned(),
            }),
        }
    }
}
